"""What a merchant leaves out at login, login configurations and system users' assets, as a browser, a server and Meta's SDK see it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from facebook_business.adobjects.systemuser import SystemUser
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi

from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_client import Client
from tests.contract.simulator_server import APP_ID, APP_SECRET, Meta

REDIRECT = "https://ingress.test/oauth/callback"
PAGE, SECOND, CATALOG = "30000000000000001", "30000000000000002", "50000000000000001"
SCOPES = "pages_show_list,pages_messaging,catalog_management,business_management"
CONFIG = {"900": {"scopes": SCOPES.split(","), "token": "SYSTEM_USER"}}


@pytest.fixture(autouse=True)
async def prepared(client: Client) -> None:
    """The app may redirect to us, the merchant has a second Page and catalog, and the dialog needs no human."""
    await client.control("POST", "/apps", {"app_id": APP_ID, "redirect_uris": [REDIRECT], "login_configs": CONFIG})
    more = {"pages": [{"id": SECOND, "name": "Second"}], "catalogs": [{"id": "50000000000000002", "name": "Second"}]}
    await client.control("POST", "/seed", {"user": {"id": client.seed["user"]["id"]}, **more})
    await client.control("PATCH", "/switches", {"dialog": "allow"})


async def _log_in(client: Client, **asked: str) -> str:
    """Walk through the dialog and exchange its code; returns the token."""
    wanted = {"client_id": APP_ID, "redirect_uri": REDIRECT, "response_type": "code", **(asked or {"scope": SCOPES})}
    status, page, headers = await client.ask("GET", "/v26.0/dialog/oauth", params=wanted)
    assert 302 == status, page
    code = dict(parse_qsl(urlsplit(headers["Location"]).query))["code"]
    params = {"client_id": APP_ID, "client_secret": APP_SECRET, "redirect_uri": REDIRECT, "code": code}
    _, issued, _ = await client.ask("GET", "/v26.0/oauth/access_token", params=params)
    return str(issued["access_token"])


async def _inspect(client: Client, token: str) -> Any:
    _, answer, _ = await client.graph("GET", "debug_token", client.seed["app"]["token"], input_token=token)
    return answer["data"]


async def test_what_was_left_out_is_not_there(client: Client) -> None:
    """Pages and catalogs left out are missing from lists, do not exist by id, and are no targets of granular scopes."""
    await client.control("PATCH", "/switches", {"withheld_assets": f"{PAGE},{CATALOG}"})
    token = await _log_in(client)
    _, pages, _ = await client.graph("GET", "me/accounts", token)
    assert [SECOND] == [page["id"] for page in pages["data"]]
    assert [400, 400] == [(await client.graph("GET", one, token))[0] for one in (PAGE, CATALOG)]
    granular = {one["scope"]: one.get("target_ids") for one in (await _inspect(client, token))["granular_scopes"]}
    assert ([SECOND], ["50000000000000002"], None) == (
        granular["pages_messaging"], granular["catalog_management"], granular["business_management"],
    )  # fmt: skip


async def test_the_last_consent_replaces_the_one_before(client: Client) -> None:
    """A second login that leaves a Page out kills the Page's token of the first; ticking it again brings it back."""
    first = await _log_in(client)
    _, page, _ = await client.graph("GET", PAGE, first, fields="access_token")
    seen = []
    for withheld in ("", PAGE, ""):
        await client.control("PATCH", "/switches", {"withheld_assets": withheld})
        await _log_in(client)
        seen.append((await client.graph("GET", "me", page["access_token"]))[0])
    assert [200, 401, 200] == seen


async def test_the_form_lets_people_choose_pages(client: Client) -> None:
    """The dialog shows Pages and catalogs; what is unticked there is left out."""
    await client.control("PATCH", "/switches", {"dialog": "page"})
    asked = {"client_id": APP_ID, "redirect_uri": REDIRECT, "response_type": "code", "scope": SCOPES}
    _, form, _ = await client.ask("GET", "/v26.0/dialog/oauth", params=asked)
    assert all(f'name="asset" value="{one}"' in form for one in (PAGE, SECOND, CATALOG))
    answer = [
        *asked.items(),
        ("user_id", client.seed["user"]["id"]),
        ("answer", "allow"),
        ("asset", ""),
        ("asset", PAGE),
    ]
    answer += [("granted", scope) for scope in SCOPES.split(",")]
    _, _, headers = await client.ask("POST", "/v26.0/dialog/oauth", data=answer)
    code = dict(parse_qsl(urlsplit(headers["Location"]).query))["code"]
    params = {"client_id": APP_ID, "client_secret": APP_SECRET, "redirect_uri": REDIRECT, "code": code}
    _, issued, _ = await client.ask("GET", "/v26.0/oauth/access_token", params=params)
    _, pages, _ = await client.graph("GET", "me/accounts", issued["access_token"])
    assert [PAGE] == [page["id"] for page in pages["data"]]


async def test_scopes_can_be_left_out_without_a_human(client: Client) -> None:
    """The switch unticks scopes: they are declined, and the token does not have them."""
    await client.control("PATCH", "/switches", {"withheld_scopes": "pages_messaging"})
    token = await _log_in(client)
    _, permissions, _ = await client.graph("GET", "me/permissions", token)
    status = {one["permission"]: one["status"] for one in permissions["data"]}
    assert ("declined", False) == (
        status["pages_messaging"], "pages_messaging" in (await _inspect(client, token))["scopes"],
    )  # fmt: skip


async def test_a_configuration_gives_a_system_users_token(client: Client) -> None:
    """Login for Business asks for what its configuration says; the token is a system user's and has no end."""
    facts = await _inspect(client, await _log_in(client, config_id="900", override_default_response_type="true"))
    assert ("SYSTEM_USER", 0, True) == (
        facts["type"],
        facts["expires_at"],
        facts["user_id"] != client.seed["user"]["id"],
    )
    assert set(SCOPES.split(",")) <= set(facts["scopes"])


@pytest.mark.parametrize(
    "asked", [{"config_id": "901", "override_default_response_type": "true"}, {"config_id": "900"}]
)
async def test_a_wrong_configuration_never_redirects(client: Client, asked: dict[str, str]) -> None:
    """An unknown configuration, or one for system users without the override, gets an error page."""
    wanted = {"client_id": APP_ID, "redirect_uri": REDIRECT, "response_type": "code", **asked}
    status, _, headers = await client.ask("GET", "/v26.0/dialog/oauth", params=wanted)
    assert (400, False) == (status, "Location" in headers)


@pytest.fixture
def system(meta: Meta) -> Iterator[tuple[str, FacebookAdsApi]]:
    """A system user of the business: id, and Meta's SDK with its token."""
    made = meta.control("POST", "/system-users", {"role": "ADMIN"})
    session = SimulatedSession(meta.url, made["token"])
    yield made["user_id"], FacebookAdsApi(session)
    session.requests.close()


def test_the_sdk_reads_what_is_assigned_to_a_system_user(system: tuple[str, FacebookAdsApi]) -> None:
    """`assigned_pages` and `assigned_product_catalogs` list what the system user may work with."""
    user_id, api = system
    user = SystemUser(user_id, api=api)
    (page,) = user.get_assigned_pages(fields=["id", "name"])
    (catalog,) = user.get_assigned_product_catalogs(fields=["id", "name", "business"])
    assert (PAGE, "Mina's Shop", CATALOG, "20000000000000001") == (
        page["id"], page["name"], catalog["id"], catalog["business"]["id"],
    )  # fmt: skip


def test_the_sdk_reads_a_system_users_role(
    system: tuple[str, FacebookAdsApi], user_api: FacebookAdsApi, meta: Meta
) -> None:
    """A system user tells its role; a person has none."""
    user_id, api = system
    person = User(meta.seed["user"]["id"], api=user_api).api_get(fields=["name"])
    assert ("ADMIN", None) == (SystemUser(user_id, api=api).api_get(fields=["role"])["role"], person.get("role"))
