"""One request id, one answer: a repeated call is told what the first one was told.

Applies to every method that changes something, when the caller sends a `request_id`. A call that failed leaves nothing behind and
may be tried again under the same id. An answer is its caller's alone: what it tells may be more than another caller may see.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from google.protobuf.message import Message

from connector import deadline
from connector.db import requests
from connector.errors import AlreadyExists, Conflict
from connector.rpc import calling
from connector.rpc.read import within
from connector.runtime import Runtime

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)

_RENEWED_EVERY = requests.STALE / 3


async def once(runtime: Runtime, request: Q, response_type: type[R], act: Callable[[Q], Awaitable[R]]) -> R:
    """Answer a request, or repeat the answer that its `request_id` got before.

    Raises:
        AlreadyExists: REQUEST_ID_REUSED, the id came with another request, or from another caller.
        Conflict: REQUEST_IN_PROGRESS, the first call is still at work.

    """
    request_id: str = within(getattr(request, "request_id", ""), "request_id", limit=64)
    if not request_id:
        return await act(request)
    store_id: str = request.store_id  # type: ignore[attr-defined] # every request of ours has it: tests/contract proves it
    digest = _digest(request)
    async with runtime.db.begin() as tx:
        known = await requests.claim(tx, store_id, request_id, digest, at=runtime.now())
    if known:
        return _repeat(known, digest, response_type, request_id)
    try:
        async with _renewed(runtime, store_id, request_id):
            response = await act(request)
        async with runtime.db.begin() as tx:
            await requests.complete(tx, store_id, request_id, response.SerializeToString())
    except BaseException:  # also cancellation: whatever ended the work, the claim must not outlive it
        with deadline.known(None):  # the call's own may have passed
            async with runtime.db.begin() as tx:
                await requests.release(tx, store_id, request_id)
        raise
    return response


def _digest(request: Message) -> bytes:
    """Tell a call from every other: who calls, what, with which request."""
    caller, method = calling.caller().encode(), request.DESCRIPTOR.full_name.encode()
    parts = caller, method, request.SerializeToString(deterministic=True)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


@asynccontextmanager
async def _renewed(runtime: Runtime, store_id: str, request_id: str) -> AsyncIterator[None]:
    """Renew the claim for as long as the work takes, so that only a dead process's claim is taken over."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEWED_EVERY.total_seconds())
            async with runtime.db.begin() as tx:
                await requests.renew(tx, store_id, request_id, at=runtime.now())

    renewing = asyncio.create_task(renew(), name="claim")
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)  # a lost database ends the work by itself


def _repeat(known: requests.Known, digest: bytes, response_type: type[R], request_id: str) -> R:
    if known.digest != digest:
        message = "This request_id was used with another request, or by another caller: take a new one for a new wish"
        raise AlreadyExists("REQUEST_ID_REUSED", message, request_id=request_id)
    if known.response is None:
        raise Conflict(
            "REQUEST_IN_PROGRESS",
            "The same request is being worked on: repeat the call in a second",
            request_id=request_id,
        )
    return response_type.FromString(known.response)
