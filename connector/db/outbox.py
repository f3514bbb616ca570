"""Tasks: work that must happen after a commit.

A task exists exactly when the transaction that asked for it committed. `due_time` is its whole state: in the future it is
delayed, backing off or leased to a worker; NULL it has failed and is kept with its reason; the row gone, it is done.

    add ──▶ due ──take──▶ leased (attempt + 1) ──done──▶ gone
             ▲               │  │
             └──again────────┘  └──give_up──▶ failed ──revive──▶ due

`attempt` is the fence: it grows when a task is taken and when a turn ends, and whoever took the task finishes it with
`WHERE attempt = mine` in the transaction of its effect. A worker that was only thought dead finds no row, raises LeaseLost,
and its transaction rolls back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Identity,
    Index,
    Integer,
    Interval,
    Row,
    Table,
    Text,
    Update,
    Uuid,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector import tracing
from connector.db.schema import Instant, Json, Tx, metadata, plain

LEASE = timedelta(seconds=20)
"""How long a worker may be silent before its task is another's."""
WAY = timedelta(seconds=5)
"""How long a task may be on its way to a worker before it is sent again: what an emptied Redis or a dead relay costs."""
RENEWAL = timedelta(seconds=5)
SWEEP = timedelta(seconds=1)
"""How often a relay looks for itself: what is due later than that needs no ringing."""
CRASH_LIMIT = 5
PERIODIC = "every:"
"""How the keys of periodic tasks begin: they wait at all times, so they are no backlog."""
CHANNEL = "tasks_due"
_PASSING = (
    "INTERNAL",
    "VAULT_UNAVAILABLE",
    "META_UNAVAILABLE",
    "META_OUTCOME_UNKNOWN",
    "DATABASE_UNAVAILABLE",
    "GRAPH_VERSION_RETIRED",
)


class Task(StrEnum):
    """What background work there is. `jobs/tasks.py` says who does it, in which lane, and how long it may take."""

    SUBSCRIBE_PAGE = "SUBSCRIBE_PAGE"
    UNSUBSCRIBE_PAGE = "UNSUBSCRIBE_PAGE"
    CHECK_CAPABILITIES = "CHECK_CAPABILITIES"
    WATCH_META = "WATCH_META"
    WATCH_APP_WEBHOOKS = "WATCH_APP_WEBHOOKS"
    INSPECT_TOKENS = "INSPECT_TOKENS"
    KILL_TOKENS = "KILL_TOKENS"
    SEND_ITEMS = "SEND_ITEMS"
    CHECK_BATCH = "CHECK_BATCH"
    CARRY_ITEMS = "CARRY_ITEMS"
    APPLY_SNAPSHOT = "APPLY_SNAPSHOT"
    FULL_SYNC = "FULL_SYNC"
    DELTA_SYNC = "DELTA_SYNC"
    REPLACE_CATEGORIES = "REPLACE_CATEGORIES"
    SYNC_SETS = "SYNC_SETS"
    CHECK_SETS = "CHECK_SETS"
    SCAN_CATALOG = "SCAN_CATALOG"
    CARRY_ADOPTION = "CARRY_ADOPTION"
    BEGIN_FEED = "BEGIN_FEED"
    WRITE_FEED = "WRITE_FEED"
    UPLOAD_FEED = "UPLOAD_FEED"
    SETTLE_FEED = "SETTLE_FEED"
    LEAVE_CATALOG = "LEAVE_CATALOG"
    CHECK_LEAVING = "CHECK_LEAVING"
    END_LEAVING = "END_LEAVING"
    SEND_STOCK = "SEND_STOCK"
    CHECK_STOCK = "CHECK_STOCK"
    OFFER_AGAIN = "OFFER_AGAIN"
    EXPIRE_HOLDS = "EXPIRE_HOLDS"
    WATCH_STOCK = "WATCH_STOCK"
    PASS_EDGES = "PASS_EDGES"  # noqa: S105 – the edges of sales
    SEND_MESSAGE = "SEND_MESSAGE"
    SETTLE_MESSAGE = "SETTLE_MESSAGE"
    SYNC_TEMPLATES = "SYNC_TEMPLATES"
    BACKFILL = "BACKFILL"
    CHECK_SILENCE = "CHECK_SILENCE"
    LOOK_UP_PEOPLE = "LOOK_UP_PEOPLE"
    SHOW_ACTION = "SHOW_ACTION"
    MAIL_MESSAGES = "MAIL_MESSAGES"
    PROCESS_DELIVERY = "PROCESS_DELIVERY"
    PUSH_EVENTS = "PUSH_EVENTS"
    WATCH_CONSUMERS = "WATCH_CONSUMERS"
    SWEEP = "SWEEP"
    REWRAP_TOKENS = "REWRAP_TOKENS"
    ERASE_PERSON = "ERASE_PERSON"
    EXAMINE_CONNECTION = "EXAMINE_CONNECTION"
    READ_BACK = "READ_BACK"
    SEND_CONVERSIONS = "SEND_CONVERSIONS"
    EXPIRE_DRAFTS = "EXPIRE_DRAFTS"
    POLL_ORDERS = "POLL_ORDERS"
    READ_ORDER = "READ_ORDER"
    IMPORT_ORDERS = "IMPORT_ORDERS"
    ACKNOWLEDGE_ORDERS = "ACKNOWLEDGE_ORDERS"
    WATCH_ORDERS = "WATCH_ORDERS"
    SEND_ORDER_COMMANDS = "SEND_ORDER_COMMANDS"
    READ_INSTALLATION = "READ_INSTALLATION"
    WATCH_INSTALLATIONS = "WATCH_INSTALLATIONS"
    PULL_DIAGNOSTICS = "PULL_DIAGNOSTICS"
    READ_CHANGES = "READ_CHANGES"
    PULL_PAYOUTS = "PULL_PAYOUTS"


class LeaseLost(Exception):
    """Somebody else has the task now: roll back and leave it to them."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A task in the hands of this worker: the key to finishing it."""

    id: int
    attempt: int
    name: Task
    connection_id: UUID | None
    arguments: Mapping[str, Any]
    tries: int
    wishes: int
    unfinished: int
    create_time: datetime
    trace: str | None


@dataclass(frozen=True, slots=True)
class Leased:
    """A task on its way to a worker: whoever presents this attempt first may take it."""

    id: int
    attempt: int
    name: Task
    unfinished: int
    due_time: datetime


tasks = Table(
    "tasks",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, unique=True, comment="at most one task per key: a further wish joins the waiting one"),
    Column("connection_id", Uuid),
    Column("arguments", Json, nullable=False),
    Column("due_time", Instant, comment="NULL: failed, kept with its reason"),
    Column(
        "leased", Boolean, nullable=False, server_default="false", comment="on its way to a worker, or in its hands"
    ),
    Column("attempt", Integer, nullable=False, server_default="0", comment="the fence: grows with every take"),
    Column("tries", Integer, nullable=False, server_default="0", comment="takes since it last got anywhere"),
    Column("unfinished", Integer, nullable=False, server_default="0", comment="takes that never reported back"),
    Column("wishes", Integer, nullable=False, server_default="1", comment="grows with every joined wish"),
    Column("reason", Text, comment="why it last failed, a value of ErrorReason"),
    Column("message", Text),
    Column("trace", Text, comment="W3C traceparent of whoever asked"),
    Column("create_time", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_tasks_due_time", "due_time", postgresql_where=text("due_time IS NOT NULL")),
    Index("ix_tasks_connection_id", "connection_id"),
)


async def add(
    tx: Tx,
    name: Task,
    *,
    due: datetime,
    connection_id: UUID | None = None,
    key: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Ask for a task, in the caller's transaction.

    With a `key`, a wish joins the task of that key if there is one: it runs no later than `due` unless it is in a worker's
    hands (then once more afterwards), backing off after a failure or waiting for its turn. A failed one comes back to life.
    """
    wish = insert(tasks).values(
        name=name,
        key=key,
        connection_id=connection_id,
        arguments=dict(arguments or {}),
        due_time=due,
        trace=tracing.current(),
    )
    joined = case(
        (tasks.c.due_time.is_(None), wish.excluded.due_time),
        (tasks.c.leased | tasks.c.reason.is_not(None), tasks.c.due_time),
        else_=func.least(tasks.c.due_time, wish.excluded.due_time),
    )
    stored = wish.on_conflict_do_update(
        index_elements=[tasks.c.key],
        set_={
            "wishes": tasks.c.wishes + 1,
            "due_time": joined,
            "tries": case((tasks.c.due_time.is_(None), 0), else_=tasks.c.tries),
            "reason": case((tasks.c.due_time.is_(None), None), else_=tasks.c.reason),
            "arguments": wish.excluded.arguments,
        },
    )
    known = stored.returning(tasks.c.leased).cte()
    # Who has the task sees the wish at the end of the turn: no need to ring.
    await tx.execute(select(func.pg_notify(CHANNEL, name.value)).select_from(known).where(~known.c.leased, _soon(due)))


async def hasten(tx: Tx, *keys: str, due: datetime) -> None:
    """Have tasks that wait for their turn run no later than `due`; there may be none, or they may be at work or failed."""
    waiting = tasks.c.key.in_(keys), tasks.c.due_time > due, ~tasks.c.leased, tasks.c.reason.is_(None)
    hastened = update(tasks).where(*waiting).values(due_time=due).returning(tasks.c.name).cte()
    await tx.execute(select(func.pg_notify(CHANNEL, hastened.c.name)).where(_soon(due)))


def _soon(due: datetime) -> ColumnElement[bool]:
    return literal(due, Instant) < func.clock_timestamp() + literal(SWEEP, Interval)


async def lease_due(tx: Tx, names: Sequence[Task], *, at: datetime, limit: int) -> list[Leased]:
    """Lease up to `limit` due tasks of these names for the way to a worker, the longest due first."""
    due = _due(names, at=at, limit=limit)
    leased = update(tasks).where(tasks.c.id == due.c.id).values(due_time=at + WAY, leased=True)
    rows = await tx.execute(
        leased.returning(tasks.c.id, tasks.c.attempt, tasks.c.name, tasks.c.unfinished, due.c.due_time)
    )
    handed = [Leased(row.id, row.attempt, Task(row.name), row.unfinished, row.due_time) for row in rows]
    return sorted(handed, key=lambda each: (each.due_time, each.id))


def _due(names: Sequence[Task], *conditions: ColumnElement[bool], at: datetime, limit: int) -> CTE:
    wanted = select(tasks.c.id, tasks.c.due_time).where(tasks.c.due_time <= at, tasks.c.name.in_(names), *conditions)
    return wanted.order_by(tasks.c.due_time).limit(limit).with_for_update(skip_locked=True).cte("due")


async def next_due(tx: Tx) -> datetime | None:
    """Tell when the next task becomes due, a lease that runs out included; None when nothing waits."""
    due: datetime | None = (await tx.execute(select(func.min(tasks.c.due_time)))).scalar()
    return due


async def stopped(tx: Tx, name: Task) -> list[UUID]:
    """List the connections with failed tasks of a name."""
    failed = tasks.c.name == name, tasks.c.due_time.is_(None), tasks.c.connection_id.is_not(None)
    return list(
        await tx.scalars(select(tasks.c.connection_id).where(*failed).distinct().order_by(tasks.c.connection_id))
    )


async def lags(tx: Tx, name: Task, *, at: datetime) -> bool:
    """Tell whether work of a kind is late or fails: what it would have done may not be done yet."""
    late = or_(tasks.c.due_time.is_(None), tasks.c.reason.is_not(None), tasks.c.due_time < at - LEASE)
    return bool(await tx.scalar(select(exists().where(tasks.c.name == name, late))))


async def take(tx: Tx, task_id: int, attempt: int, *, at: datetime) -> Taken | None:
    """Take a task into this worker's hands; None when somebody else has it. The attempt counts before the work begins."""
    this = tasks.c.id == task_id, tasks.c.attempt == attempt, tasks.c.due_time.is_not(None)
    row = (await tx.execute(_taking(at).where(*this).returning(*_TAKEN))).one_or_none()
    return None if row is None else _taken(row)


async def take_due(tx: Tx, names: Sequence[Task], *, at: datetime, limit: int) -> list[Taken]:
    """Take up to `limit` due tasks of these names without a way; those whose last worker never reported back are left to others."""
    due = _due(names, tasks.c.unfinished == 0, at=at, limit=limit)
    return [_taken(row) for row in await tx.execute(_taking(at).where(tasks.c.id == due.c.id).returning(*_TAKEN))]


def _taking(at: datetime) -> Update:
    grown = {name: tasks.c[name] + 1 for name in ("attempt", "tries", "unfinished")}
    return update(tasks).values(**grown, due_time=at + LEASE, leased=True)


_TAKEN = [tasks.c[name] for name in Taken.__slots__]


def _taken(row: Row[Any]) -> Taken:
    return Taken(**{name: getattr(row, name) for name in Taken.__slots__} | {"name": Task(row.name)})


async def renew(tx: Tx, task: Taken, *, at: datetime) -> None:
    """Keep the task a while longer, for work that is still going on."""
    await _finish(tx, task, update(tasks).values(due_time=at + LEASE))


async def hold(tx: Tx, task: Taken) -> Taken:
    """Make sure that the task is still ours, and keep it ours until this transaction ends; tells it with the wishes it has by now."""
    row = await tx.execute(select(tasks.c.wishes).where(*_mine(task)).with_for_update())
    if (wishes := row.scalar_one_or_none()) is None:
        raise LeaseLost(task.id)
    return replace(task, wishes=wishes)


async def done(tx: Tx, task: Taken, *, at: datetime) -> None:
    """Finish the task, in the transaction of its effect; runs once more when a wish joined meanwhile."""
    finished = await tx.execute(delete(tasks).where(*_mine(task), tasks.c.wishes == task.wishes).returning(tasks.c.id))
    if finished.one_or_none() is None:
        await again(tx, task, at)


async def counted_elsewhere(tx: Tx, task: Taken) -> None:
    """Let go of earlier turns that were cut off: the work counts itself how often it was tried, and gives up what fails too often."""
    await _finish(tx, task, update(tasks).values(unfinished=1))


async def keep(tx: Tx, task: Taken, arguments: Mapping[str, Any]) -> None:
    """Keep how far the work has come; the task stays ours."""
    await _finish(tx, task, update(tasks).values(arguments=dict(arguments)))


async def again(tx: Tx, task: Taken, due: datetime) -> None:
    """Finish this turn and come back at `due`: the work goes on, nothing failed."""
    values = {"due_time": due, "tries": 0, "reason": None, "message": None}
    await _end_turn(tx, task, values)
    await tx.execute(select(func.pg_notify(CHANNEL, task.name.value)).where(_soon(due)))


async def back_off(tx: Tx, task: Taken, due: datetime, *, reason: str, message: str) -> None:
    """Come back at `due` after a failure, keeping count of the tries."""
    await _end_turn(tx, task, {"due_time": due, "reason": reason, "message": plain(message)})


async def wait(tx: Tx, task: Taken, due: datetime, *, reason: str, message: str) -> None:
    """Come back at `due`, for now is not the time; this turn does not count as a try."""
    values = {"due_time": due, "tries": max(task.tries - 1, 0), "reason": reason, "message": plain(message)}
    await _end_turn(tx, task, values)


async def give_up(tx: Tx, task: Taken, *, reason: str, message: str) -> None:
    """Keep the task as failed, with its reason."""
    await _end_turn(tx, task, {"due_time": None, "reason": reason, "message": plain(message)})


async def forget_periodic(tx: Tx, connection_id: UUID) -> None:
    """Forget the periodic tasks of a connection, those in a worker's hands too; the relays plan them anew once it is live."""
    await tx.execute(delete(tasks).where(tasks.c.connection_id == connection_id, tasks.c.key.startswith(PERIODIC)))


async def revive(tx: Tx, connection_id: UUID, *names: Task, at: datetime) -> int:
    """Give every failed task of a connection, or those of some names, another life: what stopped them changed; tells how many."""
    these = tasks.c.connection_id == connection_id
    return await _revive(tx, these & tasks.c.name.in_(names) if names else these, at=at)


async def revive_passing(tx: Tx, *, at: datetime) -> int:
    """Give every task another life that failed of what nobody can mend but time or a new release; tells how many."""
    return await _revive(tx, tasks.c.reason.in_(_PASSING), at=at)


async def _revive(tx: Tx, which: ColumnElement[bool], *, at: datetime) -> int:
    values = {"due_time": at, "tries": 0, "unfinished": 0, "reason": None, "message": None}
    revived = await tx.execute(
        update(tasks).where(which, tasks.c.due_time.is_(None)).values(**values).returning(tasks.c.id)
    )
    await tx.execute(select(func.pg_notify(CHANNEL, "revived")))
    return len(revived.all())


async def _end_turn(tx: Tx, task: Taken, values: Mapping[str, Any]) -> None:
    ended = {"leased": False, "unfinished": 0, "attempt": tasks.c.attempt + 1}
    await _finish(tx, task, update(tasks).values(**ended, **values))


def _mine(task: Taken) -> tuple[ColumnElement[bool], ...]:
    return tasks.c.id == task.id, tasks.c.attempt == task.attempt


async def _finish(tx: Tx, task: Taken, change: Update) -> None:
    row = await tx.execute(change.where(*_mine(task)).returning(tasks.c.id))
    if row.one_or_none() is None:
        raise LeaseLost(task.id)
