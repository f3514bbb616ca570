"""Budgets of all buckets, shared by all workers, and the places in their lines.

A bucket is `family:asset` (`catalog_batch:123`). Its row tells how full Meta's window is, until when Meta wants a pause, and
how its circuit breaker stands. Kept in PostgreSQL, so that no restart and no emptied Redis forgets any of it.

Whoever wants to call asks `require_room` before. While there is plenty that is one read. When room is scarce it raises
Crowded; whoever runs the task then lets it `line_up`, and it comes back when its place is at the front. A connection has one
place per line and urgency, so places go round between stores, however much any of them has to do; and its tasks take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Row, Table, Text, and_, select, update
from sqlalchemy.dialects.postgresql import insert

from connector import metrics
from connector.budgets.model import UNKNOWN_COST, Breaker, Budget, Gauge, Urgency
from connector.db.schema import Instant, Json, Tx, metadata
from connector.errors import Throttled

LONGEST_SLEEP = timedelta(minutes=5)
"""How long who waits in line sleeps at most: the line may move faster than was foreseen."""
_LONGEST_SLEEP_OF_FOLLOWERS = timedelta(hours=1)

budgets = Table(
    "budgets",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column(
        "spent", Json, nullable=False, server_default="{}", comment="percent of the allowance by slot of the window"
    ),
    Column("window_seconds", Double, nullable=False, server_default="3600", comment="how long Meta's window is"),
    Column("cost", Double, nullable=False, server_default=str(UNKNOWN_COST), comment="percent that a call costs"),
    Column("urgent_time", Instant, comment="from when on the next place in the urgent line is free"),
    Column("patient_time", Instant, comment="from when on the next place in the patient line is free"),
    Column("pause_time", Instant, comment="until when Meta wants a pause"),
    Column("breaker_calls", Text, nullable=False, server_default="", comment="the last calls: . answered, x failed"),
    Column("breaker_openings", Integer, nullable=False, server_default="0", comment="how often it opened in a row"),
    Column("breaker_time", Instant, comment="NULL: closed; until when nobody calls, then one call tries"),
    Column("breaker_probing", Boolean, nullable=False, server_default="false"),
)
places = Table(
    "places",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("holder", Text, primary_key=True, comment="connection and urgency"),
    Column("time", Instant, nullable=False, comment="when it is at the front"),
    Column("task_id", BigInteger, comment="who took it, though any task of the holder may use it; NULL: a follower's"),
    Column("used", Boolean, nullable=False, server_default="false", comment="the next place is not taken yet"),
    Column("followers", Integer, nullable=False, server_default="0", comment="tasks of the holder that came later"),
)
_NEARLY_USED_UP = "Meta's allowance is nearly used up; work resumes by itself"


class Crowded(Throttled):
    """Room is scarce: line up."""

    def __init__(self, bucket: str, urgency: Urgency, holder: str, until: datetime) -> None:
        super().__init__(bucket, until, _NEARLY_USED_UP)
        self.urgency = urgency
        self.holder = holder


async def require_room(tx: Tx, bucket: str, *, app_bucket: str, holder: str, urgency: Urgency, at: datetime) -> None:
    """Refuse to go on unless the bucket has room for a call now, and no pause of it or of the whole app runs.

    `holder` names whose place in line it is.

    Raises:
        Throttled: Meta wants a pause, or Meta fails and is left alone.
        Crowded: room is scarce and it is not this holder's turn.

    """
    mine = and_(places.c.bucket == budgets.c.bucket, places.c.holder == holder)
    rows = await tx.execute(
        select(budgets, places.c.time, places.c.used)
        .outerjoin(places, mine)
        .where(budgets.c.bucket.in_([bucket, app_bucket]))
        .order_by(budgets.c.bucket != bucket)
    )
    for row in rows:
        await _require_open(tx, row, at=at)
        if row.bucket == bucket:
            await _require_turn(tx, row, urgency, holder, at=at)


async def require_open(tx: Tx, buckets: Sequence[str], *, at: datetime) -> None:
    """Refuse to go on while a pause of any of these buckets runs or it is full; for the few calls that a person waits for.

    Raises:
        Throttled: with the time to wait until.

    """
    for row in await tx.execute(select(budgets).where(budgets.c.bucket.in_(buckets))):
        await _require_open(tx, row, at=at)
        if (budget := _budget(row)).stopped(Urgency.URGENT, at):
            raise Throttled(row.bucket, budget.place(Urgency.URGENT, at)[0], _NEARLY_USED_UP)


async def pauses(tx: Tx, *, at: datetime) -> list[tuple[str, datetime]]:
    """List the pauses Meta asked for that still run."""
    rows = await tx.execute(select(budgets).where(budgets.c.pause_time > at).order_by(budgets.c.bucket))
    return [(row.bucket, row.pause_time) for row in rows]


async def _require_open(tx: Tx, row: Row[Any], *, at: datetime) -> None:
    if row.pause_time and row.pause_time > at:
        words = f"Meta asked for a pause until {row.pause_time:%Y-%m-%d %H:%M:%S} UTC; work resumes by itself"
        raise Throttled(row.bucket, row.pause_time, words)
    if row.breaker_time is None:
        return
    breaker = _breaker(row)
    if row.breaker_time <= at:
        tried = _breaker_values(breaker.tries(at))
        mine = budgets.c.bucket == row.bucket, budgets.c.breaker_time == row.breaker_time
        taken = await tx.execute(update(budgets).where(*mine).values(**tried).returning(budgets.c.bucket))
        if taken.one_or_none():
            return
        breaker = breaker.tries(at)
    words = "Meta keeps failing, so it is left alone for a while; work resumes by itself"
    raise Throttled(row.bucket, breaker.until or at, words, reason="META_UNAVAILABLE")


async def _require_turn(tx: Tx, row: Row[Any], urgency: Urgency, holder: str, *, at: datetime) -> None:
    budget = _budget(row)
    if not budget.scarce(at):
        return
    if budget.stopped(urgency, at):
        if row.pause_time and await _first_after_pause(tx, row):
            return
    elif row.time and not row.used and row.time <= at and await _use_place(tx, row.bucket, holder, row.time):
        return
    raise Crowded(row.bucket, urgency, holder, until=max(budget.place(urgency, at)[0], row.time or at))


async def _first_after_pause(tx: Tx, row: Row[Any]) -> bool:
    """Let one call through when Meta's pause is over, whatever we reckon: Meta's answer to it tells how full the window is."""
    mine = budgets.c.bucket == row.bucket, budgets.c.pause_time == row.pause_time
    taken = await tx.execute(update(budgets).where(*mine).values(pause_time=None).returning(budgets.c.bucket))
    return taken.one_or_none() is not None


async def _use_place(tx: Tx, bucket: str, holder: str, time: datetime) -> bool:
    """Take one's turn, unless another task of the holder was faster."""
    mine = places.c.bucket == bucket, places.c.holder == holder, places.c.time == time, ~places.c.used
    return (
        await tx.execute(update(places).where(*mine).values(used=True).returning(places.c.bucket))
    ).one_or_none() is not None


def count_pause(cause: Throttled, pause: timedelta) -> None:
    """Count how long a task is put off."""
    causes = {"META_THROTTLED": "throttled", "META_UNAVAILABLE": "unavailable"}
    name = "paced" if isinstance(cause, Crowded) else causes[cause.reason]
    metrics.budget_pauses.labels(cause.metadata["bucket"], name).inc(max(0.0, pause.total_seconds()))


async def line_up(tx: Tx, crowded: Crowded, task_id: int, *, at: datetime) -> datetime:
    """Take a place at the end of the line for this task, or keep the one there is; tells when to ask again.

    A holder's further tasks follow the one that has the place, so that they do not all come at once for one call. Who has just
    had a place leaves the next one to a follower, and uses it himself only when none came for it.
    """
    row, mine = await _lock(tx, crowded.bucket), {"bucket": crowded.bucket, "holder": crowded.holder}
    front, following = _budget(row).place(crowded.urgency, at)
    held = (await tx.execute(select(places).filter_by(**mine))).one_or_none()
    if held and not held.used and held.time > at:
        return await _follow(tx, held, task_id, pace=following - front, at=at)
    followers = held.followers if held else 0
    yields = bool(held and held.used and held.task_id == task_id and followers)
    line = {f"{crowded.urgency.lower()}_time": following}
    await tx.execute(update(budgets).where(budgets.c.bucket == crowded.bucket).values(**line))
    taken = {"time": front, "task_id": None if yields else task_id, "used": False, "followers": max(followers - 1, 0)}
    wish = insert(places).values(**mine, **taken)
    await tx.execute(wish.on_conflict_do_update(index_elements=["bucket", "holder"], set_=taken))
    return min(following, at + _LONGEST_SLEEP_OF_FOLLOWERS) if yields else min(front, at + LONGEST_SLEEP)


async def _follow(tx: Tx, held: Row[Any], task_id: int, *, pace: timedelta, at: datetime) -> datetime:
    """Wait for one's own place or one that was left to a follower, else behind the task that has it."""
    this, mine = update(places).filter_by(bucket=held.bucket, holder=held.holder), held.task_id in {task_id, None}
    await tx.execute(this.values({"task_id": task_id} if mine else {"followers": held.followers + 1}))
    time: datetime = held.time
    behind: int = held.followers + 1
    return min(time, at + LONGEST_SLEEP) if mine else min(time + behind * pace, at + _LONGEST_SLEEP_OF_FOLLOWERS)


@dataclass(frozen=True, slots=True)
class News:
    """What calls taught about a bucket: how full it is and after how many calls, how these ended, a pause Meta asked for.

    `window` is how long Meta's window is, where that is known.
    """

    percent: float | None = None
    calls: int = 0
    outcomes: str = ""
    pause_time: datetime | None = None
    window: timedelta | None = None


async def note(tx: Tx, bucket: str, news: News, *, at: datetime) -> tuple[Breaker, Breaker]:
    """Keep what is new about a bucket; tells its circuit breaker before and after. A pause that ends sooner shortens none."""
    row = await _lock(tx, bucket)
    before, budget = _breaker(row), _budget(row)
    after = before.after(news.outcomes, at) if news.outcomes else before
    if news.window:
        budget = budget.within(news.window, at)
    if news.percent is not None:
        budget = budget.told(news.percent, news.calls, at)
    pause = max((time for time in (row.pause_time, news.pause_time) if time and time > at), default=None)
    spent = {str(number): share for number, share in budget.gauge.spent.items()}
    values = {
        "spent": spent,
        "window_seconds": budget.gauge.window.total_seconds(),
        "cost": budget.cost,
        "pause_time": pause,
        **_breaker_values(after),
    }
    await tx.execute(update(budgets).where(budgets.c.bucket == bucket).values(**values))
    return before, after


async def _lock(tx: Tx, bucket: str) -> Row[Any]:
    await tx.execute(insert(budgets).values(bucket=bucket).on_conflict_do_nothing())
    return (await tx.execute(select(budgets).where(budgets.c.bucket == bucket).with_for_update())).one()


def _budget(row: Row[Any]) -> Budget:
    gauge = Gauge(timedelta(seconds=row.window_seconds), {int(number): share for number, share in row.spent.items()})
    lines = {Urgency.URGENT: row.urgent_time, Urgency.PATIENT: row.patient_time}
    return Budget(gauge, row.cost, {urgency: time for urgency, time in lines.items() if time})


def _breaker(row: Row[Any]) -> Breaker:
    return Breaker(row.breaker_calls, row.breaker_openings, row.breaker_time, row.breaker_probing)


def _breaker_values(breaker: Breaker) -> dict[str, Any]:
    return {
        "breaker_calls": breaker.calls,
        "breaker_openings": breaker.openings,
        "breaker_time": breaker.until,
        "breaker_probing": breaker.probing,
    }
