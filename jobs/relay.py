"""Hands due tasks to the workers (`python -m jobs.relay`): woken by every commit that asks for one, and by the clock.

Leases a task, commits, rings. Nothing is kept here or in Redis: whatever gets lost on the way is due again when its lease
has run out. Several relays may run. One that lost Redis or PostgreSQL waits, and goes on when they are back.
"""

import asyncio
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
import uvloop
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine

from connector import log, metrics, start
from connector.db import outbox
from connector.db.outbox import SWEEP, Leased
from connector.db.schema import Tx, at_once, open_engine
from connector.events import db as events
from connector.keyring import db as keyring
from connector.pushes import db as pushes
from connector.runtime import Now, utc_now
from connector.settings import Settings
from jobs import beginning, bell, schedule
from jobs.run import DATABASE_GONE
from jobs.tasks import PLANS, Lane

CROWDED = timedelta(milliseconds=50)
# How many wake-ups may wait in a lane: what its workers finish well within a lease. The rest waits in PostgreSQL.
MOST_WAITING = {Lane.FAST: 100, Lane.DEFAULT: 20, Lane.BULK: 10}
_TASKS_OF = {lane: [name for name, plan in PLANS.items() if plan.lane is lane] for lane in Lane}
RECONNECT = timedelta(seconds=0.5)
_REST = timedelta(milliseconds=50)  # lanes that must not wait so long hear for themselves


async def relay(database_url: str, redis_url: str, *, stop: asyncio.Event, now: Now = utc_now) -> None:
    """Hand over what is due until `stop`."""
    engine, redis = open_engine(database_url, pool_size=2), bell.connect(redis_url)
    failing = ""
    try:
        while not stop.is_set():
            try:
                await _listen(engine, redis, database_url, stop=stop, now=now)
            except (psycopg.OperationalError, RedisError, *DATABASE_GONE) as error:
                server = "Redis" if isinstance(error, RedisError) else "PostgreSQL"
                if server != failing:
                    log.warn("relay.waiting", server=server, error=type(error).__name__)
                failing = server
                await _wait(stop, RECONNECT)
    finally:
        redis.close()
        await engine.dispose()


async def hand_over(engine: AsyncEngine, redis: Redis, *, at: datetime) -> None:
    """Lease what is due, as far as the lanes have room, and ring for it."""
    room = await asyncio.to_thread(bell.waiting, redis)
    for lane, names in _TASKS_OF.items():
        limit = MOST_WAITING[lane] - room[lane]
        if limit > 0:
            async with at_once(engine) as tx:
                leased = await outbox.lease_due(tx, names, at=at, limit=limit)
            await _ring(redis, lane, leased, at=at)


async def _ring(redis: Redis, lane: Lane, leased: list[Leased], *, at: datetime) -> None:
    for task in leased:
        metrics.task_delay.labels(lane.value).observe((at - task.due_time).total_seconds())
    # A task that its last worker did not survive gets a process of its own, so that it takes no neighbours with it.
    suspects = [(task.id, task.attempt) for task in leased if task.unfinished]
    others = [(task.id, task.attempt) for task in leased if not task.unfinished]
    for where, tasks in ((lane, others), (Lane.DEFAULT if lane is Lane.FAST else lane, suspects)):
        if tasks:
            await asyncio.to_thread(bell.ring, redis, where, tasks)


async def _listen(engine: AsyncEngine, redis: Redis, database_url: str, *, stop: asyncio.Event, now: Now) -> None:
    """Hand over at once and whenever something became due; returns at `stop`, raises when a server is lost."""
    woken, planned, told = asyncio.Event(), datetime.min.replace(tzinfo=UTC), set[str]()
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, connect_timeout=3) as ear:
        for channel in (outbox.CHANNEL, events.CHANNEL):
            await ear.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        wakers = [asyncio.create_task(_hear(ear, woken, told)), asyncio.create_task(stop.wait())]
        for waker in wakers:
            waker.add_done_callback(lambda _: woken.set())
        try:
            while not stop.is_set():
                woken.clear()
                if wakers[0].done():
                    wakers[0].result()  # raises what ended it
                if now() - planned >= schedule.CHECKED_EVERY:
                    async with engine.begin() as tx:
                        await schedule.plan(tx, at=now())
                        await _show_keys(tx)
                    planned = now()
                if told:
                    await _wake_pushes(engine, told, at=now())
                await hand_over(engine, redis, at=now())
                pause = await _pause(engine, now)
                await asyncio.sleep(_REST.total_seconds())  # what is asked for meanwhile goes together
                await _wait(woken, pause)
        finally:
            for waker in wakers:
                waker.cancel()
            await asyncio.wait(wakers)


async def _show_keys(tx: Tx) -> None:
    """Show how many tokens need each key of the vault, as last counted."""
    for key_id, number in (await keyring.noted(tx)).items():
        metrics.sealed_tokens.labels(str(key_id)).set(number)


async def _hear(ear: psycopg.AsyncConnection, woken: asyncio.Event, told: set[str]) -> None:
    async for notice in ear.notifies():
        if notice.channel == events.CHANNEL:
            told.add(notice.payload)
        woken.set()


async def _wake_pushes(engine: AsyncEngine, told: set[str], *, at: datetime) -> None:
    """Ask for a turn of every push of the stores in which events were told: whoever appends them need not know of pushes."""
    stores = [*told]
    told.clear()
    async with engine.begin() as tx:
        await pushes.wake(tx, stores, at=at)


async def _pause(engine: AsyncEngine, now: Now) -> timedelta:
    """Tell how long nothing will be due; a full lane is looked at again soon."""
    async with at_once(engine) as tx:
        due = await outbox.next_due(tx)
    return SWEEP if due is None else min(max(due - now(), CROWDED), SWEEP)


async def _wait(event: asyncio.Event, pause: timedelta) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(pause.total_seconds()):
            await event.wait()


async def serve(settings: Settings) -> None:
    """Relay until SIGTERM or SIGINT; what is being handed over is finished first."""
    metrics.serve(settings.metrics_address)
    await beginning.require_servers(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.canonical("relay.ready")
    await relay(settings.database_url.reveal(), settings.redis_url.reveal(), stop=stop)
    log.canonical("relay.stopped")


if __name__ == "__main__":
    sys.exit(start.run(lambda settings: uvloop.run(serve(settings))))
