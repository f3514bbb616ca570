"""What goes wrong with a write at Meta: mostly it is done and nobody hears of it; sometimes it fails before, and says so.

A seed decides. Whoever repeats a write whose answer was lost as if nothing had happened does it twice.
"""

import random
from collections.abc import Mapping
from typing import Any

from client.tour.simulation import Simulation

Action = Mapping[str, Any]
AFTERWARDS: Mapping[str, tuple[int, Action]] = {
    "lost": (9, {"kind": "drop_answer"}),
    "half": (3, {"kind": "close"}),
    "broken": (4, {"kind": "status", "status": 503, "body": "Service Unavailable", "after": True}),
    "garbage": (1, {"kind": "garbage", "after": True}),
    "lied": (3, {"kind": "error", "code": 2, "status": 500, "message": "An unexpected error", "after": True}),
}
"""Done, though the answer does not say so; how often which."""
HUNG: Action = {"kind": "drop_answer", "seconds": 11.0}
"""Done, and silent for longer than a request may take."""
BEFORE: tuple[Action, ...] = (
    {"kind": "drop_before"},
    {"kind": "error", "code": 2, "status": 500, "message": "An unexpected error"},
    {"kind": "error", "code": 2361050, "status": 400, "message": "Another change is under way", "type": "OAuthException"},
)  # fmt: skip
_FIRST_SHARE = 0.2


def draw(noise: random.Random) -> list[Action]:
    """Make up what befalls one write: now and then a failure first, always an effect that nobody hears of."""
    first = [noise.choice(BEFORE)] if noise.random() < _FIRST_SHARE else []
    return [*first, afterwards(noise)]


def afterwards(noise: random.Random) -> Action:
    """Make up how an answer gets lost."""
    weights, actions = zip(*AFTERWARDS.values(), strict=True)
    chosen: Action = noise.choices(actions, weights)[0]
    return chosen


def befall(simulation: Simulation, path: str, *actions: Action) -> None:
    """Have these things befall the next writes to a path, one each."""
    for action in actions:
        match = {"method": "POST", "path": f"{path}$"}
        simulation._ask("POST", "/_simulator/faults", {"match": match, "times": 1, "action": action})


def left(simulation: Simulation) -> list[Mapping[str, Any]]:
    """List what has not befallen anything."""
    return list(simulation._ask("GET", "/_simulator/faults")["faults"])
