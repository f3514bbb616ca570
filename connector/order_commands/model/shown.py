"""Whether what Meta shows of an order is what a command wanted: by StormCom's id of the shipment, else by content, each thing once. Pure."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from connector.order_commands.model.commands import Command, Kind, Pieces, Wish
from connector.order_commands.model.refunds import charged
from connector.order_commands.model.totals import read_totals
from connector.orders.model.values import Order

# SDK 25.0.0, commerceorder.py (graph-api.md 6.2) names the states. Unverified: that one comes after the other.
_RETURN_STATES = "REQUESTED", "APPROVED", "MERCHANT_MARKED_COMPLETED", "REFUNDED"


class Shown(NamedTuple):
    """A shipment, cancellation, refund or return, as Meta shows it; amounts are minor units.

    Or a line by its id: first how many of its pieces are shipped, then how many are cancelled.
    """

    id: str
    lines: tuple[Pieces, ...] = ()
    external_id: str = ""
    tracking_number: str = ""
    status: str = ""
    shipping: int = 0
    total: int | None = None


class Match(NamedTuple):
    """What Meta shows of a command: the thing that came of it; None when it is there by other doings, or not at all."""

    thing: Shown | None
    done: bool
    difference: str = ""


def counts(shown: Iterable[Shown]) -> dict[str, int]:
    """Add up the pieces of each line."""
    found: dict[str, int] = {}
    for one in shown:
        for line_id, quantity, _ in one.lines:
            found[line_id] = found.get(line_id, 0) + quantity
    return found


def compare(command: Command, order: Order, shown: Sequence[Shown], others: Collection[str]) -> Match:
    """Look for what a command wanted among what Meta shows; `others` are things that came of something else."""
    wish, free = command.wish, [one for one in shown if one.id not in others]
    same = [one for one in free if _same(wish, one, order.currency_code)]
    if same:
        return Match(max(same, key=lambda one: (len(one.id), one.id)), done=True)
    if _covered(wish, order, shown if wish.everything else free):
        return Match(None, done=True)
    return Match(None, done=False, difference=_difference(wish, free))


def _same(wish: Wish, one: Shown, currency_code: str) -> bool:
    match wish.kind:
        case Kind.FULFILL:
            tracked = bool(wish.tracking_number) and one.tracking_number == wish.tracking_number
            return _pieces(one.lines) == _pieces(wish.lines) and (one.external_id == wish.shipment_id or tracked)
        case Kind.UPDATE_SHIPMENT:
            return one.external_id == wish.shipment_id and one.tracking_number == wish.tracking_number
        case Kind.CANCEL:
            return _pieces(one.lines) == _pieces(wish.lines)
        case Kind.REFUND:
            return wish.everything or _same_refund(wish, one, currency_code)
        case Kind.RESOLVE_RETURN:
            return one.id == wish.return_id and _answered(str(wish.body["update"]["status"]), one.status)
        case Kind.ACKNOWLEDGE | Kind.RESTATE:  # lines, by which totals are looked at, have no such id
            return one.external_id == str(wish.body["merchant_order_reference"])


def _answered(wanted: str, status: str) -> bool:
    """Tell whether a return is as wanted, or farther: whoever approved it, it may have been paid back since."""
    farther = _RETURN_STATES[_RETURN_STATES.index(wanted) :] if wanted in _RETURN_STATES else (wanted,)
    return status in farther


def _same_refund(wish: Wish, one: Shown, currency_code: str) -> bool:
    by_amount = {line.line_id: line.amount for line in wish.lines if line.amount}
    by_pieces = {line.line_id: line.quantity for line in wish.lines if line.quantity}
    shown = {line.line_id: line for line in one.lines}
    # In pounds the shipping that is told holds its tax, the one that is shown does not.
    shipping = bool(one.shipping) == bool(wish.shipping) if currency_code == "GBP" else one.shipping == wish.shipping
    return (
        shipping
        and shown.keys() == by_amount.keys() | by_pieces.keys()
        and all(shown[line_id].amount == amount for line_id, amount in by_amount.items())
        and all(shown[line_id].quantity == quantity for line_id, quantity in by_pieces.items())
    )


def _pieces(lines: Iterable[Pieces]) -> dict[str, int]:
    return {one.line_id: one.quantity for one in lines}


def _covered(wish: Wish, order: Order, free: Sequence[Shown]) -> bool:
    """Tell whether others did at least what was wanted. Of money only all of it, whoever paid it back: less is never guessed."""
    if wish.kind is Kind.CANCEL:
        found = counts(free)
        return all(found.get(one.line_id, 0) >= one.quantity for one in wish.lines)
    if wish.kind is Kind.RESTATE:
        return _is_restated(wish, order, free)
    if wish.kind is Kind.REFUND and wish.everything:
        back = sum(line.amount for one in free for line in one.lines)
        return bool(free) and back >= sum(charged(line) for line in order.lines)
    return False


def _is_restated(wish: Wish, order: Order, shown: Sequence[Shown]) -> bool:
    """Tell whether lines are shipped and cancelled as wanted. What is to be refunded the lines do not show: it is said again."""
    refunded = {line.line_id: line.refunded_quantity for line in order.lines}
    there = {one.id: [piece.quantity for piece in one.lines] for one in shown}
    return all(
        (one.refunded or 0) <= refunded.get(one.line_id, 0)
        and all(have >= (want or 0) for have, want in zip(there.get(one.line_id, [-1, -1]), one[1:3], strict=True))
        for one in read_totals(wish.body)
    )


def _difference(wish: Wish, free: Sequence[Shown]) -> str:
    """Say what was wanted and what is there."""
    wanted = ", ".join(f"{one.quantity or one.amount} of {one.line_id}" for one in wish.lines) or "all"
    there = ", ".join(f"{count} of {line_id}" for line_id, count in counts(free).items()) or "nothing"
    return f"wanted: {wanted}; Meta shows: {there}"
