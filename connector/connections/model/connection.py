"""What a connection is, and what went wrong on it.

Capabilities are derived, never stored: from the connection's state, its catalog, the explicit go, and `blocks` – what keeps one
capability from working, as `verdicts` weighs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.connections.model.assets import Catalog, InstagramAccount, Page
from connector.connections.model.capabilities import STATES, Block, Capability, CapabilityKind, CapabilityState, Probe
from connector.connections.model.needs import NEEDS, Asset
from connector.connections.model.reach import Reach
from connector.values import OPTIONAL, ConnectionId, Environment

UNSUBSCRIBE_TIME = timedelta(hours=1)
"""How long a disconnected Page's sealed token may wait for the Page to be unsubscribed with it."""


class State(StrEnum):
    """Where a connection stands."""

    AWAITING_LOGIN = "AWAITING_LOGIN"
    AWAITING_CHOICE = "AWAITING_CHOICE"
    CONNECTED = "CONNECTED"
    NEEDS_LOGIN = "NEEDS_LOGIN"
    DISCONNECTING = "DISCONNECTING"
    DISCONNECTED = "DISCONNECTED"


LIVE = frozenset({State.CONNECTED, State.NEEDS_LOGIN, State.DISCONNECTING})
"""The states in which a connection owns its Page."""


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
    instagram_id: str
    instagram_username: str
    business_id: str
    catalog_id: str
    catalog_name: str
    catalog_product_count: int
    catalog_attach_time: datetime | None
    catalog_go_time: datetime | None
    user_id: str
    user_token: bytes | None
    page_token: bytes | None
    token_kind: str
    granted_scopes: tuple[str, ...]
    reach: Reach
    token_expire_time: datetime | None
    data_access_expire_time: datetime | None
    token_time: datetime | None
    blocks: Mapping[CapabilityKind, Block]
    subscribed_fields: tuple[str, ...]
    subscription_check_time: datetime | None
    create_time: datetime
    update_time: datetime
    probes: Mapping[CapabilityKind, Probe] = field(default_factory=dict)
    forwards_mail: bool = False

    @property
    def live(self) -> bool:
        """Tell whether it owns its Page."""
        return self.state in LIVE

    @property
    def page(self) -> Page | None:
        """Tell the Page it is linked to."""
        if not self.page_id:
            return None
        account = InstagramAccount(self.instagram_id, self.instagram_username) if self.instagram_id else None
        return Page(self.page_id, self.page_name, self.page_tasks, account)

    def capabilities(self) -> tuple[Capability, ...]:
        """Tell what it may do, in a stable order."""
        return tuple(self._capability(kind) for kind in CapabilityKind)

    def capability(self, kind: CapabilityKind) -> Capability:
        """Tell whether it may do one thing."""
        return self._capability(kind)

    def _capability(self, kind: CapabilityKind) -> Capability:
        if self.state is not State.CONNECTED:
            reason = self.reason if self.state is State.NEEDS_LOGIN else "STORE_NOT_CONNECTED"
            return Capability(kind, CapabilityState.BLOCKED, reason, self.state_time)
        if block := self.blocks.get(kind):
            state = STATES.get(block.reason, CapabilityState.BLOCKED)
            return Capability(kind, state, block.reason, block.since_time, block.missing, block.explanation)
        if kind in OPTIONAL and not set(NEEDS[kind].scopes) <= set(self.granted_scopes):  # never weighed
            return Capability(kind, CapabilityState.NOT_GRANTED, "SCOPES_MISSING", self.state_time)
        return Capability(kind, *self._by_catalog(kind))

    def _by_catalog(self, kind: CapabilityKind) -> tuple[CapabilityState, str, datetime]:
        """Tell what the catalog, and the go for it, make of what nothing else stops."""
        if NEEDS[kind].asset is not Asset.CATALOG:
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
            "page": self.page.document() if self.page else None,
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
class Problem:
    """Something that went wrong on a connection."""

    reason: str
    message: str
    time: datetime
    code: int = 0
    subcode: int = 0
