"""What must never come in again, by hashes only: people whose data was deleted, and one-time requests that were obeyed.

A hash tells nobody who it was (`connector/pseudonyms.py` makes it), and outlives everything else: so a webhook that is sent again
years later stores nothing.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ARRAY, Column, LargeBinary, Table, any_, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

forgotten = Table(
    "forgotten",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="keyed hash of what it is about"),
    Column("time", Instant, nullable=False, comment="what happened until then is not taken in again"),
)
_DIGESTS = ARRAY(LargeBinary)


async def forget(tx: Tx, digests: Collection[bytes], *, at: datetime) -> None:
    """Note what is forgotten from now on."""
    if not digests:
        return
    every = func.unnest(literal(sorted(set(digests)), _DIGESTS))
    wish = insert(forgotten).from_select(["digest", "time"], select(every, literal(at, Instant)))
    later = {"time": func.greatest(forgotten.c.time, wish.excluded.time)}
    await tx.execute(wish.on_conflict_do_update(index_elements=[forgotten.c.digest], set_=later))


async def use_once(tx: Tx, digest: bytes, *, at: datetime) -> bool:
    """Use something up that counts once; tells whether this is the first time."""
    wish = insert(forgotten).values(digest=digest, time=at).on_conflict_do_nothing()
    return (await tx.execute(wish.returning(forgotten.c.digest))).first() is not None


async def times_of(tx: Tx, digests: Collection[bytes]) -> dict[bytes, datetime]:
    """Tell of some digests, however many, until when they are forgotten; those that never were are left out."""
    if not digests:
        return {}
    wanted = literal(list(set(digests)), _DIGESTS)
    found = await tx.execute(select(forgotten).where(forgotten.c.digest == any_(wanted)))
    return {bytes(row.digest): row.time for row in found}
