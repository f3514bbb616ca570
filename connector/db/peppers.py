"""The pepper: the one sealed secret without which nobody can tell of whom the hashes are that outlive a deletion."""

from sqlalchemy import CheckConstraint, Column, LargeBinary, SmallInteger, Table, select, text
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import SEALED, Tx, metadata

KIND = "pepper"

peppers = Table(
    "peppers",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("sealed", LargeBinary, nullable=False, comment="sealed", info={SEALED: KIND}),
    CheckConstraint("id = 1", "only_one"),
)


async def read(tx: Tx) -> bytes | None:
    """Tell the sealed pepper; None before anybody needed it."""
    return (await tx.execute(select(peppers.c.sealed))).scalar()


async def keep(tx: Tx, sealed: bytes) -> bytes:
    """Keep a pepper, and tell the one that stays: of several, the first."""
    await tx.execute(insert(peppers).values(sealed=sealed).on_conflict_do_nothing())
    return bytes((await tx.execute(select(peppers.c.sealed))).scalar_one())
