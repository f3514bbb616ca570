"""Disasters under load: whatever dies, nothing is lost, doubled, phantom, drifted or stuck."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from client.tour.simulation import Simulation
from stack.supervisor import Stack
from tests.e2e.conftest import open_shop
from tests.e2e.leaks import core_files, leaks
from tests.e2e.ledger import Balance
from tests.e2e.shop import Shop

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480)]
ROUNDS = 15
RECOVERY = timedelta(seconds=240)
"""Meta's third attempt at a webhook, which a busy machine that starts an ingress slowly may need, and a lease; twice that."""
Disaster = Callable[[Stack], Awaitable[None]]


async def nothing(_: Stack) -> None:
    """No disaster: Meta only repeats and reorders its webhooks."""


async def redis_emptied(stack: Stack) -> None:
    """Redis forgets everything, every 300 ms."""
    assert stack.servers.redis
    for _ in range(8):
        await asyncio.to_thread(stack.servers.redis.flushall)
        await asyncio.sleep(0.3)


async def redis_killed(stack: Stack) -> None:
    """Redis is killed and comes back empty after a second."""
    assert stack.servers.redis
    await asyncio.to_thread(stack.servers.redis.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(stack.servers.redis.start)


async def redis_away(stack: Stack) -> None:
    """There is no Redis at all for ten seconds: no wake-up arrives anywhere."""
    assert stack.servers.redis
    await asyncio.to_thread(stack.servers.redis.kill)
    await asyncio.sleep(10)
    await asyncio.to_thread(stack.servers.redis.start)


async def answers_lost(stack: Stack) -> None:
    """Meta takes batches in and never says so, or says it in a page that is no answer."""
    simulation = Simulation(stack.simulator_url)
    for action in ({"kind": "drop_answer"}, {"kind": "status", "status": 502, "body": "<html>", "after": True}):
        order = {"match": {"path": "items_batch$"}, "action": action}
        await asyncio.to_thread(simulation._ask, "POST", "/_simulator/faults", order)


async def postgres_restarted(stack: Stack) -> None:
    """PostgreSQL is restarted, ending every connection."""
    assert stack.servers.postgres
    await asyncio.to_thread(stack.servers.postgres.restart)


async def postgres_crashed(stack: Stack) -> None:
    """PostgreSQL stops without a farewell and recovers from its log."""
    assert stack.servers.postgres
    await asyncio.to_thread(stack.servers.postgres.stop_immediately)
    await asyncio.to_thread(stack.servers.postgres.start)


def killed(*names: str, again: int = 1) -> Disaster:
    """Name the disaster of these processes being killed with SIGKILL, so many times."""

    async def disaster(stack: Stack) -> None:
        for _ in range(again):
            await asyncio.gather(*(stack.kill(name) for name in names))
            await asyncio.sleep(0.3)
            await asyncio.gather(*(stack.start(name) for name in names))

    disaster.__name__ = "_".join(names).replace("-", "_") + "_killed"
    return disaster


async def everything_at_once(stack: Stack) -> None:
    """Every process of ours is killed, Redis emptied and PostgreSQL crashed, one right after the other."""
    await redis_emptied(stack)
    await postgres_crashed(stack)
    await killed("ingress", "connector", "relay", "worker-fast", "worker-bulk")(stack)


DISASTERS: list[Disaster] = [
    nothing,
    redis_emptied,
    redis_killed,
    redis_away,
    answers_lost,
    postgres_restarted,
    postgres_crashed,
    killed("relay", again=2),
    killed("ingress", again=2),
    killed("connector"),
    killed("worker-fast"),
    killed("worker-bulk"),
    everything_at_once,
]


@pytest.mark.parametrize(("number", "disaster"), list(enumerate(DISASTERS)), ids=[d.__name__ for d in DISASTERS])
async def test_all_counts_are_zero(running: Stack, number: int, disaster: Disaster) -> None:
    """Soon after a disaster under load, all five counts are zero."""
    shop = await asyncio.to_thread(open_shop, running, number)
    stop = threading.Event()
    load = asyncio.create_task(asyncio.to_thread(shop.work, ROUNDS, stop))
    try:
        await asyncio.sleep(1)
        await disaster(running)
        await load
    finally:
        stop.set()
    balance = await _settled(shop, until=time.monotonic() + RECOVERY.total_seconds())
    assert Balance() == balance, balance.counts


async def _settled(shop: Shop, *, until: float) -> Balance:
    """Wait until everything is settled, or the time is over."""
    while True:
        balance = await asyncio.to_thread(shop.balance)
        if balance == Balance() or time.monotonic() > until:
            return balance
        await asyncio.sleep(0.25)


async def test_nothing_secret_was_left_anywhere(running: Stack) -> None:
    """After all disasters no log, metric, argument, byte of Redis or table holds a token or secret, and no log a person; no core file could."""
    shop = await asyncio.to_thread(open_shop, running, len(DISASTERS))
    await asyncio.to_thread(shop.work, 1, threading.Event())
    assert [] == await asyncio.to_thread(leaks, running)
    assert [] == await asyncio.to_thread(core_files, running)
