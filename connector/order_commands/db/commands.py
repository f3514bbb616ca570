"""Commands, as rows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import insert, select, text, tuple_, update

from connector.db.bell import ring
from connector.db.schema import Tx, plain
from connector.order_commands.db.tables import order_commands
from connector.order_commands.model.commands import (
    OPEN,
    Attempt,
    Command,
    Kind,
    Names,
    Outcome,
    Pieces,
    Problem,
    State,
    Wish,
    missing,
)
from connector.orders.db.tables import order_lines

CHANNEL = "order_commands"
_WISH = [name for name in Wish.__slots__ if name not in {"kind", "lines"}]
_SAME = [name for name in Command.__slots__ if name not in {"wish", "problem", "attempts"}]
_OURS = order_commands.c
_LINES = order_lines.c


def _read(row: Any) -> Command:
    wish = Wish(
        kind=Kind(row.kind),
        lines=tuple(Pieces(*one) for one in row.lines),
        **{name: getattr(row, name) for name in _WISH},
    )
    problem = row.problem_time and Problem(row.problem_reason, row.problem_message, row.problem_time)
    attempts = tuple(Attempt(key, at, Outcome(outcome), *codes) for key, at, outcome, *codes in row.attempts)
    same = {name: getattr(row, name) for name in _SAME} | {"state": State(row.state)}
    return Command(**same, wish=wish, problem=problem, attempts=attempts)


async def add(tx: Tx, command: Command, *, request_id: str, digest: bytes) -> None:
    """Keep a new command."""
    wish = command.wish
    values = {name: getattr(command, name) for name in _SAME} | {name: getattr(wish, name) for name in _WISH}
    values |= {"kind": wish.kind, "body": dict(wish.body), "lines": [list(one) for one in wish.lines]}
    await tx.execute(insert(order_commands).values(**values, attempts=[], request_id=request_id, digest=digest))


async def by_request(tx: Tx, store_id: str, request_id: str) -> list[tuple[Command, bytes]]:
    """Find what was asked for under a `request_id`, each with the digest of its wish, as they were asked."""
    same = _OURS.store_id == store_id, _OURS.request_id == request_id
    rows = await tx.execute(select(order_commands).where(*same).order_by(_OURS.create_time, _OURS.id))
    return [(_read(row), bytes(row.digest)) for row in rows]


async def of_order(tx: Tx, order_id: UUID) -> list[Command]:
    """Find all commands of an order, as they were asked for."""
    wanted = select(order_commands).where(_OURS.order_id == order_id)
    return [_read(row) for row in await tx.execute(wanted.order_by(_OURS.create_time, _OURS.id))]


async def next_open(tx: Tx, order_id: UUID) -> Command | None:
    """Find the first command of an order that is not over, and keep it as it is until the transaction ends."""
    wanted = select(order_commands).where(_OURS.order_id == order_id, _OURS.state.in_(OPEN))
    first = wanted.order_by(_OURS.create_time, _OURS.id).limit(1).with_for_update()
    row = (await tx.execute(first)).one_or_none()
    return None if row is None else _read(row)


async def require(tx: Tx, store_id: str, command_id: UUID, *, lock: bool = False) -> Command:
    """Find a store's command.

    Raises:
        NotFound: COMMAND_NOT_FOUND.

    """
    wanted = select(order_commands).where(_OURS.store_id == store_id, _OURS.id == command_id)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None:
        raise missing(str(command_id))
    return _read(row)


async def change(
    tx: Tx,
    command: Command,
    *,
    attempts: Sequence[Attempt] | None = None,
    problem: Problem | None = None,
    **values: Any,
) -> Command:
    """Change a command, and wake who waits for it. A problem that is not given is over; one of the same reason keeps its time."""
    old = command.problem
    since = old.since_time if old and problem and old.reason == problem.reason else problem and problem.since_time
    said = {
        "problem_reason": problem.reason if problem else "",
        "problem_message": plain(problem.message) if problem else "",
        "problem_time": since,
    }
    tried = {} if attempts is None else {"attempts": [list(one) for one in attempts]}
    changed = update(order_commands).where(_OURS.id == command.id).values(**values, **said, **tried)
    row = (await tx.execute(changed.returning(order_commands))).one()
    await ring(tx, CHANNEL, str(command.id))
    return _read(row)


async def claims(tx: Tx, order_id: UUID, kinds: Collection[Kind]) -> dict[str, UUID]:
    """Tell which of Meta's cancellations, refunds and shipments of an order came of which command."""
    ours = _OURS.order_id == order_id, _OURS.kind.in_(kinds), _OURS.external_id != ""
    return {row.external_id: row.id for row in await tx.execute(select(_OURS.external_id, _OURS.id).where(*ours))}


_BEFORE = text(
    """
    SELECT external_id FROM order_cancellations WHERE order_id = :order AND :kind = 'CANCEL'
        AND create_time < :asked AND command_id IS DISTINCT FROM :command
    UNION ALL
    SELECT external_id FROM order_refunds WHERE order_id = :order AND :kind = 'REFUND'
        AND create_time < :asked AND command_id IS DISTINCT FROM :command
    """
)


async def known_before(tx: Tx, command: Command) -> list[str]:
    """Tell which of Meta's cancellations or refunds of an order were known when a command was asked for: none came of it."""
    asked = {"order": command.order_id, "kind": command.wish.kind, "asked": command.create_time, "command": command.id}
    return list(await tx.scalars(_BEFORE, asked))


class Filter(NamedTuple):
    """Which commands to list."""

    order_id: UUID | None = None
    state: State | None = None


async def page(
    tx: Tx, connection_id: UUID, which: Filter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Command]:
    """List commands, the newest first, behind a place."""
    wanted = select(order_commands).where(_OURS.connection_id == connection_id)
    if which.order_id is not None:
        wanted = wanted.where(_OURS.order_id == which.order_id)
    if which.state is not None:
        wanted = wanted.where(_OURS.state == which.state)
    if after is not None:
        wanted = wanted.where(tuple_(_OURS.create_time, _OURS.id) < after)
    ordered = wanted.order_by(_OURS.create_time.desc(), _OURS.id.desc()).limit(limit)
    return [_read(row) for row in await tx.execute(ordered)]


async def names(tx: Tx, order_ids: Collection[UUID]) -> dict[UUID, dict[str, Names]]:
    """Tell what the lines of orders are called elsewhere."""
    shown = _LINES.order_id, _LINES.line_id, _LINES.retailer_id, _LINES.product_id, _LINES.variant_id
    found: dict[UUID, dict[str, Names]] = {}
    for order_id, line_id, *called in await tx.execute(select(*shown).where(_LINES.order_id.in_(order_ids))):
        found.setdefault(order_id, {})[line_id] = Names(*called)
    return found
