"""Forks a process for each line it reads, and answers with its id: `python -m tests.e2e.deaths.nursery KIND [BUILD]`.

A `worker` is what `python -m jobs.worker fast default bulk` is after its imports, a `connector` what `python -m connector` is. BUILD breaks
them on purpose. With the input all of them end.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from tests.e2e.deaths.builds import BUILDS


def load_worker() -> Callable[[], int]:
    """Load all that a worker loads; return what it then does."""
    worker, tasks = import_module("jobs.worker"), import_module("jobs.tasks")
    tasks.load(tasks.PLANS)
    import_module(worker._DIALECT)
    return lambda: int(worker.main(list(tasks.Lane)))


def load_connector() -> Callable[[], int]:
    """Load all that a connector loads; return what it then does."""
    connector = import_module("connector.__main__")
    return lambda: int(connector.main([]))


KINDS = {"worker": load_worker, "connector": load_connector}


def bear(live: Callable[[], int]) -> int:
    """Fork; return the child's process id."""
    if child := os.fork():
        return child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(2, 1)  # what it logs is no answer
    code = 1
    try:
        code = live()
    finally:
        os._exit(code)


def main(kind: str, build: str = "") -> None:
    """Fork until the input ends."""
    if build:
        BUILDS[build]()
    live = KINDS[kind]()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    children = []
    for _ in sys.stdin:
        children.append(bear(live))
        print(children[-1], flush=True)  # noqa: T201 – the answer
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
