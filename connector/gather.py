"""Gathers calls that want the same kind of work: those that come while one is under way go together in the next.

The first never waits for company; where several met, the next turn waits a moment for more. Nobody is answered before the work
that covers the call is done. Only calls with the same key meet; a key that nobody uses leaves nothing behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

LINGER = timedelta(milliseconds=6)
"""Measured: with 64 callers a turn then serves most of them, and they are served sooner than in two turns."""

Q = TypeVar("Q")
A = TypeVar("A")


class Gather:
    """The calls that wait, by key. A key stands for one kind of question and answer."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    async def ask(
        self, key: Hashable, question: Q, act: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]], *, most: int
    ) -> A:
        """Return the answer of `act`, or raise what it raised, for us or for all. Nobody's leaving stops the others.

        `act` does the work of at most so many calls at once; it returns answers, or what went wrong with one, in their order.
        """
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append((question, answer))
        else:
            self._waiting[key] = [(question, answer)]
            task = asyncio.create_task(self._work(key, act, most), name="gather")
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        return await answer

    async def close(self) -> None:
        """Stop what nobody waits for any more."""
        at_work = [*self._at_work]
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)

    async def _work(self, key: Hashable, act: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]], most: int) -> None:
        try:
            linger = timedelta()
            while self._waiting[key]:
                await asyncio.sleep(linger.total_seconds())
                waiting = self._waiting[key]
                group, self._waiting[key] = waiting[:most], waiting[most:]
                linger = LINGER if len(group) > 1 else timedelta()
                answers: Sequence[Any]
                try:
                    answers = await act([question for question, _ in group])
                except Exception as error:  # noqa: BLE001 – the top of a task: whatever it is belongs to those who asked
                    answers = [error] * len(group)
                for (_, future), answer in zip(group, answers, strict=True):
                    _settle(future, answer)
        finally:
            del self._waiting[key]


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():  # whoever asked has left
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
