"""A receiver over real HTTP that answers as it is told, and a push to it."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from connector.events import db
from connector.events.model import Draft
from connector.pushes import rpc
from connector.runtime import Runtime
from stormcom.facebook.v1 import push_service_pb2 as pb

STORE = "store_1"
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
NEW_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Receiver:
    """Keeps what it was sent, and answers 200 unless told otherwise for an ordering key."""

    url: str = ""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """What it answered 2xx: key and id."""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    statuses: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    """Whoever posts to the key "held" waits for it."""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.posts.append((dict(request.headers), body))
        key = json.loads(body)["data"].get("orderingKey", "")
        if key == "held" and self.hold:
            await self.hold.wait()
        status = self.statuses.get(key, self.status)
        if 200 <= status < 300:
            self.taken.append((key, request.headers["webhook-id"]))
        return web.Response(status=status, headers=self.headers, text="ignored " * 100)

    @property
    def keys(self) -> list[str]:
        """The keys of what it took, in order."""
        return [key for key, _ in self.taken]


def verify(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Verify a post by the words of the specification alone."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{wanted}", each) for each in headers["webhook-signature"].split(" "))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Something of StormCom's that takes posts."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    yield receiver
    await runner.cleanup()


Configure = Callable[..., Awaitable[pb.Push]]


@pytest.fixture
def configure(runtime: Runtime, receiver: Receiver) -> Configure:
    """Make a push to the receiver, or change it."""

    async def configure(**named: Any) -> pb.Push:
        request = pb.ConfigurePushRequest(**{"store_id": STORE, "url": receiver.url, "secret": SECRET, **named})
        return (await rpc.configure_push(runtime, request)).push

    return configure


@pytest.fixture
def tell(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """Append events with these keys in one transaction."""

    async def tell(*keys: str, kind: str = "operation_changed") -> None:
        bodies: dict[str, Any] = {"operation_changed": {"operation": {"operation_id": "1"}}, "alert_raised": {}}
        drafts = [Draft(STORE, None, key, kind, bodies[kind]) for key in keys]
        async with runtime.db.begin() as tx:
            await db.append(tx, *drafts, at=runtime.now())

    return tell


@pytest.fixture
def push_turn(clock: Any, turn: Callable[[], Awaitable[int]]) -> Callable[..., Awaitable[None]]:
    """Let time pass until the push looks again, and run what is due."""

    async def push_turn(**time: float) -> None:
        clock.advance(**(time or {"seconds": 61}))
        await turn()

    return push_turn


def ids(posts: Sequence[tuple[dict[str, str], bytes]]) -> list[str]:
    """The ids that posts came with."""
    return [headers["webhook-id"] for headers, _ in posts]
