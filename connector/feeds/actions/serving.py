"""Serves files to Meta: found by the hash of a token that nobody can guess, read a piece at a time."""

from connector.db.outbox import Task
from connector.feeds.actions.writing import add_task
from connector.feeds.db import pieces, uploads
from connector.feeds.model.files import FORMS, token_hash
from connector.feeds.model.values import File
from connector.runtime import Runtime


async def find_file(runtime: Runtime, token: str, suffix: str) -> File | None:
    """Find a file that may be fetched now; None alike for whatever is wrong. How long the search takes tells of hashes only."""
    digest = token_hash(token)
    if digest is None:
        return None
    async with runtime.db.begin() as tx:
        file = await uploads.find_file(tx, digest, at=runtime.now())
    return file if file and FORMS[file.kind].suffix == suffix else None


async def read_piece(runtime: Runtime, file: File, number: int) -> bytes | None:
    """Read a piece of a file; None when it is gone meanwhile."""
    async with runtime.db.begin() as tx:
        return await pieces.read(tx, file.upload_id, number)


async def note_fetched(runtime: Runtime, file: File) -> None:
    """Note that the whole file was fetched, and look soon what Meta makes of it."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        upload = await uploads.find(tx, file.upload_id)
        if upload is not None and upload.open:
            await uploads.change(tx, upload.id, fetch_time=at)
            await add_task(tx, Task.UPLOAD_FEED, upload, due=at)
