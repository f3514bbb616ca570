"""Runs the simulator in a thread of its own, for clients that block: Meta's SDK is synchronous.

The world is real and the HTTP is real; nothing is replaced.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import Any

import requests

from simulator import seeds
from simulator.app import serve
from simulator.state import Application
from simulator.world import World

APP_ID = "1000000000000001"
APP_SECRET = "first-secret"


@dataclass(frozen=True, slots=True)
class Meta:
    """A running simulator: its address and what the default seed created."""

    url: str
    seed: Mapping[str, Any]

    def control(self, method: str, path: str, document: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Call the control API and return its JSON; a refusal raises."""
        answer = requests.request(method, f"{self.url}/_simulator{path}", json=document, params=query, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock."""
        self.control("POST", "/clock/advance", {"seconds": seconds})


def new_world(**switches: Any) -> World:
    """Return a world with one app."""

    def prepare(world: World) -> None:
        world.apps[APP_ID] = world.add(Application(APP_ID, [APP_SECRET, "second-secret"]))

    return World(switches=switches, prepare=prepare)


@contextmanager
def running_meta(**switches: Any) -> Iterator[Meta]:
    """Serve a fresh world while the block runs."""
    ready: Queue[tuple[str, Callable[[], object]]] = Queue()

    async def run() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with serve(new_world(**switches), "127.0.0.1", 0) as url:
            ready.put((url, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    url, stop = ready.get(timeout=10)
    try:
        seed = requests.post(f"{url}/_simulator/seed", json=dict(seeds.DEFAULT), timeout=10).json()
        yield Meta(url, seed)
    finally:
        stop()
        thread.join(10)
