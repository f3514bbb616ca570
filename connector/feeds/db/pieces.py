"""Files in pieces, each small enough for a transaction and for memory; together, in their order, they are the file."""

from uuid import UUID

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Uuid, delete, insert, select

from connector.db.schema import Tx, metadata

feed_pieces = Table(
    "feed_pieces",
    metadata,
    Column("upload_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False, comment="from 0, without gaps"),
    Column("body", LargeBinary, nullable=False, comment="as it is served"),
    PrimaryKeyConstraint("upload_id", "number"),
)


async def write(tx: Tx, upload_id: UUID, number: int, body: bytes) -> None:
    """Keep a piece."""
    await tx.execute(insert(feed_pieces).values(upload_id=upload_id, number=number, body=body))


async def read(tx: Tx, upload_id: UUID, number: int) -> bytes | None:
    """Read a piece; None when it is gone."""
    wanted = select(feed_pieces.c.body).where(feed_pieces.c.upload_id == upload_id, feed_pieces.c.number == number)
    body: bytes | None = await tx.scalar(wanted)
    return body


async def forget(tx: Tx, upload_id: UUID, *, limit: int) -> bool:
    """Forget some pieces of a file; tells whether there were any."""
    some = select(feed_pieces.c.number).where(feed_pieces.c.upload_id == upload_id).limit(limit)
    mine = feed_pieces.c.upload_id == upload_id, feed_pieces.c.number.in_(some)
    return bool((await tx.execute(delete(feed_pieces).where(*mine).returning(feed_pieces.c.number))).all())
