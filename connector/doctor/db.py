"""How every check of a connection stood when it was last looked at: one row each, however often it is looked at.

`ask_time` is the claim of whoever looks: nobody else asks Meta the same within a while.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    and_,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Connection
from connector.db.schema import Instant, Json, Tx, metadata
from connector.doctor.model.causes import CAUSES
from connector.doctor.model.values import Kind, Report, State, beginning
from connector.messaging.db import conversations
from connector.registry.db.catalogue import items

_SAMPLE = 200

checks = Table(
    "checks",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text, nullable=False, server_default="NOT_LOOKED_AT"),
    Column("evidence", Json, nullable=False, server_default="{}"),
    Column("ask_time", Instant, nullable=False, comment="when somebody began to look"),
    Column("check_time", Instant, comment="when it was last looked at to the end"),
    Column("since_time", Instant, comment="since when it has this state"),
    Column("fail_time", Instant, comment="since when it fails, UNKNOWN in between included"),
    Column("failures", Integer, nullable=False, server_default="0", comment="looks in a row that found it failed"),
    Column("due_time", Instant, comment="when it is looked at next by itself"),
    PrimaryKeyConstraint("connection_id", "kind"),
    CheckConstraint("(fail_time IS NULL) = (failures = 0)", "failing_since"),
)
_SHOWN = [checks.c[name] for name in Report.__slots__]
_CALM = [name for name, cause in CAUSES.items() if cause.state is State.OK]


async def read(tx: Tx, connection: Connection) -> dict[Kind, Report]:
    """Read how the checks of a connection stood, those that were ever looked at since it is what it is now."""
    known = or_(checks.c.check_time.is_(None), checks.c.check_time >= literal(beginning(connection), Instant))
    mine = checks.c.connection_id == connection.id, known
    return {Kind(row.kind): _report(row) for row in await tx.execute(select(*_SHOWN).where(*mine))}


async def claim(
    tx: Tx, connection: Connection, kinds: Collection[Kind], *, at: datetime, before: datetime, calm_before: datetime
) -> set[Kind]:
    """Begin to look at checks; tells at which.

    Left out is what somebody began to look at since `before`, and what was found as it should be since `calm_before`.
    """
    # In one order, whatever was asked for: two who claim at once do not wait for each other.
    rows = [{"connection_id": connection.id, "kind": kind, "ask_time": at} for kind in Kind if kind in kinds]
    calm = and_(checks.c.cause.in_(_CALM), checks.c.check_time > calm_before)
    stale = or_(and_(checks.c.ask_time <= before, ~calm), checks.c.ask_time < literal(beginning(connection), Instant))
    claimed = (
        insert(checks)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[checks.c.connection_id, checks.c.kind], set_={"ask_time": at}, where=stale
        )
    )
    return {Kind(row.kind) for row in await tx.execute(claimed.returning(checks.c.kind))}


async def keep(tx: Tx, connection_id: UUID, reports: Sequence[Report], *, at: datetime) -> None:
    """Keep how checks stand."""
    values = [
        {"connection_id": connection_id, "ask_time": at}
        | {name: getattr(one, name) for name in Report.__slots__}
        | {"evidence": dict(one.evidence)}
        for one in reports
    ]
    wish = insert(checks).values(values)
    changed = {name: wish.excluded[name] for name in (*Report.__slots__, "ask_time") if name != "kind"}
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id", "kind"], set_=changed))


async def postpone(tx: Tx, connection: Connection, kinds: Collection[Kind], *, until: datetime, at: datetime) -> None:
    """Look at checks later, without a result so far."""
    await claim(tx, connection, kinds, at=at, before=at, calm_before=at)
    same = checks.c.connection_id == connection.id, checks.c.kind.in_(kinds)
    await tx.execute(update(checks).where(*same).values(due_time=until))


async def hosts(tx: Tx, connection_id: UUID) -> tuple[str, ...]:
    """List the hosts that a sample of the connection's items link to."""
    wanted = items.c.connection_id == connection_id, items.c.wanted, items.c.content.is_not(None)
    rows = await tx.execute(select(items.c.content).where(*wanted).order_by(items.c.retailer_id).limit(_SAMPLE))
    links = (str(orjson.loads(row.content).get("link", "")) for row in rows)
    return tuple(sorted({host for link in links if (host := urlsplit(link).hostname)}))


async def last_person(tx: Tx, connection_id: UUID) -> str:
    """Tell the page-scoped id of whoever wrote to the Page last; empty when nobody ever did."""
    mine = conversations.c.connection_id == connection_id, conversations.c.person_time.is_not(None)
    latest = select(conversations.c.psid).where(*mine).order_by(conversations.c.last_message_time.desc()).limit(1)
    return await tx.scalar(latest) or ""


def _report(row: Row[Any]) -> Report:
    return Report(**{name: getattr(row, name) for name in Report.__slots__} | {"kind": Kind(row.kind)})
