"""How fast a Page sends, and by which settings.

A Page has a pace per medium: each message spends a moment of it, and may be ahead of the clock by a burst. Bulk may use half of the
burst only, so that there is room at once for a message that a person waits for, however much bulk there is; and bulk begins one by
one, so that workers are not full of it.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Connection
from connector.db.schema import Instant, Tx, plain
from connector.messaging.db.tables import page_paces, page_sendings
from connector.messaging.model import HUMAN_AGENT_REST

_BURST = timedelta(seconds=1)
_BULK_BURST = _BURST / 2


async def take_turn(
    tx: Tx, connection: Connection, medium: str, *, per_second: int, bulk: bool, at: datetime
) -> datetime | None:
    """Spend a moment of the Page's pace; None when there was one, else when to come again."""
    pace = await _lock(tx, connection, medium, at=at)
    burst = _BULK_BURST if bulk else _BURST
    if pace.busy_time > at + burst:
        until: datetime = pace.busy_time - burst
        return until
    busy = max(pace.busy_time, at) + timedelta(seconds=1) / per_second
    await tx.execute(_mine(connection, medium).values(busy_time=busy))
    return None


async def line_up(tx: Tx, connection: Connection, medium: str, *, per_second: int, at: datetime) -> datetime:
    """Tell when a bulk message may begin: behind those that came before it."""
    pace = await _lock(tx, connection, medium, at=at)
    begin: datetime = max(pace.bulk_time, at)
    await tx.execute(_mine(connection, medium).values(bulk_time=begin + timedelta(seconds=1) / per_second))
    return begin


def _mine(connection: Connection, medium: str) -> Any:
    return update(page_paces).where(page_paces.c.connection_id == connection.id, page_paces.c.medium == medium)


async def _lock(tx: Tx, connection: Connection, medium: str, *, at: datetime) -> Any:
    new = {"connection_id": connection.id, "medium": medium, "store_id": connection.store_id}
    wish = insert(page_paces).values(**new, busy_time=at, bulk_time=at)
    same = [page_paces.c.connection_id, page_paces.c.medium]
    kept = wish.on_conflict_do_update(index_elements=same, set_={"store_id": wish.excluded.store_id})
    return (await tx.execute(kept.returning(page_paces))).one()


async def disclosure(tx: Tx, connection_id: UUID) -> str:
    """Tell what the first message of a program in a conversation begins with."""
    mine = page_sendings.c.connection_id == connection_id
    return await tx.scalar(select(page_sendings.c.disclosure).where(mine)) or ""


async def set_disclosure(tx: Tx, connection: Connection, words: str) -> None:
    """Change what the first message of a program in a conversation begins with."""
    await _note(tx, connection, disclosure=plain(words))


async def note_human_agent_refusal(tx: Tx, connection: Connection, *, at: datetime) -> None:
    """Note that Meta refused the Human Agent feature."""
    await _note(tx, connection, human_agent_refusal_time=at)


async def human_agent(tx: Tx, connection_id: UUID, *, at: datetime) -> bool:
    """Tell whether Meta may have given us the Human Agent feature: it has not refused it lately."""
    mine = page_sendings.c.connection_id == connection_id
    late = page_sendings.c.human_agent_refusal_time > literal(at - HUMAN_AGENT_REST, Instant)
    return not await tx.scalar(select(func.count()).select_from(page_sendings).where(mine, late))


async def _note(tx: Tx, connection: Connection, **values: Any) -> None:
    new = insert(page_sendings).values(connection_id=connection.id, store_id=connection.store_id, **values)
    await tx.execute(new.on_conflict_do_update(index_elements=["connection_id"], set_=values))
