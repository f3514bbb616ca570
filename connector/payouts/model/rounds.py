"""One reading of payouts and transactions: where it stands, so that it can be interrupted anywhere. Pure.

payouts, page by page ──▶ transactions, page by page ──▶ balances, piece by piece ──▶ done
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from connector.payouts.model.values import HORIZON, LONGEST_ROUND, OVERLAP, Surface


class Step(StrEnum):
    """What a reading does next."""

    PAYOUTS = "PAYOUTS"
    TRANSACTIONS = "TRANSACTIONS"
    BALANCES = "BALANCES"


@dataclass(frozen=True, slots=True)
class Round:
    """Where a reading stands: of what time it is, what comes next, and behind which cursor or order."""

    begin_time: datetime
    from_time: datetime
    step: Step = Step.PAYOUTS
    surface: Surface = Surface.PAGE
    after: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any], *, at: datetime) -> Self | None:
        """Read where it stands from what was kept; None when none is under way, or only one that is too old to go on."""
        if not kept or at - datetime.fromisoformat(kept["begin_time"]) >= LONGEST_ROUND:
            return None
        first, last = (datetime.fromisoformat(kept[name]) for name in ("from_time", "begin_time"))
        return cls(last, first, Step(kept["step"]), Surface(kept["surface"]), kept["after"])

    def document(self) -> dict[str, Any]:
        """Write it for keeping."""
        times = {name: getattr(self, name).isoformat() for name in ("begin_time", "from_time")}
        return asdict(self) | times

    def following(self, after: str) -> Self | None:
        """Tell what comes after an answer whose cursor is `after`; None when the reading is over."""
        if after:
            return replace(self, after=after)
        order = list(Step)
        place = order.index(self.step) + 1
        return replace(self, step=order[place], surface=Surface.PAGE, after="") if place < len(order) else None

    def elsewhere(self) -> Self | None:
        """Ask the account what the Page does not know; None when it was asked already."""
        return replace(self, surface=Surface.ACCOUNT, after="") if self.surface is Surface.PAGE else None


def begin(*, at: datetime, last: datetime | None, oldest: datetime | None) -> Round:
    """Begin a reading: from where rows may still have changed. `oldest` is of the oldest transaction still in the balance."""
    horizon = at - HORIZON
    if last is None:
        return Round(at, horizon)
    return Round(at, max(horizon, min(last - OVERLAP, oldest or last)))
