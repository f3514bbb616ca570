"""Windows and paces: what was spent leaves by itself, and room is spent evenly until more comes back."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.budgets.model import CEILINGS, SLOTS, Budget, Gauge, Urgency

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOT = HOUR / SLOTS


def gauge(*told: tuple[float, float]) -> Gauge:
    """Make a gauge of an hour that was told percents, each so many minutes after NOW."""
    made = Gauge(HOUR)
    for minutes, percent in told:
        made = made.told(percent, NOW + timedelta(minutes=minutes))
    return made


@pytest.mark.parametrize(
    ("told", "minutes", "percent"),
    [
        ([], 0, 0),
        ([(0, 40)], 0, 40),
        ([(0, 40)], 60, 40),
        ([(0, 40)], 61, 0),
        ([(0, 40), (30, 70)], 61, 30),
        ([(0, 40), (30, 70)], 92, 0),
        ([(0, 40), (30, 39.5)], 30, 40),  # Meta rounds down
        ([(0, 40), (30, 70), (31, 64)], 31, 64),  # Meta's allowance grew
        ([(0, 40), (30, 70), (31, 64)], 61, 30),  # … and then the oldest is what is gone
    ],
)
def test_a_window_empties_slot_by_slot(told: Sequence[tuple[float, float]], minutes: float, percent: float) -> None:
    """What Meta told counts until the window has passed since, never less; what Meta tells next is believed."""
    assert percent == pytest.approx(gauge(*told).percent(NOW + timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("told", "ceiling", "minutes"),
    [([(0, 80)], 95, 0), ([(0, 96)], 95, 61), ([(0, 10), (20, 96)], 95, 61), ([(0, 1), (20, 99)], 95, 81)],
)
def test_a_full_window_tells_when_it_has_room(
    told: Sequence[tuple[float, float]], ceiling: float, minutes: float
) -> None:
    """A window that is fuller than the ceiling has room when enough of its oldest slots have left."""
    now = NOW + timedelta(minutes=20)
    assert NOW + timedelta(minutes=max(minutes, 20)) == gauge(*told).frees(ceiling, now)


def test_a_burst_leaves_an_even_pace_until_it_is_over() -> None:
    """After 75 percent at once, the room up to the ceiling is spread over the hour until the burst leaves the window."""
    assert 20 / (61 * 60) == pytest.approx(gauge((0, 75)).rate(95, NOW))


@given(
    st.lists(st.tuples(st.floats(0, 59), st.floats(0, 40)), max_size=12),
    st.floats(10, 100),
)
def test_the_pace_never_passes_the_ceiling(spent: list[tuple[float, float]], ceiling: float) -> None:
    """Spending at the pace told keeps the window at or below the ceiling for as long as it lasts, if it is now."""
    now, one = NOW + timedelta(minutes=59), Gauge(HOUR)
    for minutes, share in sorted(spent):
        at = NOW + timedelta(minutes=minutes)
        one = one.told(one.percent(at) + share, at)
    assume(one.percent(now) <= ceiling)
    rate = one.rate(ceiling, now)
    for minutes in range(1, 60):
        later = now + timedelta(minutes=minutes)
        assert one.percent(later - timedelta(microseconds=1)) + rate * (minutes * 60 - 1) <= ceiling + 1e-6


class Meta:
    """A rolling window as Meta's."""

    def __init__(self, allowance: int, window: timedelta) -> None:
        self._allowance, self._window = allowance, window
        self._times: deque[datetime] = deque()

    def call(self, at: datetime) -> float:
        """Take a call; the percent that is used now, rounded down."""
        while self._times and self._times[0] <= at - self._window:
            self._times.popleft()
        self._times.append(at)
        return len(self._times) * 100 // self._allowance


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("allowance", [20, 200, 1000])
def test_work_without_end_uses_the_allowance_and_no_more(urgency: Urgency, allowance: int) -> None:
    """Whoever always has work uses at least 85 percent of what Meta allows, also after the first hour, and stops in time."""
    meta, budget, at, fullest = Meta(allowance, HOUR), Budget(Gauge(HOUR)), NOW, 0.0
    calls: list[datetime] = []
    while at < NOW + 4 * HOUR:
        if budget.scarce(at):
            front, following = budget.place(urgency, at)
            at = front
            budget = Budget(budget.gauge, budget.cost, {urgency: following})
        calls.append(at)
        percent = meta.call(at)
        fullest = max(fullest, percent)
        budget = budget.told(percent, 1, at)
        at += timedelta(seconds=0.05)
    assert 3 * allowance * 0.85 <= sum(call >= NOW + HOUR for call in calls)
    assert fullest < CEILINGS[urgency] + 100 / allowance


def test_both_get_their_share() -> None:
    """While both want, three of four calls are urgent ones; neither waits for ever."""
    meta, budget, at = Meta(200, HOUR), Budget(Gauge(HOUR)), NOW
    for _ in range(150):
        budget = budget.told(meta.call(at), 1, at)
    counts, places = dict.fromkeys(Urgency, 0), dict.fromkeys(Urgency, NOW)
    while at < NOW + HOUR:
        urgency = min(Urgency, key=lambda one: places[one])
        at = max(at, places[urgency])
        if not budget.scarce(at) or not budget.stopped(urgency, at):
            budget = budget.told(meta.call(at), 1, at)
            counts[urgency] += 1
        _, places[urgency] = budget.place(urgency, at + timedelta(seconds=1))
        budget = Budget(budget.gauge, budget.cost, {**budget.lines, urgency: places[urgency]})
    assert 2 <= counts[Urgency.URGENT] / counts[Urgency.PATIENT] <= 4
