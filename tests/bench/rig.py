"""What is measured: the whole connector on embedded, durable servers, with Meta simulated at full speed and stores connected.

And the tools around it: bare baselines and load generators, each a process of its own.

Callers come with a signed JWT, as in production; logs are written as in production.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import grpc
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from client.tour.simulation import Simulation, World, allow
from stack.environment import Ports, inherited
from stack.process import Plan, Process
from stack.supervisor import GRACE_PER_TIER, NAMES, Stack, running_stack
from stormcom.facebook.v1.catalog_service_pb2 import CreateCatalogRequest, UpsertProductsRequest
from stormcom.facebook.v1.catalog_service_pb2_grpc import FacebookCatalogStub
from stormcom.facebook.v1.connection_pb2 import Connection
from stormcom.facebook.v1.connector_service_pb2 import BeginConnect, ChooseAssets, ConnectRequest, SyncCatalogRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import GetOperationRequest
from stormcom.facebook.v1.operation_service_pb2_grpc import FacebookOperationsStub
from tests.bench import goods
from tests.bench.cargo import write_messages

AUDIENCE = "facebook-connector"
# Meta answers at once and without limits: what is measured is ours.
SWIFT = {
    "batch_seconds": 0.05,
    "batch_jitter": 0.0,
    "review_seconds": 0.0,
    "image_seconds": 0.0,
    "recorded_elements": 5_000,
}
PER_UPSERT = 500
OPERATION_POLL_SECONDS = 0.2
OPERATION_PATIENCE_SECONDS = 240.0
TOKEN_SECONDS = 6 * 3600

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shop:
    """A connected store."""

    store_id: str
    connection_id: str
    catalog_id: str
    world: World


@dataclass(frozen=True, slots=True)
class Rig:
    """A running connector and a caller's way to it."""

    stack: Stack
    folder: Path
    token: str
    channel: grpc.aio.Channel
    ports: Ports

    @property
    def metadata(self) -> Metadata:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),)

    @property
    def connector(self) -> Any:
        """The main service."""
        return FacebookConnectorStub(self.channel)

    @property
    def catalog(self) -> Any:
        """The catalog service."""
        return FacebookCatalogStub(self.channel)

    @property
    def events(self) -> Any:
        """The event service."""
        return FacebookEventsStub(self.channel)

    @property
    def operations(self) -> Any:
        """The operation service."""
        return FacebookOperationsStub(self.channel)

    def pids(self) -> dict[str, int]:
        """Tell the process ids of our processes, of PostgreSQL and of Redis."""
        found = {name: process.pid for name, process in self.stack.processes.items()}
        for name, server in (("postgres", self.stack.servers.postgres), ("redis", self.stack.servers.redis)):
            found[name] = server.pid if server else None
        return {name: pid for name, pid in found.items() if pid is not None}

    async def connect(self, number: int) -> Shop:
        """Connect a store of its own: the dialog, the Page, a new catalog."""
        store_id = f"store-{number}"
        simulation = Simulation(self.stack.simulator_url)
        world = await asyncio.to_thread(simulation.seed, number)
        begun = await self.connector.Connect(
            ConnectRequest(store_id=store_id, begin=BeginConnect()), metadata=self.metadata
        )
        connection_id = begun.connection.connection_id
        await asyncio.to_thread(allow, begun.open_dialog.url, world.user_id)
        choice = ChooseAssets(page_id=world.page_id)
        wish = ConnectRequest(store_id=store_id, connection_id=connection_id, choose=choice)
        chosen = await self.connector.Connect(wish, metadata=self.metadata)
        if chosen.connection.state != Connection.STATE_CONNECTED:
            raise RuntimeError(f"{store_id} did not connect: {chosen.connection}")
        create = CreateCatalogRequest(
            store_id=store_id, connection_id=connection_id, business_id=world.business_id, name="Bench"
        )
        created = await self.catalog.CreateCatalog(create, metadata=self.metadata)
        return Shop(store_id, connection_id, created.catalog.catalog_id, world)

    async def upsert(self, shop: Shop, count: int) -> None:
        """Hand in the first products of `goods`."""
        for begin in range(0, count, PER_UPSERT):
            some = goods.products(range(begin, min(begin + PER_UPSERT, count)))
            request = UpsertProductsRequest(store_id=shop.store_id, products=some)
            await self.catalog.UpsertProducts(request, metadata=self.metadata)

    async def go(self, shop: Shop) -> None:
        """Sync the catalog: the explicit go, and everything there is reaches Meta."""
        answer = await self.connector.SyncCatalog(SyncCatalogRequest(store_id=shop.store_id), metadata=self.metadata)
        await self.settled(answer.operation)

    async def settled(self, operation: Operation, *, patience_seconds: float = OPERATION_PATIENCE_SECONDS) -> None:
        """Wait until an operation has ended well."""
        request = GetOperationRequest(store_id=operation.store_id, operation_id=operation.operation_id)
        end = time.monotonic() + patience_seconds
        while operation.state == Operation.STATE_RUNNING and time.monotonic() < end:
            await asyncio.sleep(OPERATION_POLL_SECONDS)
            operation = (await self.operations.GetOperation(request, metadata=self.metadata)).operation
        if operation.state != Operation.STATE_SUCCEEDED:
            raise RuntimeError(f"The operation did not succeed:\n{operation}")

    async def control(self, method: str, path: str, document: object = None) -> Any:
        """Call the simulator's control API."""
        async with (
            aiohttp.ClientSession(self.stack.simulator_url) as http,
            http.request(method, f"/_simulator{path}", json=document) as answer,
        ):
            body = await answer.json()
            if answer.status != HTTPStatus.OK:
                raise RuntimeError(f"{method} {path}: {body}")
            return body


@asynccontextmanager
async def running_rig(
    folder: Path, *, only: Collection[str] = NAMES, environment: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Rig]:
    """Run the connector, or some of its processes, with further settings in `environment`."""
    key = Ed25519PrivateKey.generate()
    public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "bench", "alg": "EdDSA"}
    claims = {
        "sub": "bench",
        "role": "platform",
        "stores": ["*"],
        "aud": AUDIENCE,
        "iat": int(time.time()),
        "exp": int(time.time()) + TOKEN_SECONDS,
    }
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "bench"})
    signed = {
        "CALLER_JWKS": orjson.dumps({"keys": [public]}).decode(),
        "LOG_FORMAT": "json",
        "CALLER_TOKEN_SECONDS": str(TOKEN_SECONDS),
    }
    async with (
        running_stack(folder, only=only, environment={**signed, **environment}, fresh=True, say=_complain) as stack,
        grpc.aio.insecure_channel(stack.addresses["connector"]) as channel,
    ):
        rig = Rig(stack, folder, token, channel, Ports())
        limits = (await rig.control("GET", "/switches"))["allowances"]
        await rig.control("PATCH", "/switches", {**SWIFT, "allowances": dict.fromkeys(limits, 0)})
        yield rig
        if stack.crashes:
            raise RuntimeError(f"Processes died while they were measured: {stack.crashes}")


@asynccontextmanager
async def bare(folder: Path, kind: str, *arguments: str, database_url: str = "") -> AsyncIterator[str]:
    """Run a baseline; its address."""
    address = Ports().next_free(0)
    command = (sys.executable, "-m", "tests.bench.bare", kind, address, *arguments)
    environment = {**inherited(os.environ), "DATABASE_URL": database_url}
    process = Process(Plan(f"bare {kind}", command, environment, ready_address=address), folder / f"bare-{kind}.log")
    await process.start()
    try:
        yield address
    finally:
        await process.stop(GRACE_PER_TIER)


async def load(protocol: str, address: str, requests: Path, *options: str) -> dict[str, float]:
    """Run the load generator to its end."""
    generator = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", protocol, address, str(requests), *options, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    output, _ = await generator.communicate()
    if generator.returncode:
        raise RuntimeError(
            f"The load generator failed against {address} ({generator.returncode}); its words stand above"
        )
    return dict(orjson.loads(output))


def requests_file(folder: Path, name: str, requests: Iterable[bytes]) -> Path:
    """Keep requests for the load generator."""
    return write_messages(folder / f"{name}.requests", requests)


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
