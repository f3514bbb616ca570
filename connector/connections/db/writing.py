"""Writes connections: a new one, a change of one, what Meta took away, what went wrong, when a Page was last heard of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections.db.tables import CHANNEL, SHOWN, connections, problems, shown
from connector.connections.model import LIVE, Block, CapabilityKind, Connection, Probe, Problem, State
from connector.db.bell import ring
from connector.db.observations import observations
from connector.db.schema import Instant, Tx, plain
from connector.values import ConnectionId, Environment


async def create(
    tx: Tx, connection_id: ConnectionId, store_id: str, environment: Environment, *, at: datetime
) -> Connection:
    """Keep a new connection, AWAITING_LOGIN."""
    values = {"state": State.AWAITING_LOGIN, "state_time": at, "create_time": at, "update_time": at}
    wish = insert(connections).values(id=connection_id, store_id=store_id, environment=environment, **values)
    return shown((await tx.execute(wish.returning(*SHOWN))).one())


async def change(tx: Tx, connection_id: UUID, *, at: datetime, **values: Any) -> Connection:
    """Change columns of a connection and wake its watchers; a new `state` also sets `state_time`."""
    if "state" in values:
        values["state_time"] = at
    changed = update(connections).where(connections.c.id == connection_id).values(update_time=at, **values)
    row = (await tx.execute(changed.returning(*SHOWN))).one()
    await ring(tx, CHANNEL, str(connection_id))
    return shown(row)


async def stand(
    tx: Tx,
    connection_id: UUID,
    blocks: Mapping[CapabilityKind, Block],
    *,
    probes: Mapping[CapabilityKind, Probe] | None = None,
    at: datetime,
) -> Connection:
    """Note what keeps capabilities from working, and, when given, what tries of them told."""
    stored: dict[str, Any] = {"blocks": {kind.value: block.document() for kind, block in blocks.items()}}
    if probes is not None:
        stored["probes"] = {kind.value: probe.document() for kind, probe in probes.items()}
    return await change(tx, connection_id, at=at, **stored)


async def note_problem(tx: Tx, connection_id: UUID, problem: Problem) -> None:
    """Keep what went wrong, for the status."""
    facts = {
        "reason": problem.reason,
        "message": plain(problem.message),
        "code": problem.code,
        "subcode": problem.subcode,
    }
    await tx.execute(insert(problems).values(connection_id=connection_id, time=problem.time, **facts))
    await ring(tx, CHANNEL, str(connection_id))


async def note_receipt(tx: Tx, environment: Environment, page_id: str, time: datetime) -> None:
    """Note when Meta told something about a connected Page; to the second: a flood of news is no flood of writes.

    In a row of its own: whoever works on the connection for long does not hold up what comes in.
    """
    name = literal("last_receive:").concat(cast(connections.c.id, Text))
    same = connections.c.environment == environment, connections.c.page_id == plain(page_id)
    heard = select(name, literal(""), literal(time, Instant)).where(*same, connections.c.state.in_(LIVE))
    wish = upsert(observations).from_select(["name", "value", "time"], heard)
    older = observations.c.time < time - timedelta(seconds=1)
    await tx.execute(wish.on_conflict_do_update(index_elements=[observations.c.name], set_={"time": time}, where=older))
