"""Our errors as google.rpc.Status. The only place where an error becomes something a caller sees.

Every status carries an ErrorInfo (reason, domain, metadata); InvalidInput adds BadRequest, whatever may simply be tried again
adds RetryInfo, FailedPrecondition adds Help when there is a link. What is not one of ours becomes INTERNAL: fixed words and an id
that stands in the log beside the traceback, never the exception's own words.
"""

from datetime import datetime, timedelta
from uuid import uuid4

import grpc
import psycopg
import sqlalchemy.exc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from connector import log
from connector.errors import (
    AlreadyExists,
    Conflict,
    ConnectorError,
    FailedPrecondition,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    Throttled,
    Unauthenticated,
    Unavailable,
)

DOMAIN = "facebook.stormcom"

_CODES: dict[type[ConnectorError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Conflict: grpc.StatusCode.ABORTED,
    FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    Throttled: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    OutcomeUnknown: grpc.StatusCode.UNKNOWN,
}
_SHOWN_CHARACTERS = 1024


class Internal(ConnectorError):
    """A fault of ours: the caller gets an id, the log everything else."""

    def __init__(self, error_id: str) -> None:
        super().__init__("INTERNAL", f"The connector failed; tell its operators the id {error_id}", error_id=error_id)


def understand(error: Exception) -> ConnectorError:
    """Turn any exception into one of our errors; an unreachable database is UNAVAILABLE, everything unknown is logged."""
    if isinstance(error, ConnectorError):
        return error
    if _is_database_trouble(error):
        message = "The connector's database cannot be reached; nothing was stored, try again"
        return Unavailable("DATABASE_UNAVAILABLE", message, retry_after=timedelta(seconds=1))
    error_id = uuid4().hex
    log.failed("rpc.failed", error, error_id=error_id)
    return Internal(error_id)


def code_of(error: ConnectorError) -> grpc.StatusCode:
    """Tell the gRPC code of an error."""
    codes = (code for kind, code in _CODES.items() if isinstance(error, kind))
    return next(codes, grpc.StatusCode.INTERNAL)


def write_status(error: ConnectorError, *, now: datetime) -> status_pb2.Status:
    """Write an error with every detail a caller can use."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details: list[Message] = [info, *_further(error, now)]
    packed = []
    for detail in details:
        packed.append(AnyMessage())
        packed[-1].Pack(detail)
    number = code_pb2.Code.Value(code_of(error).name)
    return status_pb2.Status(code=number, message=error.message[:_SHOWN_CHARACTERS], details=packed)


def _further(error: ConnectorError, now: datetime) -> list[Message]:
    match error:
        case InvalidInput():
            violations = [
                error_details_pb2.BadRequest.FieldViolation(field=one.field, description=one.message, reason=one.reason)
                for one in error.violations
            ]
            return [error_details_pb2.BadRequest(field_violations=violations)]
        case Throttled():
            return [_retry(max(error.until - now, timedelta(seconds=1)))]
        case Unavailable():
            return [_retry(error.retry_after)]
        case Conflict() | Overloaded():
            return [_retry(timedelta(seconds=1))]
        case FailedPrecondition(fix=fix) if fix:
            return [error_details_pb2.Help(links=[error_details_pb2.Help.Link(description=fix, url=error.link)])]
        case _:
            return []


def _retry(delay: timedelta) -> error_details_pb2.RetryInfo:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromTimedelta(delay)
    return info


# https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization failure, deadlock.
_REPEATABLE_STATES = frozenset({"40001", "40P01"})


def _is_database_trouble(error: Exception) -> bool:
    if isinstance(error, sqlalchemy.exc.TimeoutError | psycopg.OperationalError):
        return True
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return (
            isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError)
            or state in _REPEATABLE_STATES
        )
    return False
