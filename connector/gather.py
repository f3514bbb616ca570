"""Gathers calls that want the same kind of work: those that come while one is under way go together in the next.

The first never waits for company. Only calls with the same key meet; a key that nobody uses leaves nothing behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

Act = Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]
"""Does the work of several calls at once; its answers, or what went wrong with one of them, in the order of the calls."""


class Gather(Generic[Q, A]):
    """The calls that wait, by key."""

    def __init__(self, *, most: int) -> None:
        """Gather at most so many calls at once."""
        self._most = most
        self._waiting: dict[Hashable, list[tuple[Q, asyncio.Future[A]]]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    async def ask(self, key: Hashable, question: Q, act: Act[Q, A]) -> A:
        """Return the answer of `act`, or raise what it raised, for us or for all. Nobody's leaving stops the others."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append((question, answer))
        else:
            self._waiting[key] = [(question, answer)]
            task = asyncio.create_task(self._work(key, act), name="gather")
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        return await answer

    async def _work(self, key: Hashable, act: Act[Q, A]) -> None:
        while waiting := self._waiting[key]:
            group, self._waiting[key] = waiting[: self._most], waiting[self._most :]
            answers: Sequence[A | Exception]
            try:
                answers = await act([question for question, _ in group])
            except Exception as error:  # noqa: BLE001 – the top of a task: whatever it is belongs to those who asked
                answers = [error] * len(group)
            for (_, future), answer in zip(group, answers, strict=True):
                _settle(future, answer)
        del self._waiting[key]


def _settle(future: asyncio.Future[A], answer: A | Exception) -> None:
    if future.done():  # whoever asked has left
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
