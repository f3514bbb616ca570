"""What must never come in again, by hashes only: people whose data was deleted, and one-time requests that were obeyed.

A hash tells nobody who it was, and outlives everything else: so a webhook that is sent again years later stores nothing.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, LargeBinary, Table, func, select
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

forgotten = Table(
    "forgotten",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of what it is about"),
    Column("time", Instant, nullable=False, comment="what happened until then is not taken in again"),
)


def digest_of(*parts: str) -> bytes:
    """Name something by a hash; parts of other lengths never meet in one."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()


def digest_of_person(environment: str, page_id: str, psid: str) -> bytes:
    """Name a person as one Page knows them."""
    return digest_of("person", environment, page_id, psid)


async def forget(tx: Tx, digests: Collection[bytes], *, at: datetime) -> None:
    """Note what is forgotten from now on."""
    if not digests:
        return
    wish = insert(forgotten).values([{"digest": one, "time": at} for one in sorted(set(digests))])
    later = {"time": func.greatest(forgotten.c.time, wish.excluded.time)}
    await tx.execute(wish.on_conflict_do_update(index_elements=[forgotten.c.digest], set_=later))


async def use_once(tx: Tx, digest: bytes, *, at: datetime) -> bool:
    """Use something up that counts once; tells whether this is the first time."""
    wish = insert(forgotten).values(digest=digest, time=at).on_conflict_do_nothing()
    return (await tx.execute(wish.returning(forgotten.c.digest))).first() is not None


async def times_of(tx: Tx, digests: Collection[bytes]) -> dict[bytes, datetime]:
    """Tell of some digests until when they are forgotten; those that never were are left out."""
    if not digests:
        return {}
    found = await tx.execute(select(forgotten).where(forgotten.c.digest.in_(set(digests))))
    return {bytes(row.digest): row.time for row in found}
