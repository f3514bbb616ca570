"""The reckoning: what must have come of each order that went all its way, beside what Meta, StormCom and the tables hold."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.order_command_pb2 import OrderCommand
from stormcom.facebook.v1.order_command_service_pb2 import ListCommandsRequest
from stormcom.facebook.v1.order_pb2 import Order
from stormcom.facebook.v1.order_service_pb2 import ListOrdersRequest
from tests.e2e.deaths.desk import PAID_BACK, PIECES, Desk, local
from tests.e2e.ledger import Balance, Value, compare, remaining, waiting
from tests.e2e.storm.town import PATIENCE_SECONDS

_PAUSE_SECONDS = 0.2
ENDED_WELL = frozenset({"STATE_SUCCEEDED", "STATE_ALREADY_DONE"})
_MAPPINGS = "SELECT external_order_id, channel, local_order_id FROM order_mappings WHERE store_id = %s"
_HOLDS = """
    SELECT orders.external_order_id, holds.state, hold_lines.quantity FROM holds JOIN hold_lines ON hold_id = holds.id
    LEFT JOIN orders ON orders.id::text = holds.reference WHERE holds.store_id = %s
"""
_FAILED = "SELECT name, reason FROM tasks WHERE connection_id = %s AND (due_time IS NULL OR unfinished > 0)"


def settled(desk: Desk) -> Balance:
    """Compare everything until all is well, something is wrong that time cannot mend, or it took too long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = balance(desk)
        if found == Balance() or found.doubled or found.phantom or time.monotonic() > end:
            return found
        time.sleep(_PAUSE_SECONDS)


def balance(desk: Desk) -> Balance:
    """Compare everything about the orders of a desk, each of which went all its way."""
    desk.listen()
    return _at_meta(desk) + _at_stormcom(desk) + _here(desk)


def _at_meta(desk: Desk) -> Balance:
    """Compare what was done to orders at Meta, how often and how much; and no key may stand for two deeds."""
    answer = desk.simulation._ask("GET", f"/_simulator/pages/{desk.page_id}/effects?limit=1000000")
    deeds = [(str(one["kind"]), str(one["order_id"]), _size(one)) for one in answer["effects"]]
    must_be: dict[str, Value] = {f"acknowledge {name}": (local(name),) for name in desk.orders}
    sizes = {"ship": 1, "cancel": 1, "refund": PAID_BACK}
    must_be |= {f"{kind} {name}": (size,) for kind, size in sizes.items() for name in desk.orders}
    keys = Counter(str(one["key"]) for one in answer["effects"])
    sums = [(name, _sums(desk.simulation.read_order(name))) for name in desk.orders]
    return (
        compare("at Meta", must_be, ((f"{kind} {name}", size) for kind, name, size in deeds))
        + compare("orders at Meta", dict.fromkeys(desk.orders, (PAID_BACK, 1, 1, 1)), sums)
        + Balance(doubled=tuple(f"key: {key}" for key, number in keys.items() if number > 1))
    )


def _size(effect: dict[str, Any]) -> Value:
    details = effect["details"]
    match effect["kind"]:
        case "acknowledge":
            return (details["merchant_order_reference"],)
        case "refund":
            return (details["total"],)
        case _:
            return (sum(details["units"].values()),)


def _sums(order: Any) -> Value:
    return order["refunded_total"], order["shipments"], order["cancellations"], order["refunds"]


def _at_stormcom(desk: Desk) -> Balance:
    """Compare what StormCom was told: of each order once that it is there, that Meta knows, and what came of each command."""
    kinds = {
        "order_received": PIECES, "order_acknowledged": PIECES, "order_cancelled": 1, "order_refunded": PAID_BACK,
        "KIND_FULFILL": 1, "KIND_CANCEL": 1, "KIND_REFUND": 1,
    }  # fmt: skip
    must_be: dict[str, Value] = {f"{kind} {name}": (size,) for kind, size in kinds.items() for name in desk.orders}
    return compare("told", must_be, _told(desk))


def _told(desk: Desk) -> Iterable[tuple[str, Value]]:
    names = {desk.look_up(name).order_id: name for name in desk.orders}
    for event in desk.heard.values():
        kind = event.WhichOneof("payload") or ""
        if kind in {"order_received", "order_acknowledged", "order_cancelled", "order_refunded"}:
            yield f"{kind} {getattr(event, kind).order.external_order_id}", (_told_size(kind, event),)
        elif kind == "order_command_changed":
            command = event.order_command_changed.command
            if OrderCommand.State.Name(command.state) in ENDED_WELL:
                yield f"{OrderCommand.Kind.Name(command.kind)} {names.get(command.order_id)}", (1,)


def _told_size(kind: str, event: Event) -> int:
    match kind:
        case "order_cancelled":
            return sum(line.quantity for line in event.order_cancelled.lines)
        case "order_refunded":
            return event.order_refunded.total.minor_units
        case _:
            return sum(line.quantity for line in getattr(event, kind).order.lines)


def _here(desk: Desk) -> Balance:
    """Compare what the connector holds and shows: orders, mappings, what was kept aside; nothing may wait, and nothing have failed."""
    store = desk.caller.store_id
    mappings = desk.database.execute(_MAPPINGS, (store,)).fetchall()
    holds = desk.database.execute(_HOLDS, (store,)).fetchall()
    failed = desk.database.execute(_FAILED, (desk.connection_id,)).fetchall()
    orders = desk.caller.list_all(desk.caller.orders.ListOrders, ListOrdersRequest(page_size=500), field="orders")
    list_commands = desk.caller.order_commands.ListCommands
    commands = desk.caller.list_all(list_commands, ListCommandsRequest(page_size=100), field="commands")
    states = (
        (f"{OrderCommand.Kind.Name(one.kind)} {one.order_id}", OrderCommand.State.Name(one.state)) for one in commands
    )
    return (
        compare("orders", {name: _shown(name) for name in desk.orders}, map(_row, orders))
        + compare("mappings", {name: ("FACEBOOK", local(name)) for name in desk.orders}, ((row[0], row[1:]) for row in mappings))
        + compare("stock", dict.fromkeys(desk.orders, ("COMPLETED", PIECES)), ((str(row[0]), row[1:]) for row in holds))
        + waiting("commands", states, settled=ENDED_WELL)
        + remaining("tasks", Counter(f"{name} {reason}" for name, reason in failed))
        + remaining("left", Counter(str(row[0]) for row in desk.left()))
    )  # fmt: skip


def _shown(name: str) -> Value:
    return local(name), "IMPORT_STATE_ACKNOWLEDGED", 1, 1, 1


def _row(order: Order) -> tuple[str, Value]:
    (line,) = order.lines
    fates = line.shipped_quantity, line.cancelled_quantity, line.refunded_quantity
    return order.external_order_id, (order.local_order_id, Order.ImportState.Name(order.import_state), *fates)
