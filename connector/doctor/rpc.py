"""FacebookHealth: how a connection stands, check by check."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from connector.connections.model import Connection
from connector.doctor import actions
from connector.doctor.model.causes import CAUSES
from connector.doctor.model.values import Kind, Report
from connector.errors import InvalidInput
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import check_pb2
from stormcom.facebook.v1 import health_service_pb2 as pb

_KINDS: Mapping[int, Kind] = {check_pb2.Check.Kind.Value(f"KIND_{one}"): one for one in Kind}
_ORDER = tuple(Kind)


async def run_diagnostics(
    runtime: Runtime, request: pb.RunDiagnosticsRequest
) -> AsyncIterator[pb.RunDiagnosticsResponse]:
    """Look at a connection and tell each check as soon as it is known."""
    read.distinct([str(number) for number in request.kinds], "kinds")
    kinds = [_kind(number, f"kinds[{place}]") for place, number in enumerate(request.kinds)]
    found = actions.run(runtime, request.store_id, request.connection_id, kinds=kinds or list(Kind))
    async with aclosing(found):
        async for connection, report in found:
            yield pb.RunDiagnosticsResponse(check=_write(runtime, connection, report))


async def list_checks(runtime: Runtime, request: pb.ListChecksRequest) -> pb.ListChecksResponse:
    """List how every check stood."""
    size, scope = read.page_size(request.page_size), ("checks", request.store_id, request.connection_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    connection, reports = await actions.list_checks(runtime, request.store_id, request.connection_id)
    begin = int(key[0]) if key else 0
    shown = [_write(runtime, connection, report) for report in reports[begin : begin + size]]
    token = read.write_page_token([begin + size], *scope) if len(reports) > begin + size else ""
    return pb.ListChecksResponse(checks=shown, next_page_token=token)


def _kind(number: int, field: str) -> Kind:
    if number not in _KINDS:
        raise InvalidInput.of(field, "FIELD_INVALID", f"must be one of {', '.join(_ORDER)}")
    return _KINDS[number]


def _write(runtime: Runtime, connection: Connection, report: Report) -> check_pb2.Check:
    cause = CAUSES[report.cause]
    told: dict[str, Any] = {name: getattr(cause, name) for name in ("title", "remedy", "fix_rpc", "fix_suffices")}
    times = {name: getattr(report, name) for name in ("check_time", "since_time", "fail_time")}
    return check_pb2.Check(
        kind=check_pb2.Check.Kind.Value(f"KIND_{report.kind}"),
        state=check_pb2.Check.State.Value(f"STATE_{cause.state}"),
        cause=cause.name,
        owner=f"OWNER_{cause.owner}",  # type: ignore[arg-type] # protobuf takes an enum's name
        link=cause.link(connection, app_id=runtime.app(connection.environment).app_id),
        evidence=dict(report.evidence),
        **told,
        **times,
    )
