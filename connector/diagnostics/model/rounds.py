"""One round of asking Meta: the catalog first, then items with errors, the worst first, page by page."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from connector.diagnostics.model.values import LONGEST_ROUND, MOST_PAGES, PAGE_SIZE

CATALOG, PRIORITIES = "CATALOG", ("HIGH", "MEDIUM")


@dataclass(frozen=True, slots=True)
class Round:
    """Where a round stands: what is asked next, and behind which cursor."""

    begin_time: datetime
    asks: str = CATALOG
    after: str = ""
    pages: int = 0
    page_size: int = PAGE_SIZE

    @classmethod
    def of(cls, kept: Mapping[str, Any], *, at: datetime) -> Self:
        """Read where it stands from what was kept; nothing kept begins a round, as does a cursor too old to be asked with."""
        begin_time = datetime.fromisoformat(kept["begin_time"]) if kept else at
        return cls(**{**kept, "begin_time": begin_time}) if kept and at - begin_time < LONGEST_ROUND else cls(at)

    def document(self) -> dict[str, Any]:
        """Write it for keeping."""
        return asdict(self) | {"begin_time": self.begin_time.isoformat()}

    def smaller(self) -> Self:
        """Ask the same for less at once."""
        return replace(self, page_size=max(1, self.page_size // 2))

    def following(self, after: str) -> Self | None:
        """Tell what is asked after this answer, whose cursor is `after`; None when the round is over."""
        if after and self.pages + 1 < MOST_PAGES:
            return replace(self, after=after, pages=self.pages + 1)
        order = (CATALOG, *PRIORITIES)
        place = order.index(self.asks) + 1
        return replace(self, asks=order[place], after="", pages=0) if place < len(order) else None
