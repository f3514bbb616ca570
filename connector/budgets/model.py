"""The rules of a budget: how full it is, how fast it may be spent, whose turn it is; and when a circuit breaker opens. Pure.

A budget counts in percent of Meta's allowance, as its usage headers do. What was spent is kept by slot of the rolling window
and leaves it slot by slot, so a budget empties by itself while nothing is heard. It promises an even pace that reaches the
ceiling no earlier than room comes back; it knows nothing about who spends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

SLOW_PERCENT = 75.0
"""Below, everybody goes at once."""
SLOTS = 60
UNKNOWN_COST = 0.5
"""What a call is taken to cost before anything is known: one of 200, the allowance of a new shop."""
_LEAST_COST = 0.0001
_LEARNED_CALLS = 50
_ROUNDING = 1.0  # Meta tells whole percents, rounded down
_INSTANT_SECONDS = 0.001

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21): rolling windows.
# Unverified: a newer page counts catalog_batch by the minute, so META_BATCH_WINDOW_SECONDS can say otherwise.
WINDOWS = {"app": _HOUR, "pages": _DAY, "messenger": _DAY, "catalog_management": _HOUR, "catalog_batch": _HOUR}


class Urgency(StrEnum):
    """Who goes first when room is scarce."""

    URGENT = "URGENT"  # stock, prices, messages
    PATIENT = "PATIENT"  # everything else


CEILINGS = {Urgency.URGENT: 95.0, Urgency.PATIENT: 90.0}
"""Where each stops. The difference is kept for what is urgent."""
SHARES = {Urgency.URGENT: 0.75, Urgency.PATIENT: 0.25}
"""What each gets while both want: three urgent calls for a patient one, so that neither starves."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """What was spent in a rolling window, in percent of the allowance, by number of the slot since the epoch."""

    window: timedelta
    spent: Mapping[int, float] = field(default_factory=dict)

    def percent(self, at: datetime) -> float:
        """Tell how full the window is."""
        return sum(self._kept(at).values())

    def told(self, percent: float, at: datetime, *, own: float = 0.0) -> "Gauge":
        """Believe Meta: what we did not know of was spent just now, what is there no more was the oldest.

        `own` is what our calls since then have spent.
        """
        kept, newest = self._kept(at), self._number(at)
        kept[newest] = kept.get(newest, 0.0) + own
        surplus = sum(kept.values()) - percent
        if surplus < 0:
            kept[newest] -= surplus
        for number in sorted(kept) if surplus >= _ROUNDING else ():
            gone = min(surplus, kept[number])
            kept[number] -= gone
            surplus -= gone
        return Gauge(self.window, {number: share for number, share in kept.items() if share > 0})

    def within(self, window: timedelta, at: datetime) -> "Gauge":
        """Reckon with another window; all that is spent counts as spent just now."""
        return self if window == self.window else Gauge(window).told(self.percent(at), at)

    def frees(self, ceiling: float, at: datetime) -> datetime:
        """Tell from when on the window is less full than `ceiling`."""
        left, time = self.percent(at), at
        for number, share in sorted(self._kept(at).items()):
            if left < ceiling:
                break
            left, time = left - share, self._leaves(number)
        return time

    def rate(self, ceiling: float, at: datetime) -> float:
        """Tell the fastest even pace, in percent a second, that never passes `ceiling` as long as the window lasts."""
        room, fastest = ceiling - self.percent(at), ceiling / self.window.total_seconds()
        for number, share in sorted(self._kept(at).items()):
            wait = max((self._leaves(number) - at).total_seconds(), _INSTANT_SECONDS)
            fastest = min(fastest, room / wait)
            room += share
        return max(fastest, 0.0)

    @property
    def _slot_seconds(self) -> float:
        return self.window.total_seconds() / SLOTS

    def _number(self, at: datetime) -> int:
        return int(at.timestamp() // self._slot_seconds)

    def _leaves(self, number: int) -> datetime:
        """Tell when the last of a slot has left the window."""
        return datetime.fromtimestamp((number + SLOTS + 1) * self._slot_seconds, UTC)

    def _kept(self, at: datetime) -> dict[int, float]:
        oldest = self._number(at) - SLOTS
        return {number: share for number, share in self.spent.items() if number >= oldest}


@dataclass(frozen=True, slots=True)
class Budget:
    """A bucket's allowance. `lines` tells for each urgency from when on its next place is free."""

    gauge: Gauge
    cost: float = UNKNOWN_COST
    lines: Mapping[Urgency, datetime] = field(default_factory=dict)

    def told(self, percent: float, calls: int, at: datetime) -> "Budget":
        """Learn how full the bucket is, and, when it is known after how many calls, what one of them costs."""
        cost = self.cost
        if calls and self.gauge.spent and percent < SLOW_PERCENT:  # later, what leaves the window hides what comes
            rise = max(0.0, percent - self.gauge.percent(at)) / calls
            cost += (rise - cost) * min(1.0, calls / _LEARNED_CALLS)
        gauge = self.gauge.told(percent, at, own=self.cost * calls if self.gauge.spent else 0.0)
        return Budget(gauge, max(cost, _LEAST_COST), self.lines)

    def within(self, window: timedelta, at: datetime) -> "Budget":
        """Reckon with another window."""
        return Budget(self.gauge.within(window, at), self.cost, self.lines)

    def scarce(self, at: datetime) -> bool:
        """Tell whether calls have to line up."""
        return self.gauge.percent(at) >= SLOW_PERCENT

    def stopped(self, urgency: Urgency, at: datetime) -> bool:
        """Tell whether not even who is at the front of the line may go."""
        return self.gauge.percent(at) >= self._ceiling(urgency, at)

    def place(self, urgency: Urgency, at: datetime) -> tuple[datetime, datetime]:
        """Tell when the next in line may go, and from when on whoever comes after."""
        ceiling, share = self._ceiling(urgency, at), SHARES[urgency] if self._contested(urgency, at) else 1.0
        front = max(at, self.lines.get(urgency, at), self.gauge.frees(ceiling, at))
        rate = max(self.gauge.rate(ceiling, front) * share, self.cost / self.gauge.window.total_seconds())
        return front, front + timedelta(seconds=self.cost / rate)

    def _ceiling(self, urgency: Urgency, at: datetime) -> float:
        """Tell where an urgency stops: what is patient stops early, unless it has to share with what is urgent anyway."""
        return CEILINGS[Urgency.URGENT if self._contested(urgency, at) else urgency]

    def _contested(self, urgency: Urgency, at: datetime) -> bool:
        return any(time > at for other, time in self.lines.items() if other is not urgency)


ANSWERED, FAILED = ".", "x"
LOOKED_AT, TOO_MANY = 10, 5
PROBE_LEASE = timedelta(minutes=1)
"""How long the one call that tries may take before another may."""
_RESTS = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 80, 160))


@dataclass(frozen=True, slots=True)
class Breaker:
    """The circuit breaker of a bucket.

        closed ──5 of the last 10 calls failed──▶ open ──its rest is over──▶ half open: one call tries
          ▲                                        ▲                              │
          └──────────────── answered ──────────────┼────── failed: a longer rest ─┘

    Meta failing counts, Meta refusing or throttling does not: who refuses is there.
    """

    calls: str = ""
    openings: int = 0
    until: datetime | None = None
    probing: bool = False

    @property
    def troubled(self) -> bool:
        """Tell whether its next calls matter."""
        return self.until is not None or FAILED in self.calls

    def after(self, calls: str, at: datetime) -> "Breaker":
        """Learn how calls ended, oldest first. While it is open only the one that tries counts: others began before."""
        if self.until is None:
            seen = (self.calls + calls)[-LOOKED_AT:]
            return self._opened(at) if seen.count(FAILED) >= TOO_MANY else Breaker(seen)
        if not self.probing:
            return self
        return self._opened(at) if calls.endswith(FAILED) else Breaker()

    def tries(self, at: datetime) -> "Breaker":
        """Send the one call that tries; for as long as it may take, it stays open to all others."""
        return Breaker(self.calls, self.openings, at + PROBE_LEASE, probing=True)

    def _opened(self, at: datetime) -> "Breaker":
        rest = _RESTS[min(self.openings, len(_RESTS) - 1)]
        return Breaker("", self.openings + 1, at + rest)
