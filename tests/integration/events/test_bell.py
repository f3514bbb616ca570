"""The bell: whoever waits is woken by a commit elsewhere, also after the database cut the line."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from connector.db import bell
from connector.runtime import Runtime

SOON, LONG = timedelta(milliseconds=300), timedelta(seconds=10)


async def ring(runtime: Runtime, key: str) -> None:
    async with runtime.db.begin() as tx:
        await bell.ring(tx, "operations", key)


async def listen(runtime: Runtime) -> None:
    """Wait until the bell hears: the first ear after it connected is set at once."""
    assert await runtime.bell.wait(runtime.bell.ear("operations", "any"), LONG)


async def test_a_commit_wakes_who_waits_for_its_key(runtime: Runtime) -> None:
    """A ring sets the ear of its own key and no other."""
    await listen(runtime)
    mine, other = runtime.bell.ear("operations", "mine"), runtime.bell.ear("operations", "other")
    await ring(runtime, "mine")
    assert await runtime.bell.wait(mine, LONG)
    assert not await runtime.bell.wait(other, SOON)


async def test_a_ring_between_looking_and_waiting_is_heard(runtime: Runtime) -> None:
    """An ear taken before the ring hears it, however late its owner begins to wait."""
    await listen(runtime)
    ear = runtime.bell.ear("operations", "mine")
    await ring(runtime, "mine")
    await asyncio.sleep(0.2)
    assert await runtime.bell.wait(ear, timedelta())


async def test_a_ring_that_is_rolled_back_is_not_heard(runtime: Runtime) -> None:
    """Nobody is woken by what never happened."""
    await listen(runtime)
    ear = runtime.bell.ear("operations", "mine")
    async with runtime.db.connect() as tx:
        await bell.ring(tx, "operations", "mine")
        await tx.rollback()
    assert not await runtime.bell.wait(ear, SOON)


async def test_a_cut_line_is_mended_and_everybody_looks_again(runtime: Runtime) -> None:
    """After the listening connection was killed, those who waited are woken, and later rings are heard."""
    await listen(runtime)
    ear = runtime.bell.ear("operations", "mine")
    async with runtime.db.begin() as tx:
        listening = "query LIKE 'LISTEN%' AND datname = current_database()"
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listening}"  # noqa: S608 – ours
        await tx.execute(text(cut))
    assert await runtime.bell.wait(ear, LONG)
    again = runtime.bell.ear("operations", "mine")
    await ring(runtime, "mine")
    assert await runtime.bell.wait(again, LONG)
