"""Graph versions and what Meta ends, as a caller sees them over gRPC."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from connector.connections import actions, db
from connector.db import outbox
from connector.db.outbox import Task
from connector.errors import MetaRefused
from connector.graph.lifecycle import version_end
from connector.runtime import Runtime
from simulator.world import World
from stormcom.facebook.v1 import connection_pb2, connector_service_pb2_grpc
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1.status_pb2 import ConnectionStatus
from tests.integration.conftest import STORE, Clock

Turn = Callable[[], Awaitable[int]]
CAPABILITY = connection_pb2.Capability


async def ask(channel: grpc.aio.Channel) -> ConnectionStatus:
    """Ask for the store's status."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    return (await stub.GetStatus(pb.GetStatusRequest(store_id=STORE))).status


@pytest.fixture
def call_meta(runtime: Runtime, connected: str, turn: Turn) -> Callable[[], Awaitable[None]]:
    """Let some call go to Meta."""

    async def call_meta() -> None:
        async with runtime.db.begin() as tx:
            connection = await db.require(tx, STORE, connected)
            due, key = runtime.now(), f"subscribe:{connected}"
            await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=due, connection_id=connection.id, key=key)
        await turn()

    return call_meta


def speak(world: World, version: str) -> None:
    """Let Meta answer every call in one version."""
    world.switches.change(oldest_version=version, newest_version=version)


async def test_an_answer_in_another_version_alarms_until_it_heals(
    channel: grpc.aio.Channel, call_meta: Any, world: World, capsys: Any
) -> None:
    """The status names the version Meta answers with; the log says so once, and once that it is over."""
    assert "" == (await ask(channel)).graph_version_drift
    seen = []
    for version in ("v27.0", "v27.0", "v26.0"):
        speak(world, version)
        await call_meta()
        seen.append((await ask(channel)).graph_version_drift)
    lines = [line for line in "".join(capsys.readouterr()).splitlines() if '"event": "graph_version.' in line]
    assert ["v27.0", "v27.0", ""] == seen
    assert ["drifted", "healed"] == [word for line in lines for word in ("drifted", "healed") if word in line]


async def test_the_status_tells_what_meta_ends_soon(channel: grpc.aio.Channel, connected: str, clock: Clock) -> None:
    """The end of our version is known; ninety days before it stands among what Meta ends soon."""
    end = version_end("v26.0")
    assert end is not None
    clock.jump(days=(end - timedelta(days=100) - clock()).days)
    far = await ask(channel)
    clock.jump(days=20)
    near = await ask(channel)
    assert end == near.graph_version_end_time.ToDatetime(end.tzinfo)
    assert ([], [("Graph API v26.0", end)]) == (
        list(far.sunsets),
        [(one.what, one.end_time.ToDatetime(end.tzinfo)) for one in near.sunsets],
    )


@pytest.fixture
async def watched(channel: grpc.aio.Channel, connected: str) -> AsyncIterator[Any]:
    """A watch on the status, whose first message has come."""
    stub: Any = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    call = stub.WatchStatus(pb.WatchStatusRequest(store_id=STORE))
    assert (await call.read()).status.connection.connection_id == connected
    yield call
    call.cancel()


async def test_a_watch_tells_when_a_capability_changes(runtime: Runtime, connected: str, watched: Any) -> None:
    """Whoever watches sees the capability go, with reason, button, words for the merchant and since when."""
    async with runtime.db.begin() as tx:
        connection = await db.require(tx, STORE, connected)
    refusal = MetaRefused("META_PERMISSION_MISSING", "A permission is missing.", code=10)
    await actions.note_refusal(runtime, connection, refusal, task=Task.SEND_MESSAGE)
    shown = {one.kind: one for one in (await watched.read()).status.connection.capabilities}
    messages = shown.pop(CAPABILITY.KIND_MESSAGING)
    assert (CAPABILITY.STATE_BLOCKED, "META_PERMISSION_MISSING") == (messages.state, messages.reason)
    assert all((messages.fix, messages.explanation, messages.since_time.seconds))
    assert CAPABILITY.STATE_BLOCKED not in {one.state for one in shown.values()}
