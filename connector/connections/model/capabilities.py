"""What a connection may do: each capability's state, its reason, since when, and the button that mends it.

Capabilities are derived, never stored. One failing capability never disables another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class CapabilityKind(StrEnum):
    """What a connection may do."""

    CATALOG_SYNC = "CATALOG_SYNC"
    INVENTORY = "INVENTORY"
    MESSAGING = "MESSAGING"


class CapabilityState(StrEnum):
    """Whether it works."""

    ACTIVE = "ACTIVE"
    AWAITING_GO = "AWAITING_GO"
    BLOCKED = "BLOCKED"


FIXES = {
    "STORE_NOT_CONNECTED": "The merchant connects the store: Connect.begin.",
    "META_TOKEN_INVALID": "The merchant connects again: Connect.begin with this connection.",
    "META_PERMISSION_MISSING": "The merchant connects again and grants every permission that is asked for.",
    "META_POLICY_BLOCKED": "The merchant looks into Meta's account quality page.",
    "CAPABILITY_RETIRED_BY_META": "Nothing: Meta switched this off.",
    "CATALOG_NOT_ATTACHED": "Attach a catalog: AttachCatalog or CreateCatalog.",
    "": "Look at the products, then give the go: SyncCatalog.",
}
"""What to press for each reason that can stop a capability; the empty reason waits for the go."""


CONCERNED: Mapping[str, CapabilityKind] = {
    "SUBSCRIBE_PAGE": CapabilityKind.MESSAGING,
    "SEND_MESSAGE": CapabilityKind.MESSAGING,
    "SETTLE_MESSAGE": CapabilityKind.MESSAGING,
    "SEND_STOCK": CapabilityKind.INVENTORY,
    "CHECK_STOCK": CapabilityKind.INVENTORY,
    "SEND_ITEMS": CapabilityKind.CATALOG_SYNC,
    "CHECK_BATCH": CapabilityKind.CATALOG_SYNC,
    "SYNC_SETS": CapabilityKind.CATALOG_SYNC,
    "CHECK_SETS": CapabilityKind.CATALOG_SYNC,
}
"""Which capability a refusal met during a task is about."""


@dataclass(frozen=True, slots=True)
class Block:
    """What keeps one capability from working although the connection is linked."""

    reason: str
    since_time: datetime


@dataclass(frozen=True, slots=True)
class Capability:
    """Something a connection may do."""

    kind: CapabilityKind
    state: CapabilityState
    reason: str
    fix: str
    since_time: datetime

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "kind": f"KIND_{self.kind}",
            "state": f"STATE_{self.state}",
            "reason": self.reason,
            "fix": self.fix,
            "since_time": self.since_time,
        }
