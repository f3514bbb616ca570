"""Serves one Graph request: version, token, node, permission, limits, then the route; the answer with Meta's headers.

A request that reaches here always gets an answer in Meta's shape; nothing here knows HTTP sockets.
"""

import hashlib
import inspect
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from simulator import (
    accounts,
    business_extension,
    catalog,
    feeds,
    messaging,
    oauth,
    pages,
    pixels,
    product_sets,
    products,
    sending,
    standing,
    templates,
    token_care,
)
from simulator.call import Call, Json, NodeType, Route, Rows, Selection
from simulator.errors import GraphError, invalid_parameter, missing_object, too_much_data, unknown_alias, unknown_path
from simulator.faults import Fault
from simulator.fields import parse_fields, pick
from simulator.limits import THROTTLE_CODES
from simulator.orders import routes as orders
from simulator.orders.book import was_order
from simulator.orders.refusals import unknown_order
from simulator.paging import DEFAULT_LIMIT, cut_page
from simulator.recording import record
from simulator.state import Page, Token
from simulator.tokens import (
    CATALOG_KINDS,
    PAGE_KINDS,
    authenticate,
    catalog_of,
    page_of,
    reaches,
    require_page_token,
    require_scopes,
)
from simulator.unset_fields import UNSET
from simulator.world import World

FEATURES = (
    accounts,
    business_extension,
    catalog,
    feeds,
    messaging,
    oauth,
    orders,
    pages,
    pixels,
    product_sets,
    products,
    sending,
    standing,
    templates,
    token_care,
)
NODES: Mapping[str, NodeType] = {kind: node for feature in FEATURES for kind, node in feature.NODES.items()}
ROUTES: Mapping[tuple[str, str, str], Route] = {
    key: route for feature in FEATURES for key, route in feature.ROUTES.items()
}
VERSION = re.compile(r"v(\d{1,3})\.(\d{1,2})")
# Unverified: at most 50 ids a call.
MAX_IDS = 50


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """A request with its parameters already merged from query and body."""

    method: str
    path: str
    params: Mapping[str, Json]
    base_url: str
    bearer: str = ""
    size_bytes: int = 0
    # Parameters of the batch that this request is part of: its token stands in for a missing one.
    fallback: Mapping[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """Status, document and headers of an answer."""

    status: int
    document: Json
    headers: dict[str, str]


async def serve(world: World, request: GraphRequest, fault: Fault | None = None) -> Answer:
    """Answer one request and record it. `fault` is an ordered Graph error that replaces the work."""
    started = time.perf_counter()
    version, rest = split_version(request.path)
    call = Call(world, request.method, rest, version, request.base_url, request.params, size_bytes=request.size_bytes)
    headers = {"facebook-api-version": world.switches.default_version}
    code = None
    try:
        call = replace(call, version=served_version(world, version))
        headers["facebook-api-version"] = call.version
        if fault is not None and not fault.action.get("after"):
            raise fault.error(rest.partition("/")[0])
        call = _identify(call, request)
        headers |= _count(call)
        document, status = await _act(call), 200
        if fault is not None:
            raise fault.error(rest.partition("/")[0])
    except GraphError as error:
        trace_id = world.new_text_id("A", size=15)
        document, status, code = error.envelope(trace_id), error.status, error.code
        headers |= _usage_headers(call, code=code) | dict(error.headers)
    record(call, status=status, code=code, seconds=time.perf_counter() - started)
    return Answer(status, document, headers)


def note_unserved(world: World, request: GraphRequest, *, status: int) -> None:
    """Record a call that an ordered fault kept from being served; status 0 means no answer at all."""
    version, rest = split_version(request.path)
    call = Call(world, request.method, rest, version, request.base_url, request.params, size_bytes=request.size_bytes)
    record(call, status=status, code=None, seconds=0.0)


def split_version(path: str) -> tuple[str, str]:
    """Split `v26.0/123/products` into version and rest; the version may be missing."""
    first, _, rest = path.strip("/").partition("/")
    if re.fullmatch(r"v[\d.]+", first):
        return first, rest
    return "", path.strip("/")


def served_version(world: World, wanted: str) -> str:
    """Return the version that serves a call of the wanted one; raise if there is none such."""
    switches = world.switches
    if not wanted:
        return switches.default_version
    if not VERSION.fullmatch(wanted):
        # Unverified: how Graph words a malformed version.
        raise unknown_path("GET", wanted)
    if _order(wanted) > _order(switches.newest_version):
        code = switches.future_version_code
        raise GraphError(
            f"(#{code}) {wanted} is not a released version; the newest is {switches.newest_version}", code=code
        )
    # https://developers.facebook.com/docs/graph-api/guides/versioning (read 2026-11-21): dead ones get the oldest usable.
    return max(wanted, switches.oldest_version, key=_order)


def _order(version: str) -> tuple[int, ...]:
    found = VERSION.fullmatch(version)
    return tuple(map(int, found.groups())) if found else (0,)


def _identify(call: Call, request: GraphRequest) -> Call:
    """Find the token, the node and the edge of a call."""
    route = ROUTES.get(("", call.method, call.path))
    if route is not None and route.open:
        return replace(call, edge=call.path)
    token, app = authenticate(call.world, _with_token(request), request.bearer)
    call = replace(call, token=token, app=app, fields=parse_fields(call.text("fields", "")))
    if route is not None or not call.path:
        return replace(call, edge=call.path)
    name, _, edge = call.path.partition("/")
    node = _find(call.world, token, name)
    if node is None or not reaches(call.world, token, node):
        if name.isdecimal() and (edge in orders.OWN_EDGES or was_order(call.world, name)):
            raise unknown_order(name)
        if not name.isdecimal() and name != "me" and not name.startswith(("t_", "m_")):
            raise unknown_alias(name)
        raise missing_object(call.method, name)
    return replace(call, node=node, kind=type(node).__name__, edge=edge)


def _with_token(request: GraphRequest) -> Mapping[str, Json]:
    """Return the parameters that authenticate: an operation's own, or those of its batch."""
    if not request.fallback or request.params.get("access_token"):
        return request.params
    own = {name: request.params[name] for name in ("appsecret_proof", "appsecret_time") if name in request.params}
    return {**request.fallback, **own}


def _find(world: World, token: Token, name: str) -> Any:
    """Return the node of that id, `me` or, as only a Page knows its people, the person of that PSID."""
    own = world.nodes.get({"PAGE": token.page_id, "APP": token.app_id}.get(token.kind, token.user_id))
    if name == "me":
        return own
    return (own.profiles.get(name) if isinstance(own, Page) else None) or world.nodes.get(name)


def _route(call: Call) -> Route | None:
    return ROUTES.get((call.kind, call.method, call.edge))


def _count(call: Call) -> dict[str, str]:
    """Check scopes, spend the call from its bucket, and return the usage headers."""
    route = _route(call)
    if call.token is None or call.app is None:
        return {}
    _permit(call, route)
    bucket, owner = _bucket(call)
    cost = max(1, len(call.names("ids", []))) if not call.path else 1
    call.world.limits.spend(bucket, owner, cost=cost, user_token=call.token.kind == "USER")
    if bucket == "messenger":
        call.world.limits.spend("send_rate", owner)
    if call.edge in {"conversations", "threads"}:
        call.world.limits.spend("conversations", owner)
    return _usage_headers(call)


def _permit(call: Call, route: Route | None) -> None:
    """Raise unless the token has what a route, or reading a node, asks for."""
    if call.token is None:
        return
    reads_node = route is None and call.kind in NODES
    require_scopes(call.world, call.token, route.scopes if route else NODES[call.kind].scopes if reads_node else ())
    if reads_node and (keeper := NODES[call.kind].guard) is not None:
        keeper(call)
    if route and route.page_token:
        require_page_token(call.token, page_of(call.world, call.node))


def _bucket(call: Call) -> tuple[str, str]:
    route = _route(call)
    bucket = route.bucket if route else "app"
    if isinstance(call.node, CATALOG_KINDS):
        return ("catalog_management" if bucket == "app" else bucket), catalog_of(call.world, call.node).id
    if isinstance(call.node, (Page, *PAGE_KINDS)):
        return ("pages" if bucket == "app" else bucket), page_of(call.world, call.node).id
    if call.token and call.token.kind == "PAGE":
        return "pages", call.token.page_id
    return "app", call.app.id if call.app else ""


def _usage_headers(call: Call, *, code: int | None = None) -> dict[str, str]:
    """Write how full the buckets are; `code` is that of a refusal, which may be this very bucket's."""
    if call.app is None or call.token is None:
        return {}
    app_id = call.app.id if call.token.kind in {"USER", "APP", "SYSTEM_USER"} else ""
    bucket, owner = _bucket(call)
    throttled = code in {THROTTLE_CODES[bucket], THROTTLE_CODES.get(f"{bucket}_user")} - {None}
    return dict(call.world.limits.headers(bucket, owner, app_id, throttled=throttled))


async def _act(call: Call) -> Json:
    """Do what the call asks and shape the result."""
    if not call.path:
        return _read_ids(call)
    route = _route(call)
    if route is None and call.method == "GET" and call.node is not None and not call.edge:
        return _decorate(call, select(call, call.node, call.fields))
    if route is None and call.method == "GET" and call.kind:
        raise _no_field(call.edge, call.kind)
    if route is None:
        raise missing_object(call.method, call.path.partition("/")[0])
    result = route.act(call)
    if inspect.isawaitable(result):
        result = await result
    if isinstance(result, Rows):
        return _decorate(call, _page(call, result, call.fields, limit=call.number("limit", DEFAULT_LIMIT)))
    if type(result).__name__ in NODES:
        return _decorate(call, select(call, result, call.fields))
    if call.method == "GET":
        return _decorate(call, pick(result, call.fields))
    written = call.world.nodes.get(result["id"]) if isinstance(result, dict) and "id" in result else None
    return select(call, written, call.fields) if written is not None and call.fields else result


def _decorate(call: Call, document: Json) -> Json:
    """Add what `metadata=1` and `debug=all` ask for."""
    if call.params.get("metadata") in {"1", 1, "true"} and call.kind in NODES and not call.edge:
        names = sorted(NODES[call.kind].fields)
        document = {**document, "metadata": {"fields": [{"name": name} for name in names], "type": call.kind.lower()}}
    if call.params.get("debug") in {"all", "info", "warning"} and isinstance(document, dict):
        document = {**document, "__debug__": {"messages": []}}
    return document


def _page(call: Call, rows: Rows, fields: tuple[Selection, ...], *, limit: int) -> Json:
    if not isinstance(call.node, CATALOG_KINDS):
        limit = min(limit, call.world.switches.max_page)
    elif limit > call.world.switches.max_products_page:
        raise too_much_data()
    nodes, paging = cut_page(call, rows, limit=limit)
    fields = fields or tuple(Selection(name) for name in rows.default)
    document: dict[str, Json] = {"data": [select(call, node, fields) for node in nodes], **paging}
    if rows.countable and call.params.get("summary") in {"true", "1", True, "total_count"}:
        # Unverified: the summary member is recalled.
        document["summary"] = {"total_count": len(rows.nodes)}
    return document


def _read_ids(call: Call) -> Json:
    ids = call.names("ids", [])
    if call.method != "GET" or not ids:
        raise unknown_path(call.method, "")
    if len(ids) > MAX_IDS:
        raise invalid_parameter(f"Too many IDs. Maximum: {MAX_IDS}. Provided: {len(ids)}.")
    found = {}
    for node_id in ids:
        node = _find(call.world, call.token, node_id) if call.token else None
        if node is None or call.token is None or not reaches(call.world, call.token, node):
            raise missing_object(call.method, node_id)
        one = replace(call, node=node, kind=type(node).__name__)
        _permit(one, None)
        found[node_id] = select(one, node, call.fields)
    return found


def select(call: Call, node: Any, fields: tuple[Selection, ...]) -> Json:
    """Return the wanted fields of a node, its `id` always among them if it has one."""
    kind = type(node).__name__
    node_type = NODES[kind]
    wanted = fields or tuple(Selection(name) for name in node_type.default)
    document: dict[str, Json] = {}
    for selection in wanted:
        value = _read(call, node, kind, selection)
        if value is not None:
            document[selection.alias or selection.name] = value
    return document if "id" in document or "id" not in node_type.fields else document | {"id": node.id}


def _read(call: Call, node: Any, kind: str, selection: Selection) -> Json:
    if (reader := NODES[kind].fields.get(selection.name)) is not None:
        value = reader(call, node)
        if type(value).__name__ in NODES:
            return select(call, value, selection.children)
        return pick(value, selection.children)
    route = ROUTES.get((kind, "GET", selection.name))
    if selection.name in UNSET.get(kind, ()):
        return None
    if route is None:
        raise _no_field(selection.name, kind)
    params = {**selection.arguments, "access_token": call.params.get("access_token", "")}
    if selection.children:
        params["fields"] = _write_fields(selection.children)
    inner = replace(call, node=node, kind=kind, edge=selection.name, params=params, fields=selection.children)
    _permit(inner, route)
    result = route.act(inner)
    if isinstance(result, Rows):
        return _page(inner, result, selection.children, limit=inner.number("limit", DEFAULT_LIMIT))
    return pick(result, selection.children)


def _no_field(name: str, kind: str) -> GraphError:
    return invalid_parameter(f"Tried accessing nonexisting field ({name}) on node type ({kind})")


def _write_fields(fields: tuple[Selection, ...]) -> str:
    parts = []
    for wanted in fields:
        arguments = "".join(f".{name}({value})" for name, value in wanted.arguments.items())
        children = f"{{{_write_fields(wanted.children)}}}" if wanted.children else ""
        parts.append(f"{wanted.name}{arguments}{children}")
    return ",".join(parts)


def write_document(document: Json) -> bytes:
    """Write an answer's body."""
    return orjson.dumps(document)


def entity_tag(body: bytes) -> str:
    """Return the ETag of a body."""
    return f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
