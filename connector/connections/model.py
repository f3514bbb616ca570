"""What a connection is, and what it may do at any moment.

Capabilities are derived, never stored: from the connection's state, its catalog, the explicit go, and `blocks` – what
Meta has taken away from one capability. One failing capability never disables another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.errors import ConnectorError
from connector.values import ConnectionId, Environment

LOGIN_TIME = timedelta(minutes=10)
UNSUBSCRIBE_TIME = timedelta(hours=1)
"""How long a disconnected Page's sealed token may wait for the Page to be unsubscribed with it."""


class State(StrEnum):
    """Where a connection stands."""

    AWAITING_LOGIN = "AWAITING_LOGIN"
    AWAITING_CHOICE = "AWAITING_CHOICE"
    CONNECTED = "CONNECTED"
    NEEDS_LOGIN = "NEEDS_LOGIN"
    DISCONNECTED = "DISCONNECTED"


LIVE = frozenset({State.CONNECTED, State.NEEDS_LOGIN})
"""The states in which a connection owns its Page."""


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
class Page:
    """A Facebook Page the merchant granted."""

    id: str
    name: str
    tasks: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {"page_id": self.id, "name": self.name, "tasks": list(self.tasks)}


@dataclass(frozen=True, slots=True)
class Business:
    """A Meta business the merchant granted."""

    id: str
    name: str

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {"business_id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Catalog:
    """A Meta product catalog; `product_count` is 0 when Meta did not say."""

    id: str
    name: str
    business_id: str = ""
    product_count: int = 0

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "catalog_id": self.id,
            "name": self.name,
            "business_id": self.business_id,
            "product_count": self.product_count,
        }


@dataclass(frozen=True, slots=True)
class Offer:
    """What a login granted, and to whom: the merchant chooses from it."""

    pages: tuple[Page, ...] = ()
    businesses: tuple[Business, ...] = ()
    catalogs: tuple[Catalog, ...] = ()
    user_id: str = ""
    scopes: tuple[str, ...] = ()
    token_expire_time: datetime | None = None
    data_access_expire_time: datetime | None = None

    def page(self, page_id: str) -> Page | None:
        """Find a Page in it."""
        return next((page for page in self.pages if page.id == page_id), None)

    def catalog(self, catalog_id: str) -> Catalog | None:
        """Find a catalog in it."""
        return next((catalog for catalog in self.catalogs if catalog.id == catalog_id), None)

    def choice(self) -> dict[str, Any]:
        """Write what there is to choose from, with the contract's field names."""
        return {
            "pages": [page.document() for page in self.pages],
            "businesses": [business.document() for business in self.businesses],
            "catalogs": [catalog.document() for catalog in self.catalogs],
        }

    def document(self) -> dict[str, Any]:
        """Write it the way it is stored."""
        times = {"token": self.token_expire_time, "data_access": self.data_access_expire_time}
        return self.choice() | {
            "user_id": self.user_id,
            "scopes": list(self.scopes),
            **{f"{name}_expire_time": time and time.isoformat() for name, time in times.items()},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Offer":
        """Read what `document` wrote."""
        return cls(
            tuple(Page(page["page_id"], page["name"], tuple(page["tasks"])) for page in document["pages"]),
            tuple(Business(business["business_id"], business["name"]) for business in document["businesses"]),
            tuple(
                Catalog(one["catalog_id"], one["name"], one["business_id"], one["product_count"])
                for one in document["catalogs"]
            ),
            document["user_id"],
            tuple(document["scopes"]),
            _instant(document["token_expire_time"]),
            _instant(document["data_access_expire_time"]),
        )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


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


@dataclass(frozen=True, slots=True)
class Connection:
    """A store's link to one Page (and catalog, and business) in one environment, as it is kept."""

    id: ConnectionId
    store_id: str
    environment: Environment
    state: State
    reason: str
    state_time: datetime
    successor_id: ConnectionId | None
    page_id: str
    page_name: str
    page_tasks: tuple[str, ...]
    business_id: str
    catalog_id: str
    catalog_name: str
    catalog_product_count: int
    catalog_attach_time: datetime | None
    catalog_go_time: datetime | None
    user_id: str
    user_token: bytes | None
    page_token: bytes | None
    granted_scopes: tuple[str, ...]
    token_expire_time: datetime | None
    data_access_expire_time: datetime | None
    blocks: Mapping[CapabilityKind, Block]
    subscribed_fields: tuple[str, ...]
    subscription_check_time: datetime | None
    create_time: datetime
    update_time: datetime

    @property
    def live(self) -> bool:
        """Tell whether it owns its Page."""
        return self.state in LIVE

    def capabilities(self) -> tuple[Capability, ...]:
        """Tell what it may do, in a stable order."""
        return tuple(self._capability(kind) for kind in CapabilityKind)

    def capability(self, kind: CapabilityKind) -> Capability:
        """Tell whether it may do one thing."""
        return self._capability(kind)

    def _capability(self, kind: CapabilityKind) -> Capability:
        state, reason, since = self._standing(kind)
        fix = (
            "" if state is CapabilityState.ACTIVE else FIXES.get(reason, "The merchant connects again: Connect.begin.")
        )
        return Capability(kind, state, reason, fix, since)

    def _standing(self, kind: CapabilityKind) -> tuple[CapabilityState, str, datetime]:
        if self.state is not State.CONNECTED:
            reason = self.reason if self.state is State.NEEDS_LOGIN else "STORE_NOT_CONNECTED"
            return CapabilityState.BLOCKED, reason, self.state_time
        if block := self.blocks.get(kind):
            return CapabilityState.BLOCKED, block.reason, block.since_time
        if kind is CapabilityKind.MESSAGING:
            return CapabilityState.ACTIVE, "", self.state_time
        if not self.catalog_id:
            return CapabilityState.BLOCKED, "CATALOG_NOT_ATTACHED", self.state_time
        if self.catalog_go_time is None:
            return CapabilityState.AWAITING_GO, "", self.catalog_attach_time or self.state_time
        return CapabilityState.ACTIVE, "", max(self.catalog_go_time, self.state_time)

    def document(self) -> dict[str, Any]:
        """Write it with the field names and enum names of the contract: the one description RPCs and events share."""
        return {
            "store_id": self.store_id,
            "connection_id": str(self.id),
            "environment": f"ENVIRONMENT_{self.environment}",
            "state": f"STATE_{self.state}",
            "reason": self.reason,
            "page": Page(self.page_id, self.page_name, self.page_tasks).document() if self.page_id else None,
            "catalog": self._catalog_document(),
            "capabilities": [capability.document() for capability in self.capabilities()],
            "create_time": self.create_time,
            "update_time": self.update_time,
            "token_expire_time": self.token_expire_time,
        }

    def _catalog_document(self) -> dict[str, Any] | None:
        if not self.catalog_id:
            return None
        return Catalog(self.catalog_id, self.catalog_name, self.business_id, self.catalog_product_count).document()


@dataclass(frozen=True, slots=True)
class Login:
    """One walk through Meta's dialog. Its state is kept only as a digest."""

    connection_id: ConnectionId
    store_id: str
    environment: Environment
    redirect_uri: str
    return_url: str
    expire_time: datetime
    used: bool


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a login ended: `outcome` is `CONNECTED`, `AWAITING_CHOICE`, or the reason it failed with.

    `return_url` is where the merchant's browser goes; empty for a state that nobody knows, or when none was given.
    """

    outcome: str
    connection: Connection | None
    offer: Offer
    return_url: str
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong on a connection."""

    reason: str
    message: str
    time: datetime
    code: int = 0
    subcode: int = 0
