"""The Page's webhook subscription: asked for, read back, put right when Meta dropped it, given up.

read back (the doctor, every hour) ──▶ note_subscription ──▶ SUBSCRIBE_PAGE, when anything is wrong ──▶ read back
└──▶ the alert PAGE_SUBSCRIPTION_UNSTABLE, when Meta drops it again and again
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector import metrics
from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.budgets.model import Urgency
from connector.connections import db, graph
from connector.connections.actions.news import problem_of
from connector.connections.actions.tokens import access, open_token, require_room
from connector.connections.model import (
    ESSENTIAL,
    UNSTABLE_FROM,
    Connection,
    State,
    compare,
    wanted_fields,
)
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused, Unavailable
from connector.graph.client import Access
from connector.graph.faults import REASONS, Kind
from connector.runtime import Runtime

_UNSTABLE = "PAGE_SUBSCRIPTION_UNSTABLE"


async def subscribe_page(runtime: Runtime, task: Taken) -> None:
    """Subscribe our app to the Page, and believe only what Meta then reads back."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await _of_task(tx, task)
        known = await db.read_subscription(tx, connection.id)
        await require_room(runtime, tx, connection, graph.page_bucket(connection.page_id), urgency=Urgency.URGENT)
    page_access = await access(runtime, db.require_connected(connection))
    wanted = wanted_fields(connection, known, at=runtime.now())
    refusal = await _subscribe(runtime, connection, page_access, wanted)
    app = runtime.app(connection.environment)
    fields = await runtime.graph.send(graph.read_subscription(connection.page_id, app.app_id), page_access)
    missing, now = sorted(set(ESSENTIAL) - set(fields)), runtime.now()
    unread = Unavailable(
        "META_UNAVAILABLE", f"Meta does not show the Page's subscription to {' '.join(missing)} yet; it is asked again"
    )
    async with runtime.db.begin() as tx:
        await db.change(tx, connection.id, at=now, subscribed_fields=list(fields), subscription_check_time=now)
        await outbox.hold(tx, task)  # after the connection, as everybody who asks for a task does
        # What Meta took, or would not take, and does not show is left out for a day.
        left_out = [name for name in compare(fields, wanted).lacking if name not in ESSENTIAL]
        if left_out:
            kept = replace(await db.read_subscription(tx, connection.id), refused=tuple(left_out), refuse_time=now)
            await db.keep_subscription(tx, connection.id, kept)
        if refusal:
            await db.note_problem(tx, connection.id, problem_of(refusal, at=now))
        if missing:
            await db.note_problem(tx, connection.id, problem_of(unread, at=now))
        else:
            await outbox.done(tx, task, at=now)
    if missing:
        raise unread


async def _subscribe(
    runtime: Runtime, connection: Connection, page_access: Access, wanted: Sequence[str]
) -> MetaRefused | None:
    """Ask for all that is wanted; where Meta refuses that, for what conversations need. Tells that refusal.

    Raises:
        MetaRefused: also what conversations need, or the token.

    """
    try:
        await runtime.graph.send(graph.subscribe(connection.page_id, wanted), page_access)
    except MetaRefused as refusal:
        if refusal.reason == REASONS[Kind.TOKEN] or set(wanted) <= set(ESSENTIAL):
            raise
        await runtime.graph.send(graph.subscribe(connection.page_id, ESSENTIAL), page_access)
        return refusal
    return None


async def note_subscription(tx: Tx, connection: Connection, fields: Sequence[str], *, at: datetime) -> None:
    """Note what Meta read back of a Page's subscription, have put right what is wrong, and tell who drops it too often."""
    current = await db.by_id(tx, connection.id, lock=True)
    if current is None:
        return
    before = set(current.subscribed_fields)
    seen = {"subscribed_fields": list(fields), "subscription_check_time": at}
    current = await db.change(tx, current.id, at=at, **seen)
    if current.state is not State.CONNECTED:
        return
    known = await db.read_subscription(tx, current.id)
    wanted = wanted_fields(current, known, at=at)
    gap = compare(fields, wanted)
    dropped = before & set(gap.lacking)
    drops = known.drops(at=at) + ((at,) if dropped else ())
    if gap.cause:
        metrics.subscription_repairs.labels(gap.cause).inc()
        key = f"subscribe:{current.id}"
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=at, connection_id=current.id, key=key)
    if gap.cause or drops != known.drop_times:
        repairs = known.repair_count + bool(gap.cause)
        await db.keep_subscription(tx, current.id, replace(known, drop_times=drops, repair_count=repairs))
    await _tell_unstable(tx, current, drops, at=at)


async def _tell_unstable(tx: Tx, connection: Connection, drops: Sequence[datetime], *, at: datetime) -> None:
    if len(drops) < UNSTABLE_FROM:
        await alerts.close_alert(tx, connection.store_id, connection.id, _UNSTABLE, at=at)
        return
    alert = Alert(
        _UNSTABLE,
        "Meta drops the Page's subscription again and again",
        "It is put right each time. StormCom's operators look at why webhooks fail: Meta drops an app that fails for an hour.",
        fix_rpc="RunDiagnostics",
        item_count=len(drops),
    )
    await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)


async def unsubscribe_page(runtime: Runtime, task: Taken) -> None:
    """Unsubscribe a disconnected Page, then wipe its token. A refusal wipes it too: the token is of no use any more.

    A Page that somebody connected meanwhile stays subscribed: the subscription is our app's, whichever store it serves.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await _of_task(tx, task)
        owner = await db.owner_of_page(tx, connection.environment, connection.page_id)
        await require_room(runtime, tx, connection, graph.page_bucket(connection.page_id))
    if owner is None and connection.page_token is not None:
        app = runtime.app(connection.environment)
        token = await open_token(runtime, connection, connection.page_token, "page")
        page_access = Access(token, app.secrets[0], app.app_id)
        try:
            await runtime.graph.send(graph.unsubscribe(connection.page_id), page_access)
        except MetaRefused as refusal:
            async with runtime.db.begin() as tx:
                await db.note_problem(tx, connection.id, problem_of(refusal, at=runtime.now()))
    now = runtime.now()
    async with runtime.db.begin() as tx:
        still = await db.by_id(tx, connection.id, lock=True)
        await outbox.hold(tx, task)
        if owner := await db.owner_of_page(tx, connection.environment, connection.page_id):
            # Connected again meanwhile: what we may just have undone is asked for anew.
            key = f"subscribe:{owner.id}"
            await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=now, connection_id=owner.id, key=key)
        if still is not None and not still.live:
            await db.change(tx, still.id, at=now, page_token=None, subscribed_fields=[])
        await outbox.done(tx, task, at=now)


async def _of_task(tx: Tx, task: Taken) -> Connection:
    connection = await db.by_id(tx, task.connection_id) if task.connection_id else None
    if connection is None:
        raise db.not_connected()
    return connection
