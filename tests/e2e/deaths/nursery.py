"""Forks a worker for each line it reads, and answers with its process id: `python -m tests.e2e.deaths.nursery [BUILD]`.

Each is what `python -m jobs.worker fast default bulk` is after its imports. BUILD breaks them on purpose. With the input all of them end.
"""

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module

from jobs import worker
from jobs.tasks import PLANS, Lane, load
from tests.e2e.deaths.builds import BUILDS


def bear() -> int:
    """Fork a worker; return its process id."""
    if child := os.fork():
        return child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(2, 1)  # what it logs is no answer
    code = 1
    try:
        code = worker.main(list(Lane))
    finally:
        os._exit(code)


def main(build: str = "") -> None:
    """Fork until the input ends."""
    if build:
        BUILDS[build]()
    load(PLANS)
    import_module(worker._DIALECT)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    children = []
    for _ in sys.stdin:
        children.append(bear())
        print(children[-1], flush=True)  # noqa: T201 – the answer
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
