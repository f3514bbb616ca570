"""FacebookAdmin's audit: list, verify, export."""

import json
from collections.abc import AsyncIterator

from connector.audit import actions
from connector.audit.db import Wanted
from connector.audit.model import BEGIN, Entry, Mark
from connector.errors import InvalidInput
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import admin_service_pb2 as pb

_HASH_BYTES = 32


async def list_audit_entries(runtime: Runtime, request: pb.ListAuditEntriesRequest) -> pb.ListAuditEntriesResponse:
    """List entries, newest first."""
    size = read.page_size(request.page_size)
    begin = read.instant(request.begin_time, "begin_time") if request.HasField("begin_time") else None
    end = read.instant(request.end_time, "end_time") if request.HasField("end_time") else None
    wanted = Wanted(request.store_id, request.connection_id, request.action, request.caller, begin, end)
    scope = ("audit", wanted)
    key = read.page_token(request.page_token, *scope, parts=1)
    found, more = await actions.list_page(runtime, wanted, before=_before(key) if key else None, size=size)
    token = read.write_page_token([found[-1].position], *scope) if more else ""
    return pb.ListAuditEntriesResponse(entries=map(_entry, found), next_page_token=token)


async def verify_audit(runtime: Runtime, request: pb.VerifyAuditRequest) -> pb.VerifyAuditResponse:
    """Check a store's chain."""
    begin = Mark(_position(request.position), request.hash) if request.position else BEGIN
    if len(request.hash) != (_HASH_BYTES if request.position else 0):
        raise InvalidInput.of("hash", "FIELD_INVALID", "must be the 32 bytes that came with `position`; empty with 0")
    walk = await actions.verify(runtime, request.store_id, begin)
    fault = f"FAULT_{walk.fault or 'UNSPECIFIED'}"
    return pb.VerifyAuditResponse(
        fault=pb.VerifyAuditResponse.Fault.Value(fault),
        fault_position=walk.fault_position,
        position=walk.mark.position,
        hash=walk.mark.hash,
        complete=walk.complete,
    )


async def export_audit(runtime: Runtime, request: pb.ExportAuditRequest) -> AsyncIterator[pb.ExportAuditResponse]:
    """Read a store's chain out."""
    first = True
    async for mark, entries in actions.export(runtime, request.store_id, _position(request.position)):
        head = {"store_id": request.store_id, "position": mark.position, "previous_hash": mark.hash.hex()}
        lines = [json.dumps(head)] if first else []
        first = False
        yield pb.ExportAuditResponse(lines=[*lines, *(one.line() for one in entries)])


def _position(value: int) -> int:
    if value < 0:
        raise InvalidInput.of("position", "FIELD_INVALID", "must not be negative")
    return value


def _before(key: list[str | int]) -> int:
    if isinstance(key[0], str) or not 0 <= key[0] < 1 << 63:
        raise InvalidInput.of("page_token", "PAGE_TOKEN_INVALID", "is not one of ours: begin again without it")
    return key[0]


def _entry(entry: Entry) -> pb.AuditEntry:
    told = {name: getattr(entry, name) for name in Entry.__slots__ if name not in {"store_id", "create_time"}}
    return pb.AuditEntry(**told, create_time=write.instant(entry.create_time))
