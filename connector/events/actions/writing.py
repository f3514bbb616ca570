"""Writes a stored event as the contract's message: the one place where (kind, body) becomes protobuf."""

from datetime import datetime
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from connector import log
from connector.events.model import Event, write_position
from stormcom.facebook.v1 import event_pb2

KINDS = frozenset(field.name for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields)
"""The names of the payload's fields."""


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
        return _write_what_can_be_read(event, event_pb2.Event(**facts))


def _write_what_can_be_read(event: Event, written: event_pb2.Event) -> event_pb2.Event:
    """Write an event of an older version of ours. It must not stop the log: what is no more, or cannot be, is left out. Slower."""
    payload: Message = getattr(written, event.kind)  # a kind that only a newer version knows waits for that one, unread
    payload.SetInParent()
    try:
        ParseDict(dict(event.body), payload, ignore_unknown_fields=True)
    except ParseError:
        log.warn("event.unreadable", event_id=str(event.id), store_id=event.store_id, kind=event.kind)
    return written


def _revived(value: Any) -> Any:
    """Turn the texts of a stored body that stand for times, by the contract the fields named `…_time`, into times."""
    if isinstance(value, dict):
        return {
            name: datetime.fromisoformat(inner) if inner and name.endswith("_time") else _revived(inner)
            for name, inner in value.items()
        }
    return [_revived(inner) for inner in value] if isinstance(value, list) else value
