"""What may be asked for: a table of states, and what is left of each line once all that waits is done. Pure.

ACKNOWLEDGE       StormCom has the order, and nothing happened to it at Meta yet
FULFILL           acknowledged; pieces that are neither shipped nor cancelled
CANCEL            the same pieces, acknowledged or not; while Meta processes the order only after a day
REFUND            pieces that were shipped and not refunded
UPDATE_SHIPMENT, RESOLVE_RETURN   of what was shipped
RESTATE           acknowledged, and alone: no other command of the order waits
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from connector.errors import AlreadyExists, FailedPrecondition, NotFound
from connector.order_commands.model.commands import EFFECTIVE, OPEN, Command, Kind, Pieces
from connector.orders.model.states import ImportState, State
from connector.orders.model.values import Line, Order

# graph-api.md 6.1 (Meta's order guide): an order that Meta still processes can be cancelled after 24 hours.
_PROCESSED_FOR = timedelta(hours=24)
_SHIPPABLE = frozenset({State.IN_PROGRESS})
_AFTERWARDS = frozenset({State.IN_PROGRESS, State.COMPLETED})
_ALLOWED = {
    Kind.ACKNOWLEDGE: frozenset({State.CREATED, State.IN_PROGRESS}),
    Kind.FULFILL: _SHIPPABLE,
    Kind.UPDATE_SHIPMENT: _AFTERWARDS,
    Kind.CANCEL: frozenset({State.FB_PROCESSING, State.CREATED, State.IN_PROGRESS}),
    Kind.REFUND: _AFTERWARDS,
    Kind.RESOLVE_RETURN: _AFTERWARDS,
    Kind.RESTATE: _AFTERWARDS,
}
_WORDS = {
    State.FB_PROCESSING: "Meta still processes it: wait until it is CREATED, or, to cancel it, a day",
    State.CREATED: "it is not acknowledged yet: answer AckOrderImport, or AcknowledgeOrders again",
    State.IN_PROGRESS: "it is to be shipped",
    State.COMPLETED: "everything is shipped or cancelled",
    State.CANCELLED: "it was cancelled",
    State.VANISHED: "it was never finished at Meta",
}
_TAKING = frozenset({Kind.FULFILL, Kind.CANCEL})
_NAMING = frozenset({Kind.ACKNOWLEDGE, Kind.RESTATE})
"""These tell Meta StormCom's id of the order."""


def require_state(kind: Kind, order: Order, *, now: datetime) -> None:
    """Refuse what an order's state does not allow.

    Raises:
        FailedPrecondition: ORDER_STATE_INVALID, saying what it waits for.

    """
    # Until the next look at Meta, an order that Meta acknowledged is kept as CREATED.
    state = (
        State.IN_PROGRESS
        if order.import_state is ImportState.ACKNOWLEDGED and order.state is State.CREATED
        else order.state
    )
    too_soon = order.state is State.FB_PROCESSING and now < order.order_time + _PROCESSED_FOR
    unknown = kind in _NAMING and not order.taken
    if state in _ALLOWED[kind] and not too_soon and not unknown:
        return
    words = "StormCom does not have it yet: answer AckOrderImport" if unknown else _WORDS[order.state]
    facts = {"order_id": str(order.id), "state": order.state, "import_state": order.import_state}
    raise FailedPrecondition("ORDER_STATE_INVALID", f"The order does not allow this: {words}", **facts)


def require_alone(kind: Kind, order: Order, commands: Iterable[Command]) -> None:
    """Refuse totals beside anything else that waits, and anything beside them: they count what is done.

    Raises:
        FailedPrecondition: ORDER_BUSY.

    """
    others = (one for one in commands if one.state in OPEN)
    if any(Kind.RESTATE in {kind, one.wish.kind} for one in others):
        message = "Totals of an order stand alone: wait until its other commands are over, or cancel them"
        raise FailedPrecondition("ORDER_BUSY", message, order_id=str(order.id))


def waiting(commands: Iterable[Command], kinds: frozenset[Kind]) -> dict[str, int]:
    """Count the pieces of each line that commands which are not over will take."""
    counts: dict[str, int] = {}
    for command in commands:
        if command.state in OPEN and command.wish.kind in kinds:
            for one in command.wish.lines:
                counts[one.line_id] = counts.get(one.line_id, 0) + one.quantity
    return counts


def left_to_ship(order: Order, commands: Iterable[Command]) -> dict[str, int]:
    """Count the pieces of each line that are neither shipped nor cancelled, nor about to be."""
    taken = waiting(commands, _TAKING)
    return {line.line_id: max(0, line.open_quantity - taken.get(line.line_id, 0)) for line in order.lines}


def left_to_refund(order: Order, commands: Iterable[Command]) -> dict[str, int]:
    """Count the pieces of each line that were shipped and not refunded, nor are about to be."""
    taken = waiting(commands, frozenset({Kind.REFUND}))
    shipped = ((line, line.shipped_quantity - line.refunded_quantity) for line in order.lines)
    return {line.line_id: max(0, count - taken.get(line.line_id, 0)) for line, count in shipped}


def require_lines(order: Order, line_ids: Iterable[str]) -> dict[str, Line]:
    """Find lines of an order.

    Raises:
        NotFound: ORDER_LINE_UNKNOWN.

    """
    known = {line.line_id: line for line in order.lines}
    for line_id in line_ids:
        if line_id not in known:
            message = "The order has no such line: GetOrder tells its lines"
            raise NotFound("ORDER_LINE_UNKNOWN", message, order_id=str(order.id), line_id=line_id)
    return known


def choose(asked: Sequence[Pieces], left: dict[str, int], *, word: str) -> tuple[Pieces, ...]:
    """Choose the asked pieces out of what is left; nothing asked means all.

    Raises:
        FailedPrecondition: QUANTITY_EXCEEDED, naming a line and what is left of it.

    """
    if not asked:
        asked = [Pieces(line_id, count) for line_id, count in left.items() if count]
        if not asked:
            raise FailedPrecondition("QUANTITY_EXCEEDED", f"Nothing is left that could be {word}", left=0)
    for one in asked:
        if one.quantity > left[one.line_id]:
            message = (
                f"Of line {one.line_id}, {left[one.line_id]} pieces are left that could be {word}, counting what waits"
            )
            raise FailedPrecondition("QUANTITY_EXCEEDED", message, line_id=one.line_id, left=left[one.line_id])
    return tuple(asked)


def _shipments(commands: Iterable[Command]) -> list[Command]:
    alive = OPEN | EFFECTIVE
    return [one for one in commands if one.wish.shipment_id and one.state in alive]


def require_new_shipment(commands: Iterable[Command], shipment_id: str) -> None:
    """Refuse an id that another shipment of the order has.

    Raises:
        AlreadyExists: SHIPMENT_EXISTS.

    """
    if any(one.wish.kind is Kind.FULFILL and one.wish.shipment_id == shipment_id for one in _shipments(commands)):
        message = "Another shipment of the order has this id: take a new one, or UpdateShipment"
        raise AlreadyExists("SHIPMENT_EXISTS", message, shipment_id=shipment_id)


def require_shipment(commands: Iterable[Command], shipment_id: str) -> None:
    """Refuse a shipment that StormCom did not tell.

    Raises:
        NotFound: SHIPMENT_NOT_FOUND.

    """
    if not any(one.wish.kind is Kind.FULFILL and one.wish.shipment_id == shipment_id for one in _shipments(commands)):
        raise NotFound("SHIPMENT_NOT_FOUND", "The order has no such shipment", shipment_id=shipment_id)


def require_new_tracking(commands: Iterable[Command], shipment_id: str, number: str) -> None:
    """Refuse a tracking number that another shipment of the order has, or had.

    Raises:
        AlreadyExists: TRACKING_REPEATED.

    """
    # graph-api.md 6.2 (documentation, Feb 2026): one number per shipment, unlike those of the order's others.
    others = (one for one in _shipments(commands) if one.wish.shipment_id != shipment_id)
    if number and any(one.wish.tracking_number == number for one in others):
        message = "Another shipment of the order has this tracking number: each has its own"
        raise AlreadyExists("TRACKING_REPEATED", message, shipment_id=shipment_id)
