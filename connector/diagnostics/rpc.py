"""FacebookDiagnostics: what is wrong, and what explains it."""

from collections.abc import Mapping
from typing import TypeVar

from connector.diagnostics import actions
from connector.diagnostics.model.explanations import EXPLANATIONS, VERSION
from connector.diagnostics.model.rows import Kind
from connector.diagnostics.model.values import Severity, Source, describe
from connector.errors import InvalidInput
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import diagnostic_pb2
from stormcom.facebook.v1 import diagnostic_service_pb2 as pb

T = TypeVar("T")

_SOURCES: Mapping[int, Source] = {diagnostic_pb2.Diagnostic.Source.Value(f"SOURCE_{one}"): one for one in Source}
_SEVERITIES: Mapping[int, Severity] = {
    diagnostic_pb2.Diagnostic.Severity.Value(f"SEVERITY_{one}"): one for one in Severity
}
_KINDS: Mapping[int, Kind] = {diagnostic_pb2.Explanation.Kind.Value(f"KIND_{one}"): one for one in Kind}


async def list_diagnostics(runtime: Runtime, request: pb.ListDiagnosticsRequest) -> pb.ListDiagnosticsResponse:
    """List what is wrong with a connection's catalog."""
    size = read.page_size(request.page_size)
    scope = "diagnostics", request.store_id, request.connection_id, request.source, request.severity
    key = read.page_token(request.page_token, *scope, parts=4)
    found = await actions.list_diagnostics(
        runtime,
        request.store_id,
        request.connection_id,
        source=_chosen(_SOURCES, request.source, "source"),
        severity=_chosen(_SEVERITIES, request.severity, "severity"),
    )
    ids = {"catalog_id": found.connection.catalog_id, "business_id": found.connection.business_id}
    behind = tuple(map(str, key or ()))
    left = [one for one in found.troubles if one.rank > behind]
    told = [diagnostic_pb2.Diagnostic(**trouble.document(**ids)) for trouble in left[:size]]
    token = read.write_page_token(left[size - 1].rank, *scope) if len(left) > size else ""
    return pb.ListDiagnosticsResponse(diagnostics=told, pull_time=write.instant(found.pull_time), next_page_token=token)


async def list_explanations(_: Runtime, request: pb.ListExplanationsRequest) -> pb.ListExplanationsResponse:
    """List the error catalogue."""
    size, kind = read.page_size(request.page_size), _chosen(_KINDS, request.kind, "kind")
    scope = "explanations", request.store_id, str(kind), request.name
    key = read.page_token(request.page_token, *scope, parts=2)
    behind = (str(key[0]), str(key[1])) if key else ("", "")
    rows = [
        row
        for at, row in EXPLANATIONS.items()
        if at > behind and kind in {None, row.kind} and request.name in {"", row.name}
    ]
    shown = rows[:size]
    token = read.write_page_token([shown[-1].kind, shown[-1].name], *scope) if len(rows) > size else ""
    told = [diagnostic_pb2.Explanation(**describe(row)) for row in shown]
    return pb.ListExplanationsResponse(explanations=told, next_page_token=token, version=VERSION)


def _chosen(known: Mapping[int, T], number: int, field: str) -> T | None:
    """Read an enum's value; not given means any."""
    if number and number not in known:
        raise InvalidInput.of(field, "FIELD_INVALID", f"must be of {', '.join(map(str, known.values()))}")
    return known.get(number)
