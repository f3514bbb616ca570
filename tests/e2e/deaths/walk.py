"""Leads orders through all their steps while workers die on the way."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from stack.supervisor import Stack
from tests.e2e.deaths.desk import Desk, Step
from tests.e2e.deaths.strace import Send, attached
from tests.e2e.deaths.workers import Nursery, Worker, nursery
from tests.e2e.storm.town import await_for

_await = partial(await_for, poll_seconds=0.02)


class Place(NamedTuple):
    """Where a worker dies: at the n-th send of a thread, counted from the beginning of a step."""

    thread: str
    call: str
    number: int


@dataclass(slots=True)
class Walk:
    """A store at work; `deaths` counts the workers that died, by what they were at."""

    desk: Desk
    folder: Path
    nursery: Nursery
    worker: Worker
    deaths: Counter[Step] = field(default_factory=Counter)

    def trace(self, steps: Sequence[Step] = tuple(Step)) -> Mapping[Step, list[Send]]:
        """Lead an order through steps, and note what the crew sends at each."""
        order, found = "", {}
        for step in steps:
            with attached(self.worker.thread("crew"), self.folder) as trace:
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
        """Have a step done until the worker dies at a place, and replace it; it may come through instead."""
        thread = self.worker.thread(place.thread)
        with attached(thread, self.folder, kill_at=(place.call, place.number)) as trace:
            order = self.desk.begin(step, order)
            _await(f"the end of {step} or of the worker", lambda: trace.over or self.desk.done(step, order))
        if len(trace.sends()) < place.number:
            return order, False
        _await("the worker's end", lambda: not self.worker.alive)
        self._replace()
        return order, True

    def _replace(self) -> None:
        """Have another worker go on."""
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
def walking(stack: Stack, number: int, *, build: str = "") -> Iterator[Walk]:
    """Open a new store with a worker, of a broken build when one is named, for the length of the block."""
    folder = stack.processes["relay"].log.parent
    with nursery(stack.environment, folder / "workers.log", build=build) as found:
        worker = found.bear()
        desk = Desk.open(stack, number)
        try:
            yield Walk(desk, folder, found, worker)
        finally:
            desk.close()
