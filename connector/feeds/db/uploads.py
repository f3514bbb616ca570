"""Feeds, one row per connection and kind, and their uploads, of which one at most is open."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    and_,
    delete,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert

from connector.db.schema import SEALED, Instant, Json, Tx, metadata, plain
from connector.feeds.model.values import OPEN, Feed, FeedError, FeedKind, File, Findings, Severity, State, Upload
from connector.values import ConnectionId

_OPEN = "state IN ({})".format(", ".join(f"'{state}'" for state in OPEN))

feeds = Table(
    "feeds",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("integration_id", Text, nullable=False, comment="Meta's commerce integration; empty: a feed of the catalog"),
    Column("meta_feed_id", Text, nullable=False, server_default=""),
    Column("ask_time", Instant, comment="when Meta was last asked to create it"),
    PrimaryKeyConstraint("connection_id", "kind"),
    CheckConstraint("integration_id <> '' OR kind <> 'NAVIGATION' OR NOT enabled", "integration_id"),
)
feed_uploads = Table(
    "feed_uploads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("request_id", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("row_count", BigInteger, nullable=False, server_default="0"),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("piece_count", Integer, nullable=False, server_default="0"),
    Column("token_hash", LargeBinary, nullable=False, unique=True, comment="by which the file is found"),
    Column(
        "sealed_token", LargeBinary, nullable=False, comment="for Meta; sealed",
        info={SEALED: lambda row: f"feed:{row.id}"},
    ),
    Column("meta_upload_id", Text, nullable=False, server_default=""),
    Column("polls", Integer, nullable=False, server_default="0"),
    Column("findings", Json, nullable=False, server_default="{}"),
    Column("create_time", Instant, nullable=False),
    Column("ask_time", Instant, comment="when Meta was first asked to fetch it"),
    Column("fetch_time", Instant, comment="when the whole file was last fetched"),
    Column("end_time", Instant),
    Column("expire_time", Instant, comment="until when the file can be fetched; NULL: not yet"),
    CheckConstraint(f"({_OPEN}) = (end_time IS NULL)", "end_time"),
    Index(
        "uq_feed_uploads_open", "connection_id", "kind", unique=True, postgresql_where=text(_OPEN)
    ),
    Index(
        "uq_feed_uploads_store_id_request_id", "store_id", "request_id", unique=True,
        postgresql_where=text("request_id IS NOT NULL"),
    ),
    Index("ix_feed_uploads_connection_id", "connection_id", "create_time", "id"),
    Index("ix_feed_uploads_end_time", "end_time", postgresql_where=text("end_time IS NOT NULL")),
)  # fmt: skip


async def read_feed(tx: Tx, connection_id: ConnectionId, kind: FeedKind, *, lock: bool = False) -> Feed:
    """Read a feed; one nobody set is off."""
    wanted = select(feeds).where(feeds.c.connection_id == connection_id, feeds.c.kind == kind)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return Feed(connection_id, kind) if row is None else _feed(row)


async def read_feeds(tx: Tx, connection_id: ConnectionId) -> list[Feed]:
    """Read the feeds of a connection, one of each kind."""
    rows = await tx.execute(select(feeds).where(feeds.c.connection_id == connection_id))
    known = {feed.kind: feed for feed in map(_feed, rows)}
    return [known.get(kind, Feed(connection_id, kind)) for kind in FeedKind]


async def write_feed(tx: Tx, feed: Feed) -> None:
    """Store a feed."""
    wish = insert(feeds).values(**asdict(feed))
    values = {name: wish.excluded[name] for name in ("enabled", "integration_id", "meta_feed_id", "ask_time")}
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id", "kind"], set_=values))


def _feed(row: Row[Any]) -> Feed:
    return Feed(**dict(row._mapping) | {"kind": FeedKind(row.kind)})  # noqa: SLF001 – SQLAlchemy's documented way


async def create(tx: Tx, values: dict[str, Any], *, at: datetime) -> Upload:
    """Keep a new upload, WRITING."""
    wish = insert(feed_uploads).values(state=State.WRITING, create_time=at, **values)
    return _upload((await tx.execute(wish.returning(feed_uploads))).one())


async def find(tx: Tx, upload_id: UUID) -> Upload | None:
    """Read an upload, by our own id, for background work."""
    row = (await tx.execute(select(feed_uploads).where(feed_uploads.c.id == upload_id))).one_or_none()
    return None if row is None else _upload(row)


async def of_request(tx: Tx, store_id: str, request_id: str) -> Upload | None:
    """Find the upload that a request began."""
    same = feed_uploads.c.store_id == store_id, feed_uploads.c.request_id == request_id
    row = (await tx.execute(select(feed_uploads).where(*same))).one_or_none() if request_id else None
    return None if row is None else _upload(row)


async def find_open(tx: Tx, connection_id: UUID, kind: FeedKind) -> Upload | None:
    """Find the upload of a feed that has not ended."""
    mine = feed_uploads.c.connection_id == connection_id, feed_uploads.c.kind == kind, feed_uploads.c.state.in_(OPEN)
    row = (await tx.execute(select(feed_uploads).where(*mine))).one_or_none()
    return None if row is None else _upload(row)


async def last(tx: Tx, connection_id: UUID) -> dict[FeedKind, Upload]:
    """Find the last upload of each feed."""
    mine = (
        select(feed_uploads).ext(distinct_on(feed_uploads.c.kind)).where(feed_uploads.c.connection_id == connection_id)
    )
    rows = await tx.execute(mine.order_by(feed_uploads.c.kind, feed_uploads.c.create_time.desc()))
    return {upload.kind: upload for upload in map(_upload, rows)}


async def list_page(
    tx: Tx, connection_id: UUID, kind: FeedKind | None, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Upload]:
    """List uploads, newest first."""
    wanted = select(feed_uploads).where(feed_uploads.c.connection_id == connection_id)
    if kind is not None:
        wanted = wanted.where(feed_uploads.c.kind == kind)
    if before is not None:
        same_time = and_(feed_uploads.c.create_time == before[0], feed_uploads.c.id < before[1])
        wanted = wanted.where(or_(feed_uploads.c.create_time < before[0], same_time))
    ordered = wanted.order_by(feed_uploads.c.create_time.desc(), feed_uploads.c.id.desc()).limit(limit)
    return [_upload(row) for row in await tx.execute(ordered)]


async def change(tx: Tx, upload_id: UUID, **values: Any) -> Upload:
    """Change columns of an upload."""
    if "findings" in values:
        values["findings"] = _write_findings(values["findings"])
    if "message" in values:
        values["message"] = plain(values["message"])
    changed = update(feed_uploads).where(feed_uploads.c.id == upload_id).values(**values)
    return _upload((await tx.execute(changed.returning(feed_uploads))).one())


async def find_file(tx: Tx, digest: bytes, *, at: datetime) -> File | None:
    """Find a complete file that can still be fetched, by its token's hash."""
    columns = feed_uploads.c.id, feed_uploads.c.kind, feed_uploads.c.size_bytes, feed_uploads.c.piece_count
    mine = feed_uploads.c.token_hash == digest, feed_uploads.c.expire_time > at
    complete = feed_uploads.c.state.in_((State.READY, State.RUNNING))
    row = (await tx.execute(select(*columns).where(*mine, complete))).one_or_none()
    return None if row is None else File(row.id, FeedKind(row.kind), row.size_bytes, row.piece_count, row.id.hex)


async def stuck(tx: Tx, *, before: datetime, limit: int) -> list[Upload]:
    """Find some uploads that began before a time and were never settled."""
    states = [state for state in OPEN if state is not State.SETTLING]
    old = feed_uploads.c.state.in_(states), feed_uploads.c.create_time < before
    rows = await tx.execute(select(feed_uploads).where(*old).limit(limit).with_for_update(skip_locked=True))
    return [_upload(row) for row in rows]


async def sweep(tx: Tx, *, before: datetime, limit: int) -> bool:
    """Forget some uploads that ended before a time; tells whether there were any."""
    old = select(feed_uploads.c.id).where(feed_uploads.c.end_time < before).limit(limit)
    gone = await tx.execute(delete(feed_uploads).where(feed_uploads.c.id.in_(old)).returning(feed_uploads.c.id))
    return bool(gone.all())


def _write_findings(findings: Findings) -> dict[str, Any]:
    document = asdict(findings)
    for error in document["errors"]:
        error["summary"] = plain(error["summary"])
        error["error_type"] = plain(error["error_type"])
        error["samples"] = [plain(name) for name in error["samples"]]
    return document


def _read_findings(document: dict[str, Any]) -> Findings:
    errors = tuple(_read_error(one) for one in document.get("errors", ()))
    values: dict[str, Any] = {"ended": False, **document, "errors": errors}
    return Findings(**values)


def _read_error(document: dict[str, Any]) -> FeedError:
    words = {"severity": Severity(document["severity"]), "samples": tuple(document["samples"])}
    return FeedError(**document | words)


def _upload(row: Row[Any]) -> Upload:
    values = {name: getattr(row, name) for name in Upload.__slots__}
    words = {"kind": FeedKind(row.kind), "state": State(row.state), "findings": _read_findings(row.findings)}
    return Upload(**values | words)
