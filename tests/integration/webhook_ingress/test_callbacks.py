"""The merchant's way back from Meta's dialog, through the ingress."""

from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from yarl import URL

from connector.connections import actions
from connector.runtime import Runtime
from connector.values import Environment
from simulator.world import World
from tests.integration.conftest import PUBLIC_URL

HOME = "https://store.example/facebook?tab=1&outcome=old"


async def walk(
    runtime: Runtime, world: World, ingress: str, *, dialog: str, return_url: str = ""
) -> tuple[int, str, str]:
    """Begin a login, answer the dialog, and follow it to the ingress; tells status, where to, and the page."""
    world.switches.change(dialog=dialog)
    begun = await actions.begin(runtime, "store_1", environment=Environment.TEST, return_url=return_url)
    async with aiohttp.ClientSession() as browser:
        async with browser.get(begun.url, allow_redirects=False) as response:
            returned = response.headers["Location"]
        back = URL(returned.replace(PUBLIC_URL, ingress), encoded=True)
        async with browser.get(back, allow_redirects=False) as response:
            return response.status, response.headers.get("Location", ""), await response.text()


@pytest.mark.parametrize(("dialog", "outcome"), [("allow", "AWAITING_CHOICE"), ("deny", "LOGIN_DENIED")])
async def test_the_browser_goes_home_with_the_outcome(
    runtime: Runtime, world: World, ingress: str, *, dialog: str, outcome: str
) -> None:
    """Whether the merchant allowed or not, the browser goes where the caller wanted, with connection and outcome added."""
    status, home, _ = await walk(runtime, world, ingress, dialog=dialog, return_url=HOME)
    parts = urlsplit(home)
    query = parse_qs(parts.query)
    assert (303, "https://store.example/facebook") == (status, f"{parts.scheme}://{parts.netloc}{parts.path}")
    assert {"tab": ["1"], "outcome": [outcome], "connection_id": query["connection_id"]} == query


@pytest.mark.parametrize(
    ("dialog", "status", "title"), [("allow", 200, "Almost there"), ("deny", 400, "Not connected")]
)
async def test_without_a_home_a_page_tells(
    runtime: Runtime, world: World, ingress: str, *, dialog: str, status: int, title: str
) -> None:
    """Without a return address a plain page says how it ended and what to do."""
    answered, _, page = await walk(runtime, world, ingress, dialog=dialog)
    assert (status, True) == (answered, f"<h1>{title}</h1>" in page)


async def test_a_made_up_state_gets_a_page_and_nothing_of_it_back(ingress: str) -> None:
    """Whoever comes with a state of their own sees that it is not valid: no redirect, no script, nothing reflected."""
    url = URL(f"{ingress}/oauth/callback").with_query(
        state="<script>alert(1)</script>", code="c", return_url="https://evil.example"
    )
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as response:
        page = await response.text()
        assert (400, False, False) == (response.status, "script" in page, "Location" in response.headers)
        assert ("nosniff", "no-store", "no-referrer") == (
            response.headers["X-Content-Type-Options"],
            response.headers["Cache-Control"],
            response.headers["Referrer-Policy"],
        )
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_while_meta_is_down_the_login_can_be_repeated(runtime: Runtime, world: World, ingress: str) -> None:
    """When Meta fails in the exchange the page says so, and loading it again finishes the login."""
    world.switches.change(dialog="allow")
    begun = await actions.begin(runtime, "store_1", environment=Environment.TEST)
    async with aiohttp.ClientSession() as browser:
        async with browser.get(begun.url, allow_redirects=False) as response:
            back = URL(response.headers["Location"].replace(PUBLIC_URL, ingress), encoded=True)
        world.faults.order({"match": {"path": "oauth/access_token"}, "action": {"kind": "error", "code": 2}})
        statuses = []
        for _ in range(2):
            async with browser.get(back, allow_redirects=False) as response:
                statuses.append(response.status)
    assert [503, 200] == statuses
