"""Puts one question to Meta: one or two small reads, each after a look at the allowances.

What the doctor asks by itself is patient: when room is scarce it does not stand in line, it comes back later.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import orjson

from connector.budgets import db as budgets
from connector.budgets.model import Urgency
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections import graph as connections_graph
from connector.connections.actions.app_webhooks import LISTED
from connector.connections.actions.tokens import open_token
from connector.connections.model import AppSubscription, State
from connector.connections.model.reach import TokenKind
from connector.db import observations
from connector.doctor import graph
from connector.doctor.model.checks import Question
from connector.doctor.model.values import CatalogFacts, CommerceAccount, OwnedDomain, Subject
from connector.errors import FailedPrecondition, MetaRefused
from connector.graph.call import Call
from connector.graph.client import Access, app_bucket
from connector.registry.graph import catalog_bucket
from connector.runtime import Runtime

T = TypeVar("T")

SHARED_FOR = timedelta(minutes=4)
"""How long an answer about our app serves all its connections."""
_MOST_PAGES_OF_A_LIST = 10
_OBJECT_GONE = {(100, 33), (803, 0)}
# Unverified: as in connector/graph/faults.py.
_APP_UNKNOWN = {101, 104}


class ListTooLong(Exception):
    """What is looked for is not among what was read, and Meta has more."""


class AppRefused(FailedPrecondition):
    """Meta refuses the app's own token: that is ours to mend, not the merchant's."""

    def __init__(self, refusal: MetaRefused) -> None:
        super().__init__(refusal.reason, refusal.message, **refusal.metadata)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about one subject; `urgent` when a person waits for the answer."""

    runtime: Runtime
    subject: Subject
    urgent: bool

    async def send(self, call: Call[T], kind: str) -> T:
        """Send a call with the token of a kind (`page`, `user`, `app`), if there is room for it now.

        Raises:
            ConnectorError: it is not answered, for whatever reason.

        """
        runtime, connection = self.runtime, self.subject.connection
        app = app_bucket(self.subject.app_id)
        async with runtime.db.begin() as tx:
            if self.urgent:
                own = app if call.bucket == "app" else call.bucket
                await budgets.require_open(tx, [own, app], at=runtime.now())
            else:
                await connections.require_room(runtime, tx, connection, call.bucket, urgency=Urgency.PATIENT)
        try:
            return await runtime.graph.send(call, await self._access(kind))
        except MetaRefused as refusal:
            if kind != "app" or (refusal.reason != "META_TOKEN_INVALID" and refusal.code not in _APP_UNKNOWN):
                raise
            raise AppRefused(refusal) from refusal

    async def _access(self, kind: str) -> Access:
        connection = self.subject.connection
        if kind != "app":
            return await connections.access(self.runtime, connection, kind=kind)
        app = self.runtime.app(connection.environment)
        token = connections_graph.app_token(app.app_id, app.secrets[0])
        return Access(token, app.secrets[0], app.app_id)


async def ask(asker: Asker, question: Question) -> Any:
    """Ask one question.

    Raises:
        ConnectorError: it is not answered, for whatever reason.
        ListTooLong: it is answered at such length that we stopped reading.

    """
    return await _QUESTIONS[question](asker)


async def _token(asker: Asker) -> connections_graph.Inspection:
    """Inspect the person's token, also one that Meta has refused: then it tells why."""
    connection = asker.subject.connection
    if connection.state not in {State.CONNECTED, State.NEEDS_LOGIN}:
        raise connections_db.not_connected()
    token = await open_token(asker.runtime, connection, connection.user_token, "user")
    return await asker.send(connections_graph.inspect(token), "app")


async def _page_tasks(asker: Asker) -> tuple[str, ...] | None:
    """Find the Page in the person's list; None when it is not in it."""
    person = asker.subject.connection.token_kind in {"", TokenKind.USER}
    listing = connections_graph.pages if person else connections_graph.assigned_pages
    async for entry in _entries(asker, listing):
        page = connections_graph.read_page(entry)
        if page.id == asker.subject.connection.page_id:
            return page.tasks
    return None


async def _entries(
    asker: Asker, listing: Callable[[str], Call[connections_graph.Entries]]
) -> AsyncIterator[Mapping[str, Any]]:
    """Read a list of Meta's, page by page, as far as is reasonable."""
    after = ""
    for _ in range(_MOST_PAGES_OF_A_LIST):
        listed = await asker.send(listing(after), "user")
        for entry in listed.entries:
            yield entry
        if not (after := listed.after):
            return
    raise ListTooLong


async def _page_subscription(asker: Asker) -> tuple[str, ...]:
    """Read the subscription back, let the status show it, and have put right what is wrong."""
    runtime, connection = asker.runtime, asker.subject.connection
    fields = await asker.send(connections_graph.read_subscription(connection.page_id, asker.subject.app_id), "page")
    async with runtime.db.begin() as tx:
        await connections.note_subscription(tx, connection, fields, at=runtime.now())
    return fields


async def _app_subscription(asker: Asker) -> tuple[AppSubscription, ...]:
    """Ask where the app's webhooks go, once for all its connections."""
    runtime, app_id = asker.runtime, asker.subject.app_id
    name = f"{LISTED}{app_id}"
    async with runtime.db.begin() as tx:
        time = await observations.time_of(tx, name)
        known = await observations.read(tx, name) if time and time > runtime.now() - SHARED_FOR else ""
    if known and not asker.urgent:
        return tuple(map(connections_graph.read_app_subscription, orjson.loads(known)))
    listed = await asker.send(connections_graph.app_subscriptions(app_id), "app")
    told = [one.document() for one in listed]
    async with runtime.db.begin() as tx:
        await observations.note(tx, name, orjson.dumps(told).decode(), at=runtime.now())
    return listed


async def _thread_owner(asker: Asker) -> str:
    return await asker.send(graph.thread_owner(asker.subject.connection.page_id, asker.subject.psid), "page")


async def _verification(asker: Asker) -> str:
    return await asker.send(graph.verification(asker.subject.connection.business_id), "user")


async def _domains(asker: Asker) -> tuple[OwnedDomain, ...]:
    listing = partial(graph.domains, asker.subject.connection.business_id)
    return tuple([graph.read_domain(entry) async for entry in _entries(asker, listing)])


async def _catalog(asker: Asker) -> CatalogFacts | None:
    """Look at the catalog; None when Meta knows none that we may see."""
    catalog_id = asker.subject.connection.catalog_id
    try:
        return await asker.send(graph.catalog(catalog_id, catalog_bucket(catalog_id)), "user")
    except MetaRefused as refusal:
        if (refusal.code, refusal.subcode) in _OBJECT_GONE:
            return None
        raise


async def _event_sources(asker: Asker) -> tuple[str, ...]:
    catalog_id = asker.subject.connection.catalog_id
    return await asker.send(graph.event_sources(catalog_id, catalog_bucket(catalog_id)), "user")


async def _commerce(asker: Asker) -> CommerceAccount | None:
    return await asker.send(graph.commerce_account(asker.subject.connection.page_id), "page")


async def _order_apps(asker: Asker) -> tuple[str, ...] | None:
    account = await _commerce(asker)
    if account is None:
        return None
    bucket = connections_graph.page_bucket(asker.subject.connection.page_id)
    return await asker.send(graph.order_apps(account.id, bucket), "page")


_QUESTIONS: Mapping[Question, Callable[[Asker], Awaitable[Any]]] = {
    Question.TOKEN: _token,
    Question.PAGE_TASKS: _page_tasks,
    Question.PAGE_SUBSCRIPTION: _page_subscription,
    Question.APP_SUBSCRIPTION: _app_subscription,
    Question.THREAD_OWNER: _thread_owner,
    Question.VERIFICATION: _verification,
    Question.DOMAINS: _domains,
    Question.COMMERCE: _commerce,
    Question.CATALOG: _catalog,
    Question.EVENT_SOURCES: _event_sources,
    Question.ORDER_APPS: _order_apps,
}
