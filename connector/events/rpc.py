"""FacebookEvents: pull, acknowledge, subscribe."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from connector.errors import InvalidInput
from connector.events import actions
from connector.events.model import DEFAULT_LEASE, LARGEST_PULL, LONGEST_LEASE, Event, read_position, write_position
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_pb2
from stormcom.facebook.v1 import event_service_pb2 as pb

_DEFAULT_CONSUMER = "default"
_LARGEST_ACKNOWLEDGEMENT = 1000


async def pull_events(runtime: Runtime, request: pb.PullEventsRequest) -> pb.PullEventsResponse:
    """Lend out events."""
    if request.max_events < 0:
        raise InvalidInput.of("max_events", "FIELD_INVALID", "must not be negative")
    found = await actions.pull(
        runtime,
        request.store_id,
        _consumer(request.consumer),
        limit=min(request.max_events or LARGEST_PULL, LARGEST_PULL),
        lease=_lease(request.lease_seconds),
    )
    return pb.PullEventsResponse(events=[write_event(event) for event in found])


async def ack_events(runtime: Runtime, request: pb.AckEventsRequest) -> pb.AckEventsResponse:
    """Acknowledge events."""
    given = set(read.entries(request.event_ids, "event_ids", limit=_LARGEST_ACKNOWLEDGEMENT))
    ids = {id for text in given if (id := _event_id(text)) is not None}
    done = await actions.acknowledge(runtime, request.store_id, _consumer(request.consumer), list(ids))
    return pb.AckEventsResponse(
        acknowledged_count=done.now,
        repeated_count=done.before,
        unknown_count=len(given) - done.now - done.before,
    )


async def subscribe(runtime: Runtime, request: pb.SubscribeRequest) -> AsyncIterator[pb.SubscribeResponse]:
    """Stream events from a position on."""
    consumer = _consumer(request.consumer)
    position = _position(request.after_position)
    if position is None:
        position = await actions.floor_of(runtime, request.store_id, consumer)
    async for batch in actions.follow(runtime, request.store_id, position):
        for event in batch:
            yield pb.SubscribeResponse(event=write_event(event))


def write_event(event: Event) -> event_pb2.Event:
    """Write an event."""
    facts: dict[str, Any] = {
        "event_id": str(event.id),
        "store_id": event.store_id,
        "connection_id": str(event.connection_id or ""),
        "ordering_key": event.ordering_key,
        "position": write_position(event.position),
        "create_time": event.create_time,
    }
    try:
        return event_pb2.Event(**facts, **{event.kind: _revived(event.body)})
    except (TypeError, ValueError):
        # What an older version of ours wrote must not stop the log: a field that is no more is left out. Slower.
        written = event_pb2.Event(**facts)
        payload: Message = getattr(written, event.kind)
        payload.SetInParent()
        ParseDict(dict(event.body), payload, ignore_unknown_fields=True)
        return written


def _revived(value: Any) -> Any:
    """Turn the texts of a stored body that stand for times, by the contract the fields named `…_time`, into times."""
    if isinstance(value, dict):
        return {
            name: datetime.fromisoformat(inner) if inner and name.endswith("_time") else _revived(inner)
            for name, inner in value.items()
        }
    return [_revived(inner) for inner in value] if isinstance(value, list) else value


def _consumer(name: str) -> str:
    return read.foreign_id(name, "consumer") if name else _DEFAULT_CONSUMER


def _lease(seconds: int) -> timedelta:
    if seconds < 0 or timedelta(seconds=seconds) > LONGEST_LEASE:
        longest = int(LONGEST_LEASE.total_seconds())
        raise InvalidInput.of("lease_seconds", "FIELD_INVALID", f"must be between 0 and {longest}")
    return timedelta(seconds=seconds) if seconds else DEFAULT_LEASE


def _position(text: str) -> int | None:
    try:
        return read_position(text) if text else None
    except ValueError:
        raise InvalidInput.of("after_position", "FIELD_INVALID", "is not the position of an event of ours") from None


def _event_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
