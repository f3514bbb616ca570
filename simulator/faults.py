"""Failures on demand: the next N calls of a kind go wrong in a given way.

    error         answer with a Graph error               status        answer with any status and body
    garbage       200 with something that is no JSON      delay         wait, then serve normally
    drop_before   close the connection, do nothing        drop_answer   do it, then close without an answer
    close         send half of the answer, then close     trickle       do it, then answer a byte at a time

The first three do nothing unless `after` says that the work is done first: such an answer lies, as Meta's now and then does.
It refuses unknown kinds and members, naming them.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from simulator.errors import GraphError

# kind → the members it may have, with their types
KINDS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "error": {
        "code": int,
        "subcode": int,
        "message": str,
        "type": str,
        "status": int,
        "transient": bool,
        "minutes": int,
        "title": str,
        "user_message": str,
        "after": bool,
    },
    "status": {"status": int, "body": str, "content_type": str, "after": bool},
    "garbage": {"body": str, "after": bool},
    "delay": {"seconds": (int, float)},
    "drop_before": {},
    "drop_answer": {"seconds": (int, float)},
    "close": {},
    "trickle": {"seconds": (int, float)},
}


# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21)
BUSINESS_USE_CASES = {80001: "pages", 80006: "messenger", 80009: "catalog_management", 80014: "catalog_batch"}
MEMBERS = {"match", "times", "action"}
METHODS = {"", "GET", "POST", "DELETE"}
SELECTORS = {"method", "path"}


@dataclass(slots=True)
class Fault:
    """One ordered failure. `times` counts down; a fault with none left is gone."""

    id: int
    method: str
    path: re.Pattern[str]
    times: int
    kind: str
    action: dict[str, Any]
    hits: int = 0
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self) -> None:
        """Wait as long as a delay says, or until it is ended."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.action.get("seconds", 1.0))

    def end(self) -> None:
        """Let go on whoever waits."""
        self._ended.set()

    def error(self, owner: str) -> GraphError:
        """Return the ordered Graph error."""
        action = self.action
        code = action.get("code", 2)
        headers = {}
        if minutes := action.get("minutes"):
            usage = {
                "call_count": 101,
                "total_cputime": 50,
                "total_time": 50,
                "estimated_time_to_regain_access": minutes,
            }
            use_case = {"type": BUSINESS_USE_CASES.get(code, "catalog_batch"), **usage}
            headers["X-Business-Use-Case-Usage"] = orjson.dumps({owner: [use_case]}).decode()
        return GraphError(
            action.get("message", f"(#{code}) Ordered failure"),
            code=code,
            subcode=action.get("subcode"),
            type=action.get("type", "OAuthException"),
            status=action.get("status", 500 if code in {1, 2} else 400),
            transient=action.get("transient", code == 2),
            title=action.get("title"),
            user_message=action.get("user_message"),
            headers=headers,
        )


def _object(document: Mapping[str, Any], name: str, known: set[str] | None = None) -> Mapping[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object")
    if known is not None and (unknown := value.keys() - known):
        raise ValueError(f"{name}.{min(unknown)}: {name} has only {', '.join(sorted(known))}")
    return value


def _pattern(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except (re.error, TypeError) as problem:
        raise ValueError(f"match.path: not a regular expression: {problem}") from None


class Faults:
    """The failures in waiting, first come first hit."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._ids = count(1)

    def order(self, document: Mapping[str, Any]) -> Fault:
        """Add a failure from its JSON description."""
        match, action = _object(document, "match", SELECTORS), dict(_object(document, "action"))
        if unknown := document.keys() - MEMBERS:
            raise ValueError(f"{min(unknown)}: a fault has only {', '.join(sorted(MEMBERS))}")
        kind = action.pop("kind", None)
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"action.kind: expected one of {', '.join(KINDS)}, got {kind!r}")
        for name, value in action.items():
            expected = KINDS[kind].get(name)
            if expected is None or not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
                raise ValueError(
                    f"action.{name}: {kind} takes {sorted(KINDS[kind]) or 'no members'}, of the documented types"
                )
        times = document.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            raise ValueError("times: expected a number of at least 1")
        method = str(match.get("method", "")).upper()
        if method not in METHODS:
            raise ValueError(f"match.method: expected GET, POST or DELETE, got {match['method']!r}")
        fault = Fault(next(self._ids), method, _pattern(match.get("path", "")), times, kind, action)
        self._waiting.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that hits this call, if any, and use it up by one."""
        for fault in self._waiting:
            if fault.method in {"", method} and fault.path.search(path):
                fault.times -= 1
                fault.hits += 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> int:
        """Forget all; return how many were waiting."""
        number = len(self._waiting)
        self._waiting.clear()
        return number

    def listed(self) -> list[dict[str, Any]]:
        """Return what is waiting."""
        return [
            {"id": f.id, "method": f.method, "path": f.path.pattern, "times": f.times, "hits": f.hits}
            | {"action": {"kind": f.kind} | f.action}
            for f in self._waiting
        ]
