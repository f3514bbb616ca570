"""What this Meta remembers of orders: the orders with all that happened to them, and each account's book of them.

Amounts are whole minor units of the order's currency. The book keeps its orders by state and time of the last change, so that a
page of a hundred thousand costs no more than a page of ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# SDK 26.0.3, commerceorder.py, CommerceOrder.State
STATES = ("FB_PROCESSING", "CREATED", "IN_PROGRESS", "COMPLETED")
Mark = tuple[int, int]  # microseconds of the last change, order of creation


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought and where it goes."""

    name: str
    email: str
    phone_number: str
    marketing: bool | None  # None: Meta does not say
    address: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShippingOption:
    """What the buyer chose, and what it costs before any discount."""

    name: str
    reference_id: str
    price: int
    tax: int
    min_days: int
    max_days: int


@dataclass(frozen=True, slots=True)
class Discount:
    """A promotion applied to an order. `amount` is what it takes off altogether."""

    promotion_id: str
    campaign_name: str
    coupon_code: str
    amount: int
    sponsor: str  # merchant | facebook
    granularity: str  # item_level | order_level
    target: str  # LINE_ITEM | SHIPPING
    # https://developers.facebook.com/docs/graph-api/reference/commerce-promotion-detail (v24.0; read 2026-11-22)
    retailer_id: str = ""  # the seller's own id of the promotion
    item_id: str = ""  # the line of an item-level one
    buy_x_get_y: bool = False

    @property
    def after_tax(self) -> bool:
        """Return whether Meta pays for it, after tax: the seller is made whole."""
        return self.sponsor == "facebook"


@dataclass(slots=True)
class OrderItem:
    """One line of an order, with how much of it was shipped, cancelled, charged and refunded."""

    id: str
    product_id: str
    retailer_id: str
    product_name: str
    quantity: int
    unit_price: int  # item-level discounts of the seller are inside
    tax: int  # estimated, for all units; it never changes
    option: ShippingOption | None = None
    fulfilled: int = 0
    cancelled: int = 0
    refunded: int = 0
    charged_amount: int = 0
    charged_tax: int = 0
    refunded_amount: int = 0
    refunded_tax: int = 0

    @property
    def open(self) -> int:
        """Return how many units are neither shipped nor cancelled."""
        return self.quantity - self.fulfilled - self.cancelled


@dataclass(frozen=True, slots=True)
class Units:
    """Some units of one line."""

    item: OrderItem
    quantity: int


@dataclass(slots=True)
class OrderShipment:
    """One parcel."""

    id: str
    time: float
    external_shipment_id: str
    units: list[Units]
    carrier: str = ""
    tracking_number: str = ""
    shipping_method_name: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """The part of an order-level promotion that falls on some units of a line."""

    discount: Discount
    item: OrderItem
    amount: int


@dataclass(frozen=True, slots=True)
class LineAmount:
    """Money for one line, charged or refunded; a refund by amount has no units."""

    item: OrderItem
    quantity: int
    amount: int
    tax: int


@dataclass(slots=True)
class OrderPayment:
    """What one parcel makes Meta charge, and when; a charge that fails stays uncollected."""

    id: str
    shipment: OrderShipment
    lines: list[LineAmount]  # after the seller's order-level discounts
    allocations: list[Allocation]
    shipping: int
    shipping_tax: int
    capture_time: float
    pay_time: float  # when the seller gets it
    fails: bool = False
    collected: bool = False

    @property
    def items(self) -> int:
        """Return what is charged for items."""
        return sum(line.amount for line in self.lines)

    @property
    def tax(self) -> int:
        """Return the tax that is charged."""
        return self.shipping_tax + sum(line.tax for line in self.lines)

    @property
    def total(self) -> int:
        """Return all that is charged."""
        return self.items + self.shipping + self.tax


@dataclass(slots=True)
class OrderCancellation:
    """Units that will never be shipped."""

    id: str
    time: float
    units: list[Units]
    allocations: list[Allocation]
    reason_code: str
    reason_description: str
    restock: bool


@dataclass(slots=True)
class OrderRefund:
    """Money that went back to the buyer."""

    id: str
    time: float
    pay_time: float  # when the seller's balance is short of it
    lines: list[LineAmount]
    reason_code: str
    reason_text: str
    shipping: int
    shipping_tax: int
    adjustment: int
    deductions: int

    @property
    def tax(self) -> int:
        """Return the tax that went back."""
        return self.shipping_tax + sum(line.tax for line in self.lines)

    @property
    def subtotal(self) -> int:
        """Return what went back for items."""
        return self.adjustment + sum(line.amount for line in self.lines)

    @property
    def total(self) -> int:
        """Return what the buyer got."""
        return self.subtotal + self.shipping + self.tax - self.deductions


@dataclass(slots=True)
class OrderReturn:
    """A buyer sends something back, or wants to."""

    id: str
    page_id: str
    order_id: str
    time: float
    units: list[Units]
    status: str
    reason: str
    merchant_return_id: str = ""
    message: str = ""


@dataclass(slots=True)
class CommerceOrder:
    """An order; `process_until` is when Meta's own checks end, after which it is CREATED or, if it `vanishes`, gone."""

    id: str
    account_id: str
    page_id: str
    sequence: int
    create_time: float
    update_time: float
    process_until: float
    vanishes: bool
    channel: str
    currency: str
    buyer: Buyer
    items: list[OrderItem]
    option: ShippingOption
    discounts: tuple[Discount, ...]
    tax_remitted: bool
    is_test: bool
    state: str = "FB_PROCESSING"
    merchant_order_id: str = ""
    acknowledged: bool = False  # by an app; an order may be IN_PROGRESS without it
    busy_until: float = 0.0  # until then a change is still under way
    shipping_charged: int = 0
    shipping_tax_charged: int = 0
    shipping_refunded: int = 0
    shipping_tax_refunded: int = 0
    charged_options: list[str] = field(default_factory=list)  # lines whose shipping is charged; "": the order's
    shipments: list[OrderShipment] = field(default_factory=list)
    payments: list[OrderPayment] = field(default_factory=list)
    cancellations: list[OrderCancellation] = field(default_factory=list)
    refunds: list[OrderRefund] = field(default_factory=list)
    returns: list[OrderReturn] = field(default_factory=list)

    @property
    def mark(self) -> Mark:
        """Return where the order stands in lists."""
        return int(self.update_time * 1_000_000), self.sequence


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that changed an order for good: who did it, under which key, when."""

    sequence: int
    time: float
    kind: str  # acknowledge | ship | track | cancel | refund | return
    by: str  # app | buyer | meta
    order_id: str
    key: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call with an idempotency key was, and what it got: an answer, or the refusal."""

    request: str
    answer: Any = None
    refusal: Exception | None = None


@dataclass(slots=True)
class OrderBook:
    """All orders of an account."""

    orders: dict[str, CommerceOrder] = field(default_factory=dict)
    by_state: dict[str, list[CommerceOrder]] = field(default_factory=lambda: {state: [] for state in STATES})  # by mark
    processing: list[tuple[float, int, CommerceOrder]] = field(default_factory=list)  # heap by the end of processing
    vanished: set[str] = field(default_factory=set)
    answers: dict[str, Answered] = field(default_factory=dict)  # by idempotency key
    effects: list[Effect] = field(default_factory=list)
