"""How one process notices that Meta answers in another version: told once, told again for others, never in the way of a call."""

from datetime import UTC, datetime

from connector.db import observations
from connector.db.schema import open_engine
from connector.drift.actions import DriftEar, observation
from connector.graph.client import Heard
from connector.runtime import Runtime
from tests.integration.conftest import Clock


def heard(served: str, *, app_id: str = "61") -> Heard:
    """Write what an answer in a version teaches an app that speaks v26.0."""
    return Heard("app:61", failed=False, usages={}, pause=None, app_id=app_id, asked="v26.0", served=served)


async def known(runtime: Runtime, app_id: str = "61") -> str:
    async with runtime.db.begin() as tx:
        return await observations.read(tx, observation(app_id))


async def test_each_app_drifts_for_itself(runtime: Runtime) -> None:
    """What Meta answers one app says nothing of another."""
    ear = DriftEar(runtime.db, runtime.now)
    await ear(heard("v27.0"))
    await ear(heard("v26.0", app_id="62"))
    assert ("v27.0", "") == (await known(runtime), await known(runtime, "62"))


async def test_an_answer_without_a_version_says_nothing(runtime: Runtime) -> None:
    """An answer of a proxy, which names no version, neither alarms nor heals."""
    ear = DriftEar(runtime.db, runtime.now)
    for served in ("v27.0", ""):
        await ear(heard(served))
    assert "v27.0" == await known(runtime)


async def test_what_another_process_told_is_corrected_within_an_hour(runtime: Runtime, clock: Clock) -> None:
    """A process tells again every hour what it hears: a stale word of another one does not stay."""
    ear = DriftEar(runtime.db, clock)
    await ear(heard("v26.0"))
    async with runtime.db.begin() as tx:
        await observations.note(tx, observation("61"), "v27.0", at=runtime.now())
    await ear(heard("v26.0"))
    before = await known(runtime)
    clock.advance(hours=1)
    await ear(heard("v26.0"))
    assert ("v27.0", "") == (before, await known(runtime))


async def test_a_database_that_is_away_fails_no_call(runtime: Runtime, clock: Clock) -> None:
    """What cannot be written is told with the next answer; the call it came with is not disturbed."""
    away = open_engine("postgresql://nobody@127.0.0.1:1/none")
    ear = DriftEar(away, lambda: datetime(2026, 11, 21, tzinfo=UTC))
    await ear(heard("v27.0"))
    ear._engine = runtime.db
    await ear(heard("v27.0"))
    await away.dispose()
    assert "v27.0" == await known(runtime)
