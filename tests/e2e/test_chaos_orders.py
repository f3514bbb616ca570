"""Workers are killed by the kernel at a network send, while an order is imported, acknowledged, shipped, cancelled and paid back.

`make chaos` kills one at every send there is (`DEATHS=all`); otherwise at those on which most depends. Broken builds must be found out.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TypeVar

import pytest
import pytest_asyncio

from stack import folders
from stack.supervisor import NAMES, Stack, running_stack
from tests.e2e.conftest import RUNS
from tests.e2e.deaths.desk import Step
from tests.e2e.deaths.reckoning import balance, settled
from tests.e2e.deaths.strace import SENDMSG, SENDTO, WRITE, CannotTraceError, Send
from tests.e2e.deaths.walk import CONNECTOR, Place, Walk, walking
from tests.e2e.ledger import Balance

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(3_600)]
ALL = os.environ.get("DEATHS") == "all"
OTHERS = [name for name in NAMES if not name.startswith("worker")]
WORKERS_WAYS = {("crew", SENDTO): 40, ("crew", WRITE): 2, ("listener", SENDTO): 5}
"""Every way a worker sends: to PostgreSQL, to Meta, and to Redis; and how often at least at every step."""
CONNECTORS_WAYS = {(CONNECTOR, SENDTO): 5, (CONNECTOR, SENDMSG): 1}
"""Every way the connector sends: to PostgreSQL, and to whoever calls."""
T = TypeVar("T")
Trace = Mapping[Step, Sequence[Send]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workerless() -> AsyncIterator[Stack]:
    """Run everything but workers."""
    folder = RUNS / f"deaths-{os.getpid()}"
    told = {"META_TEST_CAPABILITIES": "ORDER_MANAGEMENT"}
    async with running_stack(folder, only=OTHERS, environment=told, durable=False) as stack:
        yield stack
    folders.remove(folder)


def behind(sends: Sequence[Send], *marks: str) -> Place:
    """Find the crew's first send to PostgreSQL behind sends with these words, each behind the one before."""
    left = iter(sends)
    for mark in marks:
        next(one for one in left if mark in one.text)
    return Place("crew", SENDTO, next(one.number for one in left if one.call == SENDTO))


def weightiest(trace: Trace) -> dict[Step, Place]:
    """Find where most depends on what is written down: Meta did it and nobody knows; StormCom was told and nobody knows."""
    return {
        step: behind(sends, "INSERT INTO events", "COMMIT") if step is Step.IMPORT else behind(sends, "POST ")
        for step, sends in trace.items()
    }


def lead_few(walk: Walk) -> None:
    """Lead one order where most depends, and one where Meta is about to be asked, or Redis has told of the work."""
    walk.lead(weightiest(walk.trace()))
    others = Place("crew", WRITE, 1), Place("listener", SENDTO, 5)
    walk.lead({step: others[number % 2] for number, step in enumerate(Step)})


def lead_all(walk: Walk, ways: Mapping[tuple[str, str], int]) -> None:
    """Lead an order for every place of every way, until no step has so many any more."""
    for way, least in ways.items():
        steps, ends = list(Step), dict[Step, int]()
        for number in count(1):
            died = walk.lead({step: Place(*way, number) for step in steps})
            ends |= dict.fromkeys(set(steps) - set(died), number)
            if not (steps := died):
                break
        print(*way, ends)  # noqa: T201 – how many places there are
        assert least < min(ends.values()), "places were lost"


def around(place: Place) -> Iterator[Place]:
    """List a place and those around it, the nearest first: no two walks are alike to the last send."""
    for distance in range(25):
        for number in {place.number + distance, place.number - distance}:
            if number > 0:
                yield place._replace(number=number)


async def walk_with(stack: Stack, number: int, act: Callable[[Walk], T], *, build: str = "") -> T:
    """Have a store at work, and something done with it, in a thread."""
    loop = asyncio.get_running_loop()

    async def restart(name: str) -> None:
        await stack.kill(name)
        await stack.start(name)

    def walk_it() -> T:
        def restart_now(name: str) -> None:
            asyncio.run_coroutine_threadsafe(restart(name), loop).result()

        with walking(stack, number, restart_now, build=build) as walk:
            return act(walk)

    try:
        return await asyncio.to_thread(walk_it)
    except CannotTraceError as reason:
        pytest.skip(f"processes cannot be traced here: {reason}")


async def test_whoever_dies_at_a_send_leaves_nothing_undone_or_done_twice(workerless: Stack) -> None:
    """Meta, StormCom and the tables hold one of everything, to the minor unit, wherever a worker died and another one went on."""

    def act(walk: Walk) -> Balance:
        if ALL:
            lead_all(walk, WORKERS_WAYS)
        else:
            lead_few(walk)
        assert set(Step) == set(walk.deaths), walk.deaths
        print(f"{walk.deaths.total()} deaths: {dict(walk.deaths)}")  # noqa: T201 – what was survived
        return settled(walk.desk)

    left = await walk_with(workerless, 1, act)
    assert Balance() == left, left.counts


@pytest.mark.skipif(not ALL, reason="restarts the connector for long: `make chaos`")
async def test_a_wish_outlives_whoever_took_it(workerless: Stack) -> None:
    """The same holds when the connector dies at a send of its own, while StormCom answers, ships, cancels or pays back, and asks again."""

    def act(walk: Walk) -> Balance:
        lead_all(walk, CONNECTORS_WAYS)
        assert set(Step) == set(walk.deaths), walk.deaths
        print(f"{walk.deaths.total()} deaths: {dict(walk.deaths)}")  # noqa: T201 – as above
        return settled(walk.desk)

    left = await walk_with(workerless, 2, act)
    assert Balance() == left, left.counts


@pytest.mark.parametrize(
    ("build", "steps", "doubled"),
    [
        ("tell_first", [Step.IMPORT], "told: order_received"),
        ("make_fresh_keys", [Step.IMPORT, Step.ACKNOWLEDGE, Step.CANCEL], "at Meta: cancel"),
    ],
)
async def test_a_broken_build_is_found_out(workerless: Stack, build: str, steps: list[Step], doubled: str) -> None:
    """Of a build that notes too late what it told, and of one whose attempts have keys of their own, the reckoning names what is doubled."""

    def act(walk: Walk) -> list[str]:
        *_, last = steps
        for place in around(weightiest(walk.trace(steps))[last]):
            walk.lead({last: place}, steps)
            if found := balance(walk.desk).doubled:
                return [one.rpartition(" ")[0] for one in found]
        return []

    assert doubled in await walk_with(workerless, 2 + len(steps), act, build=build)
