"""The one way to Meta: whatever answers there, nothing is sent anywhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from connector.errors import Unavailable
from connector.graph.call import Call
from connector.graph.client import LARGEST_ANSWER_BYTES, Access, open_graph
from connector.vault import Secret

ACCESS = Access(Secret("token"), Secret("secret"), "1")


@asynccontextmanager
async def listening(status: int = 200, body: bytes = b"{}", **headers: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Answer everything alike; tells the address and, later, what was asked."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, body=body, headers=headers)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def send(meta: str, method: str) -> None:
    async with open_graph(meta, "v26.0", now=lambda: datetime.now(UTC)) as graph:
        await graph.send(Call(method, "me", dict), ACCESS)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_redirect_is_followed(method: str, status: int) -> None:
    """Whoever answers for Meta cannot send our token elsewhere: a redirect is an answer that nobody understands."""
    async with listening() as (elsewhere, asked), listening(status, Location=f"{elsewhere}/inside") as (meta, heard):
        with pytest.raises(Unavailable):
            await send(meta, method)
        assert ([], ["/v26.0/me"]) == (asked, heard)


async def test_an_answer_without_end_is_cut_off() -> None:
    """An answer larger than any of Meta's is not read into memory."""
    async with listening(body=b" " * (LARGEST_ANSWER_BYTES + 1) + b"{}") as (meta, _):
        with pytest.raises(Unavailable, match="did not answer in time"):
            await send(meta, "GET")
