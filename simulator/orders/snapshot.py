"""`item_updates`: the seller says how much of each line is shipped, cancelled and refunded by now; Meta does what is missing.

The quantities are totals, so repeating the call changes nothing. It happens as a whole or not at all.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from simulator.call import SUCCESS, Call, Json
from simulator.errors import GraphError, invalid_parameter
from simulator.orders import cancelling, refunding, shipping
from simulator.orders.acknowledging import refer
from simulator.orders.book import change, complete, note, replace
from simulator.orders.money import read_money
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder, LineAmount, OrderItem, Units
from simulator.orders.units import read_lines, read_quantity
from simulator.orders.writing import ready, require_processed, touched
from simulator.world import World


@dataclass(slots=True)
class Outcome:
    """What was missing."""

    cancelled: dict[str, int] = field(default_factory=dict)
    shipped: dict[str, int] = field(default_factory=dict)
    refunded: int = 0


def update_items(call: Call) -> Json:
    """Bring an order to the state that the seller describes."""
    before = ready(call)
    require_processed(call.world, before)
    # A refused snapshot changes nothing: what it would have made of the order is thrown away.
    order = deepcopy(before)
    done = _apply(call, order)
    if not (done.cancelled or done.shipped or done.refunded) and order.merchant_order_id == before.merchant_order_id:
        return SUCCESS
    replace(call.world, before, order)
    for kind, told in (
        ("cancel", {"units": done.cancelled}),
        ("ship", {"units": done.shipped}),
        ("refund", {"total": done.refunded}),
    ):
        if any(told.values()):
            note(call.world, order, kind, told=told)
    change(call.world, order, state=complete(order), what="updated")
    touched(call.world, order)
    return SUCCESS


def _apply(call: Call, order: CommerceOrder) -> Outcome:
    refer(order, call.text("merchant_order_reference"))

    def unknown() -> GraphError:
        return OrderRefusal(call.world, 2382324)

    lines = read_lines(order, call.structure("items", list), unknown=unknown)
    outcome = Outcome()
    _cancel(call.world, order, lines, outcome)
    _ship(call.world, order, lines, outcome)
    _refund(call.world, order, lines, outcome)
    return outcome


Lines = Sequence[tuple[OrderItem, Mapping[str, Json]]]


def _missing(document: Mapping[str, Json], name: str, done: int) -> int:
    """Return how many units more are wanted than done."""
    wanted = read_quantity(document, name, least=0) if name in document else done
    if wanted < done:
        raise invalid_parameter(f"Param items: {name} is {done} already")
    return wanted - done


def _cancel(world: World, order: CommerceOrder, lines: Lines, outcome: Outcome) -> None:
    for item, document in lines:
        if missing := _missing(document, "cancel_quantity", item.cancelled):
            units = Units(item, missing)
            shipping.require_open(world, units, closed=1818015 if item.fulfilled else 1818049)
            code, description = cancelling.read_reason(_object(document, "cancel_reason"))
            cancelling.cancel(world, order, [units], code=code, description=description, restock=False)
            outcome.cancelled[item.id] = missing


def _ship(world: World, order: CommerceOrder, lines: Lines, outcome: Outcome) -> None:
    """Ship what is missing, one parcel for each tracking."""
    parcels: dict[shipping.Tracking, list[Units]] = {}
    for item, document in lines:
        missing = _missing(document, "fulfill_quantity", item.fulfilled)
        told = _tracking(document)
        if told and not (missing or item.fulfilled):
            raise OrderRefusal(world, 2382322)
        if missing:
            shipping.require_shippable(world, order)
            shipping.require_open(world, Units(item, missing), closed=1818015 if item.fulfilled else 1818111)
            parcels.setdefault(shipping.read_tracking(told), []).append(Units(item, missing))
            outcome.shipped[item.id] = missing
    for tracking, units in parcels.items():
        shipping.require_new_tracking(world, order, tracking)
        shipping.ship(world, order, units, tracking)


def _tracking(document: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the tracking of a line's new units."""
    told: Json = document.get("tracking_info") or {}
    # Unverified: of several trackings the last one is the new parcel's.
    last: Json = told[-1] if isinstance(told, list) else told
    if not isinstance(last, dict):
        raise invalid_parameter("Param items: tracking_info must be an array of objects")
    return last


def _refund(world: World, order: CommerceOrder, lines: Lines, outcome: Outcome) -> None:
    wanted = [(item, document, _missing(document, "refund_quantity", item.refunded)) for item, document in lines]
    shipping_wanted = sum(_shipping(order, document) for _, document, _ in wanted)
    shipping_missing = max(0, shipping_wanted - order.shipping_refunded)
    if not shipping_missing and not any(missing for _, _, missing in wanted):
        return
    refunding.require_charged(world, order)
    amounts: list[LineAmount] = [
        refunding.ask_quantity(world, item, missing, codes=refunding.ALTERNATIVE)
        for item, _, missing in wanted
        if missing
    ]
    shipping_parts = refunding.ask_shipping(world, order, shipping_missing, codes=refunding.ALTERNATIVE)
    wish = refunding.judge(world, order, refunding.Wish(amounts, *shipping_parts), codes=refunding.ALTERNATIVE)
    reasons = [_object(document, "refund_reason") for _, document, _ in wanted]
    code = next((str(reason["reason_code"]) for reason in reasons if reason.get("reason_code")), "REFUND_REASON_OTHER")
    if code not in refunding.REASONS:
        raise invalid_parameter(
            f"Param items: refund_reason.reason_code must be one of {{{', '.join(refunding.REASONS)}}}"
        )
    outcome.refunded = refunding.refund(world, order, wish, reason=code, text="").total


def _shipping(order: CommerceOrder, document: Mapping[str, Json]) -> int:
    if not document.get("shipping_refund"):
        return 0
    try:
        return read_money(document["shipping_refund"], order.currency, place="items.shipping_refund")
    except ValueError as problem:
        raise invalid_parameter(f"Param {problem}") from None


def _object(document: Mapping[str, Json], name: str) -> dict[str, Json]:
    value = document.get(name) or {}
    if not isinstance(value, dict):
        raise invalid_parameter(f"Param items: {name} must be an object")
    return value
