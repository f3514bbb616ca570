"""What callers say of attributed orders and draft orders, and what they are told: a file per noun."""

from connector.attribution.rpc.drafts import answer_draft_order, get_draft_order, list_draft_orders
from connector.attribution.rpc.orders import get_attributed_order, list_attributed_orders, record_attributed_order

__all__ = [
    "answer_draft_order",
    "get_attributed_order",
    "get_draft_order",
    "list_attributed_orders",
    "list_draft_orders",
    "record_attributed_order",
]
