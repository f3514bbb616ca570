"""When an operation ends, and how."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from connector.operations.model import Kind, Operation, State, end_of
from connector.values import ConnectionId
from stormcom.facebook.v1 import operation_pb2

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("total", "confirmed", "rejected", "expected"),
    [
        (0, 0, 0, State.SUCCEEDED),
        (2, 1, 0, None),
        (2, 1, 1, State.PARTIALLY_SUCCEEDED),
        (2, 2, 0, State.SUCCEEDED),
        (2, 0, 1, None),
        (2, 3, 0, State.SUCCEEDED),
    ],
)
def test_only_settled_items_end_an_operation(total: int, confirmed: int, rejected: int, expected: State | None) -> None:
    """An operation ends when nothing is unsettled, and succeeds fully only without a rejection."""
    assert expected is end_of(total=total, confirmed=confirmed, rejected=rejected)


def test_our_words_are_the_contracts() -> None:
    """Every kind and state we know is one of the contract's, and no other."""
    assert {f"KIND_{kind}" for kind in Kind} | {"KIND_UNSPECIFIED"} == set(operation_pb2.Operation.Kind.keys())
    assert {f"STATE_{state}" for state in State} | {"STATE_UNSPECIFIED"} == set(operation_pb2.Operation.State.keys())


def test_the_document_is_the_contracts_message() -> None:
    """What events and RPCs say of an operation fills the contract's message, field by field."""
    operation = Operation(
        UUID(int=1),
        "s",
        ConnectionId(UUID(int=2)),
        Kind.RETRY_ITEMS,
        State.RUNNING,
        3,
        2,
        1,
        0,
        False,
        "",
        (),
        NOW,
        NOW,
        None,
    )
    message = operation_pb2.Operation(**operation.document())
    assert (3, 2, 1, False) == (
        message.total_count,
        message.confirmed_count,
        message.rejected_count,
        message.HasField("finish_time"),
    )
    assert operation.document().keys() == {field.name for field in operation_pb2.Operation.DESCRIPTOR.fields}
