"""The refusals of order calls: Meta's own codes, wherever on the wire they stand.

    raise OrderRefusal(world, 1818050)       one of the documented codes
    raise unknown_order(order_id)            803

Meta documents them as "codes"; the one answer anybody has seen has the code -1 and this as its subcode. A switch decides.
"""

from collections.abc import Mapping

from simulator.errors import GraphError
from simulator.world import World

# graph-api.md 6.3 (Meta's page "Error Codes", Feb 2026). The sentences are ours; where two codes have one meaning, which of
# them an endpoint answers is Unverified: the second stands here for `item_updates`.
CODES: Mapping[int, str] = {
    1818015: "This item has already been shipped",
    1818048: "This order has already been cancelled",
    1818049: "This item has already been cancelled",
    1818050: "This order has already been shipped; refund it instead",
    1818105: "A cancelled order cannot be refunded",
    1818107: "The buyer was not charged, so there is nothing to refund",
    1818111: "A cancelled order cannot be shipped",
    1818214: "This order has already been fulfilled",
    1818215: "This order has already been refunded",
    2361003: "Invalid Order ID",
    2361009: "The order cannot be acknowledged: it was cancelled, shipped or refunded",
    2361050: "The order was changed by another request at the same time",
    2361076: "The order cannot be refunded before the buyer is charged",
    2361081: "The order has a pending action; try again later",
    2361084: "The postal code of the shipment's origin is missing or invalid",
    2361086: "The tax provided is above the tax that was authorised",
    2361091: "The tax to refund is above the tax that was charged",
    2361126: "Shop Already Has Authorized Order Management App",
    2361163: "The Instagram account is onboarded with another commerce account",
    2361357: "A shipment needs at least one item",
    2382021: "Invalid retailer_id in the refund",
    2382022: "The shipping to refund is above the shipping that was charged",
    2382023: "The amount to refund is above what was charged for the item",
    2382030: "The total of a refund must be above 0",
    2382045: "This tracking number is already in use for the order",
    2382052: "The commerce account is disabled",
    2382319: "This item has already been refunded",
    2382322: "A shipment needs at least one item",
    2382323: "This item has already been refunded",
    2382324: "Invalid retailer_id in the refund",
    2382325: "The total of a refund must be above 0",
    2382326: "The shipping to refund is above the shipping that was charged",
}
# Unverified: that Meta marks them so.
TRANSIENT = {2361050, 2361076, 2361081}


class OrderRefusal(GraphError):
    """A refusal with an order code, which lists of verdicts need as such."""

    def __init__(self, world: World, order_code: int) -> None:
        text = CODES[order_code]
        code, subcode = {
            "code": (order_code, None),
            "subcode": (-1, order_code),
            "subcode_of_100": (100, order_code),
        }[world.switches.order_code_place]
        super().__init__(
            f"(#{code}) {text}", code=code, subcode=subcode, transient=order_code in TRANSIENT, title=text,
            user_message=text,
        )  # fmt: skip
        self.order_code = order_code


def unknown_order(order_id: str) -> GraphError:
    """Refuse an order or an account that is not there."""
    # graph-api.md 6.3 (woocommerce/facebook-for-woocommerce 2.6.30, Meta's order guide): 803. The sentence is ours.
    return GraphError(f"(#803) There is no order or commerce account {order_id}", code=803, status=404)
