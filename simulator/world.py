"""One whole Meta in memory: its objects by id, its clock, its knobs, its chance and its records.

Everything random comes from one seeded source, so a run can be repeated.
"""

import base64
import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from simulator.clock import Clock
from simulator.faults import Faults
from simulator.limits import Limits
from simulator.outbox import Outbox
from simulator.state import Application, Code, ProductCatalog, ProductItem, Records, Token
from simulator.switches import Switches


class HasId(Protocol):
    """Whatever Graph can reach by an id."""

    id: str


Node = TypeVar("Node", bound=HasId)


class World:
    """The state that every call reads and changes."""

    def __init__(
        self,
        *,
        seed: int = 1,
        switches: Mapping[str, Any] | None = None,
        prepare: "Callable[[World], None] | None" = None,
    ) -> None:
        self._seed, self._switch_values, self._prepare = seed, dict(switches or {}), prepare
        self._begin()

    def _begin(self) -> None:
        self.clock = Clock()
        self.random = random.Random(self._seed)
        self.switches = Switches()
        self.switches.change(**self._switch_values)
        self.nodes: dict[str, Any] = {}
        self._by_kind: dict[type, dict[str, Any]] = {}  # without items, of which there may be a million
        self.apps: dict[str, Application] = {}
        self.tokens: dict[str, Token] = {}
        self.page_tokens: dict[tuple[Any, ...], Token] = {}  # by Page, user, app, scopes and end
        self.codes: dict[str, Code] = {}
        self.faults = Faults()
        self.limits = Limits(self.switches, self.clock)
        self.outbox = Outbox(self.clock, self.switches, self.random)
        self.records = Records()
        self._sequence = itertools.count(1)
        self._ids = itertools.count(100_000_000_000_000 + self._seed * 1_000_000_000)
        if self._prepare is not None:
            self._prepare(self)

    def reset(self) -> None:
        """Forget everything and start as on the first day: same seed, same switches, same apps."""
        clock = self.clock
        self._begin()
        clock.wake()

    def next_number(self) -> int:
        """Return a number greater than every one before: the order of creation."""
        return next(self._sequence)

    def new_id(self) -> str:
        """Return an unused numeric id; ids are strings everywhere, as they outgrow other people's integers."""
        return str(next(self._ids))

    def new_text_id(self, prefix: str, *, size: int = 24) -> str:
        """Return an unused opaque id such as a mid, a handle or a token."""
        return prefix + base64.urlsafe_b64encode(self.random.randbytes(size)).decode().rstrip("=")

    def add(self, node: Node) -> Node:
        """Make an object reachable under its id, which no other kind of object may have."""
        if type(self.nodes.get(node.id, node)) is not type(node):
            raise ValueError(f"id: {node.id} is already a {type(self.nodes[node.id]).__name__}")
        self.nodes[node.id] = node
        if not isinstance(node, ProductItem):
            self._by_kind.setdefault(type(node), {})[node.id] = node
        return node

    def forget(self, node: HasId) -> None:
        """Make an object unreachable."""
        del self.nodes[node.id]
        self._by_kind.get(type(node), {}).pop(node.id, None)

    def find(self, kind: type[Node], node_id: str) -> Node | None:
        """Return the object of that kind and id, if there is one."""
        node = self.nodes.get(node_id)
        return node if isinstance(node, kind) else None

    def require(self, kind: type[Node], node_id: str, *, name: str) -> Node:
        """Return the object or raise, naming the field that pointed to it. For the control API only."""
        node = self.find(kind, node_id)
        if node is None:
            raise ValueError(f"{name}: there is no {kind.__name__} {node_id!r}; seed it first")
        return node

    def all(self, kind: type[Node]) -> list[Node]:
        """Return all objects of a kind, oldest first; items are reached through their catalog instead."""
        return [node for node in self._by_kind.get(kind, {}).values() if isinstance(node, kind)]

    def catalogs(self) -> list[ProductCatalog]:
        """Return all catalogs."""
        return self.all(ProductCatalog)

    def issue_token(self, kind: str, app_id: str, **details: Any) -> Token:
        """Make and remember a token."""
        prefix = {"USER": "EAAU", "PAGE": "EAAP", "SYSTEM_USER": "EAAS"}[kind]
        token = Token(self.new_text_id(prefix, size=60), kind, app_id, self.clock.now(), **details)
        self.tokens[token.value] = token
        return token
