"""One Graph call as a value, and the tables that say what exists: nodes, their fields, their edges.

A feature module declares `NODES` (kind → fields) and `ROUTES` ((kind, method, edge) → Route); nothing else is needed to add one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from simulator.errors import invalid_parameter
from simulator.state import Application, Token
from simulator.world import World

Json = Any  # whatever orjson reads or writes


class PostedFile(dict[str, Json]):
    """A file of a multipart form: shown as its name and size, with what is in it at hand."""

    def __init__(self, filename: str, content: bytes) -> None:
        super().__init__(filename=filename, size_bytes=len(content))
        self.content = content


class Rows(NamedTuple):
    """A list that Graph will page: ascending by `key`, which must be unique and survive inserts."""

    nodes: Sequence[Any]
    key: Callable[[Any], tuple[int, ...]]
    default: tuple[str, ...] = ()  # fields that come when nobody asks, if not the node's own
    countable: bool = True  # False: `nodes` holds little more than the wanted page, and no summary is known


Result = Json | Rows


@dataclass(frozen=True, slots=True)
class Selection:
    """One wanted field: `messages.limit(2){id,message}`."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    children: tuple["Selection", ...] = ()
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one node or edge."""

    world: World
    method: str
    path: str
    version: str
    base_url: str
    params: Mapping[str, Json]
    token: Token | None = None
    app: Application | None = None
    node: Any = None
    kind: str = ""
    edge: str = ""
    fields: tuple[Selection, ...] = ()
    size_bytes: int = 0

    def text(self, name: str, default: str | None = None) -> str:
        """Read a string parameter; without a default it is required."""
        value = self.params.get(name)
        if value is None or value == "":
            if default is None:
                raise invalid_parameter(f"The parameter {name} is required")
            return default
        return value if isinstance(value, str) else orjson.dumps(value).decode()

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read a boolean parameter: true, false, 1, 0."""
        value = self.params.get(name, default)
        if isinstance(value, bool):
            return value
        if str(value).lower() not in {"true", "false", "1", "0"}:
            raise invalid_parameter(f"Param {name} must be a boolean")
        return str(value).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """Read an unsigned integer parameter."""
        value = self.params.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 18:
            raise invalid_parameter(f"Param {name} must be an integer greater than or equal to zero")
        return int(value)

    def structure(self, name: str, kind: type, default: Json = None) -> Json:
        """Read a list or object parameter, given as JSON text or, in a JSON body, as itself."""
        value = self.params.get(name)
        if value is None or value == "":
            if default is None:
                raise invalid_parameter(f"The parameter {name} is required")
            return default
        if isinstance(value, str | bytes):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise invalid_parameter(f"Param {name} must be valid JSON") from None
        if not isinstance(value, kind):
            raise invalid_parameter(f"Param {name} must be {'an array' if kind is list else 'an object'}")
        return value

    def names(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        """Read a list of words, given as JSON or separated by commas."""
        value = self.params.get(name)
        if isinstance(value, str) and not value.lstrip().startswith("["):
            return [part.strip() for part in value.split(",") if part.strip()]
        words = self.structure(name, list, default)
        if not all(isinstance(word, str) for word in words):
            raise invalid_parameter(f"Param {name} must be an array of strings")
        return list(words)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Read an enum parameter."""
        value = self.text(name, default)
        if value not in allowed:
            raise invalid_parameter(f"Param {name} must be one of {{{', '.join(allowed)}}} - got {value!r}")
        return value


@dataclass(frozen=True, slots=True)
class Route:
    """What a node or edge does: the function, the scopes it wants and the bucket it counts in."""

    act: Callable[[Call], Result | Awaitable[Result]]
    scopes: tuple[str, ...] = ()
    bucket: str = "app"
    page_token: bool = False  # only a token of this very Page may do it
    open: bool = False  # needs no token


Reader = Callable[[Call, Any], Json]
Routes = Mapping[tuple[str, str, str], Route]


@dataclass(frozen=True, slots=True)
class NodeType:
    """The fields of a kind of node, and which come when nobody asks."""

    fields: Mapping[str, Reader]
    default: tuple[str, ...] = ("id", "name")
    scopes: tuple[str, ...] = ()  # one of them is wanted to read the node by its id
    guard: Callable[[Call], None] | None = None  # what else may keep it from being read by its id


def attribute(name: str) -> Reader:
    """Return a reader of a plain attribute; an empty one is absent, as Graph leaves out what is not set."""
    return lambda _call, node: getattr(node, name) or None


SUCCESS: Json = {"success": True}
