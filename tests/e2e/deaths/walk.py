"""Leads orders through all their steps while workers, or the connector, die on the way."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from stack.supervisor import Stack
from tests.e2e.deaths.births import Child, Nursery, nursery
from tests.e2e.deaths.desk import Desk, Step
from tests.e2e.deaths.strace import Send, Trace, attached
from tests.e2e.storm.town import await_for

LISTENER, CREW, CONNECTOR = "listener", "crew", "connector"
"""A worker's first thread listens to Redis, its second one does the work; of the connector any thread may send."""
WORKER = "worker"
_await = partial(await_for, poll_seconds=0.02)


class Place(NamedTuple):
    """Where somebody dies: at the n-th send of a kind, counted from the beginning of a step; nowhere, if of none."""

    who: str
    call: str
    number: int

    @property
    def kind(self) -> str:
        """Tell which process it is."""
        return CONNECTOR if self.who == CONNECTOR else WORKER


@dataclass(slots=True)
class Walk:
    """A store at work, and one process of each kind that dies and is born again; `deaths` counts them by what they were at."""

    desk: Desk
    folder: Path
    nurseries: Mapping[str, Nursery]
    living: dict[str, Child]
    deaths: Counter[Step] = field(default_factory=Counter)

    def trace(self, steps: Sequence[Step] = tuple(Step), who: str = CREW) -> Mapping[Step, list[Send]]:
        """Lead an order through steps, and note what somebody sends at each."""
        order, found = "", {}
        for step in steps:
            with self._watched(Place(who, "", 0)) as trace:
                order = self.desk.begin(step, order)
                self._finish(step, order)
            found[step] = trace.sends()
        return found

    def lead(self, places: Mapping[Step, Place], steps: Sequence[Step] = tuple(Step)) -> list[Step]:
        """Lead an order through steps; somebody dies at the place of each, if he comes there. Tells at which he did."""
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
                end = f"the end of {step} or of the {place.kind}"
                _await(end, lambda: trace.over or (begun.done() and self.desk.done(step, begun.result())))
            # Not before strace has gone: until then even one who came through may die, of what he sends next.
            if dead := any(one.number >= place.number for one in trace.sends()):
                self._replace(place.kind)
            return begun.result(), dead

    def _watched(self, place: Place) -> AbstractContextManager[Trace]:
        thread = self.living[place.kind].thread(int(place.who == CREW))
        kill_at = (place.call, place.number) if place.call else None
        return attached(thread, self.folder, kill_at=kill_at, others=place.who == CONNECTOR)

    def _replace(self, kind: str) -> None:
        """Have another process go on; a caller waits for a connector by himself."""
        _await(f"the {kind}'s end", lambda: not self.living[kind].alive)
        begun = self.desk.bury() if kind == WORKER else None
        self.living[kind] = self.nurseries[kind].bear()
        if begun:
            _await("the next worker", lambda: self.desk.heeded(since=begun))

    def _finish(self, step: Step, order: str) -> None:
        """Wait until a step is over; time flies meanwhile."""

        def done() -> bool:
            self.desk.pass_time()
            return self.desk.done(step, order)

        _await(f"the end of {step} of {order}", done)


@contextmanager
def walking(stack: Stack, number: int, *kinds: str, build: str = "") -> Iterator[Walk]:
    """Open a new store with one process of each kind, of a broken build when one is named, for the length of the block."""
    folder = stack.processes["relay"].log.parent
    with ExitStack() as cleanup:
        nurseries = {
            kind: cleanup.enter_context(nursery(stack.environment, folder / f"{kind}s.log", kind, build=build))
            for kind in kinds
        }
        living = {kind: one.bear() for kind, one in nurseries.items()}
        desk = Desk.open(stack, number)
        cleanup.callback(desk.close)
        yield Walk(desk, folder, nurseries, living)
