"""Handing out and taking back costs what is handed out: however long the log is, and whatever PostgreSQL believes of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connector.db import walls
from connector.db.schema import Tx, at_once
from connector.events import db
from connector.events.model import Lent
from connector.runtime import Runtime
from tests.integration.events.test_loans import STORE

LONG, PIECE = 3_000, 100
_READ = text("""
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
    WHERE relname IN ('events', 'handouts', 'consumers')
""")


@pytest.fixture
async def misled(runtime: Runtime, tell: Any) -> Runtime:
    """A long log that PostgreSQL takes for empty, as it does until statistics are gathered for the first time."""
    async with at_once(runtime.db) as connection:
        for table in ("events", "handouts"):
            await connection.execute(text(f"VACUUM (ANALYZE) {table}"))
    await tell(*(f"key-{number}" for number in range(LONG)))
    return runtime


async def lend(tx: Tx, at: datetime) -> list[Lent]:
    """Hand a piece of the log out."""
    return await db.lend(tx, STORE, "c", limit=PIECE, lease=timedelta(seconds=30), at=at)


async def rows_read(tx: Tx) -> int:
    """Tell how many rows a session has read, since it last reported it: between transactions at most."""
    return int(await tx.scalar(_READ) or 0)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_loan_costs_what_is_lent(misled: Runtime, mode: str) -> None:
    """With thousands of events out on loan, a hundred more are lent, given back and acknowledged without going through the log."""
    at = misled.now()
    with walls.only(STORE):
        for _ in range(LONG // 2 // PIECE):
            async with misled.db.begin() as tx:
                await lend(tx, at)
        async with misled.db.begin() as tx:
            await tx.execute(text(f"SET LOCAL plan_cache_mode = {mode}"))
            before = await rows_read(tx)
            ids = [one.event.id for one in await lend(tx, at)]
            await db.give_back(tx, STORE, "c", ids[:50], due=at, reject=False, message="", at=at)
            assert PIECE == (await db.acknowledge(tx, STORE, "c", ids, at=at)).now
            ahead = [one.id for one in await db.behind(tx, STORE, 0, limit=LONG)][-PIECE:]
            assert PIECE == (await db.acknowledge(tx, STORE, "c", ahead, at=at)).now
            read = await rows_read(tx) - before
    assert read < 10 * LONG, "what is out is looked through a few times, not once for each event"
