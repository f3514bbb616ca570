"""Plain HTTP clients and servers around the simulator: one that calls Graph, one that receives webhooks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from simulator import seeds
from simulator.app import serve
from simulator.signatures import appsecret_proof
from tests.contract.simulator_server import APP_ID, APP_SECRET, new_world

VERIFY = "verify-me"


@dataclass(frozen=True, slots=True)
class Client:
    """A plain HTTP client of one simulator."""

    url: str
    session: aiohttp.ClientSession
    seed: Mapping[str, Any]

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Send a request as it is; return status, JSON and headers."""
        async with self.session.request(method, self.url + path, allow_redirects=False, **options) as answer:
            raw = await answer.read()
            document = json.loads(raw) if raw and answer.content_type == "application/json" else raw.decode()
            return answer.status, document, answer.headers

    def proof(self, token: str) -> str:
        """Return the proof that goes with a token."""
        return appsecret_proof(APP_SECRET, token)

    async def graph(self, method: str, path: str, token: str, **params: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Call Graph with a token and its proof, parameters in the query."""
        query = {"access_token": token, "appsecret_proof": self.proof(token), **params}
        return await self.ask(method, f"/v26.0/{path}", params=query)

    async def control(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:
        """Call the control API; a refusal fails the test."""
        status, answer, _ = await self.ask(method, f"/_simulator{path}", json=document)
        assert 200 == status, answer
        return answer

    async def until(self, path: str, reached: Callable[[Any], bool]) -> Any:
        """Ask the control API until the answer is as wanted; the test's time limit ends a wait in vain."""
        while not reached(answer := await self.control("GET", path)):  # noqa: ASYNC110 - the other side can only be asked
            await asyncio.sleep(0.005)
        return answer


@asynccontextmanager
async def plain_client() -> AsyncIterator[Client]:
    """Serve the default world and yield a client of it."""
    async with (
        serve(new_world(), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/_simulator/seed", json=dict(seeds.DEFAULT)) as answer,
    ):
        yield Client(url, session, await answer.json())


@dataclass(slots=True)
class Receiver:
    """An app's callback: answers the handshake, keeps what comes, fails as told."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    failures: int = 0
    answer: str = ""
    delay_seconds: float = 0.0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def get(self, request: web.Request) -> web.Response:
        """Answer the handshake."""
        if request.query.get("hub.verify_token") != VERIFY:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def post(self, request: web.Request) -> web.Response:
        """Keep a delivery."""
        self.bodies.append(await request.read())
        self.headers.append(request.headers)
        async with self.arrived:
            self.arrived.notify_all()
        if self.failures:
            self.failures -= 1
            return web.Response(status=500)
        await asyncio.sleep(self.delay_seconds)
        return web.Response(text=self.answer)

    async def wait_for(self, number: int) -> None:
        """Return when so many POSTs came; the test's time limit ends a wait in vain."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.bodies) >= number)

    def events(self) -> list[dict[str, Any]]:
        """Return all messaging events received."""
        entries = [entry for body in self.bodies for entry in json.loads(body)["entry"]]
        return [event for entry in entries for event in entry["messaging"]]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Serve a callback while the block runs."""
    receiver, app = Receiver(), web.Application()
    app.router.add_get("/hooks", receiver.get)
    app.router.add_post("/hooks", receiver.post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
        yield receiver
    finally:
        await runner.cleanup()


async def subscribe(client: Client, receiver: Receiver, *fields: str) -> None:
    """Subscribe the app and the Page to these fields."""
    app_token = client.seed["app"]["token"]
    options = {"object": "page", "callback_url": receiver.url, "verify_token": VERIFY, "fields": ",".join(fields)}
    assert 200 == (await client.graph("POST", f"{APP_ID}/subscriptions", app_token, **options))[0]
    page = client.seed["pages"][0]
    answer = await client.graph(
        "POST", f"{page['id']}/subscribed_apps", page["token"], subscribed_fields=",".join(fields)
    )
    assert {"success": True} == answer[1]
