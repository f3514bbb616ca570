"""Reads which units of which lines a write means: `[{retailer_id or item_id, quantity}]`.

It refuses lines that are named twice, by both names or by none, and a retailer id where two lines may have it.
"""

from collections.abc import Callable, Mapping

from simulator.call import Json
from simulator.errors import GraphError, invalid_parameter
from simulator.orders.state import CommerceOrder, OrderItem, Units

Unknown = Callable[[], GraphError]


def read_lines(
    order: CommerceOrder, items: list[Json], *, unknown: Unknown
) -> list[tuple[OrderItem, Mapping[str, Json]]]:
    """Return the lines that are named, each with what is said about it."""
    if not all(isinstance(one, dict) for one in items):
        raise invalid_parameter("Param items must be an array of objects")
    found = [(_line(order, one, unknown=unknown), one) for one in items]
    if len({item.id for item, _ in found}) < len(found):
        raise invalid_parameter("Param items names a line twice")
    return found


def read_units(order: CommerceOrder, items: list[Json]) -> list[Units]:
    """Return the units that are named."""
    lines = read_lines(
        order, items, unknown=lambda: invalid_parameter("Param items names a line that the order has not")
    )
    return [Units(item, read_quantity(one, "quantity")) for item, one in lines]


def read_quantity(document: Mapping[str, Json], name: str, *, least: int = 1) -> int:
    """Read a number of units."""
    value = document.get(name, 0)
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 9 or int(value) < least:
        raise invalid_parameter(f"Param items: {name} must be an integer of at least {least}")
    return int(value)


def _line(order: CommerceOrder, document: Mapping[str, Json], *, unknown: Unknown) -> OrderItem:
    names = [name for name in ("retailer_id", "item_id") if document.get(name)]
    if len(names) != 1:
        raise invalid_parameter("Param items: give retailer_id or item_id, one of them")
    wanted, by_item = str(document[names[0]]), names == ["item_id"]
    found = [item for item in order.items if wanted == (item.id if by_item else item.retailer_id)]
    # graph-api.md 6.2 (documentation, Feb 2026): where buy-x-get-y may be, only item_id tells lines apart.
    if len(found) != 1 or (not by_item and any(one.buy_x_get_y for one in order.discounts)):
        raise unknown()
    return found[0]
