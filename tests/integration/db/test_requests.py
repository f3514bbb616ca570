"""One request id, one answer."""

from typing import Any

from connector.db import requests
from connector.db.requests import Known
from connector.runtime import Runtime

STORE, ID, DIGEST = "store_1", "b9f5", b"digest"


async def _claim(runtime: Runtime, *, store_id: str = STORE, digest: bytes = DIGEST) -> Known | None:
    async with runtime.db.begin() as tx:
        return await requests.claim(tx, store_id, ID, digest, at=runtime.now())


async def test_an_answer_is_told_again(runtime: Runtime) -> None:
    """The first caller works, every later one is told what the first was told, and for which request."""
    assert await _claim(runtime) is None
    async with runtime.db.begin() as tx:
        await requests.complete(tx, STORE, ID, b"answer")
    assert Known(DIGEST, b"answer") == await _claim(runtime)
    assert Known(DIGEST, b"answer") == await _claim(runtime, digest=b"another")


async def test_work_in_progress_is_known(runtime: Runtime) -> None:
    """While the first call is at work, a second one learns that there is no answer yet."""
    await _claim(runtime)
    assert Known(DIGEST, None) == await _claim(runtime)


async def test_stores_do_not_share_ids(runtime: Runtime) -> None:
    """The same id of another store is another id."""
    await _claim(runtime)
    assert await _claim(runtime, store_id="store_2") is None


async def test_an_abandoned_claim_is_taken_over(runtime: Runtime, clock: Any) -> None:
    """A claim whose process died is free again after ten seconds, but only for the same request."""
    await _claim(runtime)
    clock.advance(seconds=11)
    assert Known(DIGEST, None) == await _claim(runtime, digest=b"another")
    assert await _claim(runtime) is None


async def test_a_renewed_claim_is_not_taken_over(runtime: Runtime, clock: Any) -> None:
    """Work that takes long keeps its claim for as long as it says so; an answer is not touched by that."""
    await _claim(runtime)
    clock.advance(seconds=8)
    async with runtime.db.begin() as tx:
        await requests.renew(tx, STORE, ID, at=runtime.now())
    clock.advance(seconds=8)
    assert Known(DIGEST, None) == await _claim(runtime)
    async with runtime.db.begin() as tx:
        await requests.complete(tx, STORE, ID, b"answer")
        await requests.renew(tx, STORE, ID, at=runtime.now())
    assert Known(DIGEST, b"answer") == await _claim(runtime)


async def test_a_failed_request_may_be_repeated(runtime: Runtime) -> None:
    """A released claim is forgotten; a completed one is not released by mistake."""
    await _claim(runtime)
    async with runtime.db.begin() as tx:
        await requests.release(tx, STORE, ID)
    assert await _claim(runtime) is None
    async with runtime.db.begin() as tx:
        await requests.complete(tx, STORE, ID, b"answer")
        await requests.release(tx, STORE, ID)
    assert Known(DIGEST, b"answer") == await _claim(runtime)


async def test_answers_are_kept_two_days(runtime: Runtime, clock: Any) -> None:
    """After 48 hours an answer is past, swept or not, and its id is new again."""
    await _claim(runtime)
    async with runtime.db.begin() as tx:
        await requests.complete(tx, STORE, ID, b"answer")
    clock.advance(hours=47)
    assert await _claim(runtime) is not None
    clock.advance(hours=2)
    assert await _claim(runtime) is None
