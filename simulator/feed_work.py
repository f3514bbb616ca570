"""Fetches the files of uploads over HTTP and takes them in, on the simulator's clock.

    begun ──fetched──▶ waits until its finish time ──▶ every row judged, the missing deleted ──▶ ended

An upload that fails to fetch, or whose file is unusable, ends with one fatal error and changes nothing.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import BinaryIO, NamedTuple

import aiohttp

from simulator.batches import note_overlap, remove_item, settle, write_item
from simulator.feed_rows import (
    FileUnusable,
    Row,
    offer_problems,
    read_item,
    read_navigation,
    read_rows,
    review_problems,
)
from simulator.feed_state import (
    CommercePartnerIntegration,
    FileUpdate,
    ProductFeed,
    ProductFeedUpload,
    ProductFeedUploadError,
    ProductFeedUploadErrorSample,
    Source,
)
from simulator.items import check, unknown_fields
from simulator.state import ProductCatalog
from simulator.world import World

FETCH_SECONDS = 600.0
KEPT_IN_MEMORY_BYTES = 16 * 2**20
ROWS_AT_ONCE = 500  # between two breaths of the event loop


async def work_forever(world: World) -> None:
    """Begin whatever was asked for, then sleep until something more is."""
    async with aiohttp.ClientSession(auto_decompress=False) as session, asyncio.TaskGroup() as group:
        while True:
            jobs: list[ProductFeedUpload | FileUpdate] = [*world.all(ProductFeedUpload), *world.all(FileUpdate)]
            for job in jobs:
                if not job.begun:
                    job.begun = True
                    group.create_task(_work(world, session, job))
            await world.clock.wait_until(None)


async def _work(world: World, session: aiohttp.ClientSession, job: ProductFeedUpload | FileUpdate) -> None:
    with tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY_BYTES) as spooled:
        file: BinaryIO = spooled  # type: ignore[assignment] # a file in all but its class
        try:
            await _take(world, session, job, file)
        except FileUnusable as problem:
            await _wait(world, job.finish_time)
            if isinstance(job, FileUpdate):
                job.problem = str(problem)
            else:
                _note(world, job, "fatal", "FILE_UNUSABLE", str(problem))
        finally:
            if isinstance(job, ProductFeedUpload):
                job.end_time = world.clock.now()
            job.ended.set()


async def _take(
    world: World, session: aiohttp.ClientSession, job: ProductFeedUpload | FileUpdate, file: BinaryIO
) -> None:
    await _fetch(session, job.source, file)
    if isinstance(job, FileUpdate):
        await _wait(world, job.finish_time)
        await _take_update(world, job, file)
    else:
        await _take_upload(world, job, file)


async def _wait(world: World, due: float) -> None:
    while world.clock.now() < due:
        await world.clock.wait_until(due)


async def _fetch(session: aiohttp.ClientSession, source: Source, file: BinaryIO) -> None:
    if source.content is not None:
        file.write(source.content)
        return
    credentials = aiohttp.BasicAuth(source.username, source.password) if source.username else None
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    try:
        async with session.get(source.url, auth=credentials, timeout=timeout) as answer:
            if answer.status != 200:
                raise FileUnusable(f"The file cannot be fetched: the server answered {answer.status}")
            async for piece in answer.content.iter_any():
                file.write(piece)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        raise FileUnusable(f"The file cannot be fetched: {type(problem).__name__}") from None


async def _take_upload(world: World, upload: ProductFeedUpload, file: BinaryIO) -> None:
    feed = world.find(ProductFeed, upload.feed_id)
    catalog = world.find(ProductCatalog, upload.catalog_id)
    if feed is None or catalog is None:
        raise FileUnusable("The feed was deleted")
    if feed.feed_type != "PRODUCTS":
        await _wait(world, upload.finish_time)
        if feed.feed_type == "OFFER":
            feed.offers = await _take_rows(world, upload, _rows(feed, file, key="offer_id"), _OFFERS, feed.offers)
        else:
            feed.reviews = await _take_rows(world, upload, _rows(feed, file, key="review_id"), _REVIEWS, feed.reviews)
        return
    async with _announced(world, catalog, upload, _rows(feed, file, key="id")):
        await _wait(world, upload.finish_time)
        await _take_items(world, upload, feed, catalog, file)


def _rows(feed: ProductFeed, file: BinaryIO, *, key: str) -> Iterator[Row]:
    settings = feed.settings
    return read_rows(
        file,
        key=key,
        delimiter=settings.get("delimiter", "AUTODETECT"),
        encoding=settings.get("encoding", "AUTODETECT"),
    )


@asynccontextmanager
async def _announced(
    world: World, catalog: ProductCatalog, upload: ProductFeedUpload, rows: Iterator[Row]
) -> AsyncIterator[None]:
    """Hold the items of the file as under way for the length of the block, noting whom else they are under way for."""
    settle(world, catalog)
    names: set[str] = set()
    async for row in _breathing(rows):
        if (name := (row.cells or {}).get("id", "")) and name not in names:
            note_overlap(world, catalog, name, upload.id)
            catalog.in_flight[name] = upload.id
            names.add(name)
    try:
        yield
    finally:
        for name in names:
            if catalog.in_flight.get(name) == upload.id:
                del catalog.in_flight[name]


async def _breathing(rows: Iterator[Row]) -> AsyncIterator[Row]:
    for count, row in enumerate(rows):
        if count % ROWS_AT_ONCE == 0:
            await asyncio.sleep(0)
        yield row


async def _take_items(
    world: World, upload: ProductFeedUpload, feed: ProductFeed, catalog: ProductCatalog, file: BinaryIO
) -> None:
    settle(world, catalog)
    seen: set[str] = set()
    async for row in _breathing(_rows(feed, file, key="id")):
        upload.detected += 1
        name = (row.cells or {}).get("id", "")
        problems = _row_problems(row, seen)
        data = read_item(row.cells) if row.cells is not None and not problems else {}
        if not problems:
            problems = check(data, creates=name not in catalog.items, switches=world.switches)
        seen.add(name)
        for message in problems:
            _note(world, upload, "fatal", _kind(message), message, row=row, name=name)
        if problems:
            upload.invalid += 1
            continue
        for field in unknown_fields(data):
            _note(world, upload, "warning", "UNKNOWN_FIELD", f"Unrecognised field: {field}", row=row, name=name)
        if name not in catalog.items:
            feed.created.add(name)
        write_item(world, catalog, name, data)
        upload.persisted += 1
    if not upload.update_only and feed.settings.get("deletion_enabled", True):
        _delete_missing(world, upload, feed, catalog, seen)


def _row_problems(row: Row, seen: set[str]) -> list[str]:
    if row.cells is None:
        return ["The line is longer than 5 MB"]
    name = row.cells.get("id", "")
    if not name:
        return ["A required field is missing: id"]
    if len(name) > 100:
        return ["Invalid value for id: it must have at most 100 characters"]
    return ["The id stands twice in the file"] if name in seen else []


def _delete_missing(
    world: World, upload: ProductFeedUpload, feed: ProductFeed, catalog: ProductCatalog, seen: set[str]
) -> None:
    """Delete every item that the feed once brought in and its new file lacks."""
    for name in feed.created - seen:
        if (item := catalog.items.get(name)) is not None:
            remove_item(world, catalog, item)
            upload.deleted += 1
    feed.created &= seen


class _Kind(NamedTuple):
    """What names a row, and what tells what is wrong with it."""

    key: str
    problems: Callable[[Mapping[str, str]], list[str]]


_REVIEWS, _OFFERS = _Kind("review_id", review_problems), _Kind("offer_id", offer_problems)
Rows = dict[str, dict[str, str]]


async def _take_rows(world: World, upload: ProductFeedUpload, rows: Iterator[Row], kind: _Kind, before: Rows) -> Rows:
    """Take in rows that are no items; tells what there is now."""
    taken: Rows = dict(before) if upload.update_only else {}
    async for row in _breathing(rows):
        upload.detected += 1
        problems = ["The line is longer than 5 MB"] if row.cells is None else kind.problems(row.cells)
        for message in problems:
            _note(world, upload, "fatal", _kind(message), message, row=row, name=(row.cells or {}).get(kind.key, ""))
        if problems or row.cells is None:
            upload.invalid += 1
            continue
        taken[row.cells[kind.key]] = row.cells
        upload.persisted += 1
    upload.deleted = len(before.keys() - taken.keys())
    return taken


async def _take_update(world: World, update: FileUpdate, file: BinaryIO) -> None:
    integration = world.find(CommercePartnerIntegration, update.integration_id)
    if integration is None:
        return
    if update.feed_type == "NAVIGATION_MENU":
        integration.navigation = read_navigation(file)
        return
    kind = _OFFERS if update.feed_type == "PROMOTIONS" else _REVIEWS
    rows = [row.cells async for row in _breathing(read_rows(file, key=kind.key)) if row.cells is not None]
    taken = {cells[kind.key]: cells for cells in rows if not kind.problems(cells)}
    if kind is _OFFERS:
        integration.offers = taken
    else:
        integration.reviews = taken


def _kind(message: str) -> str:
    """Return an error type of ours for a message; Meta's are not documented for uploads."""
    return message.partition(":")[0].upper().replace(" ", "_")


def _note(
    world: World,
    upload: ProductFeedUpload,
    severity: str,
    error_type: str,
    summary: str,
    *,
    row: Row | None = None,
    name: str = "",
) -> None:
    """Count an error of a row, and keep the row as a sample while there are few."""
    key = severity, error_type, summary
    if key not in upload.errors:
        error = ProductFeedUploadError(world.new_id(), upload.catalog_id, severity, error_type, summary)
        upload.errors[key] = world.add(error)
    error = upload.errors[key]
    error.total_count += 1
    if row is not None and len(error.samples) < world.switches.feed_samples:
        sample = ProductFeedUploadErrorSample(world.new_id(), upload.catalog_id, name, row.number)
        error.samples.append(world.add(sample))
