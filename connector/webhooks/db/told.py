"""News that StormCom was told, so that what Meta sends twice, or late, is told once and changes nothing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Uuid, text

from connector.db.schema import Instant, Tx, metadata
from connector.webhooks.model import digest

told_news = Table(
    "told_news",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of what tells the news from others"),
    Column("time", Instant, nullable=False, comment="when it happened, or was told"),
    PrimaryKeyConstraint("connection_id", "digest"),
    Index("ix_told_news_time", "time", postgresql_using="brin"),
)
_NOTE = text("""
    INSERT INTO told_news AS known (connection_id, digest, time) VALUES (:connection_id, :digest, :time)
    ON CONFLICT (connection_id, digest) DO UPDATE SET time = excluded.time WHERE known.time < excluded.time
    RETURNING xmax = 0
""")


async def is_first(tx: Tx, connection_id: UUID, key: bytes, *, at: datetime) -> bool:
    """Note news; tells whether they are."""
    return await _note(tx, connection_id, key, at) is True


async def is_latest(tx: Tx, connection_id: UUID, subject: str, time: datetime) -> bool:
    """Note what was told last of a subject; tells whether nothing as late was known."""
    return await _note(tx, connection_id, subject.encode(), time) is not None


async def _note(tx: Tx, connection_id: UUID, key: bytes, time: datetime) -> bool | None:
    given = {"connection_id": connection_id, "digest": digest(key), "time": time}
    new: bool | None = await tx.scalar(_NOTE, given)
    return new
