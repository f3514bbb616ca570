"""How single capabilities are tried: one cheap read each, which needs the same permission as the work itself."""

from dataclasses import dataclass
from typing import Any

from connector.connections.graph.subscriptions import page_bucket
from connector.connections.model import CapabilityKind
from connector.errors import MetaRefused
from connector.graph.call import Call
from connector.graph.faults import REASONS, Kind


@dataclass(frozen=True, slots=True)
class Try:
    """A call, and whose token it is made with: `page` or `user`."""

    call: Call[bool]
    token: str


def probe(kind: CapabilityKind, *, page_id: str, catalog_id: str) -> Try | None:
    """Write the call that tries a capability; None when there is none, or nothing to try it on.

    INSIGHTS and INSTAGRAM_MESSAGING have none: a refusal has the tokens looked at, whose scopes tell; it blocks none of them by itself.
    CONVERSIONS is tried by the task that sends them, on the pixel.
    """
    match kind:
        case CapabilityKind.MESSAGING:
            # SDK 26.0.3, page.py, get_conversations
            return _page_list(page_id, "conversations")
        case CapabilityKind.ORDER_MANAGEMENT:
            # SDK 26.0.3, page.py, get_commerce_orders
            return _page_list(page_id, "commerce_orders")
        case CapabilityKind.CATALOG_SYNC | CapabilityKind.INVENTORY | CapabilityKind.PROMOTIONS if catalog_id:
            # SDK 26.0.3, productcatalog.py, api_get
            asked = {"fields": "id"}
            bucket = f"catalog_management:{catalog_id}"
            return Try(Call("GET", catalog_id, params=asked, read=_node, bucket=bucket), "user")
        case _:
            return None


# Unverified: how Meta answers calls of what it has removed. 100 (unknown edge or object), 803 and 2500 are likely.
_GONE_CODES = frozenset({100, 803, 2500})


def tells_gone(refusal: MetaRefused, kind: CapabilityKind) -> bool:
    """Tell whether a refusal of a try means that Meta has removed what was tried. Only orders are known to be removed."""
    if kind is not CapabilityKind.ORDER_MANAGEMENT:
        return False
    return refusal.reason == REASONS[Kind.RETIRED] or refusal.code in _GONE_CODES


def _page_list(page_id: str, edge: str) -> Try:
    asked = {"fields": "id", "limit": "1"}
    return Try(Call("GET", f"{page_id}/{edge}", params=asked, read=_listed, bucket=page_bucket(page_id)), "page")


def _listed(answer: Any) -> bool:
    return isinstance(answer["data"], list)


def _node(answer: Any) -> bool:
    return bool(answer["id"])
