"""Meta Business Extension at the simulator: the dialog installs, Graph reads back, the merchant changes and ends it."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from facebook_business.adobjects.business import Business
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_client import VERIFY, Client, Receiver, receiving
from tests.contract.simulator_server import APP_ID, APP_SECRET, Meta

SCOPES = "ads_management,catalog_management,manage_business_extension,pages_messaging"
SETUP = {
    "external_business_id": "stormcom-shop-42",
    "timezone": "Asia/Dhaka",
    "currency": "BDT",
    "business_vertical": "ECOMMERCE",
    "channel": "DEFAULT",
    "domain": "https://shop.example",
}
BACK = "http://localhost:1/callback"
PLACE = {"fbe_external_business_id": "stormcom-shop-42"}


def walk(url: str, **setup: Any) -> tuple[int, Mapping[str, str]]:
    """Open the dialog with extras; return the status, and what it returns with."""
    extras = {"setup": SETUP | setup, "business_config": {"business": {"name": "Mina's Shop"}}, "repeat": False}
    query = {"client_id": APP_ID, "redirect_uri": BACK, "state": "s", "scope": SCOPES, "extras": json.dumps(extras)}
    answer = requests.get(f"{url}/v26.0/dialog/oauth", params=query, allow_redirects=False, timeout=10)
    return answer.status_code, dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query))


def token_of(url: str, code: str) -> str:
    query = {"client_id": APP_ID, "client_secret": APP_SECRET, "redirect_uri": BACK, "code": code}
    return str(requests.get(f"{url}/oauth/access_token", params=query, timeout=10).json()["access_token"])


@pytest.fixture
def api(meta: Meta) -> FacebookAdsApi:
    """The SDK with the token of the person who has just installed."""
    meta.control("PATCH", "/switches", {"dialog": "allow"})
    _, answer = walk(meta.url)
    return FacebookAdsApi(SimulatedSession(meta.url, token_of(meta.url, answer["code"])))


def call(api: FacebookAdsApi, method: str, *path: str, **params: Any) -> Any:
    return api.call(method, path, params=params).json()


def test_the_dialog_installs_and_graph_reads_it_back(meta: Meta, api: FacebookAdsApi) -> None:
    """After Allow the shop is installed with business, Page, catalog, pixel and Instagram profile."""
    (found,) = call(api, "GET", "fbe_business", "fbe_installs", **PLACE)["data"]
    assert meta.seed["pages"][0]["id"] in found["pages"]
    assert meta.seed["catalogs"][0]["id"] == found["catalog_id"]
    assert meta.seed["businesses"][0]["id"] == found["business_manager_id"]
    assert ["17800000000000001"] == found["instagram_profiles"]
    assert found["pixel_id"] == found["installed_features"][0]["connected_assets"]["pixel_id"]


def test_the_sdk_fetches_the_system_users_token(meta: Meta, api: FacebookAdsApi) -> None:
    """Business.create_access_token gives the token of a system user, which debug_token names so."""
    business = Business(meta.seed["businesses"][0]["id"], api=api)
    asked = {"app_id": APP_ID, "scope": ["catalog_management", "manage_business_extension"], **PLACE}
    with pytest.warns(UserWarning, match="scope"):  # the SDK names a type there that it does not have
        token = business.create_access_token(params=asked)["access_token"]
    shown = requests.get(
        f"{meta.url}/debug_token", params={"input_token": token, "access_token": f"{APP_ID}|{APP_SECRET}"}, timeout=10
    ).json()["data"]
    assert ("SYSTEM_USER", True, ["catalog_management", "manage_business_extension"]) == (
        shown["type"],
        shown["is_valid"],
        shown["scopes"],
    )


def test_the_token_wants_a_proof_always(meta: Meta, api: FacebookAdsApi) -> None:
    """appsecret_proof is mandatory for the system user's token even where the app does not demand it."""
    meta.control("POST", "/apps", {"app_id": APP_ID, "require_proof": False})
    session = SimulatedSession(meta.url, api._session.access_token, secret=None)
    business = Business(meta.seed["businesses"][0]["id"], api=FacebookAdsApi(session))
    with pytest.raises(FacebookRequestError) as refusal:
        business.create_access_token(params={"app_id": APP_ID, **PLACE})
    assert 100 == refusal.value.api_error_code()


def test_the_configuration_is_kept(api: FacebookAdsApi) -> None:
    """What is written to fbe_business is read there, beside what the dialog brought."""
    call(api, "POST", "fbe_business", business_config=json.dumps({"ig_cta": {"enabled": True}}), **PLACE)
    config = call(api, "GET", "fbe_business", **PLACE)
    assert {"business": {"name": "Mina's Shop"}, "ig_cta": {"enabled": True}} == config
    link = call(api, "GET", "fbe_business", fields="commerce_extension", **PLACE)
    assert link["commerce_extension"]["uri"].startswith("https://www.commercepartnerhub.com/")


def test_a_repair_makes_the_integration(api: FacebookAdsApi) -> None:
    """A repair answers with the integration's id, always the same, and the read-back names it."""
    told = {
        "shop_domain": "https://shop.example",
        "admin_url": "https://admin.shop.example",
        "extension_version": "1",
        "commerce_partner_seller_platform_type": "SELF_SERVE_PLATFORM",
    }
    first, second = (call(api, "POST", "commerce_partner_integrations_repair", **told, **PLACE) for _ in range(2))
    (found,) = call(api, "GET", "fbe_business", "fbe_installs", **PLACE)["data"]
    assert first == second == {"success": True, "id": found["commerce_partner_integration_id"]}


def test_the_end_is_the_end(api: FacebookAdsApi) -> None:
    """After an uninstall nothing is read back, and a second one is refused."""
    assert {"success": True} == call(api, "DELETE", "fbe_business", "fbe_installs", **PLACE)
    assert [] == call(api, "GET", "fbe_business", "fbe_installs", **PLACE)["data"]
    with pytest.raises(FacebookRequestError):
        call(api, "DELETE", "fbe_business", "fbe_installs", **PLACE)


@pytest.mark.parametrize(
    ("member", "value"),
    [("timezone", "Etc/GMT-05:30"), ("timezone", "Mars/Olympus"), ("channel", "SHOP"), ("external_business_id", "")],
)
def test_wrong_extras_are_refused(meta: Meta, member: str, value: str) -> None:
    """The dialog shows a page, and installs nothing, when the extras are wrong."""
    meta.control("PATCH", "/switches", {"dialog": "allow"})
    assert 400 == walk(meta.url, **{member: value})[0]
    assert [] == meta.control("GET", "/installations")["installations"]


async def _install(client: Client, receiver: Receiver) -> None:
    """Install with the webhook subscribed."""
    app_token = client.seed["app"]["token"]
    options = {"object": "user", "callback_url": receiver.url, "verify_token": VERIFY, "fields": "fbe_install"}
    assert 200 == (await client.graph("POST", f"{APP_ID}/subscriptions", app_token, **options))[0]
    await client.control("PATCH", "/switches", {"dialog": "allow"})
    extras = json.dumps({"setup": SETUP, "business_config": {}})
    query = {"client_id": APP_ID, "redirect_uri": BACK, "state": "s", "scope": SCOPES, "extras": extras}
    assert 302 == (await client.ask("GET", "/dialog/oauth", params=query))[0]
    await receiver.wait_for(1)


def _values(receiver: Receiver) -> list[Any]:
    bodies = [json.loads(body) for body in receiver.bodies]
    assert {"user"} == {body["object"] for body in bodies}
    return [change["value"] for body in bodies for entry in body["entry"] for change in entry["changes"]]


@pytest.mark.parametrize("form", ["empty", "absent"])
async def test_every_change_is_told(client: Client, form: str) -> None:
    """fbe_install comes on install, change and end; the end has no token, or an empty one."""
    async with receiving() as receiver:
        await _install(client, receiver)
        await client.control("PATCH", "/switches", {"uninstall_webhook": form})
        await client.control("PATCH", "/installations/stormcom-shop-42", {"catalog_id": ""})
        await receiver.wait_for(2)
        await client.control("DELETE", "/installations/stormcom-shop-42")
        await receiver.wait_for(3)
    installed, changed, ended = _values(receiver)
    assert ("stormcom-shop-42", True) == (installed["business_id"], installed["access_token"].startswith("EAAS"))
    assert (True, False) == ("catalog_id" in installed, "catalog_id" in changed)
    assert {"empty": "", "absent": None}[form] == ended.get("access_token")


async def test_the_merchants_changes_are_checked(client: Client) -> None:
    """The control API names a wrong member and an unknown installation."""
    status, answer, _ = await client.ask("DELETE", "/_simulator/installations/nobody")
    assert (400, True) == (status, "nobody" in answer["error"]["message"])
    async with receiving() as receiver:
        await _install(client, receiver)
    status, answer, _ = await client.ask(
        "PATCH", "/_simulator/installations/stormcom-shop-42", json={"pages": "30000000000000001"}
    )
    assert (400, True) == (status, answer["error"]["message"].startswith("pages:"))
