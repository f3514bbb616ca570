"""Failures on demand: the next N calls of a kind go wrong in a given way.

    error         answer with a Graph error               status        answer with any status and body
    garbage       200 with something that is no JSON      delay         wait, then serve normally
    drop_before   close the connection, do nothing        drop_answer   do it, then close without an answer
    close         send half of the answer, then close

It refuses unknown kinds and members, naming them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

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
    },
    "status": {"status": int, "body": str, "content_type": str},
    "garbage": {"body": str},
    "delay": {"seconds": (int, float)},
    "drop_before": {},
    "drop_answer": {},
    "close": {},
}


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

    def error(self, owner: str) -> GraphError:
        """Return the ordered Graph error."""
        action = self.action
        code = action.get("code", 2)
        headers = {}
        if minutes := action.get("minutes"):
            usage = f'{{"{owner}":[{{"type":"catalog_batch","call_count":101,"total_cputime":50,"total_time":50,'
            headers["X-Business-Use-Case-Usage"] = f'{usage}"estimated_time_to_regain_access":{minutes}}}]}}'
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


class Faults:
    """The failures in waiting, first come first hit."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._ids = count(1)

    def order(self, document: Mapping[str, Any]) -> Fault:
        """Add a failure from its JSON description."""
        match, action = document.get("match", {}), dict(document.get("action", {}))
        kind = action.pop("kind", None)
        if kind not in KINDS:
            raise ValueError(f"action.kind: expected one of {', '.join(KINDS)}, got {kind!r}")
        for name, value in action.items():
            expected = KINDS[kind].get(name)
            if expected is None or not isinstance(value, expected):
                raise ValueError(
                    f"action.{name}: {kind} takes {sorted(KINDS[kind]) or 'no members'}, of the documented types"
                )
        times = document.get("times", 1)
        if not isinstance(times, int) or times < 1:
            raise ValueError("times: expected a number of at least 1")
        try:
            path = re.compile(match.get("path", ""))
        except re.error as problem:
            raise ValueError(f"match.path: not a regular expression: {problem}") from None
        fault = Fault(next(self._ids), str(match.get("method", "")).upper(), path, times, kind, action)
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
