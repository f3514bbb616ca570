"""Workers are killed by the kernel at a network send, while an order is imported, acknowledged, shipped, cancelled and paid back.

`make chaos` kills one at every send there is, and the connector, which comes back slowly, at every eighth; `DEATHS_EVERY=3 make chaos` at a
third of them. Otherwise one dies where most depends on it. Broken builds must be found out. What came of it stands in `build/chaos.json`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

import pytest
import pytest_asyncio

from client.tour.simulation import Simulation
from stack import folders
from stack.supervisor import NAMES, Stack, running_stack
from tests.e2e import results
from tests.e2e.conftest import RUNS
from tests.e2e.deaths.desk import Step
from tests.e2e.deaths.reckoning import balance, settled
from tests.e2e.deaths.strace import SENDMSG, SENDTO, WRITE, CannotTraceError, Send
from tests.e2e.deaths.walk import CONNECTOR, CREW, LISTENER, WORKER, Place, Walk, walking
from tests.e2e.ledger import Balance

EVERY = int(os.environ.get("DEATHS_EVERY", "0"))
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(5_400 if EVERY else 480)]
in_full_only = pytest.mark.skipif(not EVERY, reason="each costs seconds: `make chaos`")
OTHERS = [name for name in NAMES if not name.startswith("worker")]
CHANCES = 3
"""No two orders cause quite the same sends: so often in a row nobody has to come to a place before there is none."""
WORKERS_WAYS = {(CREW, SENDTO): 40, (CREW, WRITE): 1, (LISTENER, SENDTO): 0}
"""Every way a worker sends: to PostgreSQL, to Meta, and to Redis, which a crew that hears for itself may do without; how often at least."""
CONNECTORS_WAYS = {(CONNECTOR, SENDTO): 1, (CONNECTOR, SENDMSG): 1}
"""Every way the connector sends: to PostgreSQL, and to whoever calls."""
T = TypeVar("T")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workerless() -> AsyncIterator[Stack]:
    """Run everything but workers."""
    folder = RUNS / f"deaths-{os.getpid()}"
    told = {"META_TEST_CAPABILITIES": "ORDER_MANAGEMENT"}
    async with running_stack(folder, only=OTHERS, environment=told, durable=False) as stack:
        # What a Page of few readers may ask for in a day is soon spent by many deaths.
        allow = {"allowances": dict.fromkeys(("app", "pages"), 10**7)}
        Simulation(stack.simulator_url)._ask("PATCH", "/_simulator/switches", allow)
        yield stack
    folders.remove(folder)


def behind(sends: Sequence[Send], *marks: str, who: str = CREW) -> Place:
    """Find somebody's first send to PostgreSQL behind sends with these words, each behind the one before."""
    left = iter(sends)
    for mark in marks:
        assert any(mark in one.text for one in left), f"nothing was sent with {mark!r} in it"
    numbers = [one.number for one in left if one.call == SENDTO]
    assert numbers, f"nothing was sent behind {marks[-1]!r}"
    return Place(who, SENDTO, numbers[0])


TOLD, ASKED, MAPPED = ("INSERT INTO events", "COMMIT"), ("POST ",), ("INSERT INTO order_mappings",)
"""Behind which sends most depends on what is written down: StormCom was told, Meta did it, StormCom has it, and nobody here knows."""


def lead_few(walk: Walk) -> None:
    """Lead one order where most depends, and one where Meta is about to be asked, at every other step."""
    trace = walk.trace()
    places = {step: behind(sends, *(TOLD if step is Step.IMPORT else ASKED)) for step, sends in trace.items()}
    for _ in range(CHANCES):
        walk.lead({step: place for step, place in places.items() if step not in walk.deaths})
        if set(Step) == set(walk.deaths):
            break
    walk.lead(dict.fromkeys(list(Step)[::2], Place(CREW, WRITE, 1)))


def lead_all(walk: Walk, ways: Mapping[tuple[str, str], int], every: int) -> None:
    """Lead an order for every place of every way, until nobody comes so far any more; reckon after each way."""
    for way, least in ways.items():
        last = dict.fromkeys(Step, 0)
        for number in count(1, every):
            steps = [step for step in Step if number - last[step] <= CHANCES * every]
            if not steps:
                break
            last |= dict.fromkeys(walk.lead({step: Place(*way, number) for step in steps}), number)
        print(*way, last)  # noqa: T201 – how many places there are
        assert least <= min(last.values()), "places were lost"
        assert Balance() == settled(walk.desk), way


def around(place: Place) -> Iterator[Place]:
    """List a place and those around it, the nearest first: no two walks are alike to the last send."""
    for distance in range(25):
        for number in {place.number + distance, place.number - distance}:
            if number > 0:
                yield place._replace(number=number)


async def walk_with(act: Callable[[Walk], T], stack: Stack, number: int, *kinds: str, build: str = "") -> T:
    """Have a store at work, and something done with it, in a thread."""

    def walk_it() -> T:
        with walking(stack, number, *kinds, build=build) as walk:
            return act(walk)

    if CONNECTOR in kinds:
        await stack.kill(CONNECTOR)  # its address is needed
    try:
        return await asyncio.to_thread(walk_it)
    except CannotTraceError as reason:
        pytest.skip(f"processes cannot be traced here: {reason}")
    finally:
        if CONNECTOR in kinds:
            await stack.start(CONNECTOR)


def survive(lead: Callable[[Walk], None], *, noted: str) -> Callable[[Walk], Balance]:
    """Lead orders, and reckon; what came of it is noted under a name."""

    def act(walk: Walk) -> Balance:
        lead(walk)
        left = settled(walk.desk)
        results.note(**{noted: {**left.counts, "deaths": {str(step): walk.deaths[step] for step in Step}}})
        assert set(Step) == set(walk.deaths)
        return left

    return act


async def test_whoever_dies_at_a_send_leaves_nothing_undone_or_done_twice(workerless: Stack) -> None:
    """Meta, StormCom and the tables hold one of everything, to the minor unit, wherever a worker died and another one went on."""
    lead = partial(lead_all, ways=WORKERS_WAYS, every=EVERY) if EVERY else lead_few
    left = await walk_with(survive(lead, noted="worker_deaths"), workerless, 1, WORKER)
    assert Balance() == left, left.counts


@in_full_only
async def test_a_wish_outlives_whoever_took_it(workerless: Stack) -> None:
    """The same holds when the connector dies at a send, while StormCom answers, ships, cancels or pays back, and asks again."""
    lead = partial(lead_all, ways=CONNECTORS_WAYS, every=8 * EVERY)
    left = await walk_with(survive(lead, noted="connector_deaths"), workerless, 2, WORKER, CONNECTOR)
    assert Balance() == left, left.counts


@pytest.mark.parametrize(
    ("build", "steps", "who", "marks", "wrong"),
    [
        pytest.param("tell_first", [Step.IMPORT], CREW, TOLD, "told: order_received", marks=in_full_only),
        ("make_fresh_keys", [Step.IMPORT, Step.ACKNOWLEDGE, Step.CANCEL], CREW, ASKED, "at Meta: cancel"),
        pytest.param("map_later", [Step.IMPORT, Step.ACKNOWLEDGE], CONNECTOR, MAPPED, "mappings:", marks=in_full_only),
    ],
)
async def test_a_broken_build_is_found_out(  # noqa: PLR0917 – cases are passed by name
    workerless: Stack, build: str, steps: list[Step], who: str, marks: tuple[str, ...], wrong: str
) -> None:
    """Of builds that note too late what they told or were told, and of one whose attempts have keys of their own, the reckoning names what is wrong."""

    def act(walk: Walk) -> bool:
        *_, last = steps
        for place in around(behind(walk.trace(steps, who)[last], *marks, who=who)):
            walk.lead({last: place}, steps)
            found = balance(walk.desk)
            if wrong in {one.rpartition(" ")[0] for one in found.doubled + (found.lost if who == CONNECTOR else ())}:
                return True
        return False

    kinds = (WORKER, CONNECTOR) if who == CONNECTOR else (WORKER,)
    assert await walk_with(act, workerless, 2 + len(steps), *kinds, build=build)
