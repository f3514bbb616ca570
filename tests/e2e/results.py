"""Keeps in `build/chaos.json` what came of each disaster; one that is repeated replaces what it said before."""

from typing import Any

import orjson

from stack.folders import CHECKOUT

RESULTS = CHECKOUT / "build" / "chaos.json"


def note(**found: Any) -> None:
    """Write down what came of something, beside what is there."""
    RESULTS.parent.mkdir(exist_ok=True)
    known = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    RESULTS.write_bytes(orjson.dumps(known | found, option=orjson.OPT_INDENT_2))
    print(found)  # noqa: T201 – what was survived
