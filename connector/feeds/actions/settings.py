"""Switches feeds on and off, and tells how they and their uploads do."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, InvalidInput
from connector.feeds.db import uploads
from connector.feeds.model.values import Feed, FeedKind, Upload
from connector.registry.db import feeding
from connector.runtime import Runtime


async def set_feed(
    runtime: Runtime, store_id: str, connection_id: str, kind: FeedKind, *, enabled: bool, integration_id: str
) -> tuple[Connection, Feed]:
    """Switch a feed on or off. Repeating it changes nothing."""
    if kind is FeedKind.NAVIGATION and enabled and not integration_id:
        message = "is required: Meta takes navigation only for a commerce integration, which only some merchants have"
        raise InvalidInput.of("integration_id", "FIELD_REQUIRED", message)
    if kind is FeedKind.PRODUCTS and integration_id:
        raise InvalidInput.of("integration_id", "FIELD_INVALID", "must be empty: products are a feed of the catalog")
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        feed = await uploads.read_feed(tx, connection.id, kind, lock=True)
        feed = replace(feed, enabled=enabled, integration_id=integration_id)
        await uploads.write_feed(tx, feed)
        if kind is FeedKind.PRODUCTS:
            await feeding.enable(tx, connection.id, enabled=enabled)
    return connection, feed


async def require_enabled(tx: Tx, connection: Connection, kind: FeedKind) -> Feed:
    """Read a feed, and keep it from changing, as long as it is on.

    Raises:
        FailedPrecondition: FEED_NOT_ENABLED.

    """
    feed = await uploads.read_feed(tx, connection.id, kind, lock=True)
    if not feed.enabled:
        message = f"The feed {kind} of this connection is off: switch it on with SetFeed"
        raise FailedPrecondition("FEED_NOT_ENABLED", message, fix="SetFeed", kind=str(kind))
    return feed


async def list_feeds(
    runtime: Runtime, store_id: str, connection_id: str
) -> tuple[Connection, list[tuple[Feed, Upload | None]]]:
    """Tell every feed of a connection with its last upload."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        last = await uploads.last(tx, connection.id)
        return connection, [(feed, last.get(feed.kind)) for feed in await uploads.read_feeds(tx, connection.id)]


async def list_uploads(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    kind: FeedKind | None,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Upload]:
    """List uploads, newest first."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        return await uploads.list_page(tx, connection.id, kind, before=before, limit=limit)
