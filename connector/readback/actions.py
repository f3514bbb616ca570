"""Reads items back from Meta and mends what differs from what it confirmed.

    WATCH every hour ─┐
    SAMPLE every night├─▶ asked for by name ─────────────▶ judged ─▶ at rest
    FULL every week ──┴─▶ page by page ─▶ MISSING by name ┘

An item counts as missing only when Meta does not show it although it is asked for by name. What differs is sent again, a few
times; what still differs then, and many items that change their availability at once, open an alert. Items we did not create
are not looked at.
"""

from collections.abc import Sequence
from datetime import datetime

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.readback import db, graph
from connector.readback.graph import Page
from connector.readback.model import FEWEST_FLIPS, MOST_MENDS, NAMED, PERIODS, Pass, Readback, Seen, observe, to_mend
from connector.registry import actions as registry
from connector.registry.db import observed, rules
from connector.registry.graph import catalog_bucket
from connector.registry.model import Tally
from connector.runtime import Runtime


async def read_back(runtime: Runtime, task: Taken) -> None:
    """Read some items back and judge them; comes back until the pass is over, then every hour for the next one.

    Two transactions with the call between them. A turn that dies between is simply taken again.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await _connection(tx, task)
        turn = await db.under_way(tx, connection.id) or await db.begin(tx, connection.id, at=runtime.now())
        await connections.require_room(runtime, tx, connection, catalog_bucket(connection.catalog_id))
        names = [] if turn.stage is Pass.FULL else await _names(tx, turn, at=runtime.now())
    page = await _read(runtime, connection, turn, names)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        at = runtime.now()
        if page is None:  # too much at once
            await db.move(tx, connection.id, page_size=max(1, turn.page_size // 2))
            await outbox.again(tx, task, at)
            return
        await _judge(tx, connection, page.items, names, at=at)
        if await _go_on(tx, turn, page, names):
            await outbox.again(tx, task, at)
        else:
            await _conclude(tx, connection, turn, at=at)
            await outbox.again(tx, task, at + PERIODS[Pass.WATCH])


async def _connection(tx: Tx, task: Taken) -> Connection:
    """Read the task's connection, as long as it can be worked with."""
    found = task.connection_id and await connections_db.by_id(tx, task.connection_id)
    if not found:
        raise connections_db.missing(str(task.connection_id))
    return connections_db.require_connected(found)


async def _names(tx: Tx, turn: Readback, *, at: datetime) -> list[str]:
    wanted = NAMED if turn.stage is Pass.MISSING else min(NAMED, turn.left)
    return await db.pick(tx, turn, limit=min(wanted, turn.page_size), at=at)


async def _read(runtime: Runtime, connection: Connection, turn: Readback, names: Sequence[str]) -> Page | None:
    """Ask Meta; None when it finds the question too large."""
    if turn.stage is not Pass.FULL and not names:
        return Page((), "")
    access = connections.access(runtime, connection, kind="user")
    catalog_id = connection.catalog_id
    call = graph.named_items(catalog_id, names)
    if turn.stage is Pass.FULL:
        call = graph.all_items(catalog_id, after=turn.cursor, limit=turn.page_size)
    try:
        return await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        if refusal.code != 1 or turn.page_size == 1:
            raise
        return None


async def _judge(tx: Tx, connection: Connection, seen: Sequence[Seen], asked: Sequence[str], *, at: datetime) -> None:
    """Compare what Meta shows with what it confirmed, keep it, and plan to send again what differs."""
    shown = {one.retailer_id: one for one in seen}
    names = sorted({*shown, *asked})
    confirmed = await db.lock_confirmed(tx, connection.id, names, at=at)
    before = await observed.read(tx, connection.id, names)
    found = [
        observe(item, shown.get(item.retailer_id), before.get(item.retailer_id), at=at)
        for item in confirmed
        if item.wanted or item.retailer_id in shown
    ]
    await observed.note(tx, connection.id, found)
    if again := [one.retailer_id for one in found if to_mend(one)]:
        await db.send_again(tx, connection.id, again)
        await registry.plan(tx, connection, at=at)


async def _go_on(tx: Tx, turn: Readback, page: Page, names: Sequence[str]) -> bool:
    """Note how far the pass is; tells whether it goes on."""
    if turn.stage is Pass.FULL:
        stage = {"cursor": page.after} if page.after else {"stage": Pass.MISSING, "cursor": ""}
        await db.move(tx, turn.connection_id, **stage)
        return True
    left = turn.left - len(names)
    full = len(names) == min(NAMED, turn.page_size, turn.left if turn.stage is not Pass.MISSING else NAMED)
    cursor = names[-1] if names and full else ""  # at the end of the catalog the next sample begins anew
    await db.move(tx, turn.connection_id, cursor=cursor, left=left)
    if turn.stage is not Pass.MISSING:
        await db.move(tx, turn.connection_id, sample_cursor=cursor)
    return bool(cursor) and (turn.stage is Pass.MISSING or left > 0)


async def _conclude(tx: Tx, connection: Connection, turn: Readback, *, at: datetime) -> None:
    """End the pass, and open or close the alerts it gives reason for."""
    await db.forget(tx, connection.id)
    tally = await observed.tally(tx, connection.id, since=turn.begin_time, most_mends=MOST_MENDS)
    rule = await rules.read(tx, connection.id)
    flipped = tally.flipped >= max(FEWEST_FLIPS, tally.seen * rule.flip_alarm_percent / 100)
    await _alert(tx, connection, _flipped(connection, tally), flipped, at=at)
    if turn.stage is Pass.MISSING or tally.drifted:
        await _alert(tx, connection, _drifted(connection, tally), bool(tally.drifted), at=at)


async def _alert(tx: Tx, connection: Connection, alert: Alert, given: bool, *, at: datetime) -> None:  # noqa: FBT001 – private
    if given:
        await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)
    else:
        await alerts.close_alert(tx, connection.store_id, connection.id, alert.reason, at=at)


def _flipped(connection: Connection, tally: Tally) -> Alert:
    return Alert(
        "AVAILABILITY_FLIPPED",
        "Many items show another availability at Meta than was sent",
        f"Of {tally.seen} items read back, {tally.flipped} show another availability than StormCom wants, without a change of ours. They are sent again; look in Commerce Manager whether checkout or the shop's settings were changed.",
        "RunDiagnostics",
        _commerce_manager(connection),
        tally.flipped,
        tally.flipped_names,
    )


def _drifted(connection: Connection, tally: Tally) -> Alert:
    return Alert(
        "ITEMS_DRIFTED",
        "Some items stay different at Meta however often they are sent",
        f"{tally.drifted} items still differ after {MOST_MENDS} attempts; GetItem names the fields. A feed, a rule or another tool may overwrite them: look at the catalog's data sources in Commerce Manager.",
        "ListItems",
        _commerce_manager(connection),
        tally.drifted,
        tally.drifted_names,
    )


def _commerce_manager(connection: Connection) -> str:
    # Unverified: the address of a catalog's items in Commerce Manager.
    return f"https://business.facebook.com/commerce/catalogs/{connection.catalog_id}/products"
