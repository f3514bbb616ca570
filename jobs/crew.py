"""Runs tasks side by side on one event loop in a thread of its own, with one runtime for all: no fork, no start-up per task.

Tasks come from the bell; while there is room, the crew also fetches what it hears is due in its lane by itself. A task that waits for Meta holds up nobody. A loop that stands still is a fault no time limit can end, so it ends the process,
saying where it stood; leases bring its tasks back.
"""

import asyncio
import faulthandler
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self

import uvloop

from connector import log
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import at_once
from connector.runtime import Runtime, open_runtime
from connector.settings import Settings
from jobs.ear import listen
from jobs.run import DATABASE_GONE, Outcome, run_taken, run_task
from jobs.tasks import PLANS, Lane, Plan

SIZE = 16
GRACE = timedelta(seconds=1)
LONGEST_STANDSTILL = timedelta(seconds=30)
_SIGN_OF_LIFE = timedelta(seconds=5)
_MOST_FETCHED = 4


class Crew:
    """A context manager; `submit` is called by the thread that listens to the bell."""

    def __init__(
        self, settings: Settings, plans: Mapping[Task, Plan] = PLANS, *, size: int = SIZE, watched: bool = True
    ) -> None:
        self._settings, self._plans, self._watched = settings, plans, watched
        self._lane = [name for name, plan in plans.items() if plan.lane is Lane.FAST]
        self._room = threading.BoundedSemaphore(size)
        self._opened: Future[tuple[asyncio.AbstractEventLoop, Runtime, Callable[[], None]]] = Future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="crew")

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop, self._runtime, self._stop = self._opened.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def submit(self, task_id: int, attempt: int) -> None:
        """Start a task as soon as there is room; return without waiting for its end."""
        self._room.acquire()
        self._loop.call_soon_threadsafe(self._start, task_id, attempt)

    def _start(self, task_id: int, attempt: int) -> None:
        self._begin(run_task(self._runtime, task_id, attempt, plans=self._plans), task_id)

    def _begin(self, turn: Awaitable[Outcome], task_id: int) -> None:
        task = self._loop.create_task(_perform(turn, task_id))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    async def _fetch(self, runtime: Runtime) -> None:
        """Start what is due, as far as there is room. What killed a worker is left to a process of its own."""
        room = sum(self._room.acquire(blocking=False) for _ in range(_MOST_FETCHED))
        taken: list[Taken] = []
        try:
            if room:
                async with at_once(runtime.db) as tx:
                    taken = await outbox.take_due(tx, self._lane, at=runtime.now(), limit=room)
        finally:
            for _ in range(room - len(taken)):
                self._room.release()
        for task in taken:
            self._begin(run_taken(self._runtime, task, plans=self._plans), task.id)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        _tell(task)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        async with open_runtime(self._settings) as runtime:
            self._opened.set_result((asyncio.get_running_loop(), runtime, stop.set))
            watch = asyncio.create_task(_watch()) if self._watched else None
            hearing = listen(self._settings.database_url.reveal(), set(self._lane), partial(self._fetch, runtime))
            ear = asyncio.create_task(hearing)
            ear.add_done_callback(_tell)
            await stop.wait()
            ear.cancel()
            await asyncio.wait([ear])
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=GRACE.total_seconds())
                for task in late:
                    task.cancel()
                if late:
                    await asyncio.wait(late)
            if watch:
                watch.cancel()


async def _perform(turn: Awaitable[Outcome], task_id: int) -> None:
    try:
        await turn
    except DATABASE_GONE as error:
        log.warn("task.database_gone", error=type(error).__name__, task_id=task_id)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.failed("task.fault", error)


async def _watch() -> None:
    """Let the process end itself, with every thread's stack on stderr, when this loop stands still for too long."""
    try:
        while True:
            faulthandler.dump_traceback_later(LONGEST_STANDSTILL.total_seconds(), exit=True, file=sys.stderr)
            await asyncio.sleep(_SIGN_OF_LIFE.total_seconds())
    finally:
        faulthandler.cancel_dump_traceback_later()
