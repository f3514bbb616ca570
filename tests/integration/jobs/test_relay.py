"""The relay: due tasks reach the bell, whatever happens to Redis, to PostgreSQL or to the relay."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
from redis import Redis
from rq.utils import as_text
from sqlalchemy import func, select, update

import stack.redis
from connector.connections import db as connections
from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from connector.values import ConnectionId, Environment
from jobs import bell
from jobs.relay import MOST_WAITING
from jobs.schedule import EVERY_CONNECTION, EVERY_LINKED
from jobs.tasks import Lane
from tests.integration.jobs.acts import wish
from tests.integration.jobs.conftest import Eventually

StartRelay = Callable[..., None]


def _rung(redis: Redis, lane: str) -> list[str]:
    return sorted(as_text(name) for name in redis.lrange(f"rq:queue:{lane}", 0, -1))


async def test_a_commit_rings_at_once(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A task is in its lane's queue before the relay would look for itself: it hears the commit."""
    start_relay()
    await asyncio.sleep(0.5)
    for number, (task, lane) in enumerate(
        [(Task.SEND_STOCK, "fast"), (Task.SWEEP, "default"), (Task.SEND_ITEMS, "bulk")]
    ):
        await wish(runtime, f"{number}", task=task)
        began = time.monotonic()

        async def rung(lane: str = lane) -> int:
            return len(_rung(bell_redis, lane))

        await eventually(1, rung, seconds=5)
        assert time.monotonic() - began < 0.9


async def test_a_later_task_rings_when_it_is_due(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A task that is due in 300 ms rings then, neither before nor a sweep later."""
    start_relay()
    await asyncio.sleep(0.5)
    begin = time.monotonic()
    await wish(runtime, "a", due=runtime.now() + timedelta(seconds=0.3))

    async def rung() -> int:
        return len(_rung(bell_redis, "fast"))

    await eventually(1, rung)
    assert 0.3 <= time.monotonic() - begin < 0.95


async def test_an_emptied_redis_loses_nothing(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """Wake-ups that Redis forgot ring again when their leases have run out."""
    for key in "abc":
        await wish(runtime, key)
    start_relay()

    async def rung() -> list[str]:
        return _rung(bell_redis, "fast")

    await eventually(["1-0", "2-0", "3-0"], rung)
    bell_redis.flushall()
    await _expire_leases(runtime)
    await eventually(["1-0", "2-0", "3-0"], rung)


async def test_two_relays_ring_once(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """Relays that run side by side share the work; no task rings twice."""
    start_relay()
    start_relay()
    await asyncio.gather(*(wish(runtime, str(number)) for number in range(40)))

    async def rung() -> int:
        return len(_rung(bell_redis, "fast"))

    await eventually(40, rung)
    await asyncio.sleep(1.2)
    assert 40 == len(set(_rung(bell_redis, "fast"))) == await rung()


async def test_a_lane_holds_what_its_workers_can_finish(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """However much is due, only so much waits in Redis; the rest waits in PostgreSQL, unleased, and follows."""
    most = MOST_WAITING[Lane.BULK]
    for number in range(most + 5):
        await wish(runtime, str(number), task=Task.SEND_ITEMS)
    start_relay()

    async def rung() -> int:
        return len(_rung(bell_redis, "bulk"))

    await eventually(most, rung)
    for _ in range(5):
        bell_redis.lpop("rq:queue:bulk")
    await eventually(most, rung)


async def test_a_suspect_gets_a_process_of_its_own(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """A fast task whose last worker died is done in a forking lane, where it can hurt nobody."""
    await wish(runtime, "a")
    async with runtime.db.begin() as tx:
        await tx.execute(update(outbox.tasks).values(unfinished=1))
    start_relay()

    async def rung() -> list[str]:
        return _rung(bell_redis, "default")

    await eventually(["1-0"], rung)
    assert [] == _rung(bell_redis, "fast")


async def test_without_redis_the_relay_waits(
    runtime: Runtime, start_relay: StartRelay, eventually: Eventually, tmp_path: Path
) -> None:
    """A relay that finds no Redis leases nothing, and rings as soon as Redis is there."""
    server = stack.redis.RedisServer(tmp_path / "redis")
    await wish(runtime, "a")
    start_relay(redis_url=server.url())
    await asyncio.sleep(0.8)
    async with runtime.db.begin() as tx:
        assert 1 == len(await outbox.lease_due(tx, [Task.SEND_STOCK], at=runtime.now(), limit=1))
    await _expire_leases(runtime)
    server.start()
    try:
        client = bell.connect(server.url())

        async def waiting() -> int:
            return bell.waiting(client)[Lane.FAST]

        await eventually(1, waiting)
        client.close()
    finally:
        server.stop()


async def test_a_lost_database_is_found_again(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually, empty_database: str
) -> None:
    """When PostgreSQL ends every connection, as a restart does, the relay connects again and goes on hearing."""
    start_relay()
    await asyncio.sleep(0.3)
    with psycopg.connect(empty_database, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await wish(runtime, "a")

    async def rung() -> int:
        return len(_rung(bell_redis, "fast"))

    await eventually(1, rung)


async def _expire_leases(runtime: Runtime) -> None:
    async with runtime.db.begin() as tx:
        ours = ~outbox.tasks.c.key.startswith(outbox.PERIODIC)
        await tx.execute(update(outbox.tasks).where(ours).values(due_time=runtime.now()))


async def test_a_relay_plans_the_periodic_work_of_every_store_that_had_the_go(
    runtime: Runtime, bell_redis: Redis, start_relay: StartRelay, eventually: Eventually
) -> None:
    """Syncs, read-backs and diagnostics of such a connection exist without anybody asking; others have what begins with the link."""
    at, token = runtime.now(), {"user_token": b"sealed", "page_token": b"sealed"}
    async with runtime.db.begin() as tx:
        for number in range(2):
            one = await connections.create(
                tx, ConnectionId(runtime.new_id()), f"store_{number}", Environment.TEST, at=at
            )
            linked = {"state": State.CONNECTED, "page_id": f"{number}", "catalog_id": f"{number}", **token}
            await connections.change(tx, one.id, at=at, catalog_go_time=at if number else None, **linked)
    start_relay()
    planned = select(func.count()).where(
        outbox.tasks.c.key.in_([f"every:{name}:{one.id}" for name in EVERY_CONNECTION])
    )

    async def count() -> int:
        async with runtime.db.begin() as tx:
            return int(await tx.scalar(planned) or 0)

    await eventually(len(EVERY_CONNECTION), count, seconds=20)
    async with runtime.db.begin() as tx:
        others = select(outbox.tasks.c.name).where(
            outbox.tasks.c.connection_id.is_not(None), outbox.tasks.c.connection_id != one.id
        )
        assert set(EVERY_LINKED) == set((await tx.execute(others)).scalars())
