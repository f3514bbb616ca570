"""The ledger of deletions: who asked, when, what was removed, when it ended. Whom it was about is forgotten at its end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    Uuid,
    insert,
    select,
    text,
    tuple_,
    update,
)

from connector.db.schema import Instant, Json, Tx, metadata
from connector.errors import NotFound
from connector.privacy.model.deletions import Deletion, Origin, State, Subject

deletions = Table(
    "deletions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, comment="NULL: asked for through Meta, for every store the person connected"),
    Column("request_id", Text),
    Column("origin", Text, nullable=False),
    Column("caller", Text, nullable=False, comment="who asked"),
    Column("state", Text, nullable=False),
    Column("subject", Json, comment="whom it is about, as long as it is at work"),
    Column("subject_digest", LargeBinary, nullable=False),
    Column("code", Text, unique=True, comment="Meta's confirmation code"),
    Column("removed", Json, nullable=False, server_default="{}"),
    Column("create_time", Instant, nullable=False),
    Column("due_time", Instant, nullable=False),
    Column("finish_time", Instant),
    CheckConstraint("(state = 'DONE') = (finish_time IS NOT NULL)", "done_has_end"),
    CheckConstraint("(state = 'DONE') = (subject IS NULL)", "done_knows_nobody"),
    CheckConstraint("(origin = 'META') = (code IS NOT NULL)", "code_of_meta"),
    Index("uq_deletions_store_id_request_id", "store_id", "request_id", unique=True),
    Index("ix_deletions_store_id_create_time", "store_id", "create_time", "id"),
    Index("ix_deletions_subject_digest", "subject_digest"),
    Index("ix_deletions_running", "due_time", postgresql_where=text("finish_time IS NULL")),
)
_SHOWN = [deletions.c[name] for name in Deletion.__slots__]


def missing(deletion_id: str) -> NotFound:
    """Say that a store has no such deletion, alike for malformed, foreign and absent ids."""
    return NotFound("DELETION_NOT_FOUND", "No such deletion in this store", deletion_id=deletion_id)


async def create(tx: Tx, values: Mapping[str, Any], subject: Subject, digest: bytes) -> Deletion:
    """Open a deletion."""
    wish = insert(deletions).values(**values, state=State.RUNNING, subject=subject.document(), subject_digest=digest)
    return _deletion((await tx.execute(wish.returning(*_SHOWN))).one())


async def by_request(tx: Tx, store_id: str, request_id: str) -> Deletion | None:
    """Find the deletion that a wish of a store made."""
    return await _one(tx, deletions.c.store_id == store_id, deletions.c.request_id == request_id)


async def by_code(tx: Tx, code: str) -> Deletion | None:
    """Find a deletion by the code that Meta was given."""
    return await _one(tx, deletions.c.code == code)


async def latest_of(tx: Tx, origin: Origin, digest: bytes) -> Deletion | None:
    """Find the newest deletion about somebody."""
    mine = deletions.c.origin == origin, deletions.c.subject_digest == digest
    newest = select(*_SHOWN).where(*mine).order_by(deletions.c.create_time.desc()).limit(1)
    row = (await tx.execute(newest)).one_or_none()
    return None if row is None else _deletion(row)


async def require(tx: Tx, store_id: str, deletion_id: UUID) -> Deletion:
    """Find a store's deletion.

    Raises:
        NotFound: DELETION_NOT_FOUND.

    """
    found = await _one(tx, deletions.c.store_id == store_id, deletions.c.id == deletion_id)
    if found is None:
        raise missing(str(deletion_id))
    return found


async def list_page(tx: Tx, store_id: str, *, limit: int, after: tuple[datetime, UUID] | None) -> list[Deletion]:
    """List a store's deletions, newest first."""
    wanted = select(*_SHOWN).where(deletions.c.store_id == store_id)
    if after:
        wanted = wanted.where(tuple_(deletions.c.create_time, deletions.c.id) < after)
    newest = wanted.order_by(deletions.c.create_time.desc(), deletions.c.id.desc())
    return [_deletion(row) for row in await tx.execute(newest.limit(limit))]


async def subject_of(tx: Tx, deletion_id: UUID) -> Subject | None:
    """Tell whom a deletion is about; None when it has ended."""
    document = await tx.scalar(select(deletions.c.subject).where(deletions.c.id == deletion_id).with_for_update())
    return None if document is None else Subject.of(document)


async def count(tx: Tx, deletion_id: UUID, step: str, removed: int) -> None:
    """Add what a piece of the work removed."""
    known = await tx.scalar(select(deletions.c.removed).where(deletions.c.id == deletion_id))
    counted = {**(known or {}), step: (known or {}).get(step, 0) + removed}
    await tx.execute(update(deletions).where(deletions.c.id == deletion_id).values(removed=counted))


async def finish(tx: Tx, deletion_id: UUID, *, at: datetime) -> Deletion:
    """End a deletion, and forget whom it was about."""
    ended = (
        update(deletions).where(deletions.c.id == deletion_id).values(state=State.DONE, subject=None, finish_time=at)
    )
    return _deletion((await tx.execute(ended.returning(*_SHOWN))).one())


async def late(tx: Tx, *, at: datetime) -> list[Deletion]:
    """List the deletions that should have ended by now."""
    over = select(*_SHOWN).where(deletions.c.finish_time.is_(None), deletions.c.due_time < at)
    return [_deletion(row) for row in await tx.execute(over.order_by(deletions.c.due_time))]


async def _one(tx: Tx, *conditions: Any) -> Deletion | None:
    row = (await tx.execute(select(*_SHOWN).where(*conditions))).one_or_none()
    return None if row is None else _deletion(row)


def _deletion(row: Row[Any]) -> Deletion:
    values = dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
    return Deletion(**values | {"origin": Origin(row.origin), "state": State(row.state)})
