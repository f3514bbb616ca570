"""Shipments: units leave in one parcel with at most one tracking number, and the buyer is charged for them."""

import re
from collections.abc import Mapping, Sequence

from simulator.call import SUCCESS, Call, Json
from simulator.errors import invalid_parameter
from simulator.orders.acknowledging import refer
from simulator.orders.book import change, complete, note
from simulator.orders.carriers import CARRIERS
from simulator.orders.charging import charge, collect, shipping_options
from simulator.orders.money import read_money
from simulator.orders.refusals import OrderRefusal
from simulator.orders.state import CommerceOrder, OrderShipment, Units
from simulator.orders.units import read_units
from simulator.orders.writing import order_write, require_processed
from simulator.world import World

# graph-api.md 6.2 (documentation, Feb 2026); the length is Unverified.
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_]{1,100}", re.ASCII)
# Unverified: which postal codes Meta takes.
POSTAL_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{1,11}", re.ASCII)
FULFILLMENT = {"fulfillment_location_id", "fulfillment_address", "fulfillment_id"}
TRACKING = ("carrier", "tracking_number", "shipping_method_name")
Tracking = tuple[str, str, str]


@order_write
def ship_units(call: Call, order: CommerceOrder, key: str) -> Json:
    """Ship the named units, or all that are open."""
    require_shippable(call.world, order)
    units = _units(call, order)
    tracking = read_tracking(call.structure("tracking_info", dict, {}))
    require_new_tracking(call.world, order, tracking)
    external_id = call.text("external_shipment_id", "")
    _check_details(call, order, external_id)
    refer(order, call.text("merchant_order_reference", ""))
    shipment = ship(call.world, order, units, tracking, external_id=external_id)
    shipped = {one.item.id: one.quantity for one in units}
    told = {"units": shipped, "shipment_id": shipment.id, "tracking_number": tracking[1]}
    note(call.world, order, "ship", key=key, told=told)
    change(call.world, order, state=complete(order), what="shipped")
    return SUCCESS


def require_shippable(world: World, order: CommerceOrder) -> None:
    """Refuse an order of which nothing can leave."""
    require_processed(world, order)
    if not any(item.open for item in order.items):
        raise OrderRefusal(world, 1818214 if order.shipments else 1818111)
    if order.state == "CREATED":
        # Unverified: the code, and that Meta insists.
        raise invalid_parameter("The order must be acknowledged before it is shipped")


def _units(call: Call, order: CommerceOrder) -> list[Units]:
    if "items" not in call.params:
        return [Units(item, item.open) for item in order.items if item.open]
    units = read_units(order, call.structure("items", list, []))
    if not units:
        raise OrderRefusal(call.world, 2361357)
    for one in units:
        require_open(call.world, one, closed=1818015 if one.item.fulfilled else 1818111)
    return units


def require_open(world: World, units: Units, *, closed: int) -> None:
    """Refuse more units than are neither shipped nor cancelled; `closed` is the code when there are none."""
    if not units.item.open:
        raise OrderRefusal(world, closed)
    if units.quantity > units.item.open:
        # Unverified: the code.
        raise invalid_parameter(f"Param items: only {units.item.open} of item {units.item.id} are open")


def read_tracking(document: Mapping[str, Json]) -> Tracking:
    """Read carrier and number; without either the parcel has no tracking."""
    carrier, number, method = (str(document.get(name) or "").strip() for name in TRACKING)
    if unknown := document.keys() - set(TRACKING):
        raise invalid_parameter(f"Param tracking_info: there is no {min(unknown)}")
    if (number and not carrier) or (carrier and carrier.upper() not in CARRIERS):
        raise invalid_parameter(f"Param tracking_info.carrier: {carrier!r} is no supported carrier; use OTHER")
    return carrier.lower(), number, method


def require_new_tracking(world: World, order: CommerceOrder, tracking: Tracking, *, but: str = "") -> None:
    """Refuse a number that another parcel of the order has."""
    if tracking[1] and any(one.tracking_number == tracking[1] and one.id != but for one in order.shipments):
        raise OrderRefusal(world, 2382045)


def _check_details(call: Call, order: CommerceOrder, external_id: str) -> None:
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        raise invalid_parameter("Param external_shipment_id must consist of letters, digits and _")
    if external_id and any(one.external_shipment_id == external_id for one in order.shipments):
        # Unverified: the code.
        raise invalid_parameter("Param external_shipment_id is in use for the order")
    if unknown := call.structure("fulfillment", dict, {}).keys() - FULFILLMENT:
        raise invalid_parameter(f"Param fulfillment: there is no {min(unknown)}")
    origin = call.text("shipment_origin_postal_code", "")
    if (origin or call.world.switches.origin_postal_code_required) and not POSTAL_CODE.fullmatch(origin):
        raise OrderRefusal(call.world, 2361084)
    # Unverified: the shape of shipping_tax_details.
    taxes = call.structure("shipping_tax_details", dict, {})
    authorised = sum(option.tax for option in shipping_options(order).values())
    if sum(_tax(order, name, value) for name, value in taxes.items()) > authorised:
        raise OrderRefusal(call.world, 2361086)


def _tax(order: CommerceOrder, name: str, value: Json) -> int:
    try:
        return read_money(value, order.currency, place=f"shipping_tax_details.{name}")
    except ValueError as problem:
        raise invalid_parameter(str(problem)) from None


def ship(
    world: World, order: CommerceOrder, units: Sequence[Units], tracking: Tracking, *, external_id: str = ""
) -> OrderShipment:
    """Let a parcel leave: its units are shipped and, when the time comes, charged."""
    carrier, number, method = tracking
    shipment = OrderShipment(world.new_id(), world.clock.now(), external_id, [*units], carrier, number, method)
    order.payments.append(charge(world, order, shipment))
    order.shipments.append(shipment)
    for one in units:
        one.item.fulfilled += one.quantity
    collect(order, now=world.clock.now())
    return shipment


@order_write
def track(call: Call, order: CommerceOrder, key: str) -> Json:
    """Give a parcel another tracking."""
    external_id = call.text("external_shipment_id", "")
    # Unverified: that a fulfillment is the shipment; Meta's table has had the parameter since before the other two.
    shipment_id = call.text("shipment_id", "") or call.text("fulfillment_id", "")
    if bool(external_id) == bool(shipment_id):
        raise invalid_parameter("Give external_shipment_id or shipment_id, one of them")
    found = [
        one
        for one in order.shipments
        if shipment_id == one.id or (external_id and external_id == one.external_shipment_id)
    ]
    if not found:
        raise invalid_parameter("The order has no such shipment")
    tracking = read_tracking(call.structure("tracking_info", dict))
    require_new_tracking(call.world, order, tracking, but=found[0].id)
    found[0].carrier, found[0].tracking_number, found[0].shipping_method_name = tracking
    note(call.world, order, "track", key=key, told={"shipment_id": found[0].id, "tracking_number": tracking[1]})
    change(call.world, order, what="shipped")
    return SUCCESS
