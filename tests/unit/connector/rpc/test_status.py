"""Errors as callers see them."""

from datetime import UTC, datetime, timedelta

import grpc
import psycopg
import pytest
import sqlalchemy.exc
from google.rpc import error_details_pb2, status_pb2

from connector.errors import (
    AlreadyExists,
    Conflict,
    ConnectorError,
    FailedPrecondition,
    Forbidden,
    InvalidInput,
    MetaRefused,
    NotFound,
    OutcomeUnknown,
    Throttled,
    Unauthenticated,
    Unavailable,
    Violation,
)
from connector.rpc.status import DOMAIN, code_of, understand, write_status
from stormcom.facebook.v1 import error_reason_pb2

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def details(status: status_pb2.Status) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in status.details:
        message = getattr(error_details_pb2, one.TypeName().rpartition(".")[2])()
        assert one.Unpack(message)
        found[one.TypeName().rpartition(".")[2]] = message
    return found


@pytest.mark.parametrize(
    ("error", "code", "further"),
    [
        (InvalidInput.of("title", "FIELD_REQUIRED", "is required"), grpc.StatusCode.INVALID_ARGUMENT, "BadRequest"),
        (Unauthenticated("CREDENTIALS_MISSING", "m"), grpc.StatusCode.UNAUTHENTICATED, None),
        (Forbidden("STORE_NOT_ALLOWED", "m"), grpc.StatusCode.PERMISSION_DENIED, None),
        (NotFound("ITEM_NOT_FOUND", "m"), grpc.StatusCode.NOT_FOUND, None),
        (AlreadyExists("PAGE_TAKEN", "m"), grpc.StatusCode.ALREADY_EXISTS, None),
        (Conflict("REQUEST_IN_PROGRESS", "m"), grpc.StatusCode.ABORTED, "RetryInfo"),
        (FailedPrecondition("STORE_NOT_CONNECTED", "m", fix="Connect."), grpc.StatusCode.FAILED_PRECONDITION, "Help"),
        (MetaRefused("META_REJECTED", "m", code=100, fix="Mend."), grpc.StatusCode.FAILED_PRECONDITION, "Help"),
        (
            Throttled("catalog_batch:7", NOW + timedelta(minutes=3), "m"),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "RetryInfo",
        ),
        (Unavailable("META_UNAVAILABLE", "m"), grpc.StatusCode.UNAVAILABLE, "RetryInfo"),
        (OutcomeUnknown("META_OUTCOME_UNKNOWN", "m"), grpc.StatusCode.UNKNOWN, None),
    ],
)
def test_every_error_has_its_code_and_details(
    error: ConnectorError, code: grpc.StatusCode, further: str | None
) -> None:
    """Each class of error has one gRPC code, an ErrorInfo with reason and domain, and the detail its caller needs."""
    status = write_status(error, now=NOW)
    assert (code, code.value[0]) == (code_of(error), status.code)
    found = details(status)
    info = found.pop("ErrorInfo")
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (error.reason, DOMAIN) == (info.reason, info.domain)
    assert f"ERROR_REASON_{info.reason}" in error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"].values_by_name
    assert ([further] if further else []) == list(found)


def test_every_wrong_field_is_listed() -> None:
    """BadRequest carries each violation with path, reason and words."""
    error = InvalidInput(
        [Violation("a", "FIELD_REQUIRED", "a: is required"), Violation("b[1].c", "FIELD_INVALID", "b[1].c: no")]
    )
    bad = details(write_status(error, now=NOW))["BadRequest"]
    assert isinstance(bad, error_details_pb2.BadRequest)
    assert [(one.field, one.reason) for one in bad.field_violations] == [
        ("a", "FIELD_REQUIRED"),
        ("b[1].c", "FIELD_INVALID"),
    ]


def test_a_throttle_tells_how_long() -> None:
    """RetryInfo is the time that is left of Meta's pause."""
    info = details(write_status(Throttled("app", NOW + timedelta(seconds=90), "m"), now=NOW))["RetryInfo"]
    assert isinstance(info, error_details_pb2.RetryInfo)
    assert info.retry_delay.seconds == 90


def test_an_unknown_failure_says_nothing_but_an_id() -> None:
    """The words of an exception never reach a caller."""
    status = write_status(understand(ValueError("password=geheim")), now=NOW)
    assert grpc.StatusCode.INTERNAL.value[0] == status.code
    assert b"geheim" not in status.SerializeToString()
    info = details(status)["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert len(info.metadata["error_id"]) == 32


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection"),
        sqlalchemy.exc.OperationalError("select", {}, psycopg.OperationalError("gone")),
        sqlalchemy.exc.TimeoutError("pool"),
        sqlalchemy.exc.DBAPIError("select", {}, psycopg.errors.SerializationFailure("again")),
    ],
)
def test_database_trouble_may_be_repeated(error: Exception) -> None:
    """An unreachable or busy database is UNAVAILABLE with a time to try again, in words of ours."""
    known = understand(error)
    assert (known.reason, code_of(known)) == ("DATABASE_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE)
