"""Files on their way to Meta: kept in pieces until they end, after an hour, then only Meta's id of them. And the templates that Meta told."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from connector.connections.model import Connection
from connector.db.schema import Tx, plain
from connector.errors import NotFound
from connector.messaging.db.tables import message_templates, upload_pieces, uploads
from connector.messaging.model import Template, Upload

_UPLOAD = [uploads.c[field.name] for field in fields(Upload)]
_TEMPLATE = [message_templates.c[field.name] for field in fields(Template)]


def missing_upload(upload_id: str) -> NotFound:
    """Say that a store has no such upload, alike for malformed, foreign, absent, expired and unfinished ones."""
    words = "No such upload in this store, or it has expired or is not complete: upload the file again"
    return NotFound("UPLOAD_NOT_FOUND", words, upload_id=upload_id)


async def begin_upload(tx: Tx, connection: Connection, draft: Upload, *, at: datetime) -> Upload:
    """Begin an upload; the same file on the same Page is found again, and one that has expired begins anew."""
    values = {field.name: getattr(draft, field.name) for field in fields(Upload)}
    values |= {"file_name": plain(draft.file_name), "store_id": connection.store_id, "create_time": at}
    same = and_(uploads.c.connection_id == connection.id, uploads.c.sha256 == draft.sha256)
    await tx.execute(delete(uploads).where(same, uploads.c.expire_time <= at))
    wish = insert(uploads).values(**values)
    same_file = [uploads.c.connection_id, uploads.c.sha256]
    kept = wish.on_conflict_do_update(index_elements=same_file, set_={"sha256": wish.excluded.sha256})
    return Upload(*(await tx.execute(kept.returning(*_UPLOAD))).one())


async def require_upload(tx: Tx, store_id: str, upload_id: UUID, *, at: datetime) -> Upload:
    """Find a store's upload that has not expired, and keep others from adding to it.

    Raises:
        NotFound: UPLOAD_NOT_FOUND.

    """
    mine = uploads.c.store_id == store_id, uploads.c.id == upload_id, uploads.c.expire_time > at
    row = (await tx.execute(select(*_UPLOAD).where(*mine).with_for_update())).one_or_none()
    if row is None:
        raise missing_upload(str(upload_id))
    return Upload(*row)


async def keep_piece(tx: Tx, store_id: str, upload: Upload, piece: bytes) -> Upload:
    """Keep the next piece of an upload."""
    new = {"upload_id": upload.id, "first_byte": upload.received_bytes, "store_id": store_id, "bytes": piece}
    await tx.execute(insert(upload_pieces).values(**new))
    return await _change(tx, upload.id, received_bytes=upload.received_bytes + len(piece))


async def pieces(tx: Tx, upload_id: UUID) -> bytes:
    """Put the pieces of an upload together."""
    rows = select(upload_pieces.c.bytes).where(upload_pieces.c.upload_id == upload_id)
    return b"".join(await tx.scalars(rows.order_by(upload_pieces.c.first_byte)))


async def finish_upload(tx: Tx, upload_id: UUID, attachment_id: str, *, expire_time: datetime) -> Upload:
    """Note Meta's id of a file, and forget the file."""
    await tx.execute(delete(upload_pieces).where(upload_pieces.c.upload_id == upload_id))
    return await _change(tx, upload_id, attachment_id=attachment_id, expire_time=expire_time)


async def drop_upload(tx: Tx, upload_id: UUID) -> None:
    """Forget an upload, with its pieces."""
    await tx.execute(delete(uploads).where(uploads.c.id == upload_id))


async def _change(tx: Tx, upload_id: UUID, **values: Any) -> Upload:
    changed = update(uploads).where(uploads.c.id == upload_id).values(**values).returning(*_UPLOAD)
    return Upload(*(await tx.execute(changed)).one())


async def keep_templates(tx: Tx, connection: Connection, told: Sequence[Template], *, at: datetime) -> None:
    """Keep what Meta told of templates, in place of what it told before."""
    if not told:
        return
    rows = [
        {name: plain(value) if isinstance(value, str) else value for name, value in _values(one).items()}
        | {"connection_id": connection.id, "store_id": connection.store_id, "update_time": at}
        for one in {(one.name, one.language): one for one in told}.values()
    ]
    names = [(row["name"], row["language"]) for row in rows]
    same = tuple_(message_templates.c.name, message_templates.c.language).in_(names)
    await tx.execute(delete(message_templates).where(message_templates.c.connection_id == connection.id, same))
    await tx.execute(insert(message_templates).values(rows).on_conflict_do_nothing())


def _values(template: Template) -> dict[str, Any]:
    return {field.name: getattr(template, field.name) for field in fields(Template)}


async def forget_templates(tx: Tx, connection_id: UUID, *, name: str = "", before: datetime | None = None) -> int:
    """Forget a template by its name, or all that Meta has not told since a moment; tells how many."""
    mine = [message_templates.c.connection_id == connection_id]
    mine += [message_templates.c.name == name] if name else []
    mine += [message_templates.c.update_time < before] if before else []
    return (await tx.execute(delete(message_templates).where(*mine))).rowcount


async def find_template(tx: Tx, connection_id: UUID, name: str, language: str = "") -> Template | None:
    """Find a template by its name, and in a language if one is given."""
    mine = [message_templates.c.connection_id == connection_id, message_templates.c.name == name]
    mine += [message_templates.c.language == language] if language else []
    row = (await tx.execute(select(*_TEMPLATE).where(*mine).limit(1))).one_or_none()
    return None if row is None else Template(*row)


async def list_templates(tx: Tx, connection_id: UUID, *, limit: int, after: tuple[str, str] | None) -> list[Template]:
    """List a Page's templates, by name and language."""
    place = tuple_(message_templates.c.name, message_templates.c.language)
    mine = [message_templates.c.connection_id == connection_id] + ([place > after] if after else [])
    wanted = select(*_TEMPLATE).where(*mine).order_by(message_templates.c.name, message_templates.c.language)
    return [Template(*row) for row in await tx.execute(wanted.limit(limit))]


async def upload_room(tx: Tx, store_id: str) -> int:
    """Count the bytes of a store's unfinished uploads."""
    mine = uploads.c.store_id == store_id, uploads.c.attachment_id == ""
    return int(await tx.scalar(select(func.coalesce(func.sum(uploads.c.size_bytes), 0)).where(*mine)) or 0)
