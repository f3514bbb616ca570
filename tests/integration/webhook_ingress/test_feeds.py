"""Feed files at the ingress: the right address gets the file, everything else the same nothing."""

import asyncio
import gzip
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from sqlalchemy import delete
from yarl import URL

from connector.db import outbox
from connector.feeds.db import pieces, uploads
from connector.feeds.model.files import new_token, pack, token_hash
from connector.feeds.model.values import FeedKind, State
from connector.runtime import Runtime
from tests.integration.conftest import STORE, Clock

PARTS = [b"id,title\r\n", b"1,One\r\n" * 1_000, b"2,Two\r\n"]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Puts files where the ingress finds them."""

    runtime: Runtime
    connection_id: UUID

    async def put(self, *parts: bytes, kind: FeedKind = FeedKind.PRODUCTS, **changes: Any) -> tuple[UUID, str]:
        """Keep a complete file that may be fetched; tells its upload and its token."""
        token, upload_id, bodies = new_token(), self.runtime.new_id(), [pack(part, kind) for part in parts]
        values = {"id": upload_id, "store_id": STORE, "connection_id": self.connection_id, "kind": kind}
        secret = {"token_hash": token_hash(token), "sealed_token": b""}
        complete = {"state": State.RUNNING, "piece_count": len(parts), "size_bytes": sum(map(len, bodies))}
        now = self.runtime.now()
        async with self.runtime.db.begin() as tx:
            await uploads.create(tx, values | secret, at=now)
            await uploads.change(tx, upload_id, **complete | {"expire_time": now + timedelta(hours=24)} | changes)
            for number, body in enumerate(bodies):
                await pieces.write(tx, upload_id, number, body)
        return upload_id, token


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """A place for files."""
    return Shelf(runtime, runtime.new_id())


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that leaves packed files packed."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def test_the_pieces_come_as_one_file(shelf: Shelf, ingress: str, http: aiohttp.ClientSession) -> None:
    """A GET streams all pieces as one gzip file, with its length, type and tag."""
    _, token = await shelf.put(*PARTS)
    async with http.get(f"{ingress}/feeds/{token}.csv.gz") as answer:
        body = await answer.read()
    assert (200, b"".join(PARTS)) == (answer.status, gzip.decompress(body))
    assert (str(len(body)), "application/gzip", "private, no-store", "none") == tuple(
        answer.headers[name] for name in ("Content-Length", "Content-Type", "Cache-Control", "Accept-Ranges")
    )
    async with http.get(f"{ingress}/feeds/{token}.csv.gz", headers={"If-None-Match": answer.headers["ETag"]}) as again:
        assert (304, b"") == (again.status, await again.read())


async def test_a_head_tells_the_length_and_sends_nothing(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, runtime: Runtime
) -> None:
    """HEAD has the headers of GET and no body, and is no fetch."""
    upload_id, token = await shelf.put(*PARTS)
    async with http.head(f"{ingress}/feeds/{token}.csv.gz") as answer:
        assert (200, b"") == (answer.status, await answer.read())
    async with runtime.db.begin() as tx:
        upload = await uploads.find(tx, upload_id)
    assert upload is not None
    assert (str(upload.size_bytes), None) == (answer.headers["Content-Length"], upload.fetch_time)


async def test_a_complete_fetch_is_noted(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, runtime: Runtime
) -> None:
    """After the whole file was sent its time is kept, and the next look at the upload is due."""
    upload_id, token = await shelf.put(*PARTS)
    async with http.get(f"{ingress}/feeds/{token}.csv.gz") as answer:
        await answer.read()
    while True:  # the end is noted after the last byte: the test's time limit ends a wait in vain
        async with runtime.db.begin() as tx:
            upload, due = await uploads.find(tx, upload_id), await outbox.next_due(tx)
        if upload is not None and upload.fetch_time is not None:
            break
        await asyncio.sleep(0.005)
    assert due is not None
    assert due <= runtime.now()


@pytest.mark.parametrize(
    ("kind", "suffix", "content_type"),
    [
        (FeedKind.RATINGS_AND_REVIEWS, "csv", "text/csv; charset=utf-8"),
        (FeedKind.NAVIGATION, "json", "application/json"),
    ],
)
async def test_other_files_are_served_as_they_are(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, *, kind: FeedKind, suffix: str, content_type: str
) -> None:
    """Reviews and navigation are not packed and say what they are."""
    _, token = await shelf.put(b"one", b"two", kind=kind)
    async with http.get(f"{ingress}/feeds/{token}.{suffix}") as answer:
        assert (b"onetwo", content_type) == (await answer.read(), answer.headers["Content-Type"])


@pytest.mark.parametrize(
    "changes",
    [
        {"expire_time": None},
        {"state": State.WRITING},
        {"state": State.SETTLING},
        {"state": State.SUCCEEDED},
        {"state": State.FAILED},
    ],
    ids=["not announced", "writing", "settling", "succeeded", "failed"],
)
async def test_a_file_is_there_only_in_its_time(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, clock: Clock, *, changes: dict[str, Any]
) -> None:
    """Before Meta is asked, and after the end, the right address answers as any other."""
    ended = {"end_time": clock()} if changes.get("state") in {State.SUCCEEDED, State.FAILED} else {}
    _, token = await shelf.put(*PARTS, **changes | ended)
    assert await _missing(http, f"{ingress}/feeds/{secrets.token_urlsafe(32)}.csv.gz") == await _missing(
        http, f"{ingress}/feeds/{token}.csv.gz"
    )


async def test_a_file_expires(shelf: Shelf, ingress: str, http: aiohttp.ClientSession, clock: Clock) -> None:
    """A day after Meta was asked the file cannot be fetched any more."""
    _, token = await shelf.put(*PARTS)
    clock.advance(hours=24)
    await _missing(http, f"{ingress}/feeds/{token}.csv.gz")


async def _missing(http: aiohttp.ClientSession, url: str | URL) -> tuple[bytes, dict[str, str]]:
    """Ask for what is not there; tells everything the answer tells but its date."""
    async with http.get(url) as answer:
        assert 404 == answer.status
        return await answer.read(), {name: value for name, value in answer.headers.items() if name != "Date"}


@pytest.mark.parametrize(
    "garbage",
    [
        "{token}.csv", "{token}.json", "{token}", "{token}x.csv.gz", "x{token}.csv.gz", "{token}.csv.gz.gz", ".csv.gz",
        "%00.csv.gz", "..%2f..%2fetc%2fpasswd.csv.gz", "{token}%00.csv.gz", "%27%20OR%20%271%27=%271.csv.gz", "x" * 5_000 + ".csv.gz",
        "%ff%fe.csv.gz", "",
    ],
)  # fmt: skip
async def test_garbage_is_missing_alike(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, *, garbage: str
) -> None:
    """Whatever is wrong with an address is one and the same 404, without a word."""
    _, token = await shelf.put(*PARTS)
    body, headers = await _missing(http, URL(f"{ingress}/feeds/{garbage.format(token=token)}", encoded=True))
    assert (b"Not Found", "nosniff") == (body, headers["X-Content-Type-Options"])


async def test_other_methods_are_refused(shelf: Shelf, ingress: str, http: aiohttp.ClientSession) -> None:
    """A file can only be read."""
    _, token = await shelf.put(*PARTS)
    async with http.post(f"{ingress}/feeds/{token}.csv.gz", data=b"x") as answer:
        assert (405, {"GET", "HEAD"}) == (answer.status, set(answer.headers["Allow"].split(",")))


async def test_many_may_fetch_at_once(shelf: Shelf, ingress: str, http: aiohttp.ClientSession) -> None:
    """Twenty readers at once, of two files, each get the whole of theirs."""
    files = [await shelf.put(*PARTS), await shelf.put(b"other", kind=FeedKind.RATINGS_AND_REVIEWS)]
    names = [f"{files[0][1]}.csv.gz", f"{files[1][1]}.csv"] * 10

    async def fetch(name: str) -> bytes:
        async with http.get(f"{ingress}/feeds/{name}") as answer:
            return await answer.read()

    bodies = await asyncio.gather(*map(fetch, names))
    assert {b"".join(PARTS)} == {gzip.decompress(body) for body in bodies[::2]}
    assert {b"other"} == set(bodies[1::2])


async def test_a_missing_piece_breaks_the_connection(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, runtime: Runtime
) -> None:
    """Where a piece is gone, the reader sees a broken transfer and not a shorter file."""
    upload_id, token = await shelf.put(*PARTS)
    table = pieces.feed_pieces
    async with runtime.db.begin() as tx:
        await tx.execute(delete(table).where(table.c.upload_id == upload_id, table.c.number == 2))
    with pytest.raises(aiohttp.ClientError):
        async with http.get(f"{ingress}/feeds/{token}.csv.gz") as answer:
            await answer.read()


async def test_no_log_knows_an_address(
    shelf: Shelf, ingress: str, http: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a served file nor a missing one leaves its token in a log."""
    _, token = await shelf.put(*PARTS)
    async with http.get(f"{ingress}/feeds/{token}.csv.gz") as answer:
        await answer.read()
    await _missing(http, f"{ingress}/feeds/{token}.csv")
    said = capsys.readouterr()
    assert token not in said.out + said.err
