"""What a connection may do: each capability's state, its reason, since when, and the button that mends it.

A state follows from the reason alone. One failing capability never disables another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.values import CapabilityKind as CapabilityKind


class CapabilityState(StrEnum):
    """Whether it works."""

    ACTIVE = "ACTIVE"
    AWAITING_GO = "AWAITING_GO"
    BLOCKED = "BLOCKED"
    NOT_GRANTED = "NOT_GRANTED"
    UNAVAILABLE = "UNAVAILABLE"
    RETIRED_BY_META = "RETIRED_BY_META"


STATES: Mapping[str, CapabilityState] = {
    "SCOPES_MISSING": CapabilityState.NOT_GRANTED,
    "PAGE_TASK_MISSING": CapabilityState.NOT_GRANTED,
    "CAPABILITY_NOT_ENABLED": CapabilityState.UNAVAILABLE,
    "META_APP_NOT_APPROVED": CapabilityState.UNAVAILABLE,
    "CAPABILITY_RETIRED_BY_META": CapabilityState.RETIRED_BY_META,
}
"""What a reason makes of a capability; any other makes it BLOCKED."""

FIXES = {
    "STORE_NOT_CONNECTED": "The merchant connects the store: Connect.begin.",
    "META_TOKEN_INVALID": "The merchant connects again: Connect.begin with this connection.",
    "INSTALLATION_ASSET_MISSING": "The merchant adds the Page or catalog to the installation again.",
    "META_APP_REMOVED": "The merchant connects again, if they want to: Connect.begin with this connection.",
    "TOKENS_REVOKED": "The merchant connects again: Connect.begin with this connection; or RotateToken hands in a token.",
    "DATA_ACCESS_EXPIRED": "The merchant connects again: Connect.begin with this connection.",
    "PAGE_ACCESS_LOST": "The merchant gets the role on the Page back, or connects again and ticks the Page.",
    "MERCHANT_DATA_DELETED": "Somebody connects again: Connect.begin with this connection.",
    "META_PERMISSION_MISSING": "The merchant connects again and grants every permission that is asked for.",
    "META_POLICY_BLOCKED": "The merchant looks into Meta's account quality page.",
    "META_APP_NOT_APPROVED": "Operators bring the app through Meta's review.",
    "SCOPES_MISSING": "The merchant connects again and grants what is missing: Connect.begin with this connection.",
    "PAGE_TASK_MISSING": "An admin of the Page gives the person who connected the missing task, or connects instead.",
    "CAPABILITY_NOT_ENABLED": "Operators name it in META_PRODUCTION_CAPABILITIES or META_TEST_CAPABILITIES.",
    "CAPABILITY_RETIRED_BY_META": "Nothing: Meta switched this off.",
    "CATALOG_NOT_ATTACHED": "Attach a catalog: AttachCatalog or CreateCatalog.",
    "PIXEL_OUT_OF_REACH": "The merchant gives the app the pixel again in the business's settings, or SetPixel names another.",
    "": "Look at the products, then give the go: SyncCatalog.",
}
"""What to press for each reason that can stop a capability; the empty reason waits for the go."""

EXPLANATIONS = {
    "STORE_NOT_CONNECTED": "The store is not connected to Facebook.",
    "META_TOKEN_INVALID": "Facebook does not accept the connection any more.",
    "INSTALLATION_ASSET_MISSING": "The Page or catalog was taken out of the installation.",
    "META_APP_REMOVED": "You have removed this service at Facebook.",
    "TOKENS_REVOKED": "The connection was ended for safety.",
    "DATA_ACCESS_EXPIRED": "Facebook wants you to log in again, as it does every 90 days.",
    "PAGE_ACCESS_LOST": "You have lost your role on the Facebook Page, or taken the Page away from us.",
    "MERCHANT_DATA_DELETED": "The data of the person who connected was deleted, as they asked.",
    "META_PERMISSION_MISSING": "Facebook says that a permission is missing.",
    "META_POLICY_BLOCKED": "Facebook has blocked this for a while because of its policies.",
    "META_APP_NOT_APPROVED": "Facebook has not approved this service for it yet.",
    "SCOPES_MISSING": "You have not allowed this in Facebook's dialog, or have taken it back.",
    "PAGE_TASK_MISSING": "Your role on the Facebook Page does not allow this.",
    "CAPABILITY_NOT_ENABLED": "This service does not offer it.",
    "CAPABILITY_RETIRED_BY_META": "Facebook has switched this off.",
    "CATALOG_NOT_ATTACHED": "No catalog is chosen yet.",
    "PIXEL_OUT_OF_REACH": "Your pixel is gone, or was taken away from this service.",
    "": "Everything is ready; nothing is sent before you say so.",
}
"""What a merchant is told for each reason."""

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
    "SCAN_CATALOG": CapabilityKind.CATALOG_SYNC,
    "READ_BACK": CapabilityKind.CATALOG_SYNC,
    "POLL_ORDERS": CapabilityKind.ORDER_MANAGEMENT,
    "SEND_ORDER_COMMANDS": CapabilityKind.ORDER_MANAGEMENT,
    "READ_ORDER": CapabilityKind.ORDER_MANAGEMENT,
    "IMPORT_ORDERS": CapabilityKind.ORDER_MANAGEMENT,
    "ACKNOWLEDGE_ORDERS": CapabilityKind.ORDER_MANAGEMENT,
    "SEND_CONVERSIONS": CapabilityKind.CONVERSIONS,
}
"""Which capability a refusal met during a task is about. A task that is not named here takes nothing away."""


class Cause(StrEnum):
    """Where a block comes from: whoever set it knows when it is over."""

    REFUSAL = "REFUSAL"  # Meta refused a call: until a call works, or the merchant connects again
    STANDING = "STANDING"  # it follows from grants, settings, dates and probes: until it does not


@dataclass(frozen=True, slots=True)
class Block:
    """What keeps one capability from working although the connection is linked. `missing` is what was not granted."""

    reason: str
    since_time: datetime
    cause: Cause = Cause.REFUSAL
    missing: tuple[str, ...] = ()
    explanation: str = ""

    def document(self) -> dict[str, Any]:
        """Write it the way it is stored."""
        return {
            "reason": self.reason,
            "since_time": self.since_time.isoformat(),
            "cause": self.cause,
            "missing": list(self.missing),
            "explanation": self.explanation,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Block":
        """Read what `document` wrote."""
        since, missing = datetime.fromisoformat(document["since_time"]), tuple(document.get("missing", ()))
        cause = Cause(document.get("cause", Cause.REFUSAL))
        return cls(document["reason"], since, cause, missing, document.get("explanation", ""))


@dataclass(frozen=True, slots=True)
class Probe:
    """What a try at something that Meta may have switched off, or taken away, brought to light: whether it answered, and when."""

    alive: bool
    time: datetime

    def document(self) -> dict[str, Any]:
        """Write it the way it is stored."""
        return {"alive": self.alive, "time": self.time.isoformat()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Probe":
        """Read what `document` wrote."""
        return cls(document["alive"], datetime.fromisoformat(document["time"]))


@dataclass(frozen=True, slots=True)
class Capability:
    """Something a connection may do."""

    kind: CapabilityKind
    state: CapabilityState
    reason: str
    since_time: datetime
    missing: tuple[str, ...] = ()
    told: str = ""

    @property
    def fix(self) -> str:
        """Tell what to press; empty while it works."""
        if self.state is CapabilityState.ACTIVE:
            return ""
        return FIXES.get(self.reason, "The merchant connects again: Connect.begin.")

    @property
    def explanation(self) -> str:
        """Tell the merchant why; empty while it works."""
        if self.state is CapabilityState.ACTIVE:
            return ""
        return self.told or EXPLANATIONS.get(self.reason, "Facebook does not accept the connection any more.")

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "kind": f"KIND_{self.kind}",
            "state": f"STATE_{self.state}",
            "reason": self.reason,
            "fix": self.fix,
            "since_time": self.since_time,
            "missing": list(self.missing),
            "explanation": self.explanation,
        }
