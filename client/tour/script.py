"""What all steps of the tour share: who is there, what was expected, what was measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from client.call import Caller
from client.commands.listening import resume_behind
from client.failures import CallFailed
from client.tour.simulation import Simulation, World
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import SubscribeRequest

T = TypeVar("T")
POLL = timedelta(milliseconds=20)
PATIENCE = timedelta(seconds=60)


class Unmet(Exception):
    """An expectation did not hold, and nothing after it makes sense."""


@dataclass(slots=True)
class Tour:
    """One walk. Expectations that do not hold are collected; the walk goes on where it can."""

    caller: Caller
    simulation: Simulation
    console: Console
    world: World
    connection_id: str = ""
    catalog_id: str = ""
    failures: list[str] = field(default_factory=list)
    table: list[tuple[str, str]] = field(default_factory=list)
    expected_count: int = 0

    def step(self, text: str) -> None:
        """Say what comes now."""
        self.console.print(f"[bold]{escape(text)}[/bold]")

    def expect(self, holds: object, text: str) -> None:
        """State what must hold; say whether it does."""
        self.expected_count += 1
        self.console.print(f"  [{'green]ok  ' if holds else 'red]NOT '}[/] {escape(text)}", soft_wrap=True)
        if not holds:
            self.failures.append(text)

    def require(self, holds: T | None, text: str) -> T:
        """State what must hold for the rest of the tour to make sense; return it.

        Raises:
            Unmet: it does not hold.

        """
        self.expect(holds, text)
        if not holds:
            raise Unmet(text)
        return holds

    def note(self, name: str, value: object) -> None:
        """Put a line into the final table."""
        self.table.append((name, str(value)))

    def wait_for(self, look: Callable[[], T | None], text: str, *, patience: timedelta = PATIENCE) -> T:
        """Look again and again until something is there.

        Raises:
            Unmet: it did not come in time.

        """
        end = time.monotonic() + patience.total_seconds()
        while (found := look()) is None and time.monotonic() < end:
            time.sleep(POLL.total_seconds())
        if found is None:
            self.expect(found, f"{text} within {patience.total_seconds():g} s")
            raise Unmet(text)
        return found


class Listener:
    """Follows the store's events in a thread of its own, as StormCom's consumer would."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._queue: Queue[Event | CallFailed] = Queue()
        self.heard: list[Event] = []
        Thread(target=self._follow, name="events", daemon=True).start()

    def wait_for(self, wanted: Callable[[Event], bool], *, patience: timedelta = PATIENCE) -> Event | None:
        """Return the first event that is wanted, heard before or not; None when it does not come in time.

        Raises:
            CallFailed: the stream broke for good.

        """
        end = time.monotonic() + patience.total_seconds()
        for event in self.heard:
            if wanted(event):
                return event
        while True:
            try:
                event_or_failure = self._queue.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                return None
            if isinstance(event_or_failure, CallFailed):
                raise event_or_failure
            self.heard.append(event_or_failure)
            if wanted(event_or_failure):
                return event_or_failure

    def _follow(self) -> None:
        request = SubscribeRequest()
        try:
            for answer in self._caller.watch(self._caller.events.Subscribe, request, resume=resume_behind):
                self._queue.put(answer.event)
        except CallFailed as failure:
            self._queue.put(failure)


class Stopwatch:
    """Time since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def read(self) -> str:
        """Return the time so far, in milliseconds."""
        return f"{(time.monotonic() - self._start) * 1000:.0f} ms"
