"""Leads orders through all their steps while workers die on the way."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from stack.supervisor import Stack
from tests.e2e.deaths.desk import Desk, Step
from tests.e2e.deaths.strace import Send, Trace, attached
from tests.e2e.deaths.workers import Nursery, Worker, nursery
from tests.e2e.storm.town import await_for

CONNECTOR = "connector"
_await = partial(await_for, poll_seconds=0.02)


class Place(NamedTuple):
    """Where somebody dies: at the n-th send of a worker's thread, or of the connector, counted from the beginning of a step."""

    thread: str
    call: str
    number: int


@dataclass(slots=True)
class Walk:
    """A store at work; `deaths` counts those who died, by what they were at."""

    desk: Desk
    stack: Stack
    nursery: Nursery
    worker: Worker
    restart: Callable[[str], object]
    deaths: Counter[Step] = field(default_factory=Counter)

    def trace(self, steps: Sequence[Step] = tuple(Step)) -> Mapping[Step, list[Send]]:
        """Lead an order through steps, and note what the crew sends at each."""
        order, found = "", {}
        for step in steps:
            with attached(self.worker.thread("crew"), _folder(self.stack)) as trace:
                order = self.desk.begin(step, order)
                self._finish(step, order)
            found[step] = trace.sends()
        return found

    def lead(self, places: Mapping[Step, Place], steps: Sequence[Step] = tuple(Step)) -> list[Step]:
        """Lead an order through steps; the worker dies at the place of each, if it comes there. Tells at which it did."""
        order, died = "", []
        for step in steps:
            if step in places:
                order, dead = self._die(step, order, places[step])
                died += [step] if dead else []
            else:
                order = self.desk.begin(step, order)
            self._finish(step, order)
        self.deaths.update(died)
        return died

    def _die(self, step: Step, order: str, place: Place) -> tuple[str, bool]:
        """Have a step done until a process dies at a place, and replace it; it may come through instead."""
        with ThreadPoolExecutor(1) as hand:
            with self._watched(place) as trace:
                begun = hand.submit(self.desk.begin, step, order)
                end = f"the end of {step} or of the {place.thread}"
                _await(end, lambda: trace.over or (begun.done() and self.desk.done(step, begun.result())))
            dead = any(one.number >= place.number for one in trace.sends())
            if dead and place.thread == CONNECTOR:
                self.restart(CONNECTOR)
            elif dead:
                self._replace_worker()
            return begun.result(), dead

    def _watched(self, place: Place) -> AbstractContextManager[Trace]:
        connector = self.stack.processes[CONNECTOR].pid if place.thread == CONNECTOR else None
        thread = connector or self.worker.thread(place.thread)
        return attached(thread, _folder(self.stack), kill_at=(place.call, place.number), others=bool(connector))

    def _replace_worker(self) -> None:
        """Have another worker go on."""
        _await("the worker's end", lambda: not self.worker.alive)
        begun = self.desk.bury()
        self.worker = self.nursery.bear()
        _await("the next worker", lambda: self.desk.heeded(since=begun))

    def _finish(self, step: Step, order: str) -> None:
        """Wait until a step is over; time flies meanwhile."""

        def done() -> bool:
            self.desk.pass_time()
            return self.desk.done(step, order)

        _await(f"the end of {step} of {order}", done)


@contextmanager
def walking(stack: Stack, number: int, restart: Callable[[str], object], *, build: str = "") -> Iterator[Walk]:
    """Open a new store with a worker, of a broken build when one is named, for the length of the block."""
    with nursery(stack.environment, _folder(stack) / "workers.log", build=build) as found:
        worker = found.bear()
        desk = Desk.open(stack, number)
        try:
            yield Walk(desk, stack, found, worker, restart)
        finally:
            desk.close()


def _folder(stack: Stack) -> Path:
    return stack.processes[CONNECTOR].log.parent
