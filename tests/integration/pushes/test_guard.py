"""The guard of pushes: nothing of ours, nor of anybody's private network, is ever connected to."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.errors import InvalidInput
from connector.pushes import rpc
from connector.pushes.actions.posting import open_post
from connector.pushes.model import ADDRESS_NOT_PUBLIC, CONNECTION_FAILED
from connector.settings import Settings, SettingsError
from tests.integration.pushes.conftest import Receiver

SSRF = Path(__file__).parents[4] / "shared" / "fixtures" / "ssrf" / "svix_is_allowed.json"
HOSTS = ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
         "localhost", "localhost.", "user:password@127.0.0.1", "169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]",
         "metadata.google.internal", "printer.local", "0.0.0.0", "①②⑦.0.0.1"]  # fmt: skip


@pytest.fixture
async def trap() -> AsyncIterator[tuple[int, list[str]]]:
    """A listener on this machine that must never be connected to: its port, and who came."""
    came: list[str] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], came


async def post(url: str, *addresses: str) -> str:
    """Post as in production, with a name that leads to these addresses; tells what came back."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    async with open_post(private=False, now=lambda: datetime.now(UTC), resolve=resolve) as sent:
        return (await sent(url, b"{}", {})).word


@pytest.mark.parametrize("host", HOSTS)
async def test_no_notation_leads_to_this_machine(trap: tuple[int, list[str]], host: str) -> None:
    """However an address of ours is written, it is refused before anything is connected to."""
    port, came = trap
    assert ADDRESS_NOT_PUBLIC.word == await post(f"https://{host}:{port}/", "127.0.0.1")
    assert [] == came


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]],
)
async def test_a_name_that_leads_inside_is_refused(trap: tuple[int, list[str]], addresses: list[str]) -> None:
    """A public name that has one private address is not connected to, at none of its addresses."""
    port, came = trap
    assert ADDRESS_NOT_PUBLIC.word == await post(f"https://hooks.example.com:{port}/", *addresses)
    assert [] == came


async def test_what_was_checked_is_what_is_connected_to(receiver: Receiver) -> None:
    """A name is asked for once, and its answer is connected to: one that answers otherwise the next time gains nothing."""
    answers = iter([["127.0.0.1"]])  # a second question would find none

    async def resolve(_host: str, _port: int) -> list[str]:
        return next(answers)

    url = receiver.url.replace("127.0.0.1", "hooks.example.com")
    async with open_post(private=True, now=lambda: datetime.now(UTC), resolve=resolve) as sent:
        answer = await sent(url, b'{"data": {}}', {"webhook-id": "one"})
    assert ("200", 1) == (answer.word, len(receiver.posts))


@pytest.mark.skipif(not SSRF.is_file(), reason="the published list is not beside this checkout")
async def test_the_published_list_of_addresses() -> None:
    """No address that its authors forbid is posted to, given as such or found for a name."""
    forbidden = [case["ip"] for case in json.loads(SSRF.read_text())["cases"] if not case["allowed"]]
    assert len(forbidden) > 20
    words = {await post("https://hooks.example.com/", address) for address in forbidden}
    assert {ADDRESS_NOT_PUBLIC.word} == words


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "ftp://hooks.example.com/", "https://", "//x", "https://10.0.0.1/"]
)
async def test_only_public_https_can_be_configured(url: str) -> None:
    """What is no public https address is refused by the field's name."""
    with pytest.raises(InvalidInput) as refused:
        rpc._url(url, private=False)
    assert "url" == refused.value.violations[0].field


def test_production_never_pushes_inside() -> None:
    """The setting that allows private addresses is refused outside of development."""
    with pytest.raises(SettingsError, match="PUSH_ADDRESSES"):
        Settings.read({"PROFILE": "production", "PUSH_ADDRESSES": "any"})


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, trap: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve names behind the guard's back: none is asked, whatever the environment says."""
    port, came = trap
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    async with open_post(private=True, now=lambda: datetime.now(UTC)) as sent:
        answer = await sent(receiver.url, b'{"data": {}}', {"webhook-id": "one"})
    assert ("200", []) == (answer.word, came)


async def test_nobody_home_is_told_as_such() -> None:
    """A receiver that cannot be connected to is a failed connection, no fault of ours."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with open_post(private=True, now=lambda: datetime.now(UTC)) as sent:
        assert CONNECTION_FAILED == await sent(f"http://127.0.0.1:{port}/", b"{}", {})
