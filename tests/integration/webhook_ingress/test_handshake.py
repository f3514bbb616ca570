"""The handshake: the right token gets the challenge back, as plain text; nothing else gets anything."""

import json
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from connector.runtime import Runtime
from tests.integration.conftest import VERIFY_TOKEN
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving

SHARED = Path(__file__).parents[4] / "shared" / "fixtures"


async def ask(ingress: str, *query: tuple[str, str]) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(URL(f"{ingress}/webhooks/facebook").with_query(query)) as response,
    ):
        return response.status, await response.text(), response.headers["Content-Type"]


def question(**changed: str) -> list[tuple[str, str]]:
    asked = {"mode": "subscribe", "verify_token": VERIFY_TOKEN, "challenge": "1158201444"} | changed
    return [(f"hub.{name}", value) for name, value in asked.items()]


async def test_the_right_token_gets_the_challenge(ingress: str) -> None:
    """The challenge comes back verbatim, as plain text."""
    assert (200, "1158201444", "text/plain; charset=utf-8") == await ask(ingress, *question())


@pytest.mark.parametrize(
    "query",
    [
        question(verify_token="wrong"),
        question(verify_token=""),
        question(verify_token=VERIFY_TOKEN + " "),
        question(verify_token="ünïcode"),
        question(mode="unsubscribe"),
        question(mode=""),
        question(challenge=""),
        question(challenge="a" * 129),
        question(challenge="1 2"),
        question(challenge="<script>alert(1)</script>"),
        [*question(), ("hub.challenge", "2")],
        [*question(), ("hub.verify_token", VERIFY_TOKEN)],
        question()[:2],
        [],
    ],
)
async def test_anything_else_gets_nothing(ingress: str, query: list[tuple[str, str]]) -> None:
    """A wrong token, mode or challenge is refused, and nothing of it is said back."""
    assert (403, "Forbidden", "text/plain; charset=utf-8") == await ask(ingress, *query)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared fixtures are not here")
async def test_no_naughty_challenge_is_reflected(runtime: Runtime) -> None:
    """Of all naughty strings only plain words come back, and those as text."""
    async with serving(create_app(runtime, handshakes_per_minute=10_000), "127.0.0.1", 0) as port:
        for naughty in json.loads((SHARED / "naughty" / "blns.json").read_text()):
            status, body, kind = await ask(f"http://127.0.0.1:{port}", *question(challenge=naughty))
            assert kind.startswith("text/plain")
            assert (status == 200) is (body == naughty)
            assert status == 403 or all(character.isalnum() or character in "_-" for character in body)


async def test_nobody_may_guess_for_long(runtime: Runtime) -> None:
    """After so many questions of a minute an address is told to come back later, whatever it asks."""
    async with serving(create_app(runtime, handshakes_per_minute=2), "127.0.0.1", 0) as port:
        asked = [await ask(f"http://127.0.0.1:{port}", *question(verify_token="wrong")) for _ in range(2)]
        asked += [await ask(f"http://127.0.0.1:{port}", *question())]
    assert [403, 403, 429] == [status for status, *_ in asked]
