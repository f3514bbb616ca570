"""Why a call failed, as the connector tells it: `google.rpc.Status` and its details as one exception that prints well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

Detail = TypeVar("Detail", bound=Message)


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field and why."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where help is."""

    description: str
    url: str


@dataclass(slots=True, kw_only=True)
class CallFailed(Exception):
    """A call that failed for good, or for longer than the caller was willing to wait.

    `reason` is a value of ErrorReason when the connector answered; empty when the call did not reach it.
    """

    method: str
    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    links: tuple[Link, ...] = ()
    retry_after: timedelta | None = None
    request_id: str = ""

    def __str__(self) -> str:
        """One line: what failed, why, and what helps."""
        facts = [f"{name}={value}" for name, value in sorted(self.metadata.items())]
        facts += [f"request_id={self.request_id}"] if self.request_id else []
        parts = [
            f"{self.method}: {self.reason or self.code.name}: {self.message or 'no message'}",
            "; ".join(f"{wrong.field}: {wrong.why}" for wrong in self.violations if wrong.why not in self.message),
            f"[{' '.join(facts)}]" if facts else "",
            " ".join(": ".join(filter(None, (link.description, link.url))) for link in self.links),
        ]
        return " ".join(part for part in parts if part)


def read_failure(error: grpc.Call, *, method: str, request_id: str = "") -> CallFailed:
    """Read what the server, or gRPC itself, says of a failed call."""
    code, text = error.code(), error.details() or ""
    try:
        status = rpc_status.from_call(error) or Status()
    except ValueError:  # the details contradict the status: what gRPC says counts
        status = Status()
    reason = _detail(status, ErrorInfo)
    retry = _detail(status, RetryInfo)
    return CallFailed(
        method=method.rpartition("/")[2],
        code=code,
        message=status.message or text,
        reason=reason.reason,
        domain=reason.domain,
        metadata=dict(reason.metadata),
        violations=tuple(Violation(v.field, v.description) for v in _detail(status, BadRequest).field_violations),
        links=tuple(Link(link.description, link.url) for link in _detail(status, Help).links),
        retry_after=retry.retry_delay.ToTimedelta() if retry.HasField("retry_delay") else None,
        request_id=request_id,
    )


def _detail(status: Status, kind: type[Detail]) -> Detail:
    """Return the detail of a kind; an empty one when there is none."""
    found = kind()
    for packed in status.details:
        if packed.Unpack(found):
            break
    return found
