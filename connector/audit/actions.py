"""Lists a store's audit, walks its chain in pieces, and reads it out."""

from collections.abc import AsyncIterator

from connector.audit import db
from connector.audit.db import Wanted
from connector.audit.model import BEGIN, Entry, Fault, Mark, Walk, step
from connector.runtime import Runtime

LONGEST_WALK = 50_000
_PIECE = 2_000


async def list_page(runtime: Runtime, wanted: Wanted, *, before: int | None, size: int) -> tuple[list[Entry], bool]:
    """List entries, newest first; tells whether there are more."""
    async with runtime.db.begin() as tx:
        found = await db.newest(tx, wanted, before=before, limit=size + 1)
    return found[:size], len(found) > size


async def verify(runtime: Runtime, store_id: str, begin: Mark, *, most: int = LONGEST_WALK) -> Walk:
    """Walk a store's chain behind a mark, a piece per transaction, at most so many entries.

    A walk from the beginning also asks for the seal, and for entries outside of the chain.
    """
    walk = Walk(begin)
    if begin == BEGIN and (fault := await _outside(runtime, store_id)):
        return fault
    while not walk.complete and not walk.fault and most > 0:
        async with runtime.db.begin() as tx:
            chain, mark, entries = await db.piece(tx, store_id, walk.mark, limit=min(_PIECE, most))
        most -= len(entries)
        walk = step(chain, mark, entries)
    return walk


async def export(runtime: Runtime, store_id: str, position: int) -> AsyncIterator[tuple[Mark, list[Entry]]]:
    """Read a store's chain behind a position in pieces, each with the mark it follows; the first may be empty."""
    mark, first = Mark(position, b""), True
    async with runtime.db.begin() as tx:
        if position and (known := await db.newest(tx, Wanted(store_id), before=position + 1, limit=1)):
            mark = Mark(known[0].position, known[0].hash)
    while True:
        async with runtime.db.begin() as tx:
            _, mark, entries = await db.piece(tx, store_id, mark, limit=_PIECE)
        if not entries and not first:
            return
        yield mark, entries
        if not entries:
            return
        first, mark = False, Mark(entries[-1].position, entries[-1].hash)


async def _outside(runtime: Runtime, store_id: str) -> Walk | None:
    async with runtime.db.begin() as tx:
        chain, _, _ = await db.piece(tx, store_id, BEGIN, limit=1)
        if chain.sealed != BEGIN and not await db.attested(tx, store_id, chain.sealed):
            return Walk.broken(BEGIN, Fault.UNSEALED, chain.sealed.position)
        if await db.stray(tx, store_id):
            return Walk.broken(BEGIN, Fault.INSERTED, 0)
    return None
