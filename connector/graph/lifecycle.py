"""What Meta switches off, and when: Graph versions and single capabilities, each date with its source. Pure.

New knowledge is a new row. A date says what to expect; what Meta then really answers is found out by probes, and wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from connector.values import CapabilityKind

NEAR = timedelta(days=90)
"""How long before an end operators are warned."""

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sunset:
    """Something that Meta switches off for calls of `first_version` and newer: when, and what to tell the merchant."""

    what: str
    date: date
    explanation: str
    source: str
    capability: CapabilityKind | None = None
    first_version: Version = (0, 0)

    @property
    def time(self) -> datetime:
        """Tell the first moment without it."""
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)

    def concerns(self, version: str) -> bool:
        """Tell whether calls of a version meet it."""
        return read_version(version) >= self.first_version


_ORDERS = "Meta has ended order management for connected shops: orders are placed in the store's own checkout, and are worked on there."
_ORDERS_SOURCE = "https://developers.facebook.com/docs/graph-api/changelog/version26.0 (read 2026-11-21)"
_TAGS = "Meta takes no message tags but HUMAN_AGENT: later than a day after the buyer's last message, only a person may answer."

SUNSETS = (
    Sunset(
        "Order Management API, v26.0 and newer",
        date(2026, 7, 29),
        _ORDERS,
        _ORDERS_SOURCE,
        CapabilityKind.ORDER_MANAGEMENT,
        (26, 0),
    ),
    Sunset(
        "Order Management API, all versions",
        date(2026, 10, 27),
        _ORDERS,
        _ORDERS_SOURCE,
        CapabilityKind.ORDER_MANAGEMENT,
    ),
    Sunset(
        "Message tags ACCOUNT_UPDATE, CONFIRMED_EVENT_UPDATE, POST_PURCHASE_UPDATE",
        date(2026, 4, 27),
        _TAGS,
        "Unverified: secondary, integrators' reports of 2026",
    ),
)
"""The registry, in no order."""

# Unverified: recalled from Meta's changelogs; v25.0 and v26.0 are told by others too.
RELEASES: Mapping[Version, date] = {
    (19, 0): date(2024, 1, 23),
    (20, 0): date(2024, 5, 21),
    (21, 0): date(2024, 10, 2),
    (22, 0): date(2025, 1, 21),
    (23, 0): date(2025, 5, 29),
    (24, 0): date(2025, 10, 8),
    (25, 0): date(2026, 2, 18),
    (26, 0): date(2026, 7, 29),
}

# https://developers.facebook.com/docs/graph-api/guides/versioning (read 2026-11-21): two years after the next one's release.
_LIFE_AFTER_NEXT = timedelta(days=730)
# Unverified: catalogs belong to the Marketing API, whose versions live about a year; v24.0 ended on 2026-10-06.
_MARKETING_LIFE = timedelta(days=363)
_VERSIONS_KEPT = 16  # every status asks


@lru_cache(_VERSIONS_KEPT)
def read_version(text: str) -> Version:
    """Read `v26.0`; what is no version is older than all."""
    major, _, minor = text.removeprefix("v").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)


@lru_cache(_VERSIONS_KEPT)
def version_end(text: str) -> datetime | None:
    """Tell when calls of a version stop working for catalogs; None for a version the registry does not know."""
    version = read_version(text)
    if version not in RELEASES:
        return None
    ends = [RELEASES[version] + _MARKETING_LIFE]
    ends += [released + _LIFE_AFTER_NEXT for after, released in sorted(RELEASES.items()) if after > version][:1]
    end = min(ends)
    return datetime(end.year, end.month, end.day, tzinfo=UTC)


def retired(kind: CapabilityKind, version: str, *, at: datetime) -> Sunset | None:
    """Find what has ended a capability for calls of a version; None while it should work."""
    return next(
        (one for one in SUNSETS if one.capability is kind and one.concerns(version) and one.time <= at),
        None,
    )


def nearing(version: str, *, at: datetime) -> list[Sunset]:
    """List what ends within the time that operators are warned, the version itself included, the nearest first."""
    ends = [one for one in SUNSETS if one.concerns(version)]
    if (end := version_end(version)) is not None:
        text = f"Operators raise META_GRAPH_VERSION before Meta ends {version}."
        ends.append(Sunset(f"Graph API {version}", end.date(), text, "connector.graph.lifecycle.RELEASES"))
    return sorted((one for one in ends if at < one.time <= at + NEAR), key=lambda one: one.date)
