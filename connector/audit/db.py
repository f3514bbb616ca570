"""Reads the audit: by filters, newest first, and along the chain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, select, true

from connector.audit.model import BEGIN, SEAL, Chain, Entry, Mark
from connector.db.audit import chains, entries
from connector.db.schema import Tx

_SHOWN = [entries.c[name] for name in Entry.__slots__]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of a store are asked for; what is empty does not matter."""

    store_id: str
    connection_id: str = ""
    action: str = ""
    caller: str = ""
    begin_time: datetime | None = None
    end_time: datetime | None = None


async def newest(tx: Tx, wanted: Wanted, *, before: int | None, limit: int) -> list[Entry]:
    """List entries, newest first, of before a position."""
    conditions = [entries.c.store_id == wanted.store_id, entries.c.position.is_not(None)]
    named = {name: getattr(wanted, name) for name in ("connection_id", "action", "caller")}
    conditions += [entries.c[name] == value for name, value in named.items() if value]
    if wanted.begin_time:
        conditions.append(entries.c.create_time >= wanted.begin_time)
    if wanted.end_time:
        conditions.append(entries.c.create_time < wanted.end_time)
    if before is not None:
        conditions.append(entries.c.position < before)
    found = select(*_SHOWN).where(*conditions).order_by(entries.c.position.desc()).limit(limit)
    return [Entry(*row) for row in await tx.execute(found)]


async def piece(tx: Tx, store_id: str, after: Mark, *, limit: int) -> tuple[Chain, Mark, list[Entry]]:
    """Read the chain and its next entries as they stand in one moment; goes on behind the seal when that has moved past `after`."""
    begin = func.greatest(chains.c.sealed_position, literal(after.position))
    following = (
        select(*_SHOWN)
        .where(entries.c.store_id == chains.c.store_id, entries.c.position > begin)
        .order_by(entries.c.position)
        .limit(limit)
        .lateral("following")
    )
    ends = [chains.c.position, chains.c.hash, chains.c.sealed_position, chains.c.sealed_hash]
    shown = [following.c[name] for name in Entry.__slots__]
    both = select(*ends, *shown).select_from(chains.outerjoin(following, true()))
    rows: list[Any] = list(await tx.execute(both.where(chains.c.store_id == store_id).order_by(following.c.position)))
    if not rows:
        return Chain(BEGIN, BEGIN), after, []
    chain = Chain(Mark(rows[0][0], rows[0][1]), Mark(rows[0][2], rows[0][3]))
    found = [Entry(*row[4:]) for row in rows if row[4] is not None]
    return chain, after if after.position >= chain.sealed.position else chain.sealed, found


async def stray(tx: Tx, store_id: str) -> bool:
    """Tell whether an entry has no place in the chain, or no chain at all."""
    placeless = and_(entries.c.store_id == store_id, entries.c.position.is_(None))
    chain = select(chains.c.store_id).where(chains.c.store_id == store_id).exists()
    chainless = and_(entries.c.store_id == store_id, ~chain)
    return bool(await tx.scalar(select(select(entries.c.id).where(placeless | chainless).exists())))


async def attested(tx: Tx, store_id: str, sealed: Mark) -> bool:
    """Tell whether an entry says that the chain was sealed there."""
    said = [f"position={sealed.position}", f"hash={sealed.hash.hex()}"]
    found = select(entries.c.id).where(
        entries.c.store_id == store_id, entries.c.action == SEAL, entries.c.objects == said
    )
    return bool(await tx.scalar(select(found.exists())))
