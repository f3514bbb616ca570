"""Sees to it that Meta shows what is offered: what is late or refused raises an alert, what is late may be hidden, sale edges are passed.

Alerts follow what is so: each look opens, updates or closes them, so that none is forgotten and none stays.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.connections.model import Connection, Problem
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.inventory.actions.stock import reckon
from connector.inventory.db import flips, shelves
from connector.inventory.db import watch as db
from connector.pieces import Cursor, go_through
from connector.registry import actions as registry
from connector.registry.db import rules as rules_db
from connector.registry.model import Rules
from connector.runtime import Runtime

_PIECE = 1_000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a look is at: a connection, its rules, the moment, and the alerts that are open."""

    connection: Connection
    rules: Rules
    at: datetime
    opened: frozenset[str]


_Look = Callable[[Tx, _Scene], Awaitable[Alert | None]]


async def watch_stock(runtime: Runtime, task: Taken) -> None:
    """Look at every connection on which something is late, refused, hidden, or sold out in masses: a transaction for each."""
    await go_through(runtime, task, _watch)


async def _watch(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    after = UUID(cursor.get("after", str(UUID(int=0))))
    connection_id = await db.next_watched(tx, after, list(_LOOKS), at=at)
    connection = connection_id and await connections.by_id(tx, connection_id)
    if not connection:
        return None
    if not connection.live:
        for reason in _LOOKS:
            await _tell(tx, connection, reason, None, at=at)
        return {"after": str(connection.id)}
    rules = await rules_db.read(tx, connection.id)
    await db.start_clocks(tx, connection.id, at=at, limit=_PIECE)
    more = await _hide(tx, connection, rules, at=at)
    opened = frozenset(one["reason"] for one in await alerts.opened(tx, connection.id))
    scene = _Scene(connection, rules, at, opened)
    for reason, look in _LOOKS.items():
        await _tell(tx, connection, reason, await look(tx, scene), at=at)
    return cursor if more else {"after": str(connection.id)}


async def _tell(tx: Tx, connection: Connection, reason: str, alert: Alert | None, *, at: datetime) -> None:
    """Open, update or close an alert; one that is new is also kept as a problem."""
    if alert is None:
        await alerts.close_alert(tx, connection.store_id, connection.id, reason, at=at)
    elif await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at):
        await connections.note_problem(tx, connection.id, Problem(reason, alert.title, at))


async def _late(tx: Tx, scene: _Scene) -> Alert | None:
    late = await db.late(tx, scene.connection.id, at=scene.at)
    if not late.count:
        return None
    hidden = " Until then they are shown as out of stock." if scene.rules.hide_unconfirmed else ""
    return Alert(
        "INVENTORY_UNCONFIRMED",
        f"Facebook may show old stock or prices of {late.count} items",
        f"Meta has not confirmed them for 15 minutes. They are sent until it does.{hidden}",
        item_count=late.count,
        sample_retailer_ids=late.names,
    )


async def _refused(tx: Tx, scene: _Scene) -> Alert | None:
    opened = "INVENTORY_PUSH_FAILED" in scene.opened  # then it stays open until Meta takes them
    refused = await db.refused(tx, scene.connection.id, given_up=not opened)
    if not refused.count:
        return None
    return Alert(
        "INVENTORY_PUSH_FAILED",
        f"Facebook refuses the stock or price of {refused.count} items",
        "Meta refused them three times. GetInventory tells its words; mend what they name, then send the stock again.",
        fix_rpc="RetryItems",
        item_count=refused.count,
        sample_retailer_ids=refused.names,
    )


async def _sold_out(tx: Tx, scene: _Scene) -> Alert | None:
    connection_id, rules = scene.connection.id, scene.rules
    seen = await flips.since(tx, connection_id, scene.at - _HOUR)
    enough = seen.sold_out * 100 // rules.flip_alarm_percent + 1
    standing = await flips.standing(tx, connection_id, most=enough) if seen.sold_out else 0
    if not rules.too_many_flips(seen.sold_out, standing):
        return None
    return Alert(
        "MANY_SOLD_OUT",
        f"{seen.sold_out} items went out of stock within an hour",
        "StormCom said so, and Facebook is told the same. Check the stock in StormCom if you did not expect it.",
        fix_rpc="UpdateInventory",
        item_count=seen.sold_out,
        sample_retailer_ids=seen.sample_retailer_ids,
    )


_LOOKS: Mapping[str, _Look] = {
    "INVENTORY_UNCONFIRMED": _late,
    "INVENTORY_PUSH_FAILED": _refused,
    "MANY_SOLD_OUT": _sold_out,
}


async def _hide(tx: Tx, connection: Connection, rules: Rules, *, at: datetime) -> bool:
    """Show what is late as out of stock if the rules say so, and show again what is not; tells whether more waits."""
    late = await db.to_hide(tx, connection.id, at=at, limit=_PIECE) if rules.hide_unconfirmed else []
    back = await db.to_show(tx, connection.id, hiding=rules.hide_unconfirmed, limit=_PIECE)
    for names, hidden in ((late, True), (back, False)):
        await _set_hidden(tx, connection, names, hidden=hidden, at=at)
    return _PIECE in {len(late), len(back)}


async def _set_hidden(tx: Tx, connection: Connection, names: Sequence[str], *, hidden: bool, at: datetime) -> None:
    if names:
        locked = await shelves.lock_named(tx, connection.id, names)
        await db.set_hidden(tx, connection.id, names, hidden=hidden)
        await reckon(tx, connection, [one._replace(hidden=hidden) for one in locked], at=at)


async def pass_edges(runtime: Runtime, task: Taken) -> None:
    """Send the items again whose sale began or ended, in pieces; a sale that is over is cleared."""
    await go_through(runtime, task, _pass)


async def _pass(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    found = await db.at_edge(tx, at=at, limit=_PIECE)
    connection = found and await connections.by_id(tx, found[0])
    if not found or not connection:
        return None
    locked = await shelves.lock_named(tx, connection.id, found[1])
    await db.pass_edge(tx, connection.id, found[1], at=at)
    if not await reckon(tx, connection, locked, at=at):
        await registry.plan(tx, connection, at=at, content=False)
    return cursor
