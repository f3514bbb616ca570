"""Keeps what was called, for tests that judge the caller: every parameter name, tokens masked, long lists cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulator.call import Call, PostedFile
from simulator.state import RecordedCall
from simulator.world import World

SECRETS = {
    "access_token",
    "appsecret_proof",
    "client_secret",
    "code",
    "fb_exchange_token",
    "input_token",
    "revoke_token",
}
MAX_TEXT = 4_000


@contextmanager
def under_way(world: World, path: str) -> Iterator[None]:
    """Count a call as long as it is worked on: whoever promises one at a time is judged by the crowds."""
    waiting, crowds = world.records.under_way, world.records.crowds
    waiting[path] += 1
    if waiting[path] > 1:
        crowds[path] = max(crowds[path], waiting[path])
    try:
        yield
    finally:
        waiting[path] -= 1
        if not waiting[path]:
            del waiting[path]


def record(call: Call, *, status: int, code: int | None, seconds: float) -> None:
    """Append a call to the records."""
    world = call.world
    world.records.call_count += 1
    world.records.calls.append(
        RecordedCall(
            sequence=world.records.call_count,
            time=world.clock.now(),
            method=call.method,
            path=call.path,
            version=call.version,
            node=call.kind,
            edge=call.edge,
            parameters={name: _shorten(call, name, value) for name, value in call.params.items()},
            size_bytes=call.size_bytes,
            status=status,
            code=code,
            duration_ms=round(seconds * 1000, 3),
        )
    )


def _shorten(call: Call, name: str, value: Any) -> Any:
    if name in SECRETS:
        return mask(str(value))
    if isinstance(value, PostedFile):
        return dict(value)
    if isinstance(value, list):
        return value[: call.world.switches.recorded_elements]
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[:MAX_TEXT]
    return value


def mask(secret: str) -> str:
    """Show enough of a secret to tell two apart, never enough to use it."""
    return f"{secret[:4]}…{len(secret)}" if secret else ""
