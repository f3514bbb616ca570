"""An order and commands of it, as the models of this feature see them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from connector.order_commands.model.commands import Attempt, Command, Kind, Outcome, Pieces, State, Wish
from connector.orders.model.states import ImportState
from connector.orders.model.states import State as OrderState
from connector.orders.model.values import Channel, Discount, Line, Option, Order, Sums

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OFF_THE_WHOLE = Discount("1", "Ten off", "", 1000, "MERCHANT", "ORDER", False, "")


def line(
    line_id: str = "1",
    *,
    quantity: int = 3,
    price: int = 2000,
    shipped: int = 0,
    cancelled: int = 0,
    refunded: int = 0,
    off: int = 0,
) -> Line:
    """Make a line."""
    subtotal = quantity * price
    return Line(
        line_id, f"r{line_id}", "9", f"p{line_id}", "", True, "Lamp", quantity, price, subtotal, off, 150, subtotal - off + 150,
        shipped_quantity=shipped, cancelled_quantity=cancelled, refunded_quantity=refunded,
    )  # fmt: skip


def order(
    *lines: Line,
    state: OrderState = OrderState.IN_PROGRESS,
    currency: str = "USD",
    discounts: tuple[Discount, ...] = (),
    **values: Any,
) -> Order:
    """Make an acknowledged order with shipping of 5.00 and 0.40 of tax on it."""
    items = sum(one.subtotal for one in lines)
    told: dict[str, Any] = {
        "id": UUID(int=1), "store_id": "s", "connection_id": UUID(int=2), "external_order_id": "100", "local_order_id": "sc-1",
        "channel": Channel.FACEBOOK, "state": state, "import_state": ImportState.ACKNOWLEDGED, "version": 1,
        "currency_code": currency, "buyer": None, "address": None, "ascii_address": None,
        "sums": Sums(items, 0, 500, 0, items + 500, items + 500, 0), "tax_remitted": True,
        "shipping_option": Option("Standard", "", 500, 40, 1, 2), "discounts": discounts, "ship_by_time": None,
        "test_order": False, "order_time": NOW, "update_time": NOW, "read_update_time": NOW, "create_time": NOW,
        "tell_time": NOW, "answer_time": NOW, "acknowledge_time": NOW, "over_time": None, "hold_ids": (),
        "hold_expire_time": None, "problem": None, "digest": b"", "lines": lines,
    }  # fmt: skip
    return Order(**told | values)


def command(
    kind: Kind,
    *pieces: Pieces,
    state: State = State.WAITING,
    outcomes: tuple[Outcome, ...] = (),
    shipping: int = 0,
    **values: Any,
) -> Command:
    """Make a command; `outcomes` are those of its attempts."""
    named = {
        name: values.pop(name)
        for name in ("shipment_id", "tracking_number", "everything", "return_id")
        if name in values
    }
    wish = Wish(kind, {}, pieces, shipping=shipping, **named)
    attempts = tuple(Attempt(f"key{number}", "", outcome) for number, outcome in enumerate(outcomes))
    told: dict[str, Any] = {
        "id": UUID(int=3), "store_id": "s", "connection_id": UUID(int=2), "order_id": UUID(int=1), "external_order_id": "100",
        "state": state, "wish": wish, "currency_code": "USD", "attempts": attempts, "first_attempt": 0, "answered": False,
        "external_id": "", "amount": None, "problem": None, "retry_time": None, "create_time": NOW, "end_time": None,
    }  # fmt: skip
    return Command(**told | values)
