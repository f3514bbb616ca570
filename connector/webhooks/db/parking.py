"""Signals that wait for their Page, or for their next try: each with its place in the order of deliveries."""

from datetime import datetime

from sqlalchemy import exists, select, text

from connector.db.schema import Tx, plain
from connector.values import Environment
from connector.webhooks.db.tables import parked
from connector.webhooks.model import Delivery, Signal, digest

_PARK = text("""
    INSERT INTO parked (id, environment, page_id, body, digest, receive_time, due_time, attempts)
    VALUES (nextval(pg_get_serial_sequence('deliveries', 'id')), :environment, :page_id, :body, :digest, :receive_time,
        :due_time, :attempts)
    ON CONFLICT (environment, page_id, digest) DO NOTHING
""")
_RELEASE = """
    WITH released AS (DELETE FROM parked WHERE {which} RETURNING *)
    INSERT INTO deliveries (id, environment, body, digest, signature, receive_time, state, attempts) OVERRIDING SYSTEM VALUE
    SELECT id, environment, body, digest, '', receive_time, 'WAITING', attempts FROM released
"""
_RELEASE_PAGE = text(_RELEASE.format(which="environment = :environment AND page_id = :page_id AND due_time IS NULL"))
_RELEASE_RESTED = text(_RELEASE.format(which="due_time <= :at"))


async def park(tx: Tx, delivery: Delivery, signal: Signal) -> None:
    """Let a signal wait until its Page is connected; the same one waits once."""
    await _park(tx, delivery, signal, due=None, attempts=delivery.attempts)


async def rest(tx: Tx, delivery: Delivery, signal: Signal, *, due: datetime, attempts: int) -> None:
    """Let a signal that failed so often wait for its next try."""
    await _park(tx, delivery, signal, due=due, attempts=attempts)


async def _park(tx: Tx, delivery: Delivery, signal: Signal, *, due: datetime | None, attempts: int) -> None:
    values = {
        "environment": delivery.environment,
        "page_id": plain(signal.page_id),
        "body": signal.raw,
        "digest": digest(signal.raw),
        "receive_time": delivery.receive_time,
        "due_time": due,
        "attempts": attempts,
    }
    await tx.execute(_PARK, values)


async def parked_pages(tx: Tx) -> list[tuple[Environment, str]]:
    """List the Pages that signals wait for."""
    rows = await tx.execute(
        select(parked.c.environment, parked.c.page_id).where(parked.c.due_time.is_(None)).distinct()
    )
    return [(Environment(row.environment), row.page_id) for row in rows]


async def release(tx: Tx, environment: Environment, page_id: str) -> None:
    """Let the signals that wait for a Page go on, in the order in which they came."""
    await tx.execute(_RELEASE_PAGE, {"environment": environment, "page_id": page_id})


async def release_rested(tx: Tx, *, at: datetime) -> None:
    """Let the signals that rested long enough be tried again."""
    await tx.execute(_RELEASE_RESTED, {"at": at})


async def anything_parked(tx: Tx) -> bool:
    """Tell whether a signal waits for its Page or its next try."""
    return bool(await tx.scalar(select(exists().select_from(parked))))
