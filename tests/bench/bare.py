"""The baselines as processes: what a bare framework does with the same bytes and nothing else.

python -m tests.bench.bare echo ADDRESS                     grpc.aio: any unary call's request of UpdateInventory comes back
python -m tests.bench.bare answer ADDRESS FILE              grpc.aio: the answer in FILE to any GetStatus
python -m tests.bench.bare select ADDRESS FILE STORE        the same behind one indexed SELECT with psycopg
python -m tests.bench.bare links ADDRESS FILE STORE QUERY   grpc.aio: the answer in FILE behind one QUERY for the items of a link
python -m tests.bench.bare stream ADDRESS FILE              grpc.aio: streams the messages of FILE
python -m tests.bench.bare http ADDRESS                     aiohttp: reads the body and answers 200
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import orjson
import uvloop
from aiohttp import web
from psycopg_pool import AsyncConnectionPool

from stormcom.facebook.v1.checkout_service_pb2 import ResolveCheckoutLinkRequest, ResolveCheckoutLinkResponse
from stormcom.facebook.v1.connector_service_pb2 import GetStatusRequest, GetStatusResponse, UpdateInventoryRequest
from stormcom.facebook.v1.event_service_pb2 import SubscribeRequest, SubscribeResponse
from tests.bench.cargo import read_messages

POOL_SIZE = 16
SERVICE = "bench.Bare"
CALL = f"/{SERVICE}/Call"
RECEIPT = orjson.dumps({"handles": ["a-handle"], "id": "1"})

Context = grpc.aio.ServicerContext[Any, Any]


async def echo(address: str) -> None:
    """Answer each request with itself, parsed and written again."""

    async def serve(request: UpdateInventoryRequest, _: Context) -> UpdateInventoryRequest:
        return request

    await _serve_grpc(address, _unary(serve, UpdateInventoryRequest.FromString))


async def answer(address: str, answer_file: str) -> None:
    """Answer with a message of the size ours has."""
    known = _read_answer(answer_file)

    async def serve(_: GetStatusRequest, __: Context) -> GetStatusResponse:
        return known

    await _serve_grpc(address, _unary(serve, GetStatusRequest.FromString))


async def select(address: str, answer_file: str, store_id: str) -> None:
    """Look one row up by an index, then do as `answer`."""
    known = _read_answer(answer_file)
    options = {"autocommit": True}
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=POOL_SIZE, kwargs=options, open=False) as pool:

        async def serve(_: GetStatusRequest, __: Context) -> GetStatusResponse:
            async with pool.connection() as connection:
                found = await connection.execute("SELECT * FROM connections WHERE store_id = %s", (store_id,))
                await found.fetchone()
            return known

        await _serve_grpc(address, _unary(serve, GetStatusRequest.FromString))


async def links(address: str, answer_file: str, store_id: str, query: str) -> None:
    """Look a checkout link's items up by the connector's own query, then answer with what it answered once."""
    known = ResolveCheckoutLinkResponse.FromString(read_messages(Path(answer_file))[0])
    query = query.replace(":store", "%(store)s").replace(":connection", "%(connection)s").replace(":names", "%(names)s")
    options = {"autocommit": True}
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=POOL_SIZE, kwargs=options, open=False) as pool:

        async def serve(request: ResolveCheckoutLinkRequest, _: Context) -> ResolveCheckoutLinkResponse:
            named = request.link.partition("products=")[2].partition("&")[0].split(",")
            given = {"store": store_id, "connection": None, "names": [one.partition(":")[0] for one in named]}
            async with pool.connection() as connection:
                found = await connection.execute(query, given)
                await found.fetchall()
            return known

        await _serve_grpc(address, _unary(serve, ResolveCheckoutLinkRequest.FromString))


async def stream(address: str, answer_file: str) -> None:
    """Stream the same answers to whoever asks."""
    answers = [SubscribeResponse.FromString(message) for message in read_messages(Path(answer_file))]

    async def serve(_: SubscribeRequest, __: Context) -> AsyncIterator[SubscribeResponse]:
        for one in answers:
            yield one

    await _serve_grpc(
        address,
        grpc.unary_stream_rpc_method_handler(serve, SubscribeRequest.FromString, SubscribeResponse.SerializeToString),
    )


async def http(address: str) -> None:
    """Read the body, answer like Meta to a batch."""

    async def serve(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=RECEIPT, content_type="application/json")

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    host, _, port = address.rpartition(":")
    await web.TCPSite(runner, host, int(port)).start()
    await asyncio.Event().wait()


def _read_answer(file: str) -> GetStatusResponse:
    return GetStatusResponse.FromString(read_messages(Path(file))[0])


def _unary(serve: Callable[[Any, Context], Awaitable[Any]], read: Callable[[bytes], Any]) -> Any:
    return grpc.unary_unary_rpc_method_handler(serve, read, lambda message: message.SerializeToString())


async def _serve_grpc(address: str, handler: Any) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Call": handler}),))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


KINDS: dict[str, Callable[..., Awaitable[None]]] = {
    "echo": echo,
    "answer": answer,
    "select": select,
    "links": links,
    "stream": stream,
    "http": http,
}


async def _run(kind: str, *arguments: str) -> None:
    await KINDS[kind](*arguments)


if __name__ == "__main__":
    uvloop.run(_run(*sys.argv[1:]))
