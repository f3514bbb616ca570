"""How the consumers of a few stores do, in one statement."""

from collections.abc import Sequence

from sqlalchemy import text

from connector.db.schema import Tx
from connector.events.model import Standing

_STANDINGS = text("""
    SELECT mine.store_id, mine.name,
        (SELECT create_time FROM events WHERE events.store_id = mine.store_id
            AND events.position >= coalesce(open.position, mine.cursor + 1) ORDER BY events.position LIMIT 1) AS oldest_time,
        dead.letters, CASE mine.after_dead_letter WHEN 'HOLD_KEY' THEN dead.keys ELSE 0 END AS held_keys
    FROM consumers AS mine
    LEFT JOIN LATERAL (
        SELECT position FROM handouts WHERE store_id = mine.store_id AND consumer = mine.name AND state IN ('WAITING', 'LENT')
            AND (mine.after_dead_letter <> 'HOLD_KEY' OR coalesce((SELECT min(dead.position) FROM handouts AS dead
                WHERE dead.store_id = mine.store_id AND dead.consumer = mine.name AND dead.state = 'DEAD'
                AND dead.ordering_key = handouts.ordering_key) > handouts.position, true))
        ORDER BY position LIMIT 1
    ) AS open ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS letters, count(DISTINCT ordering_key) AS keys FROM handouts
        WHERE store_id = mine.store_id AND consumer = mine.name AND state = 'DEAD'
    ) AS dead
    WHERE mine.store_id = ANY (CAST(:stores AS text[])) AND mine.kind <> 'NEW'
    ORDER BY mine.store_id, mine.name
""")


async def standings(tx: Tx, store_ids: Sequence[str]) -> list[Standing]:
    """List how consumers that ever took events do, by store and name; what waits behind a dead letter does not count as waiting."""
    return [Standing(*row) for row in await tx.execute(_STANDINGS, {"stores": list(store_ids)})]
