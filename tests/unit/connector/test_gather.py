"""Gathering calls: who comes meanwhile shares the next turn, and nobody suffers for another."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from connector import deadline
from connector.gather import Gather


class Work:
    """Doubles numbers, a group at a time, when it is let; refuses negative ones."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()

    async def double(self, numbers: Sequence[int]) -> list[int | Exception]:
        """Answer each number of a group."""
        self.groups.append(list(numbers))
        await self.open.wait()
        if 0 in numbers:
            raise ZeroDivisionError
        return [2 * number if number > 0 else ValueError(number) for number in numbers]


async def ask(gather: Gather, work: Work, *numbers: int, key: str = "a", most: int = 9) -> list[asyncio.Task[int]]:
    """Ask for each number, one after the other, and let the askers come to wait."""
    tasks = [asyncio.create_task(gather.ask(key, number, work.double, most=most)) for number in numbers]
    await asyncio.sleep(0.01)
    return tasks


async def test_the_first_goes_alone_and_the_rest_together() -> None:
    """The first call never waits for company; those that come meanwhile share the next turns, in order, as many as fit."""
    gather, work = Gather(), Work()
    tasks = await ask(gather, work, 1, most=2) + await ask(gather, work, 2, 3, 4)
    work.open.set()
    assert [2, 4, 6, 8] == await asyncio.gather(*tasks)
    assert [[1], [2, 3], [4]] == work.groups


async def test_other_keys_do_not_wait() -> None:
    """Calls with different keys are worked on side by side."""
    gather, work = Gather(), Work()
    tasks = await ask(gather, work, 1) + await ask(gather, work, 2, key="b")
    assert [[1], [2]] == work.groups
    work.open.set()
    assert [2, 4] == await asyncio.gather(*tasks)


async def test_one_refusal_is_one_callers() -> None:
    """What goes wrong with one call of a group is told to its caller only."""
    gather, work = Gather(), Work()
    first, wrong, right = await ask(gather, work, 1) + await ask(gather, work, -1, 5)
    work.open.set()
    assert (2, 10) == (await first, await right)
    with pytest.raises(ValueError, match="-1"):
        await wrong


async def test_a_failed_turn_fails_its_group_only() -> None:
    """When a whole turn fails each of its callers learns why, and the next turn goes on."""
    gather, work = Gather(), Work()
    bad, good = await ask(gather, work, 0, most=1) + await ask(gather, work, 3)
    work.open.set()
    with pytest.raises(ZeroDivisionError):
        await bad
    assert 6 == await good


async def test_who_leaves_stops_nobody() -> None:
    """A caller that is gone when the answer comes takes nothing from the others."""
    gather, work = Gather(), Work()
    first, leaving, staying = await ask(gather, work, 1) + await ask(gather, work, 2, 3)
    leaving.cancel()
    work.open.set()
    assert (2, 6) == (await first, await staying)


async def test_closing_ends_what_is_under_way() -> None:
    """Once closed, nothing works on: its callers are told that it was cancelled."""
    gather, work = Gather(), Work()
    (asked,) = await ask(gather, work, 1)
    await gather.close()
    asked.cancel()
    assert asyncio.CancelledError is type((await asyncio.gather(asked, return_exceptions=True))[0])
    work.open.set()
    assert [2] == [await task for task in await ask(gather, work, 1)]


async def test_work_that_nobody_waits_for_is_stopped() -> None:
    """When the last asker of a group has left, its work ends; whoever comes next is served as ever."""
    gather, stopped = Gather(), asyncio.Event()

    async def hang(numbers: Sequence[int]) -> list[int]:
        if 1 in numbers:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        return list(numbers)

    asker = asyncio.create_task(gather.ask("a", 1, hang, most=9))
    await asyncio.sleep(0.01)
    asker.cancel()
    await stopped.wait()
    assert 2 == await gather.ask("a", 2, hang, most=9)


async def test_shared_work_has_nobodys_deadline() -> None:
    """A group's work knows no deadline, although the one who began it had one."""
    gather, known = Gather(), []

    async def look(numbers: Sequence[int]) -> list[int]:
        known.append(deadline.left(margin=timedelta()))
        return list(numbers)

    async with deadline.within(5):
        assert deadline.left(margin=timedelta()) is not None
        assert 1 == await gather.ask("a", 1, look, most=9)
    assert [None] == known
