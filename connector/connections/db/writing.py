"""Writes connections: a new one, a change of one, what Meta took away, what went wrong, when a Page was last heard of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections.db.tables import CHANNEL, SHOWN, connections, problems, shown
from connector.connections.model import Block, CapabilityKind, Connection, Probe, Problem, State
from connector.db.bell import ring
from connector.db.observations import observations
from connector.db.schema import Tx, plain
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


async def note_receipts(tx: Tx, heard: Mapping[ConnectionId, datetime]) -> None:
    """Note when Meta last told something about connections; to the second: a flood of news is no flood of writes.

    In rows of their own: whoever works on a connection for long does not hold up what comes in.
    """
    if not heard:
        return
    values = [{"name": f"last_receive:{one}", "value": "", "time": heard[one]} for one in sorted(heard)]
    wish = upsert(observations)
    older = observations.c.time < wish.excluded.time - timedelta(seconds=1)
    noted = wish.on_conflict_do_update(
        index_elements=[observations.c.name], set_={"time": wish.excluded.time}, where=older
    )
    await tx.execute(noted, values)
