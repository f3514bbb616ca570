"""Stored bodies become the contract's payloads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import Descriptor

from connector.events.model import Event
from connector.events.rpc import write_event
from stormcom.facebook.v1 import event_pb2

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def stored(kind: str, body: dict[str, Any]) -> Event:
    return Event(UUID(int=1), "store_1", None, "key", kind, body, 7, NOW)


def reachable(message: Descriptor, seen: set[str]) -> Iterator[Descriptor]:
    if message.full_name not in seen:
        seen.add(message.full_name)
        yield message
        for field in message.fields:
            if field.message_type is not None:
                yield from reachable(field.message_type, seen)


def test_times_and_only_times_are_named_so() -> None:
    """Reading bodies relies on it: in everything an event can carry, `…_time` names exactly the timestamps."""
    fields = [
        field
        for message in reachable(event_pb2.Event.DESCRIPTOR, set())
        if not message.full_name.startswith("google.")
        for field in message.fields
    ]
    assert len(fields) > 50
    assert [] == [
        field.full_name
        for field in fields
        if field.name.endswith("_time")
        != (field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp")
    ]


def test_a_body_fills_its_payload() -> None:
    """Texts, numbers, enum names, lists and times of a stored body stand in the payload."""
    settled = {"retailer_id": "r", "product_id": "p", "variant_id": "", "confirmed": True}
    items = write_event(stored("items_settled", {"items": [settled]})).items_settled.items
    assert ("r", True) == (items[0].retailer_id, items[0].confirmed)
    operation = {"state": "STATE_RUNNING", "total_count": 3, "create_time": NOW.isoformat(), "finish_time": None}
    written = write_event(stored("operation_changed", {"operation": operation})).operation_changed.operation
    assert (1, 3, False) == (written.state, written.total_count, written.HasField("finish_time"))
    assert NOW == written.create_time.ToDatetime(UTC)


@pytest.mark.parametrize("body", [{}, {"operation": {}}])
def test_an_empty_body_still_says_what_happened(body: dict[str, Any]) -> None:
    """The kind of an event is told even when its body says nothing."""
    assert "operation_changed" == write_event(stored("operation_changed", body)).WhichOneof("payload")


def test_a_field_that_is_no_more_is_left_out() -> None:
    """A body of an older version does not stop the log; what is still known of it is told."""
    body = {"operation": {"operation_id": "1", "retired": 5, "create_time": NOW.isoformat()}}
    written = write_event(stored("operation_changed", body)).operation_changed.operation
    assert ("1", NOW) == (written.operation_id, written.create_time.ToDatetime(UTC))


def test_a_value_that_cannot_be_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A body with a value of a wrong kind is told as far as it can be read, and operators hear of it."""
    body = {"operation": {"operation_id": "1", "total_count": "many"}}
    written = write_event(stored("operation_changed", body))
    assert ("operation_changed", "key") == (written.WhichOneof("payload"), written.ordering_key)
    assert "event.unreadable" in capsys.readouterr().out
