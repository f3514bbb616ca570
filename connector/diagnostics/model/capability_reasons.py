"""Why a capability of a connection does not work, in the words the capability itself shows: owner, button and page for each reason."""

from collections.abc import Mapping

from connector.connections.model import EXPLANATIONS, FIXES
from connector.diagnostics.model.rows import Explanation, Kind, Where
from connector.graph.faults import Owner

_BUTTONS: Mapping[str, tuple[Owner, str, Where]] = {
    "STORE_NOT_CONNECTED": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "META_TOKEN_INVALID": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "META_APP_REMOVED": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "TOKENS_REVOKED": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "DATA_ACCESS_EXPIRED": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "PAGE_ACCESS_LOST": (Owner.MERCHANT, "Connect", Where.SETTINGS),
    "MERCHANT_DATA_DELETED": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "META_PERMISSION_MISSING": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "SCOPES_MISSING": (Owner.MERCHANT, "Connect", Where.NOWHERE),
    "PAGE_TASK_MISSING": (Owner.MERCHANT, "Connect", Where.SETTINGS),
    "INSTALLATION_ASSET_MISSING": (Owner.MERCHANT, "RefreshInstallation", Where.SETTINGS),
    "META_POLICY_BLOCKED": (Owner.MERCHANT, "", Where.QUALITY),
    "CATALOG_NOT_ATTACHED": (Owner.MERCHANT, "AttachCatalog", Where.NOWHERE),
    "PIXEL_OUT_OF_REACH": (Owner.MERCHANT, "SetPixel", Where.SETTINGS),
    "META_APP_NOT_APPROVED": (Owner.STORMCOM, "", Where.NOWHERE),
    "CAPABILITY_NOT_ENABLED": (Owner.STORMCOM, "", Where.NOWHERE),
    "CAPABILITY_RETIRED_BY_META": (Owner.META, "", Where.NOWHERE),
}

CAPABILITY_REASONS: tuple[Explanation, ...] = tuple(
    Explanation(
        Kind.REASON, reason, EXPLANATIONS[reason], FIXES[reason], owner, retryable=False, fix_rpc=rpc, where=where
    )
    for reason, (owner, rpc, where) in _BUTTONS.items()
)
