"""Files: taken in pieces, given to Meta as a whole, and then forgotten but for Meta's id of them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind, Connection
from connector.errors import FailedPrecondition, InvalidInput, Overloaded
from connector.graph.call import File
from connector.messaging import db, graph
from connector.messaging.model import Upload, looks_like
from connector.runtime import Runtime

_UNFINISHED = timedelta(hours=1)
# Unverified: how long Meta keeps a reusable attachment; our own figure.
_SENDABLE = timedelta(days=30)
_MOST_UNFINISHED_BYTES = 100_000_000
"""Our own figure: what a store may have on its way at once."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a caller says of a file before its first piece."""

    file_name: str
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file, and where they begin."""

    first_byte: int
    content: bytes


async def upload_piece(
    runtime: Runtime, store_id: str, connection_id: str, *, upload: UUID | Announced, piece: Piece
) -> Upload:
    """Keep a piece; with the last one, give the whole to Meta. A piece that is here already changes nothing.

    Raises:
        NotFound: UPLOAD_NOT_FOUND.
        FailedPrecondition: UPLOAD_OUT_OF_ORDER; the connection cannot send; Meta refuses the file.
        InvalidInput: the bytes are not what was announced; nothing of them is kept.
        Overloaded: the store has too much on its way.
        Throttled, Unavailable: Meta did not take it: repeat the last piece.

    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require_live(tx, store_id, connection_id)
        connection_actions.require_capability(connection, CapabilityKind.MESSAGING)
        if isinstance(upload, Announced):
            if await db.upload_room(tx, store_id) + upload.size_bytes > _MOST_UNFINISHED_BYTES:
                words = "The store has too many unfinished uploads: finish some, or wait an hour"
                raise Overloaded("TOO_MANY_CALLS", words)
            found = await db.begin_upload(tx, connection, _draft(runtime, connection, upload), at=now)
            upload = found.id
        found = await db.require_upload(tx, store_id, upload, at=now)
        if found.connection_id != connection.id:
            raise db.missing_upload(str(upload))
        if found.attachment_id:
            return found
        if not _here_already(found, piece):
            found = await db.keep_piece(tx, store_id, found, piece.content)
        if found.received_bytes < found.size_bytes:
            return found
        await connection_actions.require_open(runtime, tx, connection.environment)
    async with runtime.wholes:
        return await _deliver(runtime, connection, found.id)


def _draft(runtime: Runtime, connection: Connection, told: Announced) -> Upload:
    expire_time: datetime = runtime.now() + _UNFINISHED
    said = told.sha256, told.file_name, told.content_type, told.size_bytes
    return Upload(runtime.new_id(), connection.id, *said, received_bytes=0, attachment_id="", expire_time=expire_time)


def _here_already(upload: Upload, piece: Piece) -> bool:
    """Tell whether a piece was kept before.

    Raises:
        FailedPrecondition: UPLOAD_OUT_OF_ORDER, naming where to go on.
        InvalidInput: it reaches beyond the end.

    """
    end = piece.first_byte + len(piece.content)
    if end > upload.size_bytes:
        words = f"reaches beyond the announced {upload.size_bytes} bytes"
        raise InvalidInput.of("piece", "FIELD_TOO_LARGE", words, limit=upload.size_bytes)
    if piece.first_byte != upload.received_bytes and end > upload.received_bytes:
        words = f"Go on at byte {upload.received_bytes}, where the last piece ended"
        raise FailedPrecondition("UPLOAD_OUT_OF_ORDER", words, fix=words, next_byte=upload.received_bytes)
    return end <= upload.received_bytes


async def _deliver(runtime: Runtime, connection: Connection, upload_id: UUID) -> Upload:
    """Give a file to Meta, unless somebody just did. Twice does no harm: nobody sees it before it is sent."""
    async with runtime.db.begin() as tx:
        upload = await db.require_upload(tx, connection.store_id, upload_id, at=runtime.now())
        if upload.attachment_id:
            return upload
        whole = await db.pieces(tx, upload.id)
    try:
        _require_announced(upload, whole)
    except InvalidInput:
        async with runtime.db.begin() as tx:
            await db.drop_upload(tx, upload.id)
        raise
    access = await connection_actions.access(runtime, connection, kind="page")
    file = File("filedata", upload.file_name, upload.content_type, whole)
    attachment_id = await runtime.graph.send(graph.upload(connection.page_id, upload.kind, file), access)
    async with runtime.db.begin() as tx:
        await db.require_upload(tx, connection.store_id, upload_id, at=runtime.now())
        return await db.finish_upload(tx, upload.id, attachment_id, expire_time=runtime.now() + _SENDABLE)


def _require_announced(upload: Upload, whole: bytes) -> None:
    """Refuse bytes that are not what was said of them."""
    if hashlib.sha256(whole).hexdigest() != upload.sha256:
        raise InvalidInput.of("sha256", "FIELD_INVALID", "is not that of the bytes sent: begin again")
    if not looks_like(upload.content_type, whole):
        words = f"the file does not begin as {upload.content_type} does: name its real type"
        raise InvalidInput.of("content_type", "FIELD_INVALID", words)
