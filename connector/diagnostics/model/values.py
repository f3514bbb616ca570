"""What is wrong with a catalog: kinds of trouble with counts and samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.diagnostics.model.explanations import explain
from connector.diagnostics.model.rows import Explanation, Kind

PULLED_EVERY = timedelta(hours=1)
# https://developers.facebook.com/docs/graph-api/results (read 2026-11-21): cursors are not for keeping.
LONGEST_ROUND = timedelta(days=1)
"""After which a round that did not end, because Meta was away or took its cursor no more, begins anew."""
PAGE_SIZE = 100
"""Unverified: the largest page of items Meta gives; halved when it asks for less."""
MOST_PAGES = 50
"""So many pages of items in trouble are read in an hour; more trouble is told as a count by the catalog's diagnostics."""
MOST_SAMPLES = 10


class Source(StrEnum):
    """Who found it."""

    CHECKS = "CHECKS"
    VERDICT = "VERDICT"
    ITEM = "ITEM"
    CATALOG = "CATALOG"


class Severity(StrEnum):
    """How bad it is, in Meta's words."""

    MUST_FIX = "MUST_FIX"
    OPPORTUNITY = "OPPORTUNITY"


_KINDS = {
    Source.CHECKS: Kind.REASON,
    Source.VERDICT: Kind.REASON,
    Source.ITEM: Kind.ITEM_ERROR,
    Source.CATALOG: Kind.CATALOG,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble. `title` is Meta's own, empty when it gives none."""

    source: Source
    reason: str
    severity: Severity
    title: str
    item_count: int
    sample_retailer_ids: Sequence[str]
    affected_channels: Sequence[str]
    first_time: datetime | None
    last_time: datetime | None

    @property
    def rank(self) -> tuple[str, ...]:
        """Where it stands in a list: what must be mended before what would be better, the frequent before the rare."""
        return self.severity, f"{10**12 - self.item_count:013}", self.source, self.reason

    @property
    def explanation(self) -> Explanation:
        """Why it is so, who mends it and how."""
        return explain(_KINDS[self.source], self.reason)

    def document(self, *, catalog_id: str, business_id: str) -> dict[str, Any]:
        """Write it with the contract's field names."""
        explanation = self.explanation
        lists = {name: list(getattr(self, name)) for name in ("sample_retailer_ids", "affected_channels")}
        same = {name: getattr(self, name) for name in ("reason", "item_count", "first_time", "last_time")}
        return (
            lists
            | same
            | {
                "source": f"SOURCE_{self.source}",
                "severity": f"SEVERITY_{self.severity}",
                "title": self.title or explanation.cause,
                "explanation": describe(explanation, catalog_id=catalog_id, business_id=business_id),
            }
        )


def describe(explanation: Explanation, **ids: str) -> dict[str, Any]:
    """Write an explanation with the contract's field names."""
    same = {name: getattr(explanation, name) for name in ("name", "cause", "remedy", "retryable", "fix_rpc")}
    kind, owner = f"KIND_{explanation.kind}", f"OWNER_{explanation.owner}"
    return same | {"kind": kind, "owner": owner, "link": explanation.link(**ids)}


@dataclass(frozen=True, slots=True)
class ItemTrouble:
    """What Meta says of one item."""

    retailer_id: str
    errors: tuple[Mapping[str, str], ...]
