"""One request id, one answer: what a caller was told is told again.

A row is claimed before the work, renewed while it goes on, and completed with the answer after it. A claim that nobody renewed
for `STALE` can be taken over: its process died; things that must exist once carry their own unique key, so running such a request again is safe.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

STALE = timedelta(seconds=10)
KEPT = timedelta(hours=48)

requests = Table(
    "requests",
    metadata,
    Column("store_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of caller, method and request"),
    Column("response", LargeBinary, comment="the serialized answer; NULL while at work"),
    Column("claim_time", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("store_id", "request_id"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request id already."""

    digest: bytes
    response: bytes | None


async def claim(tx: Tx, store_id: str, request_id: str, digest: bytes, *, at: datetime) -> Known | None:
    """Claim a request id for work that begins now; None when it is ours, otherwise what is known of it."""
    wish = insert(requests).values(store_id=store_id, request_id=request_id, digest=digest, claim_time=at)
    abandoned = and_(requests.c.response.is_(None), requests.c.claim_time < at - STALE, requests.c.digest == digest)
    outlived = requests.c.claim_time < at - KEPT
    claimed = wish.on_conflict_do_update(
        index_elements=[requests.c.store_id, requests.c.request_id],
        set_={"claim_time": at, "digest": digest, "response": None},
        where=or_(abandoned, outlived),
    ).returning(requests.c.request_id)
    if (await tx.execute(claimed)).one_or_none():
        return None
    row = (await tx.execute(select(requests).where(*_of(store_id, request_id)))).one()
    return Known(row.digest, row.response)


async def renew(tx: Tx, store_id: str, request_id: str, *, at: datetime) -> None:
    """Say that the work of a claim goes on."""
    still = requests.c.response.is_(None)
    await tx.execute(update(requests).where(*_of(store_id, request_id), still).values(claim_time=at))


async def complete(tx: Tx, store_id: str, request_id: str, response: bytes) -> None:
    """Keep the answer."""
    await tx.execute(update(requests).where(*_of(store_id, request_id)).values(response=response))


async def release(tx: Tx, store_id: str, request_id: str) -> None:
    """Forget a claim whose work failed, so that the caller may try again."""
    await tx.execute(delete(requests).where(*_of(store_id, request_id), requests.c.response.is_(None)))


def _of(store_id: str, request_id: str) -> tuple[ColumnElement[bool], ...]:
    return requests.c.store_id == store_id, requests.c.request_id == request_id
