"""Our app's own webhooks at Meta: looked at every hour; set where a setting, or whoever runs the command, says so.

Setting them changes the app for every environment that shares it, so nobody does it unasked: a staging system would take production's
webhooks away. What is wrong is told in any case, to operators here and to callers by the doctor's check APP_SUBSCRIPTION.
"""

from collections.abc import Mapping, Sequence

import orjson

from connector import log, metrics
from connector.budgets import db as budgets
from connector.connections import graph
from connector.connections.model import AppSubscription, app_gaps, wanted_objects
from connector.db import observations, outbox
from connector.db.outbox import Taken
from connector.errors import ConnectorError, MetaRefused
from connector.graph.client import Access, app_bucket
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import Environment

PATH = "/webhooks/facebook"
LISTED = "app_subscriptions:"
"""Under which name what Meta listed of an app is remembered."""


def callback_url(runtime: Runtime) -> str:
    """Tell where Meta is to send webhooks."""
    return f"{runtime.public_url}{PATH}"


async def watch_app_webhooks(runtime: Runtime, task: Taken) -> None:
    """Look at the webhooks of every app that we are; put right what is wrong where a setting says so.

    Raises:
        ConnectorError: Meta did not answer for one of them; the others were looked at.

    """
    hindrance: ConnectorError | None = None
    for environment, app in runtime.apps.items():
        try:
            await keep_app_webhooks(runtime, environment, repair=app.keeps_webhooks)
        except ConnectorError as passing:
            hindrance = passing
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        if hindrance is None:
            await outbox.done(tx, task, at=runtime.now())
    if hindrance is not None:
        raise hindrance


async def keep_app_webhooks(runtime: Runtime, environment: Environment, *, repair: bool) -> Mapping[str, str]:
    """Look at an app's webhooks, and set those that are wrong if asked to; tells what is still wrong, by object.

    Raises:
        ConnectorError: Meta does not list them.

    """
    app = runtime.app(environment)
    wanted = wanted_objects(app.capabilities)
    gaps = app_gaps(await _list(runtime, app), wanted, callback_url(runtime))
    if gaps and repair:
        refused = await _repair(runtime, app, {name: wanted[name] for name in gaps})
        gaps = {**app_gaps(await _list(runtime, app), wanted, callback_url(runtime)), **refused}
    await _tell(runtime, environment, gaps)
    return gaps


async def _list(runtime: Runtime, app: AppProfile) -> Sequence[AppSubscription]:
    """Ask where the app's webhooks go, and remember it for the doctor."""
    async with runtime.db.begin() as tx:
        await budgets.require_open(tx, [app_bucket(app.app_id)], at=runtime.now())
    listed = await runtime.graph.send(graph.app_subscriptions(app.app_id), _access(app))
    async with runtime.db.begin() as tx:
        told = orjson.dumps([one.document() for one in listed]).decode()
        await observations.note(tx, f"{LISTED}{app.app_id}", told, at=runtime.now())
    return listed


async def _repair(runtime: Runtime, app: AppProfile, wanted: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    """Set webhooks, object by object; tells which Meta refused: that of one stops no other."""
    refused = {}
    for name, fields in wanted.items():
        call = graph.subscribe_app(app.app_id, name, fields, callback_url(runtime), app.verify_token)
        try:
            await runtime.graph.send(call, _access(app))
        except MetaRefused as refusal:
            refused[name] = f"refused with code {refusal.code}"
        else:
            metrics.subscription_repairs.labels("app").inc()
    return refused


async def _tell(runtime: Runtime, environment: Environment, gaps: Mapping[str, str]) -> None:
    """Tell operators of a drift when it begins, changes and ends."""
    words = " ".join(f"{name}={wrong}" for name, wrong in sorted(gaps.items()))
    async with runtime.db.begin() as tx:
        before = await observations.replace(tx, f"app_drift:{environment}", words, at=runtime.now())
    if words and words != before:
        log.warn("app_webhooks.drift", environment=environment, wrong=words, remedy="python -m connector webhooks")
    elif before and not words:
        log.canonical("app_webhooks.healed", environment=environment)


def _access(app: AppProfile) -> Access:
    return Access(graph.app_token(app.app_id, app.secrets[0]), app.secrets[0], app.app_id)
