"""What an operation is and how it may end. Its counts hold settled items only, never merely sent ones.

    RUNNING ────────────▶ SUCCEEDED | PARTIALLY_SUCCEEDED | FAILED | CANCELLED
       ▲                                                        ▲        ▲
       └── NEEDS_CONFIRMATION ──────────────────────────────────┴────────┘

An ended operation never changes again. It ends by itself when every item it set out to settle is settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from connector.values import ConnectionId

FIRST_REJECTIONS = 10


class Kind(StrEnum):
    """What an operation does."""

    SYNC_CATALOG = "SYNC_CATALOG"
    APPLY_SNAPSHOT = "APPLY_SNAPSHOT"
    RETRY_ITEMS = "RETRY_ITEMS"
    SCAN_CATALOG = "SCAN_CATALOG"
    APPLY_ADOPTION = "APPLY_ADOPTION"
    LEAVE_CATALOG = "LEAVE_CATALOG"


class State(StrEnum):
    """Where an operation stands."""

    RUNNING = "RUNNING"
    NEEDS_CONFIRMATION = "NEEDS_CONFIRMATION"
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


OPEN = frozenset({State.RUNNING, State.NEEDS_CONFIRMATION})


@dataclass(frozen=True, slots=True)
class Draft:
    """An operation about to begin. `request_id` makes that repeatable: one operation per (store, request id)."""

    kind: Kind
    store_id: str
    connection_id: ConnectionId
    request_id: str | None = None
    total: int = 0
    removal_count: int = 0
    state: State = State.RUNNING
    scheduled: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What it is to do once it is confirmed; JSON-able."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that was rejected; `fault` has the fields of the contract's ItemFault."""

    retailer_id: str
    product_id: str
    variant_id: str
    fault: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "retailer_id": self.retailer_id,
            "product_id": self.product_id,
            "variant_id": self.variant_id,
            "fault": dict(self.fault),
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as it is kept."""

    id: UUID
    store_id: str
    connection_id: ConnectionId
    kind: Kind
    state: State
    total_count: int
    confirmed_count: int
    rejected_count: int
    removal_count: int
    scheduled: bool
    reason: str
    first_rejections: tuple[Mapping[str, Any], ...]
    create_time: datetime
    update_time: datetime
    finish_time: datetime | None

    @property
    def open(self) -> bool:
        """Tell whether it has not ended."""
        return self.state in OPEN

    def document(self) -> dict[str, Any]:
        """Write it with the field names and enum names of the contract: the one description RPCs and events share."""
        return {
            "operation_id": str(self.id),
            "store_id": self.store_id,
            "connection_id": str(self.connection_id),
            "kind": f"KIND_{self.kind}",
            "state": f"STATE_{self.state}",
            "total_count": self.total_count,
            "confirmed_count": self.confirmed_count,
            "rejected_count": self.rejected_count,
            "removal_count": self.removal_count,
            "scheduled": self.scheduled,
            "reason": self.reason,
            "first_rejections": list(self.first_rejections),
            "create_time": self.create_time,
            "update_time": self.update_time,
            "finish_time": self.finish_time,
        }


def end_of(*, total: int, confirmed: int, rejected: int) -> State | None:
    """Tell how an operation with these counts ends; None while items are unsettled."""
    if confirmed + rejected < total:
        return None
    return State.PARTIALLY_SUCCEEDED if rejected else State.SUCCEEDED
