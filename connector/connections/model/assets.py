"""What a merchant has at Meta and grants us: Pages, businesses, catalogs, and the offer they make together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.connections.model.reach import Reach, missing_tasks, surplus_tasks


@dataclass(frozen=True, slots=True)
class InstagramAccount:
    """The Instagram account of a Page."""

    id: str
    username: str = ""

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {"instagram_account_id": self.id, "username": self.username}


@dataclass(frozen=True, slots=True)
class Page:
    """A Facebook Page the merchant granted."""

    id: str
    name: str
    tasks: tuple[str, ...] = ()
    instagram: InstagramAccount | None = None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "page_id": self.id,
            "name": self.name,
            "tasks": list(self.tasks),
            "missing_tasks": list(missing_tasks(self.tasks)),
            "surplus_tasks": list(surplus_tasks(self.tasks)),
            "instagram_account": self.instagram and self.instagram.document(),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Page":
        """Read what `document` wrote."""
        account = document.get("instagram_account")
        linked = InstagramAccount(account["instagram_account_id"], account["username"]) if account else None
        return cls(document["page_id"], document["name"], tuple(document["tasks"]), linked)


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
    token_kind: str = ""
    reach: Reach = field(default_factory=Reach)

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
            "token_kind": self.token_kind,
            "reach": self.reach.document(),
            **{f"{name}_expire_time": time and time.isoformat() for name, time in times.items()},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Offer":
        """Read what `document` wrote."""
        return cls(
            tuple(Page.of(page) for page in document["pages"]),
            tuple(Business(business["business_id"], business["name"]) for business in document["businesses"]),
            tuple(
                Catalog(one["catalog_id"], one["name"], one["business_id"], one["product_count"])
                for one in document["catalogs"]
            ),
            document["user_id"],
            tuple(document["scopes"]),
            _instant(document["token_expire_time"]),
            _instant(document["data_access_expire_time"]),
            document.get("token_kind", ""),  # not told in what earlier versions stored, nor how far it reaches
            Reach.of(document.get("reach", {})),
        )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
