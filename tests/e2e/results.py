"""Keeps in `build/chaos.json` what came of the storm, the masses and the deaths; one that is repeated replaces what it said before.

Files of tests run side by side: who writes waits for the others, and nobody sees half of it.
"""

import fcntl
from typing import Any

import orjson

from stack.folders import CHECKOUT

RESULTS = CHECKOUT / "build" / "chaos.json"


def note(**found: Any) -> None:
    """Write down what came of something, beside what is there."""
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
        whole = RESULTS.with_suffix(".new")
        whole.write_bytes(orjson.dumps(known | found, option=orjson.OPT_INDENT_2))
        whole.replace(RESULTS)
    print(found)  # noqa: T201 – what was survived
