"""Has Meta fetch a file, and looks until it has ended; a step a turn, each with its call outside of any transaction.

    READY ──look: is ours under way, or another?──ask──▶ RUNNING ──look, more and more rarely──▶ SETTLING

An answer that was lost is looked for by the file's address, which is the upload's own. A file of products never deletes: it is
uploaded with `update_only`, always. Of an integration's file Meta tells nothing; it counts as taken in once Meta has fetched it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.errors import MetaRefused
from connector.feeds import graph
from connector.feeds.actions.writing import add_task, fail, token_binding
from connector.feeds.db import uploads
from connector.feeds.model.files import address
from connector.feeds.model.values import (
    FILE_TIME,
    PATIENCE,
    READABLE_TIME,
    Feed,
    FeedError,
    FeedKind,
    Findings,
    Severity,
    State,
    Upload,
    look_delay,
)
from connector.graph.call import Call
from connector.runtime import Runtime
from connector.vault import Unsealable

T = TypeVar("T")

# Unverified: code 100 with this subcode for what is absent.
_ABSENT = 33
_MOMENT, _MINUTE = timedelta(seconds=5), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Way:
    """What a step is about, and in whose name."""

    runtime: Runtime
    task: Taken
    connection: Connection
    feed: Feed
    upload: Upload

    async def send(self, call: Call[T]) -> T:
        """Send a call, once Meta has room for it."""
        async with self.runtime.db.begin() as tx:
            await outbox.hold(tx, self.task)
            await connections.require_room(self.runtime, tx, self.connection, call.bucket)
        return await self.runtime.graph.send(call, await connections.access(self.runtime, self.connection, kind="user"))

    async def come_back(self, delay: timedelta, **values: object) -> None:
        """Keep what is known, and end the turn."""
        async with self.runtime.db.begin() as tx:
            await outbox.hold(tx, self.task)
            if values:
                await uploads.change(tx, self.upload.id, **values)
            await outbox.again(tx, self.task, self.runtime.now() + delay)

    async def give_up(self, reason: str, message: str) -> None:
        """Let the upload fail, and end the task."""
        async with self.runtime.db.begin() as tx:
            await outbox.hold(tx, self.task)
            await fail(tx, self.upload, reason, message, at=self.runtime.now())
            await outbox.done(tx, self.task, at=self.runtime.now())

    async def end(self, findings: Findings) -> None:
        """Keep what Meta found, and end the task."""
        at = self.runtime.now()
        async with self.runtime.db.begin() as tx:
            await outbox.hold(tx, self.task)
            await uploads.change(tx, self.upload.id, state=State.SETTLING, findings=findings)
            await add_task(tx, Task.SETTLE_FEED, self.upload, due=at)
            await outbox.done(tx, self.task, at=at)


async def upload(runtime: Runtime, task: Taken) -> None:
    """Do the next step of an upload whose file is written. Any turn may be lost; the next one looks before it acts."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        found = await uploads.find(tx, UUID(task.arguments["upload_id"]))
        if found is None or found.state not in {State.READY, State.RUNNING}:
            await outbox.done(tx, task, at=runtime.now())
            return
        owner = await connections_db.by_id(tx, found.connection_id)
        connection = connections_db.require_connected(owner) if owner else None
        if connection is None:
            raise connections_db.missing(str(found.connection_id))
        feed = await uploads.read_feed(tx, connection.id, found.kind)
    way = _Way(runtime, task, connection, feed, found)
    try:
        await (_ask if found.state is State.READY else _look)(way)
    except MetaRefused as refusal:
        if refusal.reason == "META_TOKEN_INVALID":
            raise  # the merchant connects again, and the upload goes on
        words = refusal.metadata.get("meta_message", "")
        await way.give_up(refusal.reason, f"Meta refuses the feed: {words or refusal.message}")


async def _ask(way: _Way) -> None:
    """Have Meta fetch the file, unless it does already."""
    at, runtime, found = way.runtime.now(), way.runtime, way.upload
    if not way.feed.enabled and found.ask_time is None:
        await way.give_up("FEED_NOT_ENABLED", "The feed was switched off before Meta was asked to fetch it")
        return
    if at > found.create_time + PATIENCE:
        reason = "META_OUTCOME_UNKNOWN" if found.ask_time else "FEED_UPLOAD_RUNNING"
        await way.give_up(reason, "Meta could not be asked for two hours: another upload of the feed, or a pause")
        return
    try:
        token = await runtime.vault.open(found.sealed_token, token_binding(way.connection, found.id))
    except Unsealable:
        await way.give_up("INTERNAL", "The file's stored address is damaged: UploadFeed makes a new one")
        return
    url = address(runtime.public_url, token.reveal(), found.kind)
    if way.feed.integration_id:
        await _announce(way)
        await way.send(graph.update_file(way.feed.integration_id, found.kind, url))
        await way.come_back(_MINUTE, state=State.RUNNING)
        return
    if (feed := await _feed_at_meta(way)) is not None:
        await _ask_feed(replace(way, feed=feed), url)


async def _announce(way: _Way) -> None:
    """Let the file be fetched from now on."""
    at = way.runtime.now()
    async with way.runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        await uploads.change(tx, way.upload.id, ask_time=way.upload.ask_time or at, expire_time=at + FILE_TIME)


async def _feed_at_meta(way: _Way) -> Feed | None:
    """Find the feed at Meta, or create it; None when that must wait, the turn then being over."""
    if way.feed.meta_feed_id:
        return way.feed
    catalog_id, name = way.connection.catalog_id, f"StormCom {way.feed.kind} {way.connection.id}"
    known = (await way.send(graph.find_feeds(catalog_id))).get(name)
    asked = way.feed.ask_time
    if known is None and asked and way.runtime.now() < asked + READABLE_TIME:
        await way.come_back(_MOMENT)  # it may be there and not be listed yet
        return None
    feed = way.feed
    if known is None:
        feed = await _keep_feed(way, replace(feed, ask_time=way.runtime.now()))
        known = await way.send(graph.create_feed(catalog_id, feed.kind, name))
    return await _keep_feed(way, replace(feed, meta_feed_id=known))


async def _keep_feed(way: _Way, feed: Feed) -> Feed:
    """Keep what is known of the feed at Meta; whether it is on is not ours to say."""
    async with way.runtime.db.begin() as tx:
        await outbox.hold(tx, way.task)
        now = await uploads.read_feed(tx, feed.connection_id, feed.kind, lock=True)
        kept = replace(now, ask_time=feed.ask_time, meta_feed_id=feed.meta_feed_id)
        await uploads.write_feed(tx, kept)
    return kept


async def _ask_feed(way: _Way, url: str) -> None:
    catalog_id, feed_id = way.connection.catalog_id, way.feed.meta_feed_id
    try:
        begun = await way.send(graph.last_uploads(catalog_id, feed_id))
        ours = next((one.id for one in begun if one.url == url), None)
        if ours is None and any(not one.ended for one in begun):
            await way.come_back(_MINUTE)  # one upload of a feed at a time
            return
        if ours is None:
            await _announce(way)
            update_only = way.upload.kind is FeedKind.PRODUCTS
            ours = await way.send(graph.begin_upload(catalog_id, feed_id, url, update_only=update_only))
    except MetaRefused as refusal:
        asked = way.feed.ask_time or way.upload.create_time
        if refusal.subcode != _ABSENT or way.runtime.now() > max(asked, way.upload.create_time) + READABLE_TIME:
            raise
        if asked < way.upload.create_time:  # it was there: somebody deleted it, and it is made anew
            await _keep_feed(way, replace(way.feed, meta_feed_id="", ask_time=None))
        await way.come_back(_MOMENT)  # a new feed may seem absent at first
        return
    await way.come_back(look_delay(0), state=State.RUNNING, meta_upload_id=ours)


async def _look(way: _Way) -> None:
    """Look how far Meta is; at the end, take its findings along."""
    found, at = way.upload, way.runtime.now()
    if not found.meta_upload_id:  # an integration's file
        await _look_for_fetch(way)
        return
    catalog_id = way.connection.catalog_id
    try:
        findings = await way.send(graph.read_upload(catalog_id, found.meta_upload_id))
        if findings.ended:
            await way.end(replace(findings, errors=await _read_errors(way)))
            return
    except MetaRefused as refusal:
        if refusal.reason != "META_REJECTED":
            raise
        await way.give_up("META_OUTCOME_UNKNOWN", "Meta no longer knows the upload")
        return
    if at > (found.ask_time or found.create_time) + PATIENCE:
        await way.give_up("META_OUTCOME_UNKNOWN", "Meta has not ended the upload for two hours; look at the feed there")
        return
    await way.come_back(look_delay(found.polls + 1), polls=found.polls + 1)


async def _read_errors(way: _Way) -> tuple[FeedError, ...]:
    """Read what Meta found, the worst first, with the rows it names."""
    catalog_id = way.connection.catalog_id
    errors = await way.send(graph.read_errors(catalog_id, way.upload.meta_upload_id))
    named = [
        replace(error, samples=await way.send(graph.read_samples(catalog_id, error_id)))
        for error_id, error in errors.items()
    ]
    return tuple(sorted(named, key=lambda error: error.severity is not Severity.FATAL))


async def _look_for_fetch(way: _Way) -> None:
    found = way.upload
    if found.fetch_time:
        await way.end(Findings(ended=True))
    elif found.expire_time is None or way.runtime.now() > found.expire_time:
        await way.give_up("META_OUTCOME_UNKNOWN", "Meta has not fetched the file for a day: check PUBLIC_URL")
    else:
        await way.come_back(_MINUTE)
