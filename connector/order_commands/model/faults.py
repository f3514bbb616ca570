"""What Meta's refusals of order calls mean, and what follows: one row per code.

They are documented as codes; on the wire they stand as `code`, or as `error_subcode` of -1 or 100. Both places are looked at.
"""

from dataclasses import dataclass
from enum import StrEnum

from connector.errors import ConnectorError


class Then(StrEnum):
    """What follows a refusal."""

    SOON = "SOON"  # another change of the order is under way: again in a moment
    LATER = "LATER"  # the buyer is not charged yet
    LOOK = "LOOK"  # it happened before, they say: see whether it is what was wanted
    END = "END"  # it cannot be


@dataclass(frozen=True, slots=True)
class OrderFault:
    """One row: what follows, the value of ErrorReason that callers see, and what mends it."""

    then: Then
    reason: str
    message: str


_ENDED = "ORDER_CHANGED_AT_META"
_CHANGED = "Something was done with the order at Meta that we did not know of: look at the order, and tell StormCom's"
_REFUND_LESS = "Refund less: GetOrder says what is left"
_ELSEWHERE = "The merchant takes the other app out in Commerce Manager, then RetryCommand"

# graph-api.md 6.3: Meta's page "Error Codes" (Feb 2026).
FAULTS = {
    2361081: OrderFault(Then.SOON, "ORDER_BUSY", "Another change of the order is under way at Meta"),
    2361050: OrderFault(Then.SOON, "ORDER_BUSY", "The order was changed at Meta at the same moment"),
    2361076: OrderFault(Then.LATER, "ORDER_NOT_CHARGED", "Meta has not charged the buyer yet"),
    1818107: OrderFault(Then.END, "ORDER_NOT_CHARGED", "Meta has not charged the buyer for this: ship it first"),
    2361009: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it cannot be acknowledged any more"),
    1818111: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was cancelled"),
    1818105: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was cancelled, there is nothing to refund"),
    1818015: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was shipped; refund it instead of cancelling"),
    1818050: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was shipped; refund it instead of cancelling"),
    1818048: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was cancelled"),
    1818049: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: the line was cancelled"),
    1818214: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was shipped"),
    1818215: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: it was refunded"),
    2382319: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: the line was refunded"),
    2382323: OrderFault(Then.LOOK, _ENDED, f"{_CHANGED}: the line was refunded"),
    2382021: OrderFault(Then.END, "ORDER_LINE_UNKNOWN", "Meta does not know a line of the refund"),
    2382324: OrderFault(Then.END, "ORDER_LINE_UNKNOWN", "Meta does not know a line of the refund"),
    2382022: OrderFault(Then.END, "REFUND_EXCEEDED", f"More than was charged for shipping. {_REFUND_LESS}"),
    2382326: OrderFault(Then.END, "REFUND_EXCEEDED", f"More than was charged for shipping. {_REFUND_LESS}"),
    2382023: OrderFault(Then.END, "REFUND_EXCEEDED", f"More than was charged for a line. {_REFUND_LESS}"),
    2361091: OrderFault(Then.END, "REFUND_EXCEEDED", f"More tax than was charged. {_REFUND_LESS}"),
    2382030: OrderFault(Then.END, "REFUND_EMPTY", "Nothing would be paid back: refund more than what is taken off"),
    2382325: OrderFault(Then.END, "REFUND_EMPTY", "Nothing would be paid back: refund more than what is taken off"),
    2361357: OrderFault(Then.END, "QUANTITY_EXCEEDED", "A shipment needs a piece, and none is left"),
    2382322: OrderFault(Then.END, "QUANTITY_EXCEEDED", "A shipment needs a piece, and none is left"),
    2382045: OrderFault(Then.LOOK, "TRACKING_REPEATED", "Another shipment of the order has this tracking number"),
    2361084: OrderFault(Then.END, "SHIPMENT_ORIGIN_INVALID", "Meta wants the place that shipments start from, and its postal code"),
    2361086: OrderFault(Then.END, "META_REJECTED", "The tax on shipping is above what was authorised"),
    2361126: OrderFault(Then.END, "ORDERS_MANAGED_ELSEWHERE", f"Another app manages the shop's orders. {_ELSEWHERE}"),
    2361163: OrderFault(Then.END, "ORDERS_MANAGED_ELSEWHERE", f"The Instagram account belongs to another shop. {_ELSEWHERE}"),
    2382052: OrderFault(Then.END, "COMMERCE_ACCOUNT_DISABLED", "Meta has disabled the shop's account: the merchant asks Meta, then RetryCommand"),
    2361003: OrderFault(Then.END, _ENDED, f"{_CHANGED}: Meta does not know it"),
    # woocommerce/facebook-for-woocommerce 2.6.30, Meta's order guide.
    803: OrderFault(Then.END, _ENDED, f"{_CHANGED}: Meta does not have it any more"),
}  # fmt: skip


def codes_of(error: ConnectorError) -> tuple[int, int]:
    """Tell Meta's code and subcode; zeros when Meta gave none."""
    return int(error.metadata.get("meta_code", 0)), int(error.metadata.get("meta_subcode", 0))


def find(code: int, subcode: int) -> OrderFault | None:
    """Find the row of a refusal; None for codes that are not about orders."""
    return FAULTS.get(subcode) or FAULTS.get(code)
