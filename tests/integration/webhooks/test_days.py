"""Deliveries lie in a partition for each day."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from connector.webhooks import db
from tests.integration.webhooks.bodies import envelope, wrote
from tests.integration.webhooks.conftest import Deliver


async def sweep(runtime: Runtime, deliver: Deliver) -> None:
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=runtime.now(), key="sweep")
    await deliver()


async def days(runtime: Runtime) -> set[str]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'days'::regnamespace AND relkind = 'r'"
    async with runtime.db.begin() as tx:
        return set(await tx.scalars(text(query)))


async def places(runtime: Runtime) -> list[str]:
    async with runtime.db.begin() as tx:
        return [*await tx.scalars(text("SELECT tableoid::regclass::text FROM deliveries ORDER BY id"))]


def _day(time: datetime, **later: float) -> str:
    return f"deliveries_{(time.astimezone(UTC) + timedelta(**later)):%Y%m%d}"


async def test_days_are_made_ahead_and_dropped_as_a_whole(runtime: Runtime, deliver: Deliver, clock: Any) -> None:
    """The sweep makes a week of days; a day goes when all of it is past 30 days, unless something in it still waits."""
    clock.advance(days=100)  # no other test's days
    begin = runtime.now()
    await sweep(runtime, deliver)
    assert {_day(begin, days=n) for n in range(8)} <= await days(runtime)
    await deliver(b"{}")
    assert [f"days.{_day(begin)}"] == await places(runtime)
    clock.advance(days=30)
    await sweep(runtime, deliver)
    assert _day(begin) in await days(runtime)
    clock.advance(days=2)
    async with runtime.db.begin() as tx:
        await tx.execute(text("UPDATE deliveries SET state = 'WAITING'"))
        await db.drop(tx, at=runtime.now())
    assert _day(begin) in await days(runtime)
    await deliver(b"[]")  # works off what waits
    await sweep(runtime, deliver)
    assert (set(), [f"days.{_day(runtime.now())}"]) == ({_day(begin)} & await days(runtime), await places(runtime))


async def test_a_day_without_a_partition_takes_deliveries_all_the_same(
    runtime: Runtime, deliver: Deliver, clock: Any
) -> None:
    """What comes on a day that nobody made ahead lies in the rest, is worked off, stays 30 days, and stands in no new day's way."""
    clock.advance(days=200)
    begin = runtime.now()
    await deliver(b"{}")
    assert ["days.deliveries_rest"] == await places(runtime)
    await sweep(runtime, deliver)
    made = await days(runtime)
    assert (False, True) == (_day(begin) in made, _day(begin, days=1) in made)
    clock.advance(days=29)
    await sweep(runtime, deliver)
    assert 1 == len(await places(runtime))
    clock.advance(days=2)
    await sweep(runtime, deliver)
    assert [] == await places(runtime)


async def test_weeks_without_a_sweep_end_by_themselves(runtime: Runtime, deliver: Deliver, clock: Any) -> None:
    """After weeks in which no day was made the next sweep makes those of which nothing lies in the rest, and loses nothing; the rest empties itself."""
    clock.advance(days=300)
    for number in range(4):
        await deliver(b'{"n":%d}' % number)
        clock.advance(days=7)
    await deliver(b"{}")
    begin = runtime.now()
    async with runtime.db.begin() as tx:  # a day to come has a row already, as if the clock had been turned back
        ahead = "UPDATE deliveries SET receive_time = receive_time + interval '2 days' WHERE body = '{}'"
        await tx.execute(text(ahead))
    await deliver(b"[]")
    await sweep(runtime, deliver)
    made = await days(runtime)
    assert {*range(1, 8)} - {2} == {n for n in range(8) if _day(begin, days=n) in made}
    assert ["days.deliveries_rest"] * 6 == await places(runtime)
    clock.advance(days=8)
    await sweep(runtime, deliver)
    await deliver(b"later")
    assert f"days.{_day(runtime.now())}" == (await places(runtime))[-1]
    clock.advance(days=26)
    await sweep(runtime, deliver)
    assert [f"days.{_day(begin, days=8)}"] == await places(runtime)


async def test_a_day_that_is_slow_to_make_is_left_alone(runtime: Runtime, clock: Any) -> None:
    """When PostgreSQL looks through a huge rest for longer than callers can wait, the sweep goes on without a new day."""
    clock.advance(days=400)
    async with runtime.db.begin() as tx:
        await tx.execute(
            text(
                "CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); END'"
            )
        )
        await tx.execute(
            text(
                "CREATE EVENT TRIGGER dawdling ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION dawdle()"
            )
        )
        await db.prepare(tx, at=runtime.now(), patience=timedelta(milliseconds=200))
        assert "30s" == await tx.scalar(text("SHOW statement_timeout"))
        await tx.rollback()
    assert _day(runtime.now()) not in await days(runtime)


async def test_a_signal_waits_for_its_page_for_thirty_days(runtime: Runtime, deliver: Deliver, clock: Any) -> None:
    """What nobody connected a Page for is let go after a month, and not before."""
    await deliver(envelope(wrote(0, "m_1", "Anybody?")))
    left = []
    for passed in (29, 2):
        clock.advance(days=passed)
        await sweep(runtime, deliver)
        async with runtime.db.begin() as tx:
            left.append(await tx.scalar(text("SELECT count(*) FROM parked")))
    assert [1, 0] == left
