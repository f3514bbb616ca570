"""Pull, acknowledge, give back, subscribe."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from datetime import timedelta

from connector.errors import InvalidInput
from connector.events import actions
from connector.events.model import DEFAULT_LEASE, LARGEST_PULL, LONGEST_LEASE, LONGEST_PAUSE, Event, write_position
from connector.events.rpc import fields
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as pb

_LARGEST_ACKNOWLEDGEMENT = 1000
_MOST_UNACKNOWLEDGED = 10_000
_LONGEST_IDLE = timedelta(minutes=10)
_LONGEST_MESSAGE = 500
_LARGEST_BATCH = 500


async def pull_events(runtime: Runtime, request: pb.PullEventsRequest) -> pb.PullEventsResponse:
    """Lend out events."""
    if request.max_events < 0:
        raise InvalidInput.of("max_events", "FIELD_INVALID", "must not be negative")
    lease_seconds = fields.within(request.lease_seconds, "lease_seconds", int(LONGEST_LEASE.total_seconds()))
    found = await actions.pull(
        runtime,
        request.store_id,
        fields.consumer(request.consumer),
        limit=min(request.max_events or LARGEST_PULL, LARGEST_PULL),
        lease=timedelta(seconds=lease_seconds) or DEFAULT_LEASE,
    )
    return pb.PullEventsResponse(
        events=[actions.write_event(one.event) for one in found], delivery_counts=[one.deliveries for one in found]
    )


async def ack_events(runtime: Runtime, request: pb.AckEventsRequest) -> pb.AckEventsResponse:
    """Acknowledge events."""
    up_to = fields.position(request.up_to_position, "up_to_position") or 0
    if request.event_ids or not up_to:
        read.entries(request.event_ids, "event_ids", limit=_LARGEST_ACKNOWLEDGEMENT)
    given = set(request.event_ids)
    ids = fields.event_ids(given)
    done = await actions.acknowledge(runtime, request.store_id, fields.consumer(request.consumer), ids, up_to=up_to)
    return pb.AckEventsResponse(
        acknowledged_count=done.now,
        repeated_count=done.before,
        unknown_count=done.unknown + len(given) - len(ids),
    )


async def nack_events(runtime: Runtime, request: pb.NackEventsRequest) -> pb.NackEventsResponse:
    """Take events back."""
    given = set(read.entries(request.event_ids, "event_ids", limit=_LARGEST_ACKNOWLEDGEMENT))
    ids = fields.event_ids(given)
    pause_seconds = fields.within(request.pause_seconds, "pause_seconds", int(LONGEST_PAUSE.total_seconds()))
    done = await actions.give_back(
        runtime,
        request.store_id,
        fields.consumer(request.consumer),
        ids,
        pause=timedelta(seconds=pause_seconds),
        reject=request.reject,
        message=read.within(request.message, "message", limit=_LONGEST_MESSAGE),
    )
    return pb.NackEventsResponse(
        returned_count=done.returned, dead_count=done.dead, unknown_count=done.unknown + len(given) - len(ids)
    )


async def subscribe(runtime: Runtime, request: pb.SubscribeRequest) -> AsyncIterator[pb.SubscribeResponse]:
    """Stream events from a position on."""
    consumer, kinds = fields.consumer(request.consumer), fields.kinds(request.kinds)
    most = fields.within(request.max_unacknowledged, "max_unacknowledged", _MOST_UNACKNOWLEDGED)
    idle = timedelta(seconds=fields.within(request.idle_seconds, "idle_seconds", int(_LONGEST_IDLE.total_seconds())))
    largest = fields.within(request.max_batch, "max_batch", _LARGEST_BATCH)
    position = fields.position(request.after_position, "after_position")
    if position is None:
        position = await actions.floor_of(runtime, request.store_id, consumer)
    stream = actions.follow(
        runtime,
        request.store_id,
        position,
        consumer=consumer,
        most_unacknowledged=most,
        kinds=kinds,
        idle=idle or None,
    )
    async with aclosing(stream) as batches:
        async for batch in batches:
            for some in _pieces(batch.events, largest or 1):
                written = [actions.write_event(event) for event in some]
                yield pb.SubscribeResponse(events=written) if largest > 1 else pb.SubscribeResponse(event=written[0])
            if not batch.events:
                told = write_position(batch.position) if batch.position else ""
                yield pb.SubscribeResponse(idle=pb.SubscribeResponse.Idle(position=told, waiting=batch.waiting))


def _pieces(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    return (events[begin : begin + size] for begin in range(0, len(events), size))
