"""Gathers calls that want the same kind of work: those that come while one is under way go together in the next.

The first never waits for company; where several met, the next turn waits a moment for more. Nobody is answered before the work
that covers the call is done; work that nobody waits for any more is stopped. Only calls with the same key meet; a key that nobody
uses leaves nothing behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from connector import deadline

LINGER = timedelta(milliseconds=6)
"""Measured: with 64 callers a turn then serves most of them, and they are served sooner than in two turns."""

_Asked = tuple[Any, asyncio.Future[Any]]
Q = TypeVar("Q")
A = TypeVar("A")


class Gather:
    """The calls that wait, by key. A key stands for one kind of question and answer."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[_Asked]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    async def ask(
        self, key: Hashable, question: Q, act: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]], *, most: int
    ) -> A:
        """Return the answer of `act`, or raise what it raised, for us or for all. Only when all have left is it stopped.

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
            with deadline.known(None):  # the first caller's is not that of the others
                linger = timedelta()
                while self._waiting[key]:
                    await asyncio.sleep(linger.total_seconds())
                    waiting = self._waiting[key]
                    group, self._waiting[key] = waiting[:most], waiting[most:]
                    linger = LINGER if len(group) > 1 else timedelta()
                    await _serve(asyncio.ensure_future(act([question for question, _ in group])), group)
        finally:
            del self._waiting[key]


async def _serve(work: asyncio.Future[Any], group: Sequence[_Asked]) -> None:
    """Answer a group when its work is done; stop the work when the last of the group has left."""
    for _, answer in group:
        answer.add_done_callback(partial(_leave, work, group))
    answers: Sequence[Any]
    try:
        answers = await work
    except asyncio.CancelledError:
        if not _all_left(group):
            raise
        return
    except Exception as error:  # noqa: BLE001 – the top of a task: whatever it is belongs to those who asked
        answers = [error] * len(group)
    for (_, future), one in zip(group, answers, strict=True):
        _settle(future, one)


def _all_left(group: Sequence[_Asked]) -> bool:
    return all(answer.cancelled() for _, answer in group)


def _leave(work: asyncio.Future[Any], group: Sequence[_Asked], _left: asyncio.Future[Any]) -> None:
    if _all_left(group):
        work.cancel()


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():  # whoever asked has left
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
