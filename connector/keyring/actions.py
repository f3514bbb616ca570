"""Wraps data keys anew that an older key of the vault wraps, piece by piece, while everything else goes on.

    look: who is on an older key, or of an older format? ──▶ unwrap and wrap, outside of any transaction ──▶ write where nothing changed meanwhile

Tokens themselves are neither opened nor changed, but for those of format 1. It may be killed anywhere: what is written is whole, the rest is found again.
"""

import asyncio

from connector import log, metrics
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import load_tables
from connector.keyring import db
from connector.keyring.db import SealedColumn, SealedToken
from connector.keyring.model import KeyUse, Standing, judge
from connector.pieces import TURN
from connector.runtime import Runtime
from connector.vault import Unsealable

_PIECE = 50
"""Tokens wrapped anew in one transaction: with a key service each is two calls of it, a few at a time."""


async def rewrap_tokens(runtime: Runtime, task: Taken) -> None:
    """Bring every token to the sealing key, as far as this turn goes. The cursor is the task's: a column, and an id in it.

    Raises:
        Unavailable: VAULT_UNAVAILABLE, a key service does not answer; the rest waits.

    """
    load_tables()
    every = {column.name: column for column in db.columns()}
    names, outdated = sorted(every), runtime.vault.outdated
    name, after = task.arguments.get("column", names[0]), task.arguments.get("after", "")
    end = runtime.now() + TURN
    for column in (every[one] for one in names if one >= name):
        while tokens := await _outdated_tokens(runtime, column, outdated, after=after):
            changes = [new for new in await asyncio.gather(*(_wrap(runtime, one) for one in tokens)) if new]
            after, at = str(tokens[-1].id), runtime.now()
            async with runtime.db.begin() as tx:
                await outbox.hold(tx, task)
                written = await db.replace(tx, column, changes) if changes else 0
                await outbox.keep(tx, task, {"column": column.name, "after": after})
                if at >= end:
                    await outbox.again(tx, task, at)
            _tell(written, len(changes) - written, len(tokens) - len(changes))
            if at >= end:
                return
        after = ""
    await _conclude(runtime, task)


async def _outdated_tokens(
    runtime: Runtime, column: SealedColumn, beginnings: set[bytes], *, after: str
) -> list[SealedToken]:
    async with runtime.db.begin() as tx:
        return await db.load(tx, column, beginnings, after=after, limit=_PIECE)


async def _wrap(runtime: Runtime, token: SealedToken) -> tuple[SealedToken, bytes] | None:
    """Wrap a token's data key anew; None for one that is damaged, which stays as it is."""
    try:
        return token, await runtime.vault.rewrap(token.sealed, token.binding)
    except Unsealable:
        log.warn("token.damaged", connection_id=token.binding.connection_id, kind=token.binding.kind)
        return None


def _tell(rewrapped: int, changed: int, damaged: int) -> None:
    for outcome, number in {"rewrapped": rewrapped, "changed": changed, "damaged": damaged}.items():
        metrics.rewrapped_tokens.labels(outcome).inc(number)


async def _conclude(runtime: Runtime, task: Taken) -> None:
    """Count who is on which key. Whoever is still on an older one is found by the next look."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        uses = _judge(runtime, await db.count(tx))
        await db.note(tx, {use.key_id: use.token_count for use in uses}, at=at)
        await outbox.done(tx, task, at=at)
    for use in uses:
        if use.standing is Standing.MISSING:
            log.warn("key.missing", key_id=use.key_id, tokens=use.token_count)


async def look(runtime: Runtime) -> list[KeyUse]:
    """Tell of every key how many tokens need it, as it is now."""
    load_tables()
    async with runtime.db.begin() as tx:
        return _judge(runtime, await db.count(tx))


def _judge(runtime: Runtime, counts: dict[int, int]) -> list[KeyUse]:
    return judge(counts, ring=runtime.vault.ring.keys(), sealing_key_id=runtime.vault.sealing_key_id)
