"""The audit: who did what, an export, and its check without the connector.

An export is a chain: each entry's hash covers the one before, so whoever keeps the last hash elsewhere has kept them all.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from client.output import moment
from client.session import session_of
from stormcom.facebook.v1.admin_service_pb2 import (
    ExportAuditRequest,
    ExportAuditResponse,
    ListAuditEntriesRequest,
    VerifyAuditRequest,
    VerifyAuditResponse,
)

app = typer.Typer()

_HASHED = (
    "position", "create_time", "store_id", "action", "caller", "role", "actor", "connection_id", "objects", "request_id",
    "result", "call_count",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries are whole, the last one's place and hash, and what is wrong behind it."""

    count: int
    position: int
    hash: str
    fault: str = ""


def verify_lines(lines: Iterable[str]) -> Verified:
    """Walk an export; a head begins it, and stands again where a broken stream went on."""
    so_far: Verified | None = None
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
            if "previous_hash" in told:
                so_far = _head(so_far, told)
            elif so_far is None:
                so_far = Verified(0, 0, "", "the export does not begin with its head")
            else:
                so_far = _entry(so_far, told)
        except (ValueError, KeyError, TypeError):
            return Verified(0, 0, "", f"line {number} is no line of an export")
        if so_far.fault:
            return so_far
    return so_far or Verified(0, 0, "", "the export is empty")


def _head(so_far: Verified | None, told: dict[str, Any]) -> Verified:
    begin = Verified(0, int(told["position"]), str(told["previous_hash"]))
    if so_far is None:
        return begin
    fits = (so_far.position, so_far.hash) == (begin.position, begin.hash)
    return so_far if fits else _broken(so_far, f"entries between {so_far.position} and {begin.position} are missing")


def _entry(so_far: Verified, told: dict[str, Any]) -> Verified:
    position = int(told["position"])
    if position != so_far.position + 1:
        return _broken(so_far, f"entry {so_far.position + 1} is missing")
    said = json.dumps([told[name] for name in _HASHED], ensure_ascii=False)
    hashed = hashlib.sha256(bytes.fromhex(so_far.hash) + said.encode()).hexdigest()
    if hashed != told["hash"]:
        return _broken(so_far, f"entry {position} is not as it was written")
    return Verified(so_far.count + 1, position, hashed)


def _broken(so_far: Verified, fault: str) -> Verified:
    return Verified(so_far.count, so_far.position, so_far.hash, fault)


@app.command("list")
def list_entries(
    context: typer.Context,
    *,
    action: Annotated[str, typer.Option(help="Only this one, as Disconnect.")] = "",
    caller: Annotated[str, typer.Option(help="Only by this caller.")] = "",
) -> None:
    """List who did what, newest first."""
    session = session_of(context)
    request = ListAuditEntriesRequest(action=action, caller=caller)
    session.output.list(
        session.caller.list_all(session.caller.admin.ListAuditEntries, request, field="entries"),
        {
            "entry": lambda one: one.position,
            "time": lambda one: moment(one.create_time),
            "who": lambda one: f"{one.caller} {one.actor}".strip(),
            "what": lambda one: one.action,
            "result": lambda one: one.result,
            "about": lambda one: ", ".join(one.objects),
            "calls": lambda one: one.call_count,
        },
    )


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist.")],
    position: Annotated[int, typer.Option(help="Behind which entry to begin.")] = 0,
) -> None:
    """Write the audit as JSON lines."""
    session = session_of(context)
    request = ExportAuditRequest(position=position)
    with file.open("x", encoding="utf-8") as output:
        for piece in session.caller.watch(session.caller.admin.ExportAudit, request, resume=_behind):
            output.writelines(f"{line}\n" for line in piece.lines)


def _behind(request: ExportAuditRequest, piece: ExportAuditResponse) -> None:
    if piece.lines:
        request.position = json.loads(piece.lines[-1])["position"]


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="An export.")]) -> None:
    """Check an export, without the connector; tells its last hash, which is worth keeping elsewhere."""
    with file.open(encoding="utf-8") as lines:
        verified = verify_lines(lines)
    if verified.fault:
        typer.echo(f"Broken: {verified.fault}; {verified.count} entries before it are whole.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Whole: {verified.count} entries, up to {verified.position} with the hash {verified.hash}.")


@app.command()
def check(context: typer.Context) -> None:
    """Have the connector check the whole chain."""
    session = session_of(context)
    answer = VerifyAuditResponse()
    while not answer.complete:
        request = VerifyAuditRequest(position=answer.position, hash=answer.hash)
        answer = session.caller.call(session.caller.admin.VerifyAudit, request)
        if answer.fault:
            fault = VerifyAuditResponse.Fault.Name(answer.fault).removeprefix("FAULT_")
            typer.echo(f"Broken: entry {answer.fault_position} is {fault}.", err=True)
            raise typer.Exit(1)
    session.output.show(answer, f"Whole up to entry {answer.position}, with the hash {answer.hash.hex()}.")
