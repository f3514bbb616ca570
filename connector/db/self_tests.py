"""Deliveries that we send to ourselves, by their numbers: sent, answered, worked off.

A delivery whose number we did not hand out, or no longer wait for, is nobody's: whoever posts an old one again proves nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, Index, Table, Text, Uuid, insert, select, update

from connector.db.bell import ring
from connector.db.schema import Instant, Tx, metadata
from connector.values import Environment

CHANNEL = "self_tests"
AWAITED = timedelta(minutes=10)

self_tests = Table(
    "self_tests",
    metadata,
    Column("nonce", Uuid, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("send_time", Instant, nullable=False),
    Column("answer", Text, nullable=False, server_default="", comment="what came of sending it; empty on its way"),
    Column("detail", Text, nullable=False, server_default="", comment="the status, or the kind of error"),
    Column("hear_time", Instant, comment="when it was worked off"),
    Index("ix_self_tests_environment_send_time", "environment", "send_time"),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery of our own on its way; `answer` and `detail` are the sender's words for what came of sending it."""

    nonce: UUID
    send_time: datetime
    answer: str
    detail: str
    hear_time: datetime | None


_SHOWN = [self_tests.c[name] for name in Sent.__slots__]


async def begin(tx: Tx, environment: Environment, nonce: UUID, *, at: datetime) -> None:
    """Wait for a new one."""
    await tx.execute(insert(self_tests).values(nonce=nonce, environment=environment, send_time=at))


async def note_answer(tx: Tx, nonce: UUID, answer: str, detail: str) -> None:
    """Note what came of sending it."""
    await tx.execute(update(self_tests).where(self_tests.c.nonce == nonce).values(answer=answer, detail=detail))


async def hear(tx: Tx, environment: Environment, nonce: UUID, *, at: datetime) -> bool:
    """Note that one was worked off, once, and wake who waits; tells whether it is one we wait for."""
    mine = self_tests.c.nonce == nonce, self_tests.c.environment == environment, self_tests.c.hear_time.is_(None)
    awaited = self_tests.c.send_time > at - AWAITED
    heard = update(self_tests).where(*mine, awaited).values(hear_time=at).returning(self_tests.c.nonce)
    if (await tx.execute(heard)).one_or_none() is None:
        return False
    await ring(tx, CHANNEL, str(nonce))
    return True


async def read(tx: Tx, nonce: UUID) -> Sent:
    """Read one that was sent."""
    return Sent(*(await tx.execute(select(*_SHOWN).where(self_tests.c.nonce == nonce))).one())


async def latest(tx: Tx, environment: Environment, *, after: datetime) -> Sent | None:
    """Read the one sent last, if that was after a time."""
    wanted = select(*_SHOWN).where(self_tests.c.environment == environment, self_tests.c.send_time > after)
    row = (await tx.execute(wanted.order_by(self_tests.c.send_time.desc()).limit(1))).one_or_none()
    return None if row is None else Sent(*row)
