"""A connection's doorway: bounds what one caller may take – time, connections – before aiohttp sees a byte of it.

    connected ──first byte within 5 s──▶ request ──answered within 10 s of its first byte──▶ at rest ──next byte──▶ request

Whoever is slower is cut off without an answer. A handler that sends for long (`linger`) has the clock stopped once its request is whole.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web

from connector import metrics
from webhook_ingress.callers import Callers

FIRST_BYTE_SECONDS = 5.0
REQUEST_SECONDS = 10.0
MOST_CONNECTIONS = 1000
MOST_PER_ADDRESS = 200


@dataclass(slots=True)
class Limits:
    """What callers may take, and what they have taken."""

    callers: Callers
    connections: int = MOST_CONNECTIONS
    per_address: int = MOST_PER_ADDRESS
    first_byte_seconds: float = FIRST_BYTE_SECONDS
    request_seconds: float = REQUEST_SECONDS
    open: Counter[str] = field(default_factory=Counter)

    def refuse(self, address: str) -> str:
        """Tell why one more connection of this address is one too many; empty when it is not. A proxy stands for many callers."""
        if self.open.total() >= self.connections:
            return "full"
        return "address" if self.open[address] >= self.per_address and not self.callers.trusts(address) else ""

    def enter(self, address: str) -> None:
        """Count a connection."""
        self.open[address] += 1

    def leave(self, address: str) -> None:
        """Count it no more."""
        self.open[address] -= 1
        if not self.open[address]:
            del self.open[address]


class Doorway(asyncio.Protocol):
    """Stands between the socket and aiohttp's protocol."""

    def __init__(self, make: Callable[[], asyncio.Protocol], limits: Limits) -> None:
        self._make, self._limits = make, limits
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._address = ""
        self._under_way = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a connection in, or close it when it is one too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        if cause := self._limits.refuse(self._address):
            metrics.turned_away.labels(cause).inc()
            self._transport.close()
            return
        self._limits.enter(self._address)
        self._inner = self._make()
        self._inner.connection_made(transport)
        self._set(self._limits.first_byte_seconds, "idle")

    def data_received(self, data: bytes) -> None:
        """Pass bytes on; the first of a request starts its clock."""
        if self._inner is None:
            return
        self.begin()
        self._inner.data_received(data)

    def begin(self) -> None:
        """Start a request's clock, unless it runs already: from its first byte on."""
        if not self._under_way:
            self._under_way = True
            self._set(self._limits.request_seconds, "slow")

    def end(self) -> None:
        """Stop the clock: the request is answered, or needs its time. The next byte starts it anew."""
        self._under_way = False
        self._stop()

    def __enter__(self) -> None:
        """Run a request's clock for the length of the block: one that came along with the request before starts here."""
        self.begin()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.end()

    @property
    def cut_time(self) -> float | None:
        """Tell when the connection is cut off, by the loop's clock; None while nobody waits for the caller."""
        return None if self._clock is None else self._clock.when()

    def eof_received(self) -> bool | None:
        """Pass the end on."""
        return self._inner.eof_received() if self._inner else None

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no more."""
        self._stop()
        if self._inner is not None:
            self._limits.leave(self._address)
            inner, self._inner = self._inner, None
            inner.connection_lost(exc)

    def _set(self, seconds: float, cause: str) -> None:
        self._stop()
        self._clock = asyncio.get_running_loop().call_later(seconds, self._cut, cause)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _cut(self, cause: str) -> None:
        metrics.turned_away.labels(cause).inc()
        if self._transport is not None:
            self._transport.abort()


def doorway_of(request: web.Request) -> Doorway | None:
    """Find the doorway a request came through; None when its connection is gone."""
    protocol = None if request.transport is None else request.transport.get_protocol()
    return protocol if isinstance(protocol, Doorway) else None


def linger(request: web.Request) -> None:
    """Let an answer take its time: its handler bounds it."""
    if doorway := doorway_of(request):
        doorway.end()
