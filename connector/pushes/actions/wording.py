"""Writes the document that is posted: type, timestamp and data, as Standard Webhooks advise."""

import orjson
from google.protobuf.json_format import MessageToDict

from connector.events.actions import write_event
from connector.events.model import Event


def write_post(event: Event) -> bytes:
    """Write an event's post; the same event gives the same bytes."""
    document = {
        "type": event.kind,
        "timestamp": event.create_time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": MessageToDict(write_event(event)),
    }
    return orjson.dumps(document)
