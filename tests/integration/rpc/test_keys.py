"""Callers' keys behind a URL."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connector.errors import Unauthenticated
from connector.rpc.callers import Gate
from connector.rpc.keys import SOONEST, FetchedKeys, open_keys
from connector.settings import Settings, SettingsError
from tests.integration.rpc.papers import Issuer
from tests.unit.connector.test_settings import COMPLETE


@dataclass
class Site:
    """Where the keys are: what it answers, and how often it was asked."""

    issuer: Issuer = field(default_factory=Issuer)
    answer: Callable[[Issuer], web.Response] | None = None
    asked: int = 0
    url: str = ""

    async def serve(self, _request: web.Request) -> web.Response:
        """Answer with the keys, or as the test wants."""
        self.asked += 1
        return self.answer(self.issuer) if self.answer else web.json_response(self.issuer.key_set())


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A really served key set."""
    site, app = Site(), web.Application()
    app.router.add_get("/keys", site.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield site
    await runner.cleanup()


@pytest.fixture
def settings(site: Site) -> Settings:
    return replace(Settings.read(COMPLETE), caller_jwks="", caller_jwks_url=site.url)


@pytest.fixture
async def gate(site: Site, settings: Settings, watch: Watch) -> AsyncIterator[Gate]:
    """A gate that follows the site."""
    async with open_keys(settings, watch) as keys:
        yield Gate(settings, keys)


async def admitted(gate: Gate, header: str) -> bool:
    try:
        await gate.admit(header, now=datetime.now(UTC))
    except Unauthenticated:
        return False
    return True


def signed(site: Site) -> str:
    return site.issuer.token(now=datetime.now(UTC))


async def test_a_new_key_is_found_when_it_is_first_used(gate: Gate, site: Site, watch: Watch) -> None:
    """After a rotation the first token of the new key lets the keys be read again; the old key goes on."""
    old = signed(site)
    assert await admitted(gate, old)
    site.issuer.turn()
    watch.time += SOONEST
    assert await admitted(gate, signed(site))
    assert await admitted(gate, old)
    assert 2 == site.asked


async def test_unknown_keys_do_not_hammer_the_site(gate: Gate, site: Site, watch: Watch) -> None:
    """However many tokens name keys that nobody has, the URL is read once in a while."""
    stranger = Issuer()
    for _ in range(2):
        watch.time += SOONEST
        for _token in range(5):
            stranger.turn()
            assert not await admitted(gate, stranger.token(now=datetime.now(UTC)))
    assert 3 == site.asked


async def test_a_withdrawn_key_lets_nobody_in(gate: Gate, site: Site, settings: Settings, watch: Watch) -> None:
    """A token that was admitted before is refused once its key is gone from the URL."""
    async with aiohttp.ClientSession() as http:
        keys = FetchedKeys(http, site.url, watch)
        assert await keys.refresh()
        gate = Gate(settings, keys)
        old = signed(site)
        assert await admitted(gate, old)
        site.issuer = Issuer()
        site.issuer.turn()
        site.issuer.keys.pop("key-1")
        assert await keys.refresh()
        assert not await admitted(gate, old)
        assert await admitted(gate, signed(site))


def _redirect(_issuer: Issuer) -> web.Response:
    raise web.HTTPFound("/keys?again")


BROKEN: list[Callable[[Issuer], web.Response]] = [
    lambda _: web.Response(status=500),
    lambda _: web.Response(text="<html>"),
    lambda _: web.Response(body=b"\xff\xfe"),
    lambda _: web.Response(text="[" * 200_000),
    lambda _: web.json_response([]),
    lambda _: web.json_response({"keys": {}}),
    lambda _: web.json_response({"keys": []}),
    lambda _: web.json_response({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "key-1", "alg": "HS256"}]}),
    lambda issuer: web.json_response({"keys": [*issuer.key_set()["keys"] * 101]}),
    lambda issuer: web.Response(text=json.dumps(issuer.key_set()) + " " * 300_000),
    _redirect,
]


@pytest.mark.parametrize("answer", BROKEN, ids=range(len(BROKEN)))
async def test_a_site_that_fails_leaves_the_last_good_keys(
    gate: Gate, site: Site, settings: Settings, watch: Watch, answer: Callable[[Issuer], web.Response]
) -> None:
    """Errors, rubbish, redirects, symmetric keys and too much of anything change nothing, and start nothing."""
    site.answer = answer
    watch.time += SOONEST
    stranger = Issuer()
    stranger.turn()
    assert not await admitted(gate, stranger.token(now=datetime.now(UTC)))
    assert 2 == site.asked
    assert await admitted(gate, signed(site))
    opening: AbstractAsyncContextManager[Any] = open_keys(settings, watch)
    with pytest.raises(SettingsError, match="CALLER_JWKS_URL"):
        await opening.__aenter__()


async def test_keys_that_are_not_for_us_are_left_out(gate: Gate, site: Site, watch: Watch) -> None:
    """A key set may hold keys of other kinds; ours among them count."""
    strange = [{"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"}, {"kty": "strange"}, "x"]
    site.issuer.turn()
    site.answer = lambda issuer: web.json_response({"keys": [*strange, *issuer.key_set()["keys"]]})
    watch.time += SOONEST
    assert await admitted(gate, signed(site))


async def test_the_keys_are_followed(site: Site, settings: Settings, watch: Watch) -> None:
    """The URL is read again every so often, without anybody asking."""
    async with open_keys(replace(settings, caller_jwks_period=timedelta(milliseconds=1)), watch) as keys:
        site.issuer.turn()
        while keys.generation < 2:  # noqa: ASYNC110 – the keys set no event of ours; the test's time limit ends it
            await asyncio.sleep(0.001)
        assert await keys.find("key-2") is not None
