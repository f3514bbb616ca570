"""What this Meta remembers of feeds: their settings, uploads and errors, and the files a commerce integration was sent.

Every class that has a Graph node is named as Meta's SDK names it, because the SDK's tables judge us.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class ProductFeed:
    """A feed of a catalog. `created` are the items it brought in: a replace upload deletes no others."""

    id: str
    catalog_id: str
    name: str
    create_time: float
    readable_time: float
    feed_type: str = "PRODUCTS"
    settings: dict[str, Any] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    reviews: dict[str, dict[str, str]] = field(default_factory=dict)
    offers: dict[str, dict[str, str]] = field(default_factory=dict)
    uploads: list["ProductFeedUpload"] = field(default_factory=list)


@dataclass(slots=True)
class Source:
    """Where a file comes from: an address to fetch, or the bytes that were posted."""

    url: str = ""
    username: str = ""
    password: str = ""
    content: bytes | None = None
    filename: str = ""


@dataclass(slots=True)
class ProductFeedUpload:
    """One file on its way into a catalog. `ended` is set once all of it is done."""

    id: str
    catalog_id: str
    feed_id: str
    source: Source
    update_only: bool
    start_time: float
    finish_time: float
    begun: bool = False
    end_time: float | None = None
    detected: int = 0
    persisted: int = 0
    invalid: int = 0
    deleted: int = 0
    errors: dict[tuple[str, str, str], "ProductFeedUploadError"] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, severity: str) -> int:
        """Tell how many rows have an error of that severity."""
        return sum(one.total_count for one in self.errors.values() if one.severity == severity)


@dataclass(slots=True)
class ProductFeedUploadErrorSample:
    """A row that has an error."""

    id: str
    catalog_id: str
    retailer_id: str
    row_number: int


@dataclass(slots=True)
class ProductFeedUploadError:
    """One kind of error of an upload, with the first rows that have it."""

    id: str
    catalog_id: str
    severity: str
    error_type: str
    summary: str
    total_count: int = 0
    samples: list[ProductFeedUploadErrorSample] = field(default_factory=list)


@dataclass(slots=True)
class CommercePartnerIntegration:
    """What joins a shop to a catalog beyond its items: it takes files of other kinds. The SDK has no class for it."""

    id: str
    catalog_id: str
    updates: list["FileUpdate"] = field(default_factory=list)
    navigation: list[dict[str, Any]] = field(default_factory=list)
    reviews: dict[str, dict[str, str]] = field(default_factory=dict)
    offers: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class FileUpdate:
    """A file for an integration. Meta tells nothing of it afterwards; `problem` is for tests."""

    id: str
    integration_id: str
    feed_type: str
    source: Source
    finish_time: float
    begun: bool = False
    problem: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
