"""Signals of Pages that nobody connected: each waits with its place in the order of deliveries."""

from sqlalchemy import select, text

from connector.db.schema import Tx, plain
from connector.values import Environment
from connector.webhooks.db.tables import parked
from connector.webhooks.model import Delivery, Signal, digest

_PARK = text("""
    INSERT INTO parked (id, environment, page_id, body, digest, receive_time)
    VALUES (nextval(pg_get_serial_sequence('deliveries', 'id')), :environment, :page_id, :body, :digest, :receive_time)
    ON CONFLICT (environment, page_id, digest) DO NOTHING
""")
_RELEASE = text("""
    WITH released AS (DELETE FROM parked WHERE environment = :environment AND page_id = :page_id RETURNING *)
    INSERT INTO deliveries (id, environment, body, digest, signature, receive_time, state) OVERRIDING SYSTEM VALUE
    SELECT id, environment, body, digest, '', receive_time, 'WAITING' FROM released
""")


async def park(tx: Tx, delivery: Delivery, signal: Signal) -> None:
    """Let a signal wait until its Page is connected; the same one waits once."""
    values = {
        "environment": delivery.environment,
        "page_id": plain(signal.page_id),
        "body": signal.raw,
        "digest": digest(signal.raw),
        "receive_time": delivery.receive_time,
    }
    await tx.execute(_PARK, values)


async def parked_pages(tx: Tx) -> list[tuple[Environment, str]]:
    """List the Pages that signals wait for."""
    rows = await tx.execute(select(parked.c.environment, parked.c.page_id).distinct())
    return [(Environment(row.environment), row.page_id) for row in rows]


async def release(tx: Tx, environment: Environment, page_id: str) -> None:
    """Let the signals that wait for a Page go on, in the order in which they came."""
    await tx.execute(_RELEASE, {"environment": environment, "page_id": page_id})
