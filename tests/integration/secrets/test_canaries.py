"""Fifty canaries are driven through every success and failure path; none sings where it does not belong."""

import base64
import json
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, generate_latest
from redis import Redis
from sqlalchemy import text
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from yarl import URL

from connector.runtime import Runtime
from jobs.relay import hand_over
from simulator import messaging as meta
from simulator.world import World
from stormcom.facebook.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    connector_service_pb2_grpc,
)
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product
from tests.integration.conftest import APP_SECRET, DEVELOPMENT_TOKEN, PUBLIC_URL, STORE, VERIFY_TOKEN
from tests.integration.messaging.conftest import Chat
from tests.integration.secrets.canaries import (
    Canaries,
    Harvest,
    broken_table,
    may_hold_people,
    search_tables,
    spellings,
)
from tests.integration.webhook_ingress.conftest import sign

PROVIDER, EXPORTER = TracerProvider(), InMemorySpanExporter()
PROVIDER.add_span_processor(SimpleSpanProcessor(EXPORTER))
PAGE = "30000000000000001"


@dataclass(slots=True)
class Drive:
    """Walks every path, and keeps whatever comes back."""

    chat: Chat
    channel: grpc.aio.Channel
    address: str
    ingress: str
    canaries: Canaries
    harvest: Harvest

    @property
    def world(self) -> World:
        """Meta."""
        return self.chat.world

    @property
    def runtime(self) -> Runtime:
        """What our actions touch."""
        return self.chat.runtime

    @property
    def connector(self) -> Any:
        """Our API."""
        return connector_service_pb2_grpc.FacebookConnectorStub(self.channel)

    @property
    def catalog(self) -> Any:
        """Its half about catalogs."""
        return catalog_service_pb2_grpc.FacebookCatalogStub(self.channel)

    async def call(self, method: Any, request: Any, **terms: Any) -> Any:
        """Call us; keep what a failure says, and the secrets an answer might hold."""
        try:
            answer = await method(request, **terms)
        except grpc.aio.AioRpcError as error:
            self.harvest.add_refusal(error)
            return None
        self.harvest.add("grpc answer", answer)
        return answer

    async def get(self, url: URL | str) -> None:
        """Ask the ingress; keep all it answers."""
        async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as response:
            self.harvest.add("http", response.headers, await response.text())

    async def post(self, path: str, body: bytes, **headers: str) -> None:
        """Post to the ingress; keep all it answers."""
        async with aiohttp.ClientSession() as http:
            given = {"Content-Type": "application/json", **headers}
            async with http.post(f"{self.ingress}{path}", data=body, headers=given) as response:
                self.harvest.add("http", response.headers, await response.text())

    async def log_in(self, *, dialog: str = "allow", fault: dict[str, Any] | None = None, broken: str = "") -> None:
        """Walk Meta's dialog to the ingress; Meta, or a table of ours, may fail on the way."""
        self.world.switches.change(dialog=dialog)
        begun = await self.connector.Connect(pb.ConnectRequest(store_id="store_2", begin=pb.BeginConnect()))
        if fault:
            self.world.faults.order({"match": {"path": "oauth/access_token"}, "times": 1, "action": fault})
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(begun.open_dialog.url, allow_redirects=False) as response,
        ):
            back = URL(response.headers["Location"].replace(PUBLIC_URL, self.ingress), encoded=True)
        self.canaries.secrets |= {back.query[name] for name in ("code",) if name in back.query}
        async with broken_table(self.runtime, broken) if broken else nullcontext():
            await self.get(back)

    async def complete(self, *, fault: dict[str, Any]) -> None:
        """Hand the code in through our API, as StormCom with a callback of its own does."""
        self.world.switches.change(dialog="allow")
        begun = await self.connector.Connect(pb.ConnectRequest(store_id="store_2", begin=pb.BeginConnect()))
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(begun.open_dialog.url, allow_redirects=False) as response,
        ):
            back = URL(response.headers["Location"]).query
        self.world.faults.order({"match": {"path": "oauth/access_token"}, "times": 1, "action": fault})
        handed = pb.CompleteConnect(state=back["state"], code=self.canaries.secret(back["code"]))
        await self.call(self.connector.Connect, pb.ConnectRequest(store_id="store_2", complete=handed))

    async def log_in_every_way(self) -> None:
        """Allowed, denied, replayed, made up; Meta's answers as they should be, garbage, and echoing what they were sent."""
        echo = self.canaries.secret("EAAechoedByMeta0123456789")
        page = f"<html>{self.canaries.secret('EAAhtmlOfAProxy0123456789')}</html>"
        await self.log_in()
        await self.log_in(dialog="deny")
        await self.log_in(fault={"kind": "garbage", "body": page})
        await self.log_in(fault={"kind": "status", "status": 502, "body": page})
        for kind in ("drop_before", "drop_answer", "close"):
            await self.log_in(fault={"kind": kind})
        for code in (190, 100, 1):
            words = f"Malformed access token {echo}"
            await self.log_in(fault={"kind": "error", "code": code, "message": words})
            await self.complete(fault={"kind": "error", "code": code, "message": words})
        made_up = pb.CompleteConnect(
            state=self.canaries.secret("state-made-up-0123456789"), code=self.canaries.secret("code-made-up-0123456789")
        )
        await self.call(self.connector.Connect, pb.ConnectRequest(store_id=STORE, complete=made_up))
        await self.get(URL(f"{self.ingress}/oauth/callback").with_query(state=made_up.state, code=made_up.code))

    async def knock(self) -> None:
        """Come with wrong credentials, wrong requests, unknown ids."""
        for bearer in ("bearer-of-a-stranger-0123456789", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ."):
            stranger = pb.GetStatusRequest(store_id=STORE)
            async with grpc.aio.insecure_channel(self.address) as channel:
                stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
                words = ("authorization", f"Bearer {self.canaries.secret(bearer)}")
                await self.call(stub.GetStatus, stranger, metadata=(words,))
        await self.call(self.connector.GetStatus, pb.GetStatusRequest(store_id=STORE, connection_id="x" * 500))
        await self.call(self.connector.ListMessages, pb.ListMessagesRequest(store_id=STORE, page_token="x" * 50))
        await self.get(f"{self.ingress}/feeds/{self.canaries.secret('token-of-a-feed-0123456789')}.tsv")
        await self.get(f"{self.ingress}/webhooks/facebook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong")

    async def sync(self) -> None:
        """Sync, be refused by Meta in its own words, and by our own checks."""
        price = Money(currency_code="USD", minor_units=100)
        product = Product(
            product_id="p1", title="Cup", brand="Cups", description="A cup", status=PRODUCT_STATUS_ACTIVE, price=price,
            link="https://shop.example/cup", image_links=["https://shop.example/cup.jpg"], source_version=1,
        )  # fmt: skip
        upsert = catalog_service_pb2.UpsertProductsRequest(store_id=STORE, products=[product])
        await self.call(self.catalog.UpsertProducts, upsert)
        echo = f"Error validating access token: {next(iter(self.world.tokens))} has expired"
        for code in (100, 190):
            self.chat.fail("error", path="items_batch", code=code, message=echo)
            await self.call(self.connector.SyncCatalog, pb.SyncCatalogRequest(store_id=STORE))
            await self.chat.turn()

    async def talk(self) -> str:
        """Write and be written to by people of every kind; answers arrive, are refused, and get lost."""
        conversation = ""
        for number in range(8):
            psid = self.canaries.person(f"7900000000012345{number}")
            name = self.canaries.person(f"Canary Person {number}")
            mail = self.canaries.person(f"canary-{number}@person.example")
            words = self.canaries.person(f"my secret wish number {number}") + f" – {name}, {mail}"
            meta.receive(self.world, self.chat.page, psid, name=name, text=words)
            await self.chat.arrive()
        for number, fault in enumerate(("", "error", "drop_answer", "garbage")):
            conversation = (await self.chat.conversations())[0].conversation_id
            words = self.canaries.person(f"our secret answer number {number}")
            if fault:
                options = {"code": 100, "message": f"(#100) refused: {words}"} if fault == "error" else {}
                self.chat.fail(fault, **({"body": words} if fault == "garbage" else options))
            wish = pb.SendMessageRequest(
                store_id=STORE, conversation_id=conversation, request_id=f"wish {number}", text=words
            )
            await self.call(self.connector.SendMessage, wish)
            await self.chat.arrive()
        return conversation

    async def hook(self) -> None:
        """Post webhooks: forged, poisoned, of unknown Pages, and no JSON at all."""
        poison = self.canaries.person("poisoned wish of a person")
        item = {
            "sender": {"id": {"deep": poison}},
            "recipient": 7,
            "timestamp": poison,
            "message": {"text": f"{poison}\x00"},
        }
        for entry in ([{"id": PAGE, "messaging": [item]}], [{"id": "999", "messaging": [item]}], poison):
            body = json.dumps({"object": "page", "entry": entry}).encode()
            await self.post("/webhooks/facebook", body, **{"X-Hub-Signature-256": sign(body)})
            await self.post("/webhooks/facebook", body, **{"X-Hub-Signature-256": sign(body, secret="forged")})
        broken = b'{"object": "page", "entry": [' + poison.encode()
        await self.post("/webhooks/facebook", broken, **{"X-Hub-Signature-256": sign(broken)})
        for path in ("/callbacks/deauthorize", "/callbacks/data-deletion"):
            await self.post(path, b"signed_request=" + self.canaries.secret("signed.request0123456789").encode())
        await self.chat.turn()

    async def crash(self, conversation: str) -> None:
        """Let our own database fail under calls, webhooks and tasks that carry what people wrote."""
        words = self.canaries.person("a wish that broke the table")
        wish = pb.SendMessageRequest(store_id=STORE, conversation_id=conversation, request_id="broken", text=words)
        psid = self.canaries.person("79000000000999999")
        async with broken_table(self.runtime, "messages"):
            await self.call(self.connector.SendMessage, wish)
            meta.receive(self.world, self.chat.page, psid, text=self.canaries.person("a message that broke the table"))
            await self.chat.arrive()
        await self.log_in(broken="connections")

    async def leave(self, conversation: str) -> None:
        """Let work about people wait: a webhook, an answer, a deletion."""
        psid, words = self.canaries.person("79000000000888888"), self.canaries.person("a wish that waits")
        item = {
            "sender": {"id": psid},
            "recipient": {"id": PAGE},
            "timestamp": 1,
            "message": {"mid": "m1", "text": words},
        }
        body = json.dumps({"object": "page", "entry": [{"id": PAGE, "messaging": [item]}]}).encode()
        await self.post("/webhooks/facebook", body, **{"X-Hub-Signature-256": sign(body)})
        answer = self.canaries.person("an answer that waits")
        wish = pb.SendMessageRequest(store_id=STORE, conversation_id=conversation, request_id="waits", text=answer)
        await self.call(self.connector.SendMessage, wish)
        delete = admin_service_pb2.DeletePersonalDataRequest(store_id=STORE, psid=psid)
        await self.call(admin_service_pb2_grpc.FacebookAdminStub(self.channel).DeletePersonalData, delete)


@pytest.fixture
def drive(chat: Chat, channel: grpc.aio.Channel, ingress: str, canaries: Canaries, tmp_path: Path) -> Drive:
    """Everything ready to go."""
    return Drive(chat, channel, f"unix:{tmp_path}/grpc.sock", ingress, canaries, Harvest())


async def test_no_canary_sings_where_it_does_not_belong(
    drive: Drive, redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No secret is found anywhere, no person but where the data map puts people; not even before the logs are cleaned."""
    canaries, harvest, runtime, world = drive.canaries, drive.harvest, drive.runtime, drive.world
    trace.set_tracer_provider(PROVIDER)
    EXPORTER.clear()
    key = base64.b64encode(bytes(range(32))).decode()
    for secret in (APP_SECRET, VERIFY_TOKEN, DEVELOPMENT_TOKEN, key):
        canaries.secret(secret)
    with capture_logs([merge_contextvars]) as events:
        await drive.log_in_every_way()
        await drive.knock()
        conversation = await drive.talk()
        await drive.hook()
        await drive.sync()
        await drive.crash(conversation)
        await drive.leave(conversation)
    canaries.secrets |= {*world.tokens, *world.codes}
    harvest.add_events(events)
    harvest.add("log", *capfd.readouterr())
    harvest.add("span", *(span.to_json() for span in EXPORTER.get_finished_spans()))
    harvest.add("metric", generate_latest(REGISTRY).decode())
    await drive.call(drive.connector.GetStatus, pb.GetStatusRequest(store_id=STORE))
    assert {"PROCESS_DELIVERY", "SEND_MESSAGE", "ERASE_PERSON"} <= await _carry(runtime, redis_url, harvest)
    paths = {event["event"] for event in events} | {event.get("path") for event in events}
    assert {"rpc.failed", "request.failed", "signal.failed", "delivery.processed", "task.run"} <= paths
    assert any(str(path).endswith("items_batch") for path in paths)
    assert len(canaries) >= 50
    assert {"log", "span", "metric", "grpc answer", "grpc error", "http", "redis"} == harvest.seen.keys()
    assert [] == harvest.hits(spellings(canaries.secrets))
    assert [] == [hit for hit in harvest.hits(canaries.people) if hit[0] != "grpc answer"]
    assert set() == await search_tables(runtime, spellings(canaries.secrets))
    people = await search_tables(runtime, canaries.people)
    assert ("messages", "text") in people
    assert set() == people - may_hold_people()


async def _carry(runtime: Runtime, redis_url: str, harvest: Harvest) -> set[str]:
    """Hand tasks over to Redis, and keep all that then stands there; tells their names."""
    client = Redis.from_url(redis_url)
    client.config_set("rdbcompression", "no")  # or a dump would hide words
    client.flushdb()
    await hand_over(runtime.db, client, at=runtime.now())
    for name in client.scan_iter("*"):
        harvest.add("redis", name, client.dump(name))
    client.flushdb()
    client.close()
    async with runtime.db.begin() as tx:
        return set(await tx.scalars(text("SELECT name FROM tasks WHERE leased")))
