"""Notices when Meta has messages that no webhook brought: an hourly look, one call per channel.

What is missing is read back, the Page subscribed again, and operators are told by an alert; it ends when webhooks bring messages
again. Each message is judged once, some minutes after it was sent: webhooks may be late, but not that late.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.messaging import db, graph
from connector.messaging.actions.backfilling import plan_backfill
from connector.messaging.actions.taking_in import forgotten_until
from connector.messaging.model import Channel, FoundConversation, FoundMessage, account, channels
from connector.runtime import Runtime

EVERY = timedelta(hours=1)
LAG = timedelta(minutes=10)
"""How late a webhook may come before its message counts as missing. Unverified: how late Meta's usually are."""
_FARTHEST = timedelta(hours=2)
_REASON = "WEBHOOKS_SILENT"

_Seen = list[tuple[Channel, FoundConversation]]


async def check_silence(runtime: Runtime, task: Taken) -> None:
    """Ask Meta what it has that we were never told, and act on it."""
    await runtime.pseudonyms.ready()
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections.of_task(tx, task)
        if not connection.subscribed_fields or await outbox.lags(tx, Task.PROCESS_DELIVERY, at=runtime.now()):
            await outbox.again(tx, task, runtime.now() + LAG)  # nothing was promised yet; or what came waits for us
            return
        before = await db.silence_of(tx, connection.id)
        for channel in channels(connection):
            bucket = graph.conversations_bucket(connection.page_id, channel)
            await connection_actions.require_room(runtime, tx, connection, bucket)
    now = runtime.now()
    since = _since(connection, before, now=now)
    seen = await _look(runtime, connection, since) if since < now - LAG else []
    async with runtime.db.begin() as tx:
        judged = await _due(runtime, tx, connection, seen, since=since, until=now - LAG)
        told = await db.told_by_webhook(tx, connection.id, [one.mid for one in judged])
        silent = sorted(one.create_time for one in judged if one.mid not in told)
        await _act(tx, connection, silent, heard=bool(told), before=before, at=now)
        await outbox.hold(tx, task)
        await outbox.again(tx, task, now + EVERY)


def _since(connection: Connection, before: db.Silence | None, *, now: datetime) -> datetime:
    """Tell from when on messages are judged: none twice, none from before somebody could have told us."""
    began = [connection.state_time, now - _FARTHEST]
    return max(*began, before.check_time - LAG) if before else max(began)


async def _look(runtime: Runtime, connection: Connection, since: datetime) -> _Seen:
    access = await connection_actions.access(runtime, connection, kind="page")
    seen: _Seen = []
    for channel in channels(connection):
        try:
            found = await runtime.graph.send(graph.latest(connection.page_id, channel, since=since), access)
        except MetaRefused:
            if channel is Channel.MESSENGER:
                raise
            continue  # what Instagram refuses, reading back tells as a problem
        seen += [(channel, one) for one in found]
    return seen


async def _due(
    runtime: Runtime, tx: Tx, connection: Connection, seen: _Seen, *, since: datetime, until: datetime
) -> list[FoundMessage]:
    """Tell which messages webhooks should have brought by now; of people who were forgotten none is expected."""
    due: list[FoundMessage] = []
    for channel, found in seen:
        person = found.person(account(connection, channel))
        gone = person and await forgotten_until(runtime, tx, connection, channel, person.id)
        first = max(since, gone) if gone else since
        due += [one for one in found.messages if first < one.create_time <= until] if person else []
    return due


async def _act(
    tx: Tx,
    connection: Connection,
    silent: Iterable[datetime],
    *,
    heard: bool,
    before: db.Silence | None,
    at: datetime,
) -> None:
    """Begin or end the alarm, and mend what can be mended."""
    missing = list(silent)
    since = (before.since_time if before else None) or (missing[0] if missing else None)
    over = not missing and heard
    await db.note_silence(tx, connection.id, since=None if over else since, count=len(missing), at=at)
    if over:
        await alerts.close_alert(tx, connection.store_id, connection.id, _REASON, at=at)
    elif missing and since:
        await alerts.open_alert(tx, connection.store_id, connection.id, _alert(since), at=at)
        await plan_backfill(tx, connection, reason=_REASON, since=missing[0] - EVERY, at=at)
        key = f"subscribe:{connection.id}"
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=at, connection_id=connection.id, key=key)


def _alert(since: datetime) -> Alert:
    return Alert(
        reason=_REASON,
        title="Messages reach us late",
        body=f"Since {since:%Y-%m-%d %H:%M} UTC Facebook does not report every message by itself. We look for them ourselves, "
        "so nothing is lost, but they may come up to an hour late. We have subscribed again and are looking into it.",
        fix_rpc="RunDiagnostics",
    )
