"""One storm from its first webhook to the reckoning."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from stack.environment import Ports
from stack.process import Plan, Process
from stack.supervisor import GRACE_PER_TIER, Stack
from tests.e2e.ledger import Balance
from tests.e2e.storm.listeners import listening
from tests.e2e.storm.meta import Sender
from tests.e2e.storm.reckoning import Books
from tests.e2e.storm.script import Script, shuffled
from tests.e2e.storm.town import found
from tests.e2e.storm.weather import Weather

STORES = 3
_POLL_SECONDS = 0.5


def beyond_repair(balance: Balance) -> bool:
    """Tell whether something is wrong that time cannot mend."""
    return bool(balance.doubled or balance.phantom)


@dataclass(frozen=True, slots=True)
class Storm:
    """How big a storm is: so many webhooks at a pace, in a weather, from a seed."""

    number: int
    webhooks: int
    per_second: float
    every_seconds: Mapping[str, float]
    seed: int
    people: int = 30
    drain_seconds: float = 60.0
    with_redis: bool = True
    over: Callable[[Balance], bool] = beyond_repair


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm left behind."""

    balance: Balance
    storm: Storm
    happened: Counter[str]
    answers: Counter[str]
    seconds: float
    drain_seconds: float

    def document(self) -> dict[str, object]:
        """Write it down."""
        weather = {kind: self.happened[kind] for kind in ("kills", "flushes", "crashes")}
        return {
            "events": self.storm.webhooks,
            **weather,
            **{"drift" if kind == "drifted" else kind: number for kind, number in self.balance.counts.items()},
            "seed": self.storm.seed,
            "seconds": round(self.seconds, 1),
            "drain_seconds": round(self.drain_seconds, 1),
            "answers": dict(self.answers),
        }


@asynccontextmanager
async def second_ingress(stack: Stack) -> AsyncIterator[Process]:
    """Run another ingress beside the stack's own."""
    address = Ports().next_free(0)
    first = stack.processes["ingress"]
    told = {**first.plan.environment, "WEBHOOK_ADDRESS": address, "METRICS_ADDRESS": ""}
    plan = Plan("second ingress", first.plan.command, told, ready_address=address)
    process = Process(plan, first.log.with_name("second-ingress.log"))
    await process.start()
    try:
        yield process
    finally:
        await process.stop(GRACE_PER_TIER)


async def rage(stack: Stack, storm: Storm) -> Outcome:
    """Let it rage, drain, and reckon."""
    noise = random.Random(storm.seed)  # noqa: S311 – to be repeatable
    town = await asyncio.to_thread(found, stack, storm.number, stores=STORES, people=storm.people)
    script = Script(town.people, noise, begin_ms=int(time.time() * 1000) - 3_600_000)
    bodies = list(script.posts(storm.webhooks))
    secret = stack.environment["META_TEST_APP_SECRETS"].split(",")[0].encode()
    async with second_ingress(stack) as second:
        weather = Weather(stack, second, random.Random(storm.seed + 1))  # noqa: S311 – as above
        sender = Sender([stack.addresses["ingress"], second.plan.ready_address], secret, noise)
        with listening(town.callers) as listeners:
            books = Books(script, stack.servers.database_url, town.callers, listeners)
            async with AsyncExitStack() as absence:
                if not storm.with_redis:
                    await absence.enter_async_context(weather.without_redis())
                begun = time.monotonic()
                async with weather.rage(storm.every_seconds):
                    order = shuffled(storm.webhooks, noise)
                    await sender.send(bodies, order, per_second=storm.per_second)
                ended = time.monotonic()
                balance = await _settle(books, storm)
    return Outcome(balance, storm, weather.counts, sender.answers, ended - begun, time.monotonic() - ended)


async def _settle(books: Books, storm: Storm) -> Balance:
    """Wait until everything is settled, nothing is left to wait for, or the time to drain is over."""
    end = time.monotonic() + storm.drain_seconds
    while True:
        balance = await asyncio.to_thread(books.balance)
        if balance == Balance() or storm.over(balance) or time.monotonic() > end:
            return balance
        await asyncio.sleep(_POLL_SECONDS)
