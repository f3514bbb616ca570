"""The parameter tables of Meta's own SDK, read from its source, as the judge of recorded calls.

`unknown_parameters(calls)` takes what `GET /_simulator/calls` returns and names every parameter, enum value and type that
facebook-business 26.0.3 does not know at that place. It says nothing about calls that failed to find their node.
"""

import ast
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.contract.published_orders import FORMER_EDGES

# https://developers.facebook.com/docs/graph-api/overview (read 2026-11-21): understood everywhere.
EVERYWHERE = {
    "access_token", "appsecret_proof", "appsecret_time", "fields", "limit", "after", "before", "summary", "ids",
    "metadata", "debug", "locale", "method",
}  # fmt: skip
# What the SDK has no class for. Sources: Facebook Login's documentation (recalled, see graph-api.md 2.2-2.6) and
# https://developers.facebook.com/docs/graph-api/batch-requests (read 2026-11-21).
WITHOUT_CLASS: Mapping[tuple[str, str], set[str]] = {
    ("GET", "oauth/access_token"): {
        "client_id", "client_secret", "redirect_uri", "code", "grant_type", "fb_exchange_token",
        "set_token_expires_in_60_days",
    },
    ("POST", "oauth/access_token"): {
        "client_id", "client_secret", "redirect_uri", "code", "grant_type", "fb_exchange_token",
    },
    ("GET", "oauth/revoke"): {"client_id", "client_secret", "revoke_token"},
    ("GET", "debug_token"): {"input_token"},
    # graph-api.md 3.3: as facebook-for-woocommerce and meta-for-magento2 call them.
    ("GET", "fbe_business/fbe_installs"): {"fbe_external_business_id"},
    ("DELETE", "fbe_business/fbe_installs"): {"fbe_external_business_id"},
    ("GET", "fbe_business"): {"fbe_external_business_id"},
    ("POST", "fbe_business"): {"fbe_external_business_id", "business_config"},
    ("POST", "commerce_partner_integrations_repair"): {
        "fbe_external_business_id", "shop_domain", "admin_url", "extension_version",
        "commerce_partner_seller_platform_type",
    },
    ("POST", ""): {"batch", "include_headers"},
}  # fmt: skip
# Edges of nodes that the SDK has no class for. graph-api.md 3.3: as facebook-for-woocommerce and meta-for-magento2 call it.
WITHOUT_NODE: Mapping[tuple[str, str, str], set[str]] = {
    # Unverified: the edge is recalled; the SDK has the node (owneddomain.py) but no longer a way to it.
    ("Business", "GET", "owned_domains"): set(),
    **FORMER_EDGES,
    ("CommercePartnerIntegration", "POST", "file_update"): {"url", "file", "feed_type", "update_type", "update_time"},
}
# Files travel beside the parameters; the SDK knows `source` and `file` only. Unverified: Messenger's name for its own is recalled.
FILES = {("Page", "POST", "message_attachments"): {"filedata"}}
# Nodes that Graph has and the SDK has not: reading them takes nothing but the parameters understood everywhere.
UNTYPED_NODES = {"Message"}


class Edge(NamedTuple):
    """What one method of the SDK may send."""

    types: Mapping[str, str]
    enums: Mapping[str, frozenset[str]]


def unknown_parameters(calls: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one sentence for each thing in the calls that the SDK does not know; empty means all is known."""
    return list(dict.fromkeys(sentence for call in calls for sentence in _judge(call)))


def _judge(call: Mapping[str, Any]) -> Iterator[str]:
    method, path, node, edge = call["method"], call["path"], call["node"], call["edge"]
    known_everywhere = EVERYWHERE | FILES.get((node, method, edge), set())
    sent = {name: value for name, value in call["parameters"].items() if name not in known_everywhere}
    place = f"{method} {node or path}/{edge}"
    if not node:
        known = WITHOUT_CLASS.get((method, path), set())
        yield from (f"{place}: unknown parameter {name}" for name in sent if known or path == "" if name not in known)
        return
    if (named := WITHOUT_NODE.get((node, method, edge))) is not None:
        yield from (f"{place}: unknown parameter {name}" for name in sent if name not in named)
        return
    table = sdk_edges().get((node, method, edge))
    if table is None:
        if node not in UNTYPED_NODES or method != "GET" or edge or sent:
            yield f"{place}: the SDK has no such call"
        return
    for name, value in sent.items():
        if name not in table.types:
            yield f"{place}: unknown parameter {name}"
        else:
            yield from (f"{place}: {name}: {problem}" for problem in _misfits(table, table.types[name], value))


def _misfits(edge: Edge, type_: str, value: Any) -> Iterator[str]:
    """Return why a value does not fit the SDK's type."""
    if type_.startswith("list<"):
        for one in _as_list(value):
            yield from _misfits(edge, type_[5:-1], one)
    elif type_ in edge.enums:
        allowed = edge.enums[type_]
        # The SDK writes Messenger's enums in capitals, Messenger's documentation partly in small letters.
        if str(value) not in allowed and str(value).upper() not in allowed:
            yield f"{value!r} is not in the SDK's enum"
    elif type_ == "bool" and str(value).lower() not in {"true", "false", "1", "0"}:
        yield f"{value!r} is no boolean"
    elif type_ in {"int", "unsigned int"} and not str(value).isdecimal():
        yield f"{value!r} is no unsigned integer"


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, str):
        parsed = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        return list(parsed)
    return list(value)


@cache
def sdk_edges() -> Mapping[tuple[str, str, str], Edge]:
    """Return (class, HTTP method, edge) → what may be sent, from every module of the SDK."""
    spec = importlib.util.find_spec("facebook_business")
    assert spec is not None, "facebook-business is not installed"
    assert spec.origin is not None, "facebook-business has no files"
    folder = Path(spec.origin).parent / "adobjects"
    modules = [ast.parse((folder / f"{name}.py").read_text()) for name in _MODULES]
    classes = {node.name: node for module in modules for node in module.body if isinstance(node, ast.ClassDef)}
    return {
        (name, *place): Edge(types, _resolve(enums, classes))
        for name, node in classes.items()
        for function in node.body
        if isinstance(function, ast.FunctionDef)
        for place, types, enums in _read_function(function)
    }


# The modules of the nodes that StormCom's connector and the simulator speak to, and those whose enums they use.
_MODULES = (
    "adspixel", "application", "business", "checkbatchrequeststatus", "commercemerchantsettings", "commerceorder", "iguser", "page",
    "productcatalog", "productcatalogdiagnosticgroup", "productfeed", "productfeedupload", "productfeeduploaderror",
    "productfeeduploaderrorsample", "productgroup", "productitem", "productset", "profile",
    "unifiedthread", "user",
)  # fmt: skip


def _read_function(function: ast.FunctionDef) -> Iterator[tuple[tuple[str, str], dict[str, str], dict[str, ast.expr]]]:
    """Find `param_types`, `enums` and the request of one SDK method."""
    types: dict[str, str] = {}
    enums: dict[str, ast.expr] = {}
    place: tuple[str, str] | None = None
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict):
            pairs = {
                ast.literal_eval(key): value
                for key, value in zip(node.value.keys, node.value.values, strict=True)
                if key
            }
            if node.targets[0].id == "param_types":
                types = {name: ast.literal_eval(value) for name, value in pairs.items()}
            elif node.targets[0].id == "enums":
                enums = pairs
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "FacebookRequest":
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            place = (ast.literal_eval(keywords["method"]), ast.literal_eval(keywords["endpoint"]).strip("/"))
    if place is not None:
        yield place, types, enums


def _resolve(enums: Mapping[str, ast.expr], classes: Mapping[str, ast.ClassDef]) -> dict[str, frozenset[str]]:
    """Turn `Page.Folder.__dict__.values()` and literal lists into the values they mean."""
    found: dict[str, frozenset[str]] = {}
    for name, node in enums.items():
        if isinstance(node, ast.List):
            found[name] = frozenset(map(str, ast.literal_eval(node)))
            continue
        parts = ast.unparse(node).split(".")
        owner = classes.get(parts[0])
        inner = (
            next((one for one in owner.body if isinstance(one, ast.ClassDef) and one.name == parts[1]), None)
            if owner
            else None
        )
        if inner is not None:
            values = [one.value for one in inner.body if isinstance(one, ast.Assign)]
            found[name] = frozenset(str(ast.literal_eval(value)) for value in values)
    return found
