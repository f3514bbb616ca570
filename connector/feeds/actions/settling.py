"""Brings Meta's findings on a file back to its items, a piece at a time, and clears up.

Where Meta names every row it refused, the others are confirmed. Where it names only some, or nobody knows what became of the
file, only those named are settled; the rest goes in batches, which have a verdict for every item.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from connector.connections import db as connections_db
from connector.connections.model import Connection, Problem
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.feeds.db import pieces, uploads
from connector.feeds.model.values import Findings, Severity, State, Upload, outcome
from connector.pieces import Cursor, go_through
from connector.registry import actions as registry
from connector.registry.db import feeding, flights
from connector.registry.db.flights import Batch
from connector.registry.model import BatchStatus, meta_fault
from connector.runtime import Runtime

_FORGOTTEN = 50  # pieces of a file in one transaction


async def settle(runtime: Runtime, task: Taken) -> None:
    """Settle the items of a file, forget the file, and end the upload."""
    await go_through(runtime, task, _settle_piece)


async def _settle_piece(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    upload = await uploads.find(tx, UUID(cursor["upload_id"]))
    if upload is None or upload.state is not State.SETTLING:
        return None
    connection = await connections_db.by_id(tx, upload.connection_id)
    if connection is None:
        raise connections_db.missing(str(upload.connection_id))
    if (batch := await feeding.next_batch(tx, upload.id)) is not None:
        await _settle_batch(tx, connection, upload, batch, at=at)
        return cursor
    if await pieces.forget(tx, upload.id, limit=_FORGOTTEN):
        return cursor
    await _end(tx, connection, upload, at=at)
    return None


async def _settle_batch(tx: Tx, connection: Connection, upload: Upload, batch: Batch, *, at: datetime) -> None:
    findings = upload.findings
    refused, warned = await _words(tx, batch, findings, Severity.FATAL), {}
    if not upload.reason and findings.told(upload.counted_rows):
        warned = await _words(tx, batch, findings, Severity.WARNING)
        await registry.judge(tx, connection, batch, BatchStatus("finished", refused, warned), at=at)
        return
    faults = {name: meta_fault(words) for name, words in refused.items()}
    settled = await flights.refuse(tx, batch, faults, at=at)
    settled += await flights.release(tx, batch, uncertain=upload.ask_time is not None)
    await registry.settle(tx, connection, settled, at=at)


async def _words(tx: Tx, batch: Batch, findings: Findings, severity: Severity) -> dict[str, str]:
    """Find Meta's words on the items of a piece."""
    words: Mapping[str, str] = findings.words(severity)
    return {name: words[name] for name in await feeding.named(tx, batch.id, list(words))} if words else {}


async def _end(tx: Tx, connection: Connection, upload: Upload, *, at: datetime) -> None:
    reason, message = upload.reason, upload.message
    if not reason and not upload.findings.usable:
        reason, message = "META_REJECTED", f"Meta could not use the file: {upload.findings.errors[0].summary}"
    state = outcome(upload.findings, upload.counted_rows, failed=bool(reason))
    await uploads.change(tx, upload.id, state=state, reason=reason, message=message, end_time=at)
    if reason:
        words = f"The upload of the feed {upload.kind} failed: {message}"
        await connections_db.note_problem(tx, connection.id, Problem(reason, words, at))
    await registry.plan(tx, connection, at=at)
