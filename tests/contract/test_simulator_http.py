"""The simulator over plain HTTP: login, webhooks, faults and transport as a client of Meta meets them."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from simulator import seeds
from simulator.app import serve
from simulator.signatures import appsecret_proof, sign_body
from tests.contract.simulator_server import APP_ID, APP_SECRET, new_world

REDIRECT = "https://ingress.test/oauth/callback"
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

    async def graph(self, method: str, path: str, token: str, **params: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Call Graph with a token and its proof, parameters in the query."""
        query = {"access_token": token, "appsecret_proof": appsecret_proof(APP_SECRET, token), **params}
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


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """A simulator with the default world, and a client of it."""
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
        return web.Response()

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
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
        yield receiver
    finally:
        await runner.cleanup()


async def _subscribe(client: Client, receiver: Receiver, *fields: str) -> None:
    app_token = client.seed["app"]["token"]
    options = {"object": "page", "callback_url": receiver.url, "verify_token": VERIFY, "fields": ",".join(fields)}
    assert 200 == (await client.graph("POST", f"{APP_ID}/subscriptions", app_token, **options))[0]
    page = client.seed["pages"][0]
    answer = await client.graph(
        "POST", f"{page['id']}/subscribed_apps", page["token"], subscribed_fields=",".join(fields)
    )
    assert {"success": True} == answer[1]


# --- login -----------------------------------------------------------------------------------------------------------


def _dialog(**changes: str) -> dict[str, str]:
    wanted = {
        "client_id": APP_ID,
        "redirect_uri": REDIRECT,
        "state": "s/1 &",
        "scope": "pages_show_list,pages_messaging",
    }
    return {"response_type": "code", **wanted, **changes}


def _answer_of(location: str) -> dict[str, str]:
    assert location.startswith(REDIRECT)
    return dict(parse_qsl(urlsplit(location).query))


async def _allow_redirect(client: Client) -> None:
    await client.control("POST", "/apps", {"app_id": APP_ID, "redirect_uris": [REDIRECT]})


async def _code(client: Client) -> str:
    await _allow_redirect(client)
    await client.control("PATCH", "/switches", {"dialog": "allow"})
    _, _, headers = await client.ask("GET", "/v26.0/dialog/oauth", params=_dialog())
    return _answer_of(headers["Location"])["code"]


async def _exchange(client: Client, **changes: str) -> tuple[int, Any]:
    params = {"client_id": APP_ID, "client_secret": APP_SECRET, "redirect_uri": REDIRECT, **changes}
    status, document, _ = await client.ask("GET", "/v26.0/oauth/access_token", params=params)
    return status, document


async def test_the_login_form_grants_what_was_ticked(client: Client) -> None:
    """The form shows the scopes; unticked ones are declined, and the state comes back unchanged."""
    await _allow_redirect(client)
    _, page, _ = await client.ask("GET", "/v26.0/dialog/oauth", params=_dialog())
    assert all(one in page for one in ("pages_show_list", "pages_messaging", client.seed["user"]["name"]))
    form = [
        *_dialog().items(),
        ("user_id", client.seed["user"]["id"]),
        ("granted", "pages_show_list"),
        ("answer", "allow"),
    ]
    status, _, headers = await client.ask("POST", "/v26.0/dialog/oauth", data=form)
    answer = _answer_of(headers["Location"])
    assert (302, "s/1 &") == (status, answer["state"])
    _, token = await _exchange(client, code=answer["code"])
    _, permissions, _ = await client.graph("GET", "me/permissions", token["access_token"])
    granted = {one["permission"]: one["status"] for one in permissions["data"]}
    assert ("granted", "declined") == (granted["pages_show_list"], granted["pages_messaging"])


async def test_a_denied_login_says_so(client: Client) -> None:
    """Deny redirects with Meta's four members and the state."""
    await _allow_redirect(client)
    await client.control("PATCH", "/switches", {"dialog": "deny"})
    _, _, headers = await client.ask("GET", "/dialog/oauth", params=_dialog())
    answer = _answer_of(headers["Location"])
    assert ("access_denied", "user_denied", "200", "s/1 &") == (
        answer["error"], answer["error_reason"], answer["error_code"], answer["state"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{"client_id": "404"}, {"redirect_uri": REDIRECT + "/"}, {"response_type": "token"}]
)
async def test_a_wrong_dialog_never_redirects(client: Client, changes: dict[str, str]) -> None:
    """An unknown app or a redirect URI that differs by one byte gets an error page."""
    await _allow_redirect(client)
    await client.control("PATCH", "/switches", {"dialog": "allow"})
    status, page, headers = await client.ask("GET", "/dialog/oauth", params=_dialog(**changes))
    assert (400, False, True) == (status, "Location" in headers, "Something went wrong" in page)


async def test_a_code_is_good_once(client: Client) -> None:
    """The second exchange of a code is 100/36009."""
    code = await _code(client)
    status, token = await _exchange(client, code=code)
    assert (200, "bearer", True) == (status, token["token_type"], 0 < token["expires_in"] <= 5_400)
    status, refusal = await _exchange(client, code=code)
    assert (400, 100, 36009) == (status, refusal["error"]["code"], refusal["error"]["error_subcode"])


async def test_a_code_ages_and_is_bound_to_its_redirect_uri(client: Client) -> None:
    """Another redirect URI is 36008, an old code 36007, a wrong secret code 1, an unknown app 101."""
    code = await _code(client)
    assert 36008 == (await _exchange(client, code=code, redirect_uri=REDIRECT + "?a=1"))[1]["error"]["error_subcode"]
    assert 1 == (await _exchange(client, code=code, client_secret="wrong"))[1]["error"]["code"]
    assert 101 == (await _exchange(client, code=code, client_id="404"))[1]["error"]["code"]
    await client.control("POST", "/clock/advance", {"seconds": 601})
    assert 36007 == (await _exchange(client, code=code))[1]["error"]["error_subcode"]


async def test_long_lived_tokens_outlive_short_ones(client: Client) -> None:
    """The exchanged token lives sixty days; the short one is 190/463 after its hours."""
    _, short = await _exchange(client, code=await _code(client))
    _, long = await _exchange(client, grant_type="fb_exchange_token", fb_exchange_token=short["access_token"])
    assert 5_183_000 < long["expires_in"] <= 5_184_000
    await client.control("POST", "/clock/advance", {"seconds": 6_000})
    status, refusal, _ = await client.graph("GET", "me", short["access_token"])
    assert (401, 190, 463) == (status, refusal["error"]["code"], refusal["error"]["error_subcode"])
    assert 200 == (await client.graph("GET", "me", long["access_token"]))[0]


async def test_debug_token_tells_the_living_from_the_dead(client: Client) -> None:
    """A living token shows app, user and scopes; a revoked one shows why it is invalid; a foreign string is invalid."""
    token, app_token = client.seed["user"]["token"], client.seed["app"]["token"]
    _, alive, _ = await client.graph("GET", "debug_token", app_token, input_token=token)
    assert (True, APP_ID, "USER", client.seed["user"]["id"]) == tuple(
        alive["data"][name] for name in ("is_valid", "app_id", "type", "user_id")
    )
    assert "catalog_management" in alive["data"]["scopes"]
    await client.control("POST", "/tokens/revoke", {"user_id": client.seed["user"]["id"], "subcode": 460})
    _, dead, _ = await client.graph("GET", "debug_token", app_token, input_token=token)
    assert (False, 460) == (dead["data"]["is_valid"], dead["data"]["error"]["subcode"])
    _, nonsense, _ = await client.graph("GET", "debug_token", app_token, input_token="nonsense")
    assert (False, 190) == (nonsense["data"]["is_valid"], nonsense["data"]["error"]["code"])


async def test_losing_the_role_kills_the_page_token(client: Client) -> None:
    """When the user removes the app, user and Page tokens die with 458 and the app is told by a signed request."""
    async with receiving() as receiver:
        await client.control("POST", "/apps", {"app_id": APP_ID, "deauthorize_url": receiver.url})
        user, page = client.seed["user"], client.seed["pages"][0]
        assert 200 == (await client.graph("DELETE", f"{user['id']}/permissions", user["token"]))[0]
        for token in (user["token"], page["token"]):
            assert 458 == (await client.graph("GET", "me", token))[1]["error"]["error_subcode"]
        await receiver.wait_for(1)
        signature, _, payload = parse_qs(receiver.bodies[0].decode())["signed_request"][0].partition(".")
        expected = hmac.new(APP_SECRET.encode(), payload.encode(), hashlib.sha256).digest()
        assert expected == base64.urlsafe_b64decode(signature + "=")
        document = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert ("HMAC-SHA256", user["id"]) == (document["algorithm"], document["user_id"])


# --- webhooks --------------------------------------------------------------------------------------------------------


async def test_the_handshake_decides_about_a_subscription(client: Client) -> None:
    """A callback that does not know the verify token is refused with 2200; the right one is listed."""
    app_token = client.seed["app"]["token"]
    async with receiving() as receiver:
        options = {"object": "page", "callback_url": receiver.url, "fields": "messages"}
        _, refusal, _ = await client.graph("POST", f"{APP_ID}/subscriptions", app_token, verify_token="no", **options)
        assert 2200 == refusal["error"]["code"]
        await client.graph("POST", f"{APP_ID}/subscriptions", app_token, verify_token=VERIFY, **options)
        _, listed, _ = await client.graph("GET", f"{APP_ID}/subscriptions", app_token)
        assert [("page", receiver.url, ["messages"])] == [
            (one["object"], one["callback_url"], [name["name"] for name in one["fields"]]) for one in listed["data"]
        ]


async def test_a_buyers_message_arrives_escaped_and_signed(client: Client) -> None:
    """The bytes on the wire are ASCII with escaped slashes, and both signatures cover exactly these bytes."""
    async with receiving() as receiver:
        await _subscribe(client, receiver, "messages")
        text = "Où est /a/ 😀?"
        page = client.seed["pages"][0]
        wrote = await client.control("POST", f"/pages/{page['id']}/messages", {"text": text})
        await receiver.wait_for(1)
        body, headers = receiver.bodies[0], receiver.headers[0]
        assert sign_body(APP_SECRET, body) == headers["X-Hub-Signature-256"]
        assert sign_body(APP_SECRET, body, algorithm="sha1") == headers["X-Hub-Signature"]
        assert rb"O\u00f9 est \/a\/ \ud83d\ude00?" in body
        event = receiver.events()[0]
        assert (text, wrote["mid"], wrote["psid"], page["id"], wrote["sent_time"]) == (
            event["message"]["text"], event["message"]["mid"], event["sender"]["id"], event["recipient"]["id"],
            event["timestamp"],
        )  # fmt: skip


async def test_a_sent_message_comes_back_as_echo(client: Client) -> None:
    """Our own message echoes with our app id and metadata, one written in Meta's inbox with another app's."""
    async with receiving() as receiver:
        await _subscribe(client, receiver, "message_echoes")
        page = client.seed["pages"][0]
        psid = page["people"][0]["psid"]
        await client.control("POST", f"/pages/{page['id']}/messages", {"psid": psid, "text": "Hello"})
        params = {"recipient": json.dumps({"id": psid}), "message": json.dumps({"text": "Hi", "metadata": "ours"})}
        _, sent, _ = await client.graph("POST", "me/messages", page["token"], **params)
        await receiver.wait_for(1)
        await client.control("POST", f"/pages/{page['id']}/inbox-messages", {"psid": psid, "text": "By hand"})
        await receiver.wait_for(2)
        ours, theirs = (event["message"] for event in receiver.events())
        assert (True, int(APP_ID), "ours", sent["message_id"]) == (
            ours["is_echo"], ours["app_id"], ours["metadata"], ours["mid"],
        )  # fmt: skip
        assert (True, False, "By hand") == (theirs["is_echo"], theirs["app_id"] == int(APP_ID), theirs["text"])


async def test_only_subscribed_fields_are_told(client: Client) -> None:
    """A Page that subscribed to echoes only is not told of messages."""
    async with receiving() as receiver:
        await _subscribe(client, receiver, "message_echoes")
        page = client.seed["pages"][0]["id"]
        psid = (await client.control("POST", f"/pages/{page}/messages", {"text": "Hello"}))["psid"]
        await client.control("POST", f"/pages/{page}/inbox-messages", {"psid": psid, "text": "Hi"})
        await receiver.wait_for(1)
        assert [True] == [event["message"].get("is_echo", False) for event in receiver.events()]


async def test_a_failing_callback_is_tried_again_until_it_answers(client: Client) -> None:
    """Two failures and an answer: three POSTs of the same bytes, then silence."""
    async with receiving() as receiver:
        await _subscribe(client, receiver, "messages")
        receiver.failures = 2
        await client.control("POST", f"/pages/{client.seed['pages'][0]['id']}/messages", {"text": "Hello"})
        await receiver.wait_for(2)
        await client.control("POST", "/clock/advance", {"seconds": 16})
        await receiver.wait_for(3)
        assert 1 == len(set(receiver.bodies))
        state = await client.until("/deliveries", lambda found: found["deliveries"][0]["state"] == "delivered")
        assert ["500", "500", "200"] == [one["outcome"] for one in state["deliveries"][0]["attempts"]]


async def test_a_page_failing_for_an_hour_loses_its_subscription(client: Client) -> None:
    """After an hour of failures the app is no longer subscribed to the Page."""
    async with receiving() as receiver:
        await _subscribe(client, receiver, "messages")
        receiver.failures = 1_000
        page = client.seed["pages"][0]
        await client.control("POST", f"/pages/{page['id']}/messages", {"text": "Hello"})
        for tries in (2, 3):
            await receiver.wait_for(tries)
            assert (await client.graph("GET", f"{page['id']}/subscribed_apps", page["token"]))[1]["data"]
            await client.control("POST", "/clock/advance", {"seconds": 1_800})
        state = await client.until("/state", lambda found: not found["pages"][0]["subscribed"])
        assert (0, 4) == (state["deliveries"]["waiting"], len(receiver.bodies))


async def test_raw_events_arrive_as_they_are(client: Client) -> None:
    """Any bytes can be sent to the callback, truly signed or with a signature of one's own."""
    async with receiving() as receiver:
        await _subscribe(client, receiver, "messages")
        page = client.seed["pages"][0]["id"]
        await client.control("POST", f"/pages/{page}/events", {"body_base64": base64.b64encode(b"\xff{").decode()})
        await receiver.wait_for(1)
        await client.control("POST", f"/pages/{page}/events", {"body": "{}", "signature": "sha256=00"})
        await receiver.wait_for(2)
        assert (b"\xff{", b"{}") == tuple(receiver.bodies)
        assert (sign_body(APP_SECRET, b"\xff{"), "sha256=00") == tuple(
            one["X-Hub-Signature-256"] for one in receiver.headers
        )


# --- transport -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "status", "served"),
    [("v26.0/", 200, "v26.0"), ("v21.0/", 200, "v21.0"), ("v13.0/", 200, "v21.0"), ("", 200, "v26.0"),
     ("v99.0/", 400, None), ("v26/", 400, None)],
)  # fmt: skip
async def test_versions(client: Client, version: str, status: int, served: str | None) -> None:
    """Living versions serve themselves, dead ones the oldest, none the default; future and malformed ones are refused."""
    params = {"access_token": client.seed["app"]["token"]}
    found, _, headers = await client.ask("GET", f"/{version}{APP_ID}", params=params)
    assert status == found
    assert served in {None, headers["facebook-api-version"]}


@pytest.mark.parametrize("form", ["json", "data", "params", "multipart"])
async def test_parameters_come_in_four_ways(client: Client, form: str) -> None:
    """JSON, form, query and multipart bodies mean the same; the token may come as a bearer."""
    page = client.seed["pages"][0]
    fields: dict[str, Any] = {
        "subscribed_fields": "messages",
        "appsecret_proof": appsecret_proof(APP_SECRET, page["token"]),
    }
    options: dict[str, Any] = {form: fields}
    if form == "multipart":
        with aiohttp.MultipartWriter("form-data") as writer:
            for name, value in fields.items():
                writer.append(value).set_content_disposition("form-data", name=name)
        options = {"data": writer}
    path, headers = f"/v26.0/{page['id']}/subscribed_apps", {"Authorization": f"Bearer {page['token']}"}
    assert (200, {"success": True}) == (await client.ask("POST", path, headers=headers, **options))[:2]


async def test_an_unchanged_answer_is_304(client: Client) -> None:
    """A known ETag saves the body."""
    token = client.seed["user"]["token"]
    _, _, headers = await client.graph("GET", "me", token)
    query = {"access_token": token, "appsecret_proof": appsecret_proof(APP_SECRET, token)}
    status, body, _ = await client.ask("GET", "/v26.0/me", params=query, headers={"If-None-Match": headers["ETag"]})
    assert (304, "") == (status, body)


async def test_every_answer_can_be_traced(client: Client) -> None:
    """Errors carry fbtrace_id, and every answer Meta's headers."""
    _, refusal, headers = await client.ask("GET", "/v26.0/me")
    assert (104, True) == (refusal["error"]["code"], bool(refusal["error"]["fbtrace_id"]))
    assert {"facebook-api-version", "x-fb-trace-id", "x-fb-rev", "x-fb-debug"} <= {name.lower() for name in headers}


async def test_next_links_lead_to_the_end(client: Client) -> None:
    """Following `next` as it is, with the proof added, walks through all Pages once."""
    pages = [{"id": str(400 + number), "name": f"Page {number}"} for number in range(30)]
    seeded = await client.control("POST", "/seed", {"user": {"id": "900"}, "pages": pages})
    token = seeded["user"]["token"]
    proof = {"appsecret_proof": appsecret_proof(APP_SECRET, token)}
    _, document, _ = await client.graph("GET", "me/accounts", token, fields="name", limit="7")
    found = [page["id"] for page in document["data"]]
    while link := document["paging"].get("next"):
        _, document, _ = await client.ask(
            "GET", link.removeprefix(client.url) + f"&appsecret_proof={proof['appsecret_proof']}"
        )
        found += [page["id"] for page in document["data"]]
    assert [page["id"] for page in pages] == found


async def test_what_a_token_may_not_see_does_not_exist(client: Client) -> None:
    """Another merchant's Page and catalog answer exactly as an id that never was."""
    other = await client.control(
        "POST",
        "/seed",
        {"user": {"id": "901"}, "businesses": [{"id": "902"}], "catalogs": [{"id": "903"}], "pages": [{"id": "904"}]},
    )
    token = client.seed["user"]["token"]
    answers = []
    for node_id in (other["catalogs"][0]["id"], other["pages"][0]["id"], "999"):
        status, refusal, _ = await client.graph("GET", node_id, token)
        error = refusal["error"]
        answers.append((status, error["code"], error["error_subcode"], error["message"].replace(node_id, "")))
    assert 1 == len(set(answers))


@pytest.mark.parametrize("kind", ["drop_before", "drop_answer", "close"])
async def test_connection_faults_break_with_or_without_effect(client: Client, kind: str) -> None:
    """The caller sees a broken connection; whether the catalog was created depends on the kind."""
    business, token = client.seed["businesses"][0]["id"], client.seed["user"]["token"]
    edge = f"{business}/owned_product_catalogs"
    await client.control("POST", "/faults", {"match": {"method": "POST", "path": edge}, "action": {"kind": kind}})
    with pytest.raises(aiohttp.ClientError):
        await client.graph("POST", edge, token, name="New")
    _, listed, _ = await client.graph("GET", edge, token)
    assert (1 if kind == "drop_before" else 2) == len(listed["data"])


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ({"kind": "status", "status": 503, "body": "Busy"}, 503, "Busy"),
        ({"kind": "garbage"}, 200, "<html>Sorry, something went wrong.</html>"),
        ({"kind": "garbage", "body": '{"id":'}, 200, '{"id":'),
    ],
)
async def test_answers_can_be_nonsense(client: Client, action: dict[str, Any], status: int, body: str) -> None:
    """A fault may answer anything with any status, once."""
    await client.control("POST", "/faults", {"match": {"path": "^me$"}, "action": action})
    token = client.seed["user"]["token"]
    assert (status, body) == (await client.graph("GET", "me", token))[:2]
    assert 200 == (await client.graph("GET", "me", token))[0]


async def test_batch_operations_use_each_others_results(client: Client) -> None:
    """A reference is replaced by what the named operation answered; its own answer is then left out."""
    token, business = client.seed["user"]["token"], client.seed["businesses"][0]["id"]
    operations = [
        {
            "method": "POST",
            "name": "made",
            "relative_url": f"{business}/owned_product_catalogs",
            "body": "name=By%20batch",
        },
        {"method": "GET", "relative_url": "{result=made:$.id}?fields=name"},
        {"method": "GET", "relative_url": "v25.0/999"},
    ]
    _, answers, _ = await client.graph("POST", "", token, batch=json.dumps(operations), include_headers="false")
    assert (None, "By batch", 200, 400) == (
        answers[0], json.loads(answers[1]["body"])["name"], answers[1]["code"], answers[2]["code"],
    )  # fmt: skip
    assert "headers" not in answers[1]


async def test_too_many_operations_are_refused(client: Client) -> None:
    """The fifty-first operation refuses the batch."""
    operations = [{"method": "GET", "relative_url": "me"}] * 51
    status, refusal, _ = await client.graph("POST", "", client.seed["user"]["token"], batch=json.dumps(operations))
    assert (400, 100) == (status, refusal["error"]["code"])


HOSTILE = [
    "{",
    "[]",
    "5",
    '"x"',
    "null",
    '{"a":' * 50,
    "\x00",
    "%ED%A0%80",
    "é" * 9,
    '{"id":[]}',
    '[{"method":{}}]',
    "-1",
    "9" * 1_000,
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_parameters_never_break_the_server(client: Client, value: str) -> None:
    """Whatever stands in a parameter or body, the answer is JSON and below 500, except Meta's own 'reduce the data'."""
    user, page, catalog = client.seed["user"]["token"], client.seed["pages"][0], client.seed["catalogs"][0]["id"]
    psid = page["people"][0]["psid"]
    attempts = [
        ("GET", "me", user, {"fields": value}),
        ("GET", "", user, {"ids": value}),
        ("GET", f"{catalog}/products", user, {"filter": value}),
        ("GET", f"{catalog}/products", user, {"limit": value}),
        ("GET", f"{catalog}/products", user, {"after": value}),
        ("GET", f"{catalog}/check_batch_request_status", user, {"handle": value}),
        ("POST", f"{catalog}/items_batch", user, {"item_type": "PRODUCT_ITEM", "requests": value}),
        ("POST", f"{catalog}/products", user, {"retailer_id": value, "price": value, "currency": value}),
        ("POST", f"{catalog}/product_sets", user, {"name": value, "filter": value}),
        ("POST", "me/messages", page["token"], {"recipient": value, "message": value}),
        ("POST", "me/messages", page["token"], {"recipient": json.dumps({"id": psid}), "message": value}),
        ("POST", f"{page['id']}/subscribed_apps", page["token"], {"subscribed_fields": value}),
        ("POST", "", user, {"batch": value}),
        ("POST", value.replace("%", "%25"), user, {}),
    ]  # fmt: skip
    for method, path, token, params in attempts:
        status, document, _ = await client.graph(method, path, token, **params)
        assert isinstance(document, dict | list), (method, path, params)
        assert status < 500 or '"code": 1,' in json.dumps(document)
    for content_type in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        status, document, _ = await client.ask(
            "POST", "/me/messages", data=value.encode(), headers={"Content-Type": content_type}
        )
        assert (400, True) == (status, "error" in document)


async def test_calls_are_recorded_without_secrets(client: Client) -> None:
    """The record shows method, path and parameters, never a whole token or proof."""
    token = client.seed["user"]["token"]
    await client.graph("GET", "me/accounts", token, fields="name")
    record: dict[str, Any] = (await client.control("GET", "/calls"))["calls"][-1]
    assert ("GET", "me/accounts", "User", "accounts", "name", 200) == (
        record["method"], record["path"], record["node"], record["edge"], record["parameters"]["fields"], record["status"],
    )  # fmt: skip
    assert token not in json.dumps(record)


@pytest.mark.parametrize(
    ("method", "path", "document", "named"),
    [
        ("POST", "/clock/advance", {"seconds": "1"}, "seconds"),
        ("POST", "/clock/advance", {"seconds": -1}, "seconds"),
        ("POST", "/tokens/revoke", {}, "token"),
        ("POST", "/pages/404/messages", {"text": "x"}, "page_id"),
        ("POST", "/apps", {"app_id": "7"}, "secrets"),
        ("POST", "/apps", {"app_id": APP_ID, "colour": "red"}, "colour"),
        ("PATCH", "/switches", {"speed": 1}, "speed"),
        ("GET", "/calls?since=x", None, "since"),
    ],
)
async def test_the_control_api_names_what_is_wrong(
    client: Client, method: str, path: str, document: Any, named: str
) -> None:
    """A wrong request is 400 with a sentence that names the member."""
    status, refusal, _ = await client.ask(method, f"/_simulator{path}", json=document)
    assert 400 == status
    assert named in refusal["error"]["message"]
