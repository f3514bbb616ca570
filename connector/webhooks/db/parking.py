"""Signals that wait for their Page, or for their next try: each with its place in the order of deliveries."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, select, text

from connector.connections.db import Asset
from connector.db.schema import Tx, plain
from connector.values import Environment
from connector.webhooks.db.tables import parked
from connector.webhooks.model import Delivery, Signal, UnknownPage, digest

_PARK = text("""
    INSERT INTO parked (id, environment, object, page_id, body, digest, receive_time, due_time, attempts)
    VALUES (nextval(pg_get_serial_sequence('deliveries', 'id')), :environment, :object, :page_id, :body, :digest,
        :receive_time, :due_time, :attempts)
    ON CONFLICT (environment, object, page_id, digest) DO NOTHING
""")
_RELEASE = """
    WITH released AS (DELETE FROM parked WHERE {which} RETURNING *)
    INSERT INTO deliveries (id, environment, body, digest, signature, receive_time, state, attempts) OVERRIDING SYSTEM VALUE
    SELECT id, environment, body, digest, '', receive_time, 'WAITING', attempts FROM released
"""
_RELEASE_ASSETS = text(
    _RELEASE.format(
        which="""due_time IS NULL AND (environment, object, page_id) IN (
            SELECT * FROM unnest(CAST(:environments AS text[]), CAST(:objects AS text[]), CAST(:ids AS text[])))"""
    )
)
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
        "object": plain(signal.object),
        "page_id": plain(signal.page_id),
        "body": signal.raw,
        "digest": digest(signal.raw),
        "receive_time": delivery.receive_time,
        "due_time": due,
        "attempts": attempts,
    }
    await tx.execute(_PARK, values)


# Only what waits for its Page: what rests until its next try is somebody's. Counts one page of the list, never all of it.
_UNKNOWN = text("""
    WITH RECURSIVE assets AS (
        (SELECT environment, object, page_id, 1 AS place FROM parked
            WHERE due_time IS NULL AND (environment, object, page_id) > (:environment, :object, :page_id)
            ORDER BY 1, 2, 3 LIMIT 1)
        UNION ALL
        SELECT following.*, assets.place + 1 FROM assets, LATERAL (
            SELECT environment, object, page_id FROM parked WHERE due_time IS NULL
                AND (parked.environment, parked.object, parked.page_id) > (assets.environment, assets.object, assets.page_id)
            ORDER BY 1, 2, 3 LIMIT 1
        ) AS following WHERE assets.place < :limit
    )
    SELECT environment, object, page_id, count(*) AS signal_count, min(receive_time) AS oldest, max(receive_time) AS newest
    FROM assets JOIN parked USING (environment, object, page_id) WHERE due_time IS NULL
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")


async def unknown_pages(tx: Tx, *, after: Asset | None, limit: int) -> list[UnknownPage]:
    """List the Pages and accounts that nobody connected, and how much waits for each."""
    environment, kind, name = after or ("", "", "")
    given = {"environment": str(environment), "object": kind, "page_id": name, "limit": limit}
    return [
        UnknownPage((Environment(row.environment), row.object, row.page_id), row.signal_count, row.oldest, row.newest)
        for row in await tx.execute(_UNKNOWN, given)
    ]


# From one asset's first row to the next one's: however many signals of a Page wait, it is found once.
_ASSETS = text("""
    WITH RECURSIVE assets AS (
        (SELECT environment, object, page_id FROM parked ORDER BY 1, 2, 3 LIMIT 1)
        UNION ALL
        SELECT following.* FROM assets, LATERAL (
            SELECT environment, object, page_id FROM parked
            WHERE (parked.environment, parked.object, parked.page_id) > (assets.environment, assets.object, assets.page_id)
            ORDER BY 1, 2, 3 LIMIT 1
        ) AS following
    )
    SELECT environment, object, page_id FROM assets
""")


async def parked_assets(tx: Tx) -> list[Asset]:
    """List the Pages and accounts of which signals wait."""
    return [(Environment(row.environment), row.object, row.page_id) for row in await tx.execute(_ASSETS)]


async def release(tx: Tx, assets: Collection[Asset]) -> None:
    """Let the signals that wait for these Pages and accounts go on, in the order in which they came."""
    if assets:
        named = {
            "environments": [environment.value for environment, _, _ in assets],
            "objects": [kind for _, kind, _ in assets],
            "ids": [name for _, _, name in assets],
        }
        await tx.execute(_RELEASE_ASSETS, named)


async def release_rested(tx: Tx, *, at: datetime) -> None:
    """Let the signals that rested long enough be tried again."""
    await tx.execute(_RELEASE_RESTED, {"at": at})


async def anything_parked(tx: Tx) -> bool:
    """Tell whether a signal waits for its Page or its next try."""
    return bool(await tx.scalar(select(exists().select_from(parked))))
