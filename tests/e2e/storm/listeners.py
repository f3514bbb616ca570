"""StormCom's side: for each store one that pulls and acknowledges, and one that follows the stream on credit. Both come back after breaks."""

import base64
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from client.call import Caller
from client.failures import CallFailed
from stormcom.facebook.v1.conversation_pb2 import Message
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import (
    AckEventsRequest,
    PullEventsRequest,
    SubscribeRequest,
    SubscribeResponse,
)

PULLING, FOLLOWING = "pulling", "following"
CREDIT, BATCH = 200, 50


@dataclass(slots=True)
class Listener:
    """What one consumer of one store was told."""

    caller: Caller
    consumer: str
    received: dict[str, dict[str, None]] = field(default_factory=dict)
    """The ids of the events that told of each message's arrival."""
    shown: dict[str, tuple[int, Message]] = field(default_factory=dict)
    """Each message as the latest event about it shows it."""
    again: list[str] = field(default_factory=list)
    """Events that came twice where they must not."""
    failures: list[BaseException] = field(default_factory=list)
    _last: int = 0
    _behind: str = ""

    def hear(self, event: Event) -> None:
        """Note what an event tells."""
        place = _place(event.position)
        for kind in ("message_received", "message_changed", "message_state_changed"):
            if event.WhichOneof("payload") != kind:
                continue
            message = getattr(event, kind).message
            if kind == "message_received":
                self.received.setdefault(message.mid, {})[event.event_id] = None
            if place > self.shown.get(message.mid, (0, None))[0]:
                self.shown[message.mid] = place, message

    def hear_in_order(self, event: Event) -> None:
        """Note what an event of the stream tells: there each comes once, and none before an earlier one."""
        if _place(event.position) <= self._last:
            self.again.append(event.event_id)
        self._last = _place(event.position)
        self.hear(event)

    def pull(self, stop: threading.Event) -> None:
        """Take and acknowledge until told to stop."""
        while not stop.is_set():
            wish = PullEventsRequest(consumer=self.consumer, max_events=100, lease_seconds=5)
            events = self.caller.call(self.caller.events.PullEvents, wish).events
            if not events:
                stop.wait(0.2)
                continue
            for event in events:
                self.hear(event)
            ids = [event.event_id for event in events]
            self.caller.call(self.caller.events.AckEvents, AckEventsRequest(consumer=self.consumer, event_ids=ids))

    def follow(self, stop: threading.Event) -> None:
        """Follow the stream, acknowledging up to where it is, until told to stop."""
        wish = SubscribeRequest(
            consumer=self.consumer,
            after_position=self._behind,
            max_unacknowledged=CREDIT,
            max_batch=BATCH,
            idle_seconds=1,
        )
        for answer in self.caller.watch(self.caller.events.Subscribe, wish, resume=_resume):
            for event in answer.events:
                self.hear_in_order(event)
            if answer.events:
                self._behind = answer.events[-1].position
                ack = AckEventsRequest(consumer=self.consumer, up_to_position=self._behind)
                self.caller.call(self.caller.events.AckEvents, ack)
            if stop.is_set():
                return


def _resume(request: SubscribeRequest, answer: SubscribeResponse) -> None:
    if answer.events:
        request.after_position = answer.events[-1].position


def _place(position: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(position + "="))


@contextmanager
def listening(callers: Sequence[Caller]) -> Iterator[list[Listener]]:
    """Listen in every store for the length of the block, however long the connector is away; whoever broke is told of."""
    stop = threading.Event()
    listeners = [Listener(caller, consumer) for caller in callers for consumer in (PULLING, FOLLOWING)]
    threads = [threading.Thread(target=_run, args=(one, stop), daemon=True) for one in listeners]
    for thread in threads:
        thread.start()
    try:
        yield listeners
    finally:
        stop.set()
        end = time.monotonic() + 30
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def _run(listener: Listener, stop: threading.Event) -> None:
    act: Callable[[threading.Event], None] = listener.pull if listener.consumer == PULLING else listener.follow
    while not stop.is_set():
        try:
            act(stop)
        except CallFailed as failure:
            if failure.code not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                listener.failures.append(failure)
                return
        except Exception as failure:  # noqa: BLE001 – the top of a thread: the reckoning tells of it
            listener.failures.append(failure)
            return
