"""Reads items back from Meta and mends what differs from what it confirmed.

    WATCH every hour ──┐
    SAMPLE every night ┴▶ by name ──────▶ DIFFERENT by name ┐
    FULL every week ────▶ page by page ─▶ MISSING by name ──┴▶ at rest

An item counts as missing only when Meta does not show it although it is asked for by name. What differs is sent again, a few
times, and looked at again until it is the same; what still differs then, and many items that change their availability at
once, open an alert. Items we did not create are not looked at.
"""

from collections.abc import Sequence
from dataclasses import replace
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
from connector.graph.call import Listed
from connector.readback import db, graph
from connector.readback.model import (
    MOST_MENDS,
    NAMED,
    WATCHED_EVERY,
    Pass,
    Picked,
    Readback,
    Seen,
    flipped,
    observe,
    to_mend,
)
from connector.registry import actions as registry
from connector.registry.db import observed, rules
from connector.registry.db.observed import Found
from connector.registry.graph import catalog_bucket
from connector.registry.model import Observed
from connector.runtime import Runtime

# https://developers.facebook.com/docs/graph-api/results (read 2026-11-21): cursors are not for keeping. Unverified: this code.
_INVALID_PARAMETER = 100


async def read_back(runtime: Runtime, task: Taken) -> None:
    """Read some items back and judge them; comes back until the pass is over, then every hour for the next one.

    Two transactions with the call between them. A turn that dies between is simply taken again.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections_db.of_task(tx, task)
        turn = await db.under_way(tx, connection.id) or await db.begin(tx, connection.id, at=runtime.now())
        await connections.require_room(runtime, tx, connection, catalog_bucket(connection.catalog_id))
        picked = Picked() if turn.stage is Pass.FULL else await _pick(tx, turn, at=runtime.now())
    page = await _read(runtime, connection, turn, picked.names)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        at = runtime.now()
        if page is None:  # too much at once
            await db.move(tx, connection.id, page_size=max(1, turn.page_size // 2))
            await outbox.again(tx, task, at)
            return
        turn = await _count(tx, turn, await _judge(tx, connection, page.entries, picked.names, at=at))
        if await _go_on(tx, turn, page, picked):
            await outbox.again(tx, task, at)
        else:
            await _conclude(tx, connection, turn, at=at)
            await outbox.again(tx, task, at + WATCHED_EVERY)


async def _pick(tx: Tx, turn: Readback, *, at: datetime) -> Picked:
    wanted = NAMED if turn.stage is Pass.MISSING else min(NAMED, turn.left)
    return await db.pick(tx, turn, limit=min(wanted, turn.page_size), at=at)


async def _read(runtime: Runtime, connection: Connection, turn: Readback, names: Sequence[str]) -> Listed[Seen] | None:
    """Ask Meta; None when it finds the question too large. A cursor it refuses ends the pages: the rest is asked for by name."""
    if turn.stage is not Pass.FULL and not names:
        return Listed((), "")
    access = await connections.access(runtime, connection, kind="user")
    catalog_id = connection.catalog_id
    call = graph.named_items(catalog_id, names)
    if turn.stage is Pass.FULL:
        call = graph.all_items(catalog_id, after=turn.cursor, limit=turn.page_size)
    try:
        return await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        if refusal.code == _INVALID_PARAMETER and turn.stage is Pass.FULL and turn.cursor:
            return Listed((), "")
        if not refusal.too_large or turn.page_size == 1:
            raise
        return None


async def _judge(
    tx: Tx, connection: Connection, seen: Sequence[Seen], asked: Sequence[str], *, at: datetime
) -> list[Observed]:
    """Compare what Meta shows with what it confirmed, keep it, and plan to send again what differs."""
    shown = {one.retailer_id: one for one in seen}
    names = sorted({*shown, *asked})
    confirmed = await db.lock_confirmed(tx, connection.id, names, at=at)
    before = await observed.read(tx, connection.id, names)
    found = [
        observe(item, shown.get(item.retailer_id), before.get(item.retailer_id), at=at)
        for item in confirmed
        if item.wanted or item.retailer_id in shown or item.retailer_id in before
    ]
    await observed.note(tx, connection.id, found)
    if again := [one.retailer_id for one in found if to_mend(one)]:
        await db.send_again(tx, connection.id, again)
        await registry.plan(tx, connection, at=at)
    return found


async def _count(tx: Tx, turn: Readback, found: Sequence[Observed]) -> Readback:
    """Count what the pass came upon."""
    if turn.stage is Pass.DIFFERENT:
        return turn
    counted = replace(turn, seen=turn.seen + len(found), flipped=turn.flipped + sum(map(flipped, found)))
    await db.move(tx, turn.connection_id, seen=counted.seen, flipped=counted.flipped)
    return counted


async def _go_on(tx: Tx, turn: Readback, page: Listed[Seen], picked: Picked) -> bool:
    """Note how far the pass is; tells whether it goes on."""
    if turn.stage is Pass.FULL:
        stage = {"cursor": page.after} if page.after else {"stage": Pass.MISSING, "cursor": ""}
        await db.move(tx, turn.connection_id, **stage)
        return True
    left = turn.left - len(picked.names)
    kept = _KEPT.get(turn.stage)  # at the end of the catalog the next pass begins anew
    await db.move(tx, turn.connection_id, cursor=picked.after, left=left, **({kept: picked.after} if kept else {}))
    if picked.after and (turn.stage is Pass.MISSING or left > 0):
        return True
    if turn.stage in {Pass.WATCH, Pass.SAMPLE}:
        await db.go_on_with_different(tx, turn.connection_id)
        return True
    return False


_KEPT = {Pass.WATCH: "sample_cursor", Pass.SAMPLE: "sample_cursor", Pass.DIFFERENT: "different_cursor"}


async def _conclude(tx: Tx, connection: Connection, turn: Readback, *, at: datetime) -> None:
    """End the pass, and open, update or close the alerts it gives reason for.

    Many flips among the items that the pass came upon are an alarm, and stay one for as long as as many are still to be mended.
    """
    await db.forget(tx, connection.id)
    rule, standing = await rules.read(tx, connection.id), await observed.flipped(tx, connection.id)
    many = rule.too_many_flips(turn.flipped, turn.seen)
    still = rule.too_many_flips(standing.count, turn.seen) and await _opened(tx, connection, "AVAILABILITY_FLIPPED")
    await _alert(tx, connection, _flipped(connection, standing), many or still, at=at)
    drifted = await observed.drifted(tx, connection.id, most_mends=MOST_MENDS)
    await _alert(tx, connection, _drifted(connection, drifted), bool(drifted.count), at=at)


async def _opened(tx: Tx, connection: Connection, reason: str) -> bool:
    return any(one["reason"] == reason for one in await alerts.opened(tx, connection.id))


async def _alert(tx: Tx, connection: Connection, alert: Alert, given: bool, *, at: datetime) -> None:  # noqa: FBT001 – private
    if given:
        await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)
    else:
        await alerts.close_alert(tx, connection.store_id, connection.id, alert.reason, at=at)


def _flipped(connection: Connection, standing: Found) -> Alert:
    return Alert(
        "AVAILABILITY_FLIPPED",
        "Many items show another availability at Meta than was sent",
        f"{standing.count} items read back show another availability than StormCom wants, without a change of ours. They are sent again; look in Commerce Manager whether checkout or the shop's settings were changed.",
        "ListDiagnostics",
        _commerce_manager(connection),
        standing.count,
        standing.names,
    )


def _drifted(connection: Connection, drifted: Found) -> Alert:
    return Alert(
        "ITEMS_DRIFTED",
        "Some items stay different at Meta however often they are sent",
        f"{drifted.count} items still differ after {MOST_MENDS} attempts; GetItem names the fields. A feed, a rule or another tool may overwrite them: look at the catalog's data sources in Commerce Manager.",
        "ListItems",
        _commerce_manager(connection),
        drifted.count,
        drifted.names,
    )


def _commerce_manager(connection: Connection) -> str:
    # Unverified: the address of a catalog's items in Commerce Manager.
    return f"https://business.facebook.com/commerce/catalogs/{connection.catalog_id}/products"
