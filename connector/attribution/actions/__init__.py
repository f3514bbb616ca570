"""Records orders that came from Facebook, Instagram or a conversation, and has StormCom answer carts that people send.

Its files: `recording` (of orders: their holds, conversion and event, in one transaction), `drafts` (carts).
"""

from connector.attribution.actions.drafts import answer, expire_drafts, find_draft, list_drafts, receive_carts
from connector.attribution.actions.recording import Said, find_order, list_orders, record

__all__ = [
    "Said",
    "answer",
    "expire_drafts",
    "find_draft",
    "find_order",
    "list_drafts",
    "list_orders",
    "receive_carts",
    "record",
]
