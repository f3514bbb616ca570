"""A runtime that dies at a chosen place: behind a commit, or behind Meta's answer before anybody reads it.

Nothing behind that place runs, as after a kill -9. These are all places there are: whoever dies before a commit or a call leaves what
was left behind the one before. Only what is due of some tasks runs in it, so each place is one of theirs.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.graph.call import Call
from connector.graph.client import Access
from connector.runtime import Runtime
from jobs.run import turn
from jobs.tasks import PLANS


class Killed(BaseException):
    """The end of a process: no handler of errors hears of it."""


class Fuse:
    """Burns down by one at each place, and kills at the last; from then on at each."""

    def __init__(self, places: int) -> None:
        self._left = places

    @property
    def blown(self) -> bool:
        """Tell whether the process died."""
        return self._left <= 0

    def burn(self) -> None:
        """Come past a place."""
        self._left -= 1
        if self.blown:
            raise Killed


class _Database:
    """The engine, with a place behind each transaction."""

    def __init__(self, engine: Any, fuse: Fuse) -> None:
        self._engine, self._fuse = engine, fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """Open a transaction."""
        async with self._engine.begin() as tx:
            yield tx
        self._fuse.burn()


class _Meta:
    """The way to Meta, with a place behind each answer. `rewrite` makes it the client of another build."""

    def __init__(self, graph: Any, fuse: Fuse, rewrite: Callable[[Call[Any]], Call[Any]]) -> None:
        self._graph, self._fuse, self._rewrite = graph, fuse, rewrite

    async def send(self, call: Call[Any], access: Access | None) -> Any:
        """Send a call."""
        answer = await self._graph.send(self._rewrite(call), access)
        self._fuse.burn()
        return answer


def _as_it_is(call: Call[Any]) -> Call[Any]:
    return call


def mortal(runtime: Runtime, fuse: Fuse, rewrite: Callable[[Call[Any]], Call[Any]] = _as_it_is) -> Runtime:
    """Make a runtime that dies when the fuse is burnt down."""
    database: Any = _Database(runtime.db, fuse)
    meta: Any = _Meta(runtime.graph, fuse, rewrite)
    return replace(runtime, db=database, graph=meta)


async def turn_until_killed(
    runtime: Runtime, fuse: Fuse, tasks: set[Task], *, rewrite: Callable[[Call[Any]], Call[Any]] = _as_it_is
) -> None:
    """Run what is due of some tasks, until all is done or the fuse is burnt down."""
    with suppress(Killed):
        await turn_of(mortal(runtime, fuse, rewrite), tasks)


async def turn_of(runtime: Runtime, tasks: set[Task]) -> None:
    """Run what is due of some tasks."""
    await turn(runtime, plans={task: PLANS[task] for task in tasks})
