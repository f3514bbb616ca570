"""An order as it is kept, in parts: lines, sums, discounts, how it travels, who bought. Amounts are minor units of its currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from connector.errors import NotFound
from connector.orders.model.states import ImportState, State
from connector.values import Money


class Channel(StrEnum):
    """Where an order was placed; in the words of the contract's OrderChannel."""

    FACEBOOK = "FACEBOOK"
    INSTAGRAM = "INSTAGRAM"


class Option(NamedTuple):
    """How something travels; amounts as far as Meta says them."""

    name: str
    reference_id: str
    price: int | None
    tax: int | None
    min_days: int
    max_days: int

    def document(self, currency_code: str) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = self._asdict()
        return same | {name: write_money(currency_code, same[name]) for name in ("price", "tax")}


class Discount(NamedTuple):
    """Something taken off an order. `sponsor` and `target` are the contract's words without their prefix."""

    promotion_id: str
    name: str
    coupon: str
    amount: int
    sponsor: str
    target: str
    after_tax: bool
    line_id: str

    def document(self, currency_code: str) -> dict[str, Any]:
        """Write it with the contract's field names."""
        words = {"sponsor": f"SPONSOR_{self.sponsor}", "target": f"TARGET_{self.target}"}
        return self._asdict() | words | {"amount": write_money(currency_code, self.amount)}


class Sums(NamedTuple):
    """The sums: `total` is items, less order_discount, plus shipping, plus tax."""

    items: int
    order_discount: int
    shipping: int
    tax: int
    total: int
    paid_by_buyer: int
    paid_by_meta: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line; what became of its pieces is counted in the three quantities."""

    line_id: str
    retailer_id: str
    external_product_id: str
    product_id: str
    variant_id: str
    mapped: bool
    name: str
    quantity: int
    unit_price: int
    subtotal: int
    order_discount: int
    tax: int
    total: int
    customization: str = ""
    shipping_option: Option | None = None
    shipped_quantity: int = 0
    cancelled_quantity: int = 0
    refunded_quantity: int = 0
    refundable: int | None = None

    @property
    def open_quantity(self) -> int:
        """Count the pieces that are neither shipped nor cancelled."""
        return self.quantity - self.shipped_quantity - self.cancelled_quantity

    def document(self, currency_code: str) -> dict[str, Any]:
        """Write it with the contract's field names."""
        amounts = "unit_price", "subtotal", "order_discount", "tax", "total", "refundable"
        option = self.shipping_option
        return {name: getattr(self, name) for name in self.__slots__} | {
            **{name: write_money(currency_code, getattr(self, name)) for name in amounts},
            "shipping_option": option.document(currency_code) if option else None,
        }


class Problem(NamedTuple):
    """What keeps an order from going on; `retry_time` is when it is tried again by itself."""

    reason: str
    message: str
    since_time: datetime
    try_count: int
    retry_time: datetime | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order, as it is kept. Until its details are read it has neither sums nor lines; the buyer is forgotten after a while.

    `buyer` and `address` are the contract's OrderBuyer and PostalAddress as plain values.
    """

    id: UUID
    store_id: str
    connection_id: UUID
    external_order_id: str
    local_order_id: str
    channel: Channel | None
    state: State
    import_state: ImportState
    version: int
    currency_code: str
    buyer: Mapping[str, Any] | None
    address: Mapping[str, Any] | None
    ascii_address: Mapping[str, Any] | None
    sums: Sums | None
    tax_remitted: bool
    shipping_option: Option | None
    discounts: tuple[Discount, ...]
    ship_by_time: datetime | None
    test_order: bool
    order_time: datetime
    update_time: datetime
    read_update_time: datetime | None
    create_time: datetime
    tell_time: datetime | None
    answer_time: datetime | None
    acknowledge_time: datetime | None
    over_time: datetime | None
    hold_ids: tuple[str, ...]
    hold_expire_time: datetime | None
    problem: Problem | None
    digest: bytes
    lines: tuple[Line, ...] = ()

    @property
    def taken(self) -> bool:
        """Tell whether StormCom has it."""
        return bool(self.local_order_id)

    def lapsed(self, *, at: datetime) -> bool:
        """Tell whether the time is over for which its pieces were kept aside."""
        return self.hold_expire_time is not None and self.hold_expire_time <= at

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = (
            "store_id", "external_order_id", "local_order_id", "version", "ship_by_time", "test_order", "order_time",
            "update_time", "create_time",
        )  # fmt: skip
        return {name: getattr(self, name) for name in same} | {
            "order_id": str(self.id),
            "connection_id": str(self.connection_id),
            "channel": f"ORDER_CHANNEL_{self.channel or 'UNSPECIFIED'}",
            "state": f"STATE_{self.state}",
            "import_state": f"IMPORT_STATE_{self.import_state}",
            "buyer": self._buyer(),
            "address": self.address and {"original": dict(self.address), "ascii": self._ascii()},
            "lines": [line.document(self.currency_code) for line in self.lines],
            "sums": self._sums(),
            "payment": {"prepaid": True, "display_name": self._paid_on()},
            "shipping_option": self.shipping_option and self.shipping_option.document(self.currency_code),
            "notification_policy": "NOTIFICATION_POLICY_SUPPRESS",
            "discounts": [one.document(self.currency_code) for one in self.discounts],
            "problem": self.problem and self.problem._asdict(),
            "hold_ids": list(self.hold_ids),
        }

    def _buyer(self) -> dict[str, Any] | None:
        if not self.buyer:
            return None
        time = self.buyer["marketing_opt_in_time"]  # kept as text, among the other plain values
        return {**self.buyer, "marketing_opt_in_time": datetime.fromisoformat(time) if time else None}

    def _ascii(self) -> dict[str, Any] | None:
        return dict(self.ascii_address) if self.ascii_address else None

    def _sums(self) -> dict[str, Any] | None:
        if self.sums is None:
            return None
        amounts = {name: write_money(self.currency_code, amount) for name, amount in self.sums._asdict().items()}
        return amounts | {"tax_remitted": self.tax_remitted}

    def _paid_on(self) -> str:
        return "Paid on Instagram" if self.channel is Channel.INSTAGRAM else "Paid on Facebook"


def write_money(currency_code: str, minor_units: int | None) -> dict[str, Any] | None:
    """Write an amount with the contract's field names; None stays None."""
    return None if minor_units is None else Money(currency_code, minor_units)._asdict()


def missing(order_id: str) -> NotFound:
    """Say that a store has no such order."""
    return NotFound("ORDER_NOT_FOUND", "No such order in this store", order_id=order_id)
