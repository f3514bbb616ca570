"""A connection under examination: what its caller sees, and what can be broken about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from sqlalchemy import select

from connector.alerts import db as alerts
from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Task, tasks
from connector.doctor import actions
from connector.doctor.model.checks import COMMERCE
from connector.runtime import Runtime
from jobs import schedule
from simulator import messaging
from simulator.state import Page
from simulator.world import World
from stormcom.facebook.v1 import health_service_pb2 as pb
from stormcom.facebook.v1.check_pb2 import Check
from stormcom.facebook.v1.connector_service_pb2 import DisconnectRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.health_service_pb2_grpc import FacebookHealthStub
from tests.integration.catalog.shop import Turn
from tests.integration.conftest import STORE, Clock

PAGE_ID, BUSINESS_ID, CATALOG_ID = "30000000000000001", "20000000000000001", "50000000000000001"
USER_ID, BUYER_ID = "10000000000000001", "70000000000000001"

_EXAMINE = {Task.EXAMINE_CONNECTION: timedelta(hours=1)}


@dataclass(slots=True)
class Patient:
    """One connection, its Meta, and its time."""

    runtime: Runtime
    world: World
    clock: Clock
    channel: grpc.aio.Channel
    turn: Turn
    connection_id: str

    async def run(self, *kinds: str) -> dict[str, Check]:
        """Run the named checks, or all, while workers are at work; tells each by its kind, in the order it came in."""
        wanted = [Check.Kind.Value(f"KIND_{kind}") for kind in kinds]
        request = pb.RunDiagnosticsRequest(store_id=STORE, connection_id=self.connection_id, kinds=wanted)
        async with self.working():
            stream = FacebookHealthStub(self.channel).RunDiagnostics(request)
            return {name_of(answer.check): answer.check async for answer in stream}

    async def see(self, kind: str) -> tuple[str, str]:
        """Run one check; tells its state and cause."""
        return shown((await self.run(kind))[kind])

    async def listed(self) -> dict[str, Check]:
        """List how every check stood."""
        answer = await FacebookHealthStub(self.channel).ListChecks(
            pb.ListChecksRequest(store_id=STORE, connection_id=self.connection_id)
        )
        return {name_of(check): check for check in answer.checks}

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a worker at work for the length of the block."""
        stopping = asyncio.Event()

        async def work() -> None:
            while not stopping.is_set():
                await self.turn()
                await asyncio.sleep(0.01)

        worker = asyncio.create_task(work())
        try:
            yield
        finally:
            stopping.set()  # a turn that is cut off would keep its task leased for a while
            await worker

    async def examine_as(self, runtime: Runtime) -> None:
        """Let the hourly look take place with another runtime, without workers for what it sends."""
        task = await self.planned()
        for _ in range(2):
            async with runtime.db.begin() as tx:
                taken = await outbox.take(tx, *task, at=runtime.now())
            assert taken is not None
            await actions.examine(runtime, taken)
            self.clock.advance(seconds=20)
            task = await self.planned()

    async def planned(self) -> tuple[int, int]:
        """Have the hourly look planned; tells its task and attempt."""
        async with self.runtime.db.begin() as tx:
            await schedule.plan(tx, at=self.runtime.now(), every={}, every_connection={}, every_linked=_EXAMINE)
            row = await tx.execute(select(tasks.c.id, tasks.c.attempt).where(tasks.c.name == "EXAMINE_CONNECTION"))
            number, attempt = row.one()
            return number, attempt

    async def forget_catalog(self) -> None:
        """Take the catalog away, as of a connection that never chose one."""
        async with self.runtime.db.begin() as tx:
            connection = await connections.require(tx, STORE, self.connection_id)
            gone = {"catalog_id": "", "business_id": "", "catalog_go_time": None}
            await connections.change(tx, connection.id, at=self.runtime.now(), **gone)

    async def disconnect(self) -> None:
        """Unlink the connection."""
        request = DisconnectRequest(store_id=STORE, request_id="bye", connection_id=self.connection_id)
        await FacebookConnectorStub(self.channel).Disconnect(request)
        await self.turn()

    async def examine(self) -> None:
        """Let the hourly look take place: as planned by a relay, done by a worker, with the wait for our own delivery."""
        async with self.runtime.db.begin() as tx:
            await schedule.plan(tx, at=self.runtime.now(), every={}, every_connection={}, every_linked=_EXAMINE)
        self.clock.advance(hours=1)
        await self.turn()
        await self.pass_time(seconds=20)

    async def pass_time(self, **time: float) -> None:
        """Let time pass, and have done what has become due."""
        self.clock.advance(**time)
        await self.turn()

    async def alerts(self) -> list[dict[str, Any]]:
        """List the open alerts."""
        async with self.runtime.db.begin() as tx:
            connection = await connections.require(tx, STORE, self.connection_id)
            return await alerts.opened(tx, connection.id)

    async def due(self) -> Any:
        """Tell when the connection is looked at next."""
        async with self.runtime.db.begin() as tx:
            return await tx.scalar(select(tasks.c.due_time).where(tasks.c.name == "EXAMINE_CONNECTION"))

    async def state(self) -> str:
        """Tell where the connection stands."""
        async with self.runtime.db.begin() as tx:
            return (await connections.require(tx, STORE, self.connection_id)).state

    async def grant_only_the_usual(self) -> None:
        """Take the commerce permissions away, as most merchants never gave them."""
        async with self.runtime.db.begin() as tx:
            connection = await connections.require(tx, STORE, self.connection_id)
            scopes = [scope for scope in connection.granted_scopes if scope not in COMMERCE]
            await connections.change(tx, connection.id, at=self.runtime.now(), granted_scopes=scopes)

    async def write(self, text: str) -> None:
        """Let somebody write to the Page, and take it in."""
        page = self.world.require(Page, PAGE_ID, name="page_id")
        before = len(self.world.outbox.deliveries)
        messaging.receive(self.world, page, BUYER_ID, text=text)
        while len(self.world.outbox.deliveries) == before or self.world.outbox.waiting:  # noqa: ASYNC110 – the sender has no event
            await asyncio.sleep(0.005)
        await self.turn()


def name_of(check: Check) -> str:
    """Tell the kind of a check."""
    return Check.Kind.Name(check.kind).removeprefix("KIND_")


def shown(check: Check) -> tuple[str, str]:
    """Tell state and cause of a check."""
    return Check.State.Name(check.state).removeprefix("STATE_"), check.cause
