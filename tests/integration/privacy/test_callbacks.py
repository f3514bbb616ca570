"""Meta's signed callbacks at the ingress: what is genuine is obeyed once, what is not stores nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import grpc
import pytest
from sqlalchemy import text

from connector.connections import db as connections
from connector.connections.model import State
from connector.graph.signatures import read_signed_request
from connector.runtime import Runtime
from connector.vault import Secret
from simulator.world import World
from tests.integration.conftest import APP_ID, APP_SECRET, STORE, Clock, connect
from tests.integration.webhook_ingress.conftest import ingress as ingress

SHARED = Path(__file__).parents[4] / "shared" / "fixtures"
USER = "10000000000000001"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Ask = Callable[..., Awaitable[tuple[int, str]]]


def signed(secret: str = APP_SECRET, **said: Any) -> str:
    """Sign a request as Meta does."""
    payload = base64.urlsafe_b64encode(json.dumps({"algorithm": "HMAC-SHA256"} | said).encode()).decode().rstrip("=")
    mac = hmac.digest(secret.encode(), payload.encode(), hashlib.sha256)
    return f"{base64.urlsafe_b64encode(mac).decode().rstrip('=')}.{payload}"


@pytest.fixture
async def ask(ingress: str) -> AsyncIterator[Ask]:
    """Post a signed request to a callback; tells status and answer."""
    async with aiohttp.ClientSession() as http:

        async def ask(kind: str, request: str, **headers: str) -> tuple[int, str]:
            body = f"signed_request={request}".encode()
            async with http.post(f"{ingress}/callbacks/{kind}", data=body, headers=FORM | headers) as response:
                return response.status, await response.text()

        yield ask


@pytest.fixture
def genuine(clock: Clock) -> Callable[[], str]:
    """A request about the merchant, made now."""
    return lambda: signed(user_id=USER, issued_at=int(clock().timestamp()))


async def tokens_of(runtime: Runtime, connection_id: str) -> tuple[str, str, list[bytes | None]]:
    """Tell where a connection stands, and its tokens."""
    async with runtime.db.begin() as tx:
        found = await connections.by_id(tx, UUID(connection_id))
        assert found is not None
        return found.state, found.reason, [found.user_token, found.page_token]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared fixtures are not here")
def test_published_requests_are_read() -> None:
    """Of the published requests exactly the valid ones are read, and say what their publishers say."""
    for vector in json.loads((SHARED / "signatures" / "signed_request_vectors.json").read_text()):
        read = read_signed_request(vector["signed_request"], [Secret("other"), Secret(vector["secret"])])
        assert (vector["payload"] if vector["valid"] else None) == read, vector["id"]


async def test_a_merchant_who_removes_the_app_leaves_no_token(  # noqa: PLR0917 – fixtures are asked for by name
    runtime: Runtime, connected: str, ingress: str, control_api: Any, world: World, turn: Any
) -> None:
    """After Meta's own callback, signed by Meta's own code, no token is left, the merchant has to log in, and StormCom is told once."""
    await control_api("POST", "/apps", {"app_id": APP_ID, "deauthorize_url": f"{ingress}/callbacks/deauthorize"})
    await control_api("POST", f"/users/{USER}/remove-app", {})
    while world.outbox.waiting:  # the test's time limit ends a wait in vain
        await turn()
    assert (State.NEEDS_LOGIN, "META_APP_REMOVED", [None, None]) == await tokens_of(runtime, connected)
    told = "SELECT count(*) FROM events WHERE kind = 'connection_changed' AND body -> 'connection' ->> 'reason' = 'META_APP_REMOVED'"
    async with runtime.db.begin() as tx:
        assert 1 == await tx.scalar(text(told))


async def test_a_captured_request_does_nothing_after_the_next_login(  # noqa: PLR0917 – as above
    runtime: Runtime,
    channel: grpc.aio.Channel,
    world: World,
    turn: Any,
    connected: str,
    ask: Ask,
    genuine: Any,
    clock: Clock,
) -> None:
    """The same request again, and another one older than the login, wipe no token of the merchant who came back."""
    captured, other = genuine(), signed(user_id=USER, issued_at=int(clock().timestamp()) - 5)
    assert (200, "") == await ask("deauthorize", captured)
    clock.advance(minutes=5)
    await connect(channel, world, turn)
    assert [(200, ""), (200, "")] == [await ask("deauthorize", captured), await ask("deauthorize", other)]
    state, _, tokens = await tokens_of(runtime, connected)
    assert (State.CONNECTED, False) == (state, None in tokens)


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (403, lambda at: signed("wrong", user_id=USER, issued_at=at)),
        (403, lambda at: signed(algorithm="HMAC-SHA1", user_id=USER, issued_at=at)),
        (403, lambda at: signed(algorithm="none", user_id=USER, issued_at=at)),
        (403, lambda at: signed(user_id=USER, issued_at=at)[:-1]),
        (403, lambda at: "A" + signed(user_id=USER, issued_at=at)),
        (403, lambda at: signed(user_id=USER, issued_at=at - 90_000)),
        (403, lambda at: signed(user_id=USER, issued_at=at + 900)),
        (403, lambda _: signed(user_id=USER, issued_at="now")),
        (403, lambda _: "no-dot"),
        (400, lambda at: signed(issued_at=at)),
        (400, lambda at: signed(user_id="", issued_at=at)),
        (400, lambda at: signed(user_id=["1"], issued_at=at)),
        (400, lambda at: signed(user_id="1 OR 1=1", issued_at=at)),
        (400, lambda at: f"{signed(user_id=USER, issued_at=at)}&signed_request=x"),
    ],
    ids=[
        "other secret", "weak algorithm", "no algorithm", "cut", "longer", "old", "early", "no time", "no dot",
        "no user", "empty user", "list of users", "not digits", "twice",
    ],
)  # fmt: skip
async def test_what_meta_did_not_sign_stores_nothing(
    runtime: Runtime, ask: Ask, clock: Clock, status: int, wrong: Callable[[int], str]
) -> None:
    """A request that is forged, stale or says nothing is refused by both callbacks, and nothing is written down."""
    request = wrong(int(clock().timestamp()))
    assert [status, status] == [(await ask(kind, request))[0] for kind in ("deauthorize", "data-deletion")]
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT (SELECT count(*) FROM deletions) + (SELECT count(*) FROM forgotten)"))


async def test_a_forged_request_wipes_no_token(runtime: Runtime, connected: str, ask: Ask, clock: Clock) -> None:
    """Who does not know the secret cannot disconnect anybody."""
    forged = signed("wrong", user_id=USER, issued_at=int(clock().timestamp()))
    assert [403, 403] == [(await ask(kind, forged))[0] for kind in ("deauthorize", "data-deletion")]
    state, _, tokens = await tokens_of(runtime, connected)
    assert (State.CONNECTED, False) == (state, None in tokens)


@pytest.mark.parametrize(
    ("headers", "size", "status"),
    [({"Content-Type": "application/json"}, 1, 415), ({"Content-Encoding": "gzip"}, 1, 415), ({}, 33_000, 413)],
    ids=["type", "encoding", "size"],
)
async def test_the_form_is_looked_at_before_the_signature(
    ask: Ask, headers: dict[str, str], size: int, status: int
) -> None:
    """What is too large, wrongly typed or encoded is refused unread."""
    assert status == (await ask("data-deletion", "x" * size, **headers))[0]


async def test_a_form_that_hides_its_size_is_refused(ingress: str) -> None:
    """A body in chunks, whose length nobody said, is as little read as one that says that it is too large."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b"x" * 1_000

    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{ingress}/callbacks/data-deletion", data=chunks(), headers=FORM) as response,
    ):
        assert 413 == response.status


async def test_a_deletion_is_shown_to_its_end(  # noqa: PLR0917 – as above
    runtime: Runtime, connected: str, ask: Ask, genuine: Any, ingress: str, turn: Any
) -> None:
    """Meta gets an address and a code of 128 bits; the page there tells how far it is, and nothing else about anybody."""
    status, answer = await ask("data-deletion", genuine())
    code = json.loads(answer)["confirmation_code"]
    assert (200, 32, {"url": f"{runtime.public_url}/deletions/{code}", "confirmation_code": code}) == (
        status,
        len(code),
        json.loads(answer),
    )
    pages = []
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.get(f"{ingress}/deletions/{code}") as response:
                pages.append(await response.text())
                assert "noindex, nofollow" == response.headers["X-Robots-Tag"]
                assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
            await turn()
        async with http.get(f"{ingress}/deletions/{'0' * 32}") as response:
            assert 404 == response.status
    assert [True, False] == ["under way" in page for page in pages]
    assert "completed" in pages[1]
    assert [False, False] == [USER in page or STORE in page for page in pages]
    state, _, tokens = await tokens_of(runtime, connected)
    assert (State.NEEDS_LOGIN, [None, None]) == (state, tokens)
    async with runtime.db.begin() as tx:
        left = text("SELECT count(*) FROM connections WHERE user_id <> '' OR offer IS NOT NULL")
        assert 0 == await tx.scalar(left)


async def test_one_person_has_one_deletion(runtime: Runtime, connected: str, ask: Ask, clock: Clock, turn: Any) -> None:
    """Asking again, and sending the same again, gives the same code, also when it has ended; a later wish is a new deletion."""
    first = signed(user_id=USER, issued_at=int(clock().timestamp()))
    answers = [await ask("data-deletion", first)]
    answers.append(await ask("data-deletion", signed(user_id=int(USER), issued_at=int(clock().timestamp()) - 1)))
    await turn()
    answers.append(await ask("data-deletion", first))
    assert 1 == len(set(answers))
    clock.advance(minutes=10)
    assert answers[0] == await ask("data-deletion", first)
    both = signed(user_id=USER, issued_at=int(clock().timestamp()))  # Meta tells of the app's removal in the same words
    await ask("deauthorize", both)
    assert answers[0] != await ask("data-deletion", both)


async def test_a_captured_request_without_a_time_opens_nothing(
    runtime: Runtime, ask: Ask, clock: Clock, turn: Any
) -> None:
    """A request that does not say when it was made counts once: again, much later, it gets the answer it got."""
    request = signed(user_id=USER)
    answers = [await ask("data-deletion", request)]
    await turn()
    clock.advance(days=30)
    answers.append(await ask("data-deletion", request))
    assert answers[0] == answers[1]
    async with runtime.db.begin() as tx:
        assert 1 == await tx.scalar(text("SELECT count(*) FROM deletions"))
