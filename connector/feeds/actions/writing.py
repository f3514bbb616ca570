"""Begins uploads and writes their files, a piece and its items in one transaction.

The batches of content pause while a file of products is written, so that what a snapshot changed is in the file; afterwards they go
on with whatever the file did not take: removals, what changed since, what no row can carry. An item of the file is in no batch
until Meta's verdict on the file, in whichever lane.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.feeds.actions.settings import require_enabled
from connector.feeds.db import pieces, sources, uploads
from connector.feeds.db import promotions as promotions_db
from connector.feeds.model import navigation, products, promotions, reviews
from connector.feeds.model.files import new_token, pack, token_hash, write_rows
from connector.feeds.model.values import FeedKind, State, Upload
from connector.pieces import Cursor, go_through
from connector.registry import actions as registry
from connector.registry.db import feeding
from connector.registry.model import Cargo
from connector.runtime import Runtime
from connector.vault import Binding, Secret

_PIECE, _PIECE_OF_REVIEWS = 2_000, 500
"""Rows written in one transaction: a few megabytes, also of the longest reviews, which are served unpacked."""


async def upload_feed(
    runtime: Runtime, store_id: str, connection_id: str, kind: FeedKind, *, request_id: str
) -> Upload:
    """Begin an upload; the same one for the same `request_id`.

    Raises:
        FailedPrecondition: FEED_NOT_ENABLED, FEED_NOT_READY, FEED_UPLOAD_RUNNING, CATALOG_NOT_ATTACHED, or the connection's.

    """
    async with runtime.db.begin() as tx:
        named = await connections_db.require_live(tx, store_id, connection_id)
    ticket = await _issue(runtime, named)
    async with runtime.db.begin() as tx:
        connection = await connections_db.require_live(tx, store_id, named.id)
        if begun := await uploads.of_request(tx, store_id, request_id):
            return begun
        await require_enabled(tx, connection, kind)
        if kind is FeedKind.PROMOTIONS:
            connections.require_capability(connection, CapabilityKind.PROMOTIONS)
        await _require_ready(tx, connection, kind)
        if running := await uploads.find_open(tx, connection.id, kind):
            message = "An upload of this feed is under way: wait for its end, ListFeedUploads tells it"
            raise FailedPrecondition("FEED_UPLOAD_RUNNING", message, upload_id=str(running.id))
        return await _begin(runtime, tx, connection, kind, ticket, request_id=request_id)


async def _require_ready(tx: Tx, connection: Connection, kind: FeedKind) -> None:
    if not connection.catalog_id and kind is not FeedKind.NAVIGATION:
        message = "The connection has no catalog: call AttachCatalog or CreateCatalog"
        raise FailedPrecondition("CATALOG_NOT_ATTACHED", message, fix="AttachCatalog")
    ready, missing = {
        FeedKind.PRODUCTS: (feeding.snapshot_applied, "CommitSnapshot"),
        FeedKind.RATINGS_AND_REVIEWS: (_had_reviews, "PutReviews"),
        FeedKind.NAVIGATION: (sources.read_navigation, "PutNavigation"),
        FeedKind.PROMOTIONS: (_had_promotions, "PutPromotions"),
    }[kind]
    if not await ready(tx, connection.id):
        message = f"There is nothing to write into the feed {kind} yet: call {missing} first"
        raise FailedPrecondition("FEED_NOT_READY", message, fix=missing, kind=str(kind))


async def _had_reviews(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether there are reviews, or were: then the next upload takes them from Meta."""
    return await sources.has_reviews(tx, connection_id) or FeedKind.RATINGS_AND_REVIEWS in await uploads.last(
        tx, connection_id
    )


async def _had_promotions(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether promotions were handed in, be it none: then the next upload takes them from Meta."""
    return await promotions_db.read(tx, connection_id) is not None


async def begin_by_snapshot(runtime: Runtime, task: Taken) -> None:
    """Begin the upload that an applied snapshot asks for. While another is under way, the snapshot travels in batches."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        owner = await _owner(tx, task.connection_id)
    ticket = await _issue(runtime, owner)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = connections_db.require_connected(await _owner(tx, task.connection_id))
        feed = await uploads.read_feed(tx, connection.id, FeedKind.PRODUCTS, lock=True)
        if feed.enabled and await uploads.find_open(tx, connection.id, FeedKind.PRODUCTS) is None:
            await _begin(runtime, tx, connection, FeedKind.PRODUCTS, ticket, request_id="")
        else:
            await _let_batches_go(tx, connection, at=at)
        await outbox.done(tx, task, at=at)


async def _owner(tx: Tx, connection_id: UUID | None) -> Connection:
    found = connection_id and await connections_db.by_id(tx, connection_id)
    if not found:
        raise connections_db.missing(str(connection_id))
    return found


async def _let_batches_go(tx: Tx, connection: Connection, *, at: datetime) -> None:
    await feeding.resume(tx, connection.id)
    await registry.plan(tx, connection, at=at)


class _Ticket(NamedTuple):
    """What an upload begins with: its id, and the token of its file, digested and sealed, as columns."""

    upload_id: UUID
    token: dict[str, Any]


async def _issue(runtime: Runtime, connection: Connection) -> _Ticket:
    """Make a ticket; outside of any transaction, as a key service may be asked."""
    upload_id, token = runtime.new_id(), new_token()
    sealed = await runtime.vault.seal(Secret(token), token_binding(connection, upload_id))
    return _Ticket(upload_id, {"token_hash": token_hash(token), "sealed_token": sealed})


async def _begin(
    runtime: Runtime, tx: Tx, connection: Connection, kind: FeedKind, ticket: _Ticket, *, request_id: str
) -> Upload:
    at = runtime.now()
    values = {"id": ticket.upload_id, "store_id": connection.store_id, "connection_id": connection.id, "kind": kind}
    upload = await uploads.create(tx, values | ticket.token | {"request_id": request_id or None}, at=at)
    if kind is FeedKind.PRODUCTS:
        await feeding.pause(tx, connection.id, at=at)
    await add_task(tx, Task.WRITE_FEED, upload, due=at)
    return upload


def token_binding(connection: Connection, upload_id: UUID) -> Binding:
    """Tell what the token of a file is sealed for."""
    return Binding(connection.store_id, str(connection.id), f"feed:{upload_id}")


async def add_task(tx: Tx, name: Task, upload: Upload, *, due: datetime) -> None:
    """Ask for a step of an upload."""
    key, arguments = f"{name}:{upload.id}", {"upload_id": str(upload.id)}
    await outbox.add(tx, name, due=due, connection_id=upload.connection_id, key=key, arguments=arguments)


async def write(runtime: Runtime, task: Taken) -> None:
    """Write the file of an upload, piece by piece, and have it uploaded; one without a row has succeeded already."""
    await go_through(runtime, task, partial(_write_piece, runtime))


class _Written(NamedTuple):
    """A piece before it is packed (empty: none), the rows in it, and where the next begins; None: it was the last."""

    content: bytes
    row_count: int
    after: str | None


async def _write_piece(runtime: Runtime, tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    upload = await uploads.find(tx, UUID(cursor["upload_id"]))
    if upload is None or upload.state is not State.WRITING:
        return None
    connection = connections_db.require_connected(await _owner(tx, upload.connection_id))
    if not (await uploads.read_feed(tx, connection.id, upload.kind)).enabled:
        await fail(tx, upload, "FEED_NOT_ENABLED", "The feed was switched off before Meta was asked to fetch it", at=at)
        return None
    written = await _WRITERS[upload.kind](runtime, tx, connection, upload, cursor.get("after", ""))
    if written.content:
        upload = await _keep_piece(tx, upload, written)
    if written.after is not None:
        return cursor | {"after": written.after}
    await _complete(tx, connection, upload, at=at)
    return None


async def _keep_piece(tx: Tx, upload: Upload, written: _Written) -> Upload:
    body = pack(written.content, upload.kind)
    await pieces.write(tx, upload.id, upload.piece_count, body)
    return await uploads.change(
        tx,
        upload.id,
        row_count=upload.row_count + written.row_count,
        size_bytes=upload.size_bytes + len(body),
        piece_count=upload.piece_count + 1,
    )


async def _complete(tx: Tx, connection: Connection, upload: Upload, *, at: datetime) -> None:
    if upload.piece_count:
        await uploads.change(tx, upload.id, state=State.READY)
        await add_task(tx, Task.UPLOAD_FEED, upload, due=at)
    else:
        await uploads.change(tx, upload.id, state=State.SUCCEEDED, end_time=at)
    if upload.kind is FeedKind.PRODUCTS:
        await _let_batches_go(tx, connection, at=at)


async def fail(tx: Tx, upload: Upload, reason: str, message: str, *, at: datetime) -> None:
    """Give an upload up; what travelled in its file goes in batches."""
    await uploads.change(tx, upload.id, state=State.SETTLING, reason=reason, message=message)
    await add_task(tx, Task.SETTLE_FEED, upload, due=at)


async def _write_products(runtime: Runtime, tx: Tx, connection: Connection, upload: Upload, after: str) -> _Written:
    rows: dict[str, Sequence[str]] = {}

    def fits(cargo: Cargo) -> bool:
        if row := products.write_row(cargo):
            rows[cargo.retailer_id] = row
        return cargo.retailer_id in rows

    at, batch_id = runtime.now(), runtime.new_id()
    await feeding.pause(tx, connection.id, at=at)
    piece = await feeding.load(
        tx, connection, upload.id, batch_id=batch_id, after=after, limit=_PIECE, fits=fits, at=at
    )
    if piece is None or not piece.cargo:
        return _Written(b"", 0, piece.upto if piece else None)
    header = [] if upload.piece_count else [products.HEADER]
    taken = [rows[one.retailer_id] for one in piece.cargo]
    return _Written(write_rows([*header, *taken]), len(taken), piece.upto)


async def _write_reviews(_: Runtime, tx: Tx, connection: Connection, upload: Upload, after: str) -> _Written:
    upto, found = await sources.reviewed(tx, connection.id, after=after, limit=_PIECE_OF_REVIEWS)
    named = {"store_id": connection.store_id, "store_name": connection.page_name}
    rows = [reviews.write_row(one, **named) for one in found]
    # Where every review was deleted, the file is its header alone: the next upload takes them from Meta, too.
    header = [reviews.HEADER] if not upload.piece_count and (rows or upto is None) else []
    return _Written(write_rows([*header, *rows]), len(rows), upto)


async def _write_navigation(_: Runtime, tx: Tx, connection: Connection, _upload: Upload, _after: str) -> _Written:
    menus = await sources.read_navigation(tx, connection.id)
    return _Written(navigation.write_menus(menus), len(menus), None)


async def _write_promotions(_: Runtime, tx: Tx, connection: Connection, _upload: Upload, _after: str) -> _Written:
    wanted = await promotions_db.read(tx, connection.id) or []
    names = await promotions_db.names(
        tx, connection.id, [product_id for one in wanted for product_id in one.product_ids]
    )
    rows = [row for one in wanted if (row := promotions.write_row(one, names))]
    return _Written(write_rows([promotions.HEADER, *rows]), len(rows), None)


_Write = Callable[[Runtime, Tx, Connection, Upload, str], Awaitable[_Written]]
_WRITERS: dict[FeedKind, _Write] = {
    FeedKind.PRODUCTS: _write_products,
    FeedKind.RATINGS_AND_REVIEWS: _write_reviews,
    FeedKind.NAVIGATION: _write_navigation,
    FeedKind.PROMOTIONS: _write_promotions,
}
