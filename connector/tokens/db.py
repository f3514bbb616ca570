"""What Meta last said of each token, what was announced of it, and tokens on their way out."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections.model import Connection
from connector.connections.model.reach import TokenKind
from connector.db.outbox import tasks
from connector.db.schema import SEALED, Instant, Json, Tx, metadata, plain
from connector.tokens.model import GRACE, KILL_TIME, Care, Inspection, Kind, Retired

inspections = Table(
    "token_inspections",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("meta_type", Text, nullable=False),
    Column("app_id", Text, nullable=False),
    Column("user_id", Text, nullable=False, comment="app-scoped id of the person or system user"),
    Column("page_id", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("granular_scopes", Json, nullable=False),
    Column("issue_time", Instant),
    Column("expire_time", Instant),
    Column("data_access_expire_time", Instant),
    Column("code", Integer, nullable=False),
    Column("subcode", Integer, nullable=False),
    Column("inspect_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "kind"),
)
cares = Table(
    "token_cares",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("token_days", Integer, comment="the smallest number of days at which the token's end was announced"),
    Column("data_access_days", Integer, comment="the same of the end of data access"),
    Column("doubt_time", Instant, comment="when Meta last refused a token that it calls valid"),
)
retired = Table(
    "retired_tokens",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Text, nullable=False, comment="app-scoped id of who was behind it"),
    Column(
        "sealed",
        LargeBinary,
        nullable=False,
        comment="as it was sealed for the connection",
        info={SEALED: lambda row: row.kind.lower()},
    ),
    Column("every", Boolean, nullable=False, comment="it is a system user's: all of that user's may go"),
    Column("forced", Boolean, nullable=False, comment="it goes even if another connection lives on it"),
    Column("kill_time", Instant, nullable=False, comment="until then a call under way may need it"),
    Column("expire_time", Instant, nullable=False, comment="after that it is wiped, killed or not"),
    Index("ix_retired_tokens_connection_id", "connection_id"),
)
_REFUSED = "META_TOKEN_INVALID"


async def note(tx: Tx, connection_id: UUID, *found: Inspection) -> None:
    """Keep what Meta said of tokens."""
    for one in found:
        facts = {field.name: getattr(one, field.name) for field in fields(Inspection)}
        facts |= {"scopes": [plain(scope) for scope in one.scopes]}
        facts |= {name: plain(facts[name]) for name in ("meta_type", "app_id", "user_id", "page_id")}
        facts["granular_scopes"] = {plain(scope): list(ids) for scope, ids in one.granular_scopes.items()}
        wish = upsert(inspections).values(connection_id=connection_id, **facts)
        await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id", "kind"], set_=facts))


async def read(tx: Tx, connection_id: UUID) -> list[Inspection]:
    """Read what Meta last said: of the user's token, then of the Page's."""
    mine = select(inspections).where(inspections.c.connection_id == connection_id).order_by(inspections.c.kind.desc())
    return [_inspection(row) for row in await tx.execute(mine)]


def _inspection(row: Row[Any]) -> Inspection:
    values = {field.name: getattr(row, field.name) for field in fields(Inspection)}
    granular = {scope: tuple(ids) for scope, ids in row.granular_scopes.items()}
    return Inspection(**values | {"kind": Kind(row.kind), "scopes": tuple(row.scopes), "granular_scopes": granular})


async def care_of(tx: Tx, connection_id: UUID) -> Care:
    """Read what was said of a connection's tokens."""
    row = (await tx.execute(select(cares).where(cares.c.connection_id == connection_id))).one_or_none()
    return Care(row.token_days, row.data_access_days, row.doubt_time) if row else Care()


async def keep_care(tx: Tx, connection_id: UUID, care: Care) -> None:
    """Keep what was said of a connection's tokens."""
    values = {field.name: getattr(care, field.name) for field in fields(Care)}
    wish = upsert(cares).values(connection_id=connection_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id"], set_=values))


async def retire(
    tx: Tx,
    connection: Connection,
    user: Inspection | None,
    kinds: Sequence[Kind],
    *,
    login: bytes | None = None,
    forced: bool = False,
    at: datetime,
) -> None:
    """Take tokens out of service as they are sealed; `user` is what Meta last said of the user's."""
    sealed = {Kind.USER: connection.user_token, Kind.PAGE: connection.page_token, Kind.LOGIN: login}
    rows = [
        {
            "store_id": connection.store_id,
            "connection_id": connection.id,
            "kind": kind,
            "user_id": connection.user_id,
            "sealed": sealed[kind],
            "every": forced and kind is Kind.USER and user is not None and user.meta_type == TokenKind.SYSTEM_USER,
            "forced": forced,
            "kill_time": at if forced else at + GRACE,
            "expire_time": at + KILL_TIME,
        }
        for kind in kinds
        if sealed[kind] is not None
    ]
    if rows:
        await tx.execute(insert(retired), rows)


async def retired_of(tx: Tx, connection_id: UUID) -> list[Retired]:
    """List a connection's tokens on their way out, the Page's first: the user's may be what it depends on."""
    mine = select(retired).where(retired.c.connection_id == connection_id).order_by(retired.c.kind, retired.c.id)
    names = [field.name for field in fields(Retired)]
    return [
        Retired(**{name: getattr(row, name) for name in names} | {"kind": Kind(row.kind)})
        for row in await tx.execute(mine)
    ]


async def forget(tx: Tx, retired_id: int) -> None:
    """Wipe a token that is no more."""
    await tx.execute(delete(retired).where(retired.c.id == retired_id))


async def refused(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether work was given up because Meta refused the token."""
    mine = tasks.c.connection_id == connection_id, tasks.c.due_time.is_(None), tasks.c.reason == _REFUSED
    return await tx.scalar(select(tasks.c.id).where(*mine).limit(1)) is not None


async def revive_refused(tx: Tx, connection_id: UUID, *, at: datetime, after: timedelta) -> bool:
    """Give work another life, after a moment, that was given up for a token that is alive; tells whether there was any."""
    mine = tasks.c.connection_id == connection_id, tasks.c.due_time.is_(None), tasks.c.reason == _REFUSED
    values = {"due_time": at + after, "tries": 0, "unfinished": 0, "reason": None, "message": None}
    return bool((await tx.execute(update(tasks).where(*mine).values(**values).returning(tasks.c.id))).all())
