"""The HTTP face of the simulator: Graph API, login dialog and control API on one address.

    app = create_app(world)                                  for whoever runs aiohttp
    async with serve(world, "127.0.0.1", 0) as url: …        a running server, for tests

It promises that any bytes get an answer in Meta's shape; only an ordered fault breaks a connection.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.multipart import MultipartReader

from simulator import control
from simulator.batch_endpoint import serve_batch
from simulator.call import Json, PostedFile
from simulator.dialog import answer_dialog, open_dialog
from simulator.errors import GraphError, invalid_parameter
from simulator.faults import Fault
from simulator.feed_work import work_forever
from simulator.graph import Answer, GraphRequest, entity_tag, note_unserved, split_version, write_document
from simulator.graph import serve as serve_call
from simulator.keys import WORLD
from simulator.orders.book import settle_forever
from simulator.recording import under_way
from simulator.webhooks import deliver_forever
from simulator.world import World

MAX_BODY_BYTES = 256 * 2**20
MAX_URL_BYTES = 128 * 2**10
METHODS = {"GET", "POST", "DELETE"}
# Faults that answer without having served, with the status they show; 0: none at all.
STATUSES = {"drop_before": 0, "status": 503, "garbage": 200}


def create_app(world: World) -> web.Application:
    """Return the application that serves this world."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[WORLD] = world
    app.cleanup_ctx.append(_senders)
    control.add_routes(app)
    for path in ("/dialog/oauth", r"/{version:v[\d.]+}/dialog/oauth"):
        app.router.add_get(path, _get_dialog)
        app.router.add_post(path, _post_dialog)
    app.router.add_route("*", "/{path:.*}", _graph)
    return app


@contextlib.asynccontextmanager
async def serve(world: World, host: str, port: int) -> AsyncIterator[str]:
    """Serve a world while the block runs; yield the base URL. Port 0 takes a free one."""
    # Filters that name a hundred items make long URLs; Graph takes them.
    runner = web.AppRunner(create_app(world), access_log=None, shutdown_timeout=1.0, max_line_size=MAX_URL_BYTES)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        real_port = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{real_port}"
    finally:
        await runner.cleanup()


async def _senders(app: web.Application) -> AsyncIterator[None]:
    """Send webhooks, take in feeds and end the checks of orders as long as the server runs."""
    senders = [asyncio.create_task(forever(app[WORLD])) for forever in (deliver_forever, work_forever, settle_forever)]
    yield
    for sender in senders:
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sender


async def _get_dialog(request: web.Request) -> web.Response:
    return open_dialog(request.app[WORLD], request.query)


async def _post_dialog(request: web.Request) -> web.Response:
    form = await request.post()
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    granted, assets = ([str(one) for one in form.getall(name, [])] for name in ("granted", "asset"))
    return answer_dialog(request.app[WORLD], texts, granted, assets or None)


async def _graph(request: web.Request) -> web.StreamResponse:
    """Serve one Graph request, or the fault that was ordered for it."""
    world = request.app[WORLD]
    try:
        params, size_bytes = await _read_params(world, request)
    except GraphError as error:
        answer = Answer(error.status, error.envelope(world.new_text_id("A", size=15)), {})
        return _write(world, request, answer)
    method = str(params.pop("method", request.method)).upper()
    if method not in METHODS:
        method = request.method
    graph_request = GraphRequest(
        method, request.path.strip("/"), params, f"{request.scheme}://{request.host}", _bearer(request), size_bytes
    )
    with under_way(world, split_version(graph_request.path)[1]):
        return await _answer(request, graph_request)


async def _answer(request: web.Request, graph_request: GraphRequest) -> web.StreamResponse:
    """Answer a request, or fail as ordered."""
    world = request.app[WORLD]
    fault = world.faults.take(graph_request.method, split_version(graph_request.path)[1])
    kind = fault.kind if fault else ""
    if fault is not None and kind == "delay":
        await fault.pause()
    if fault is not None and kind in STATUSES and not fault.action.get("after"):
        note_unserved(world, graph_request, status=fault.action.get("status", STATUSES[kind]))
        return _answer_falsely(request, fault)
    answer = await _serve(world, graph_request, fault if kind == "error" else None)
    if fault is not None and kind in STATUSES:
        return _answer_falsely(request, fault)
    if fault is not None and kind in {"drop_answer", "close", "trickle"}:
        return await _break_after(request, answer, fault)
    return _write(world, request, answer)


async def _serve(world: World, request: GraphRequest, fault: Fault | None) -> Answer:
    is_batch = request.method == "POST" and "batch" in request.params and not split_version(request.path)[1]
    if not is_batch or fault is not None:
        return await serve_call(world, request, fault)
    try:
        return await serve_batch(world, request)
    except GraphError as error:
        return Answer(error.status, error.envelope(world.new_text_id("A", size=15)), {})


def _bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() in {"bearer", "oauth"} else ""


async def _read_params(world: World, request: web.Request) -> tuple[dict[str, Json], int]:
    """Merge query and body; the body may be a form, multipart or JSON. Return them with the body's size."""
    params: dict[str, Json] = dict(request.query)
    if "Content-Encoding" in request.headers and not world.switches.accept_compressed_bodies:
        raise invalid_parameter("Compressed bodies are switched off (accept_compressed_bodies)")
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request, params)
    raw = await request.read()
    if not raw:
        return params, 0
    if request.content_type == "application/json":
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise invalid_parameter("The body is not valid JSON") from None
        if not isinstance(document, dict):
            raise invalid_parameter("The body must be a JSON object")
        return params | document, len(raw)
    try:
        return params | dict(parse_qsl(raw.decode(), keep_blank_values=True)), len(raw)
    except UnicodeDecodeError:
        raise invalid_parameter("The body is not a form in UTF-8") from None


async def _read_multipart(request: web.Request, params: dict[str, Json]) -> tuple[dict[str, Json], int]:
    """Read form parts; of a file the records keep only its name and size."""
    size = 0
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, MultipartReader):
                raise invalid_parameter("Nested multipart bodies are not supported")
            content = await part.read(decode=True)
            size += len(content)
            if part.filename:
                params[part.name or "file"] = PostedFile(part.filename, bytes(content))
            else:
                params[part.name or ""] = content.decode()
    except (ValueError, UnicodeDecodeError):
        raise invalid_parameter("The body is not a valid multipart form") from None
    return params, size


def _write(world: World, request: web.Request, answer: Answer) -> web.Response:
    """Write an answer with the headers every Graph answer has, or 304 when the caller knows it already."""
    body = write_document(answer.document)
    headers = {
        # https://developers.facebook.com/docs/graph-api/overview (read 2026-11-21)
        "x-fb-trace-id": world.new_text_id("", size=8),
        "x-fb-rev": "1030000000",
        "x-fb-debug": world.new_text_id("", size=32),
        "Cache-Control": "private, no-cache, no-store, must-revalidate",
        **answer.headers,
    }
    if request.method == "GET" and answer.status == 200:
        headers["ETag"] = entity_tag(body)
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
    return web.Response(
        status=answer.status, body=body, headers=headers, content_type="application/json", charset="UTF-8"
    )


def _answer_falsely(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Answer as ordered, whatever was done or not."""
    if fault.kind == "status":
        return web.Response(
            status=fault.action.get("status", 503),
            text=fault.action.get("body", "Service Unavailable"),
            content_type=fault.action.get("content_type", "text/plain"),
        )
    if fault.kind == "garbage":
        return web.Response(
            text=fault.action.get("body", "<html>Sorry, something went wrong.</html>"), content_type="text/html"
        )
    return _abort(request)


async def _break_after(request: web.Request, answer: Answer, fault: Fault) -> web.StreamResponse:
    """Fail although the work is done: no answer at all, half of one, or one that comes a byte at a time."""
    if fault.kind == "drop_answer":
        await asyncio.sleep(fault.action.get("seconds", 0.0))
        return _abort(request)
    body = write_document(answer.document)
    headers = {"Content-Length": str(len(body)), "Content-Type": "application/json; charset=UTF-8"}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    if fault.kind == "trickle":
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(fault.action.get("seconds", 1.0))
        return response
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _abort(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
