"""What a row of the error catalogue says, and how many rows that share an explanation are written at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.graph.faults import Owner


class Kind(StrEnum):
    """What a row explains."""

    REASON = "REASON"
    ITEM_ERROR = "ITEM_ERROR"
    CATALOG = "CATALOG"
    GRAPH_CODE = "GRAPH_CODE"


class Where(StrEnum):
    """A page at Meta; the parts in braces are filled in for a connection."""

    # Unverified: these addresses are recalled, not documented.
    NOWHERE = ""
    ITEMS = "https://business.facebook.com/commerce/catalogs/{catalog_id}/products"
    DIAGNOSTICS = "https://business.facebook.com/commerce/catalogs/{catalog_id}/diagnostics"
    EVENTS = "https://business.facebook.com/commerce/catalogs/{catalog_id}/events"
    DATA_SOURCES = "https://business.facebook.com/commerce/catalogs/{catalog_id}/feeds"
    SHOP = "https://business.facebook.com/commerce/?business_id={business_id}"
    QUALITY = "https://business.facebook.com/accountquality/?business_id={business_id}"
    SETTINGS = "https://business.facebook.com/settings/?business_id={business_id}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is so, who mends it, and how. `fix_rpc` mends it, or is called once it is mended."""

    kind: Kind
    name: str
    cause: str
    remedy: str
    owner: Owner
    retryable: bool
    fix_rpc: str
    where: Where

    def link(self, *, catalog_id: str = "{catalog_id}", business_id: str = "{business_id}") -> str:
        """Write the page's address; empty when it lacks an id that is not known."""
        if ("{catalog_id}" in self.where and not catalog_id) or ("{business_id}" in self.where and not business_id):
            return ""
        return self.where.format(catalog_id=catalog_id, business_id=business_id)


def rows(
    kind: Kind,
    causes: Mapping[str, str],
    *,
    remedy: str,
    owner: Owner,
    where: Where = Where.ITEMS,
    fix_rpc: str = "",
    retryable: bool = False,
) -> Iterable[Explanation]:
    """Write a row per name, each with its cause, that share all else."""
    return [Explanation(kind, name, cause, remedy, owner, retryable, fix_rpc, where) for name, cause in causes.items()]
