"""A span of time in which orders changed, which can be halved until what it holds fits into one of Meta's pages. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self

NARROW = timedelta(minutes=1)
"""What changed within it is few enough to turn pages for."""


class Window(NamedTuple):
    """From a moment of Meta's on, up to another one, or to whatever Meta holds for now."""

    since: datetime
    until: datetime | None = None

    def halves(self, *, now: datetime) -> tuple[Self, Self] | None:
        """Tell the earlier and the later half; None of one that is narrow."""
        length = (self.until or now) - self.since
        if length <= NARROW:
            return None
        middle = self.since + length / 2
        return type(self)(self.since, middle), type(self)(middle, self.until)
