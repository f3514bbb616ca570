"""The batch endpoint: up to 50 requests in one, later ones using results of earlier ones.

Operations run in order. One that meets a connection fault answers `null`, as Meta does for a timed-out one.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from simulator.call import Json
from simulator.errors import GraphError, invalid_parameter
from simulator.faults import Fault
from simulator.graph import Answer, GraphRequest, entity_tag, serve, served_version, split_version, write_document
from simulator.world import World

# https://developers.facebook.com/docs/graph-api/batch-requests (read 2026-11-21)
MAX_OPERATIONS = 50
REFERENCE = re.compile(r"\{result=([\w-]+):(\$[^}]*)\}")
STEP = re.compile(r"\.\.?(\w+|\*)|\[(\d+|\*)\]")
SHARED = ("access_token", "appsecret_proof", "appsecret_time")

Serve = Callable[[World, GraphRequest, Fault | None], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a batch as it was written."""

    method: str
    relative_url: str
    body: str
    name: str
    depends_on: str
    omit_response: bool


def read_operations(params: Mapping[str, Json]) -> list[Operation]:
    """Read the `batch` parameter."""
    document = params["batch"]
    if isinstance(document, str):
        try:
            document = orjson.loads(document)
        except orjson.JSONDecodeError:
            raise invalid_parameter("Param batch must be a JSON array") from None
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        raise invalid_parameter("Param batch must be a JSON array of objects")
    if len(document) > MAX_OPERATIONS:
        raise invalid_parameter(f"Too many requests in batch message. Maximum batch size is {MAX_OPERATIONS}")
    return [_read_operation(one) for one in document]


def _read_operation(one: Mapping[str, Any]) -> Operation:
    method, url = one.get("method"), one.get("relative_url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise invalid_parameter("Param batch: every request needs method and relative_url")
    _read_body(body := str(one.get("body", "")))
    return Operation(
        method.upper(),
        url,
        body,
        str(one.get("name", "")),
        str(one.get("depends_on", "")),
        bool(one.get("omit_response_on_success", bool(one.get("name")))),
    )


async def serve_batch(world: World, request: GraphRequest) -> Answer:
    """Answer a batch; the whole is 200 whatever happens inside."""
    if not request.params.get("access_token") and not request.bearer:
        raise GraphError("You must provide an access token for this batch", code=104)
    operations = read_operations(request.params)
    with_headers = str(request.params.get("include_headers", "true")).lower() not in {"false", "0"}
    version, _ = split_version(request.path)
    served = served_version(world, version)
    answers: list[Json] = []
    results: dict[str, Json] = {}
    for operation in operations:
        answer = await _serve_one(world, request, operation, version=version, results=results)
        omitted = operation.omit_response and _is_used(operation.name, operations)
        shown = answer is not None and not (omitted and answer.status == 200)
        answers.append(_write_answer(operation, answer, with_headers=with_headers) if shown and answer else None)
        if answer is not None and answer.status == 200:
            results[operation.name] = answer.document
    return Answer(200, answers, {"facebook-api-version": served})


def _is_used(name: str, operations: list[Operation]) -> bool:
    return bool(name) and any(name in _needed(one) for one in operations)


def _needed(operation: Operation) -> set[str]:
    """Return the names of the operations whose results this one uses or waits for."""
    named = {name for name, _ in REFERENCE.findall(unquote(operation.relative_url + operation.body))}
    return named | ({operation.depends_on} if operation.depends_on else set())


async def _serve_one(
    world: World, request: GraphRequest, operation: Operation, *, version: str, results: Mapping[str, Json]
) -> Answer | None:
    if _needed(operation) - results.keys():
        # Unverified: an operation whose predecessor failed answers null.
        return None
    path, _, query = operation.relative_url.partition("?")
    own_version, rest = split_version(_resolve(unquote(path), results))
    params = {
        name: _resolve(value, results) if isinstance(value, str) else value
        for name, value in (*parse_qsl(query, keep_blank_values=True), *_read_body(operation.body).items())
    }
    inner = replace(
        request,
        method=operation.method,
        path=f"{own_version or version}/{rest}" if own_version or version else rest,
        params=params,
        size_bytes=len(operation.body),
        fallback={name: request.params[name] for name in SHARED if name in request.params},
    )
    fault = world.faults.take(inner.method, rest)
    if fault is not None and fault.kind == "delay":
        await fault.pause()
    if fault is None or fault.kind in {"error", "delay", "trickle"}:
        return await serve(world, inner, fault if fault and fault.kind == "error" else None)
    if fault.kind in {"drop_answer", "close"} or fault.action.get("after"):
        await serve(world, inner)
    return None


def _read_body(body: str) -> dict[str, Json]:
    if body.lstrip().startswith("{") and body.rstrip().endswith("}"):
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise invalid_parameter("Param batch: a body is neither a form nor a JSON object") from None
        return dict(document)
    return dict(parse_qsl(body, keep_blank_values=True))


def _write_answer(operation: Operation, answer: Answer, *, with_headers: bool) -> Json:
    document: dict[str, Json] = {"code": answer.status}
    body = write_document(answer.document)
    if with_headers:
        headers = {"Content-Type": "application/json; charset=UTF-8"} | answer.headers
        headers |= {"ETag": entity_tag(body)} if operation.method == "GET" and answer.status == 200 else {}
        document["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
    return document | {"body": body.decode()}


def _resolve(text: str, results: Mapping[str, Json]) -> str:
    """Put results of earlier operations in place of `{result=name:$.path}`."""
    return REFERENCE.sub(lambda found: ",".join(map(str, find_path(results[found[1]], found[2]))), text)


def find_path(document: Json, path: str) -> list[Json]:
    """Follow a JSONPath of names, numbers and `*`; return all it finds."""
    found = [document]
    for name, index in STEP.findall(path[1:]):
        found = [child for one in found for child in _children(one, name or index)]
    return found


def _children(document: Json, step: str) -> list[Json]:
    if isinstance(document, dict):
        return list(document.values()) if step == "*" else [document[step]] if step in document else []
    if isinstance(document, list):
        if step == "*":
            return document
        return document[int(step) : int(step) + 1] if step.isdecimal() else []
    return []
