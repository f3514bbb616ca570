"""Login with the simulator as a browser and a server do it."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.contract.simulator_client import VERIFY, Client, receiving
from tests.contract.simulator_server import APP_ID, APP_SECRET

REDIRECT = "https://ingress.test/oauth/callback"


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


async def test_page_tokens_live_as_long_as_the_token_they_were_read_with(client: Client) -> None:
    """A Page token read with a short-lived token ends with it; one read with a long-lived token has no end."""
    await client.control("POST", "/seed", {"user": {"id": client.seed["user"]["id"]}, "scopes": ["pages_show_list"]})
    _, short = await _exchange(client, code=await _code(client))
    _, long = await _exchange(client, grant_type="fb_exchange_token", fb_exchange_token=short["access_token"])
    tokens = []
    for user_token in (short, long, short):
        _, pages, _ = await client.graph("GET", "me/accounts", user_token["access_token"], fields="access_token")
        tokens.append(pages["data"][0]["access_token"])
    assert tokens[0] == tokens[2] != tokens[1]
    await client.control("POST", "/clock/advance", {"seconds": 6_000})
    assert 463 == (await client.graph("GET", "me", tokens[0]))[1]["error"]["error_subcode"]
    await client.control("POST", "/clock/advance", {"seconds": 90 * 86_400})
    assert 200 == (await client.graph("GET", "me", tokens[1]))[0]


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


async def test_app_tokens_are_issued_and_single_tokens_revoked(client: Client) -> None:
    """client_credentials gives the app token, which inspects others; a revoked token is dead while its siblings live."""
    _, app_token = await _exchange(client, grant_type="client_credentials")
    assert client.seed["app"]["token"] == app_token["access_token"]
    doomed, kept = client.seed["user"]["token"], client.seed["pages"][0]["token"]
    params = {"client_id": APP_ID, "client_secret": APP_SECRET, "revoke_token": doomed}
    assert {"success": True} == (await client.ask("GET", "/oauth/revoke", params=params))[1]
    assert (401, 200) == tuple([(await client.graph("GET", "me", token))[0] for token in (doomed, kept)])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "password"}, 100),
        ({"code": "nonsense"}, 100),
        ({"grant_type": "fb_exchange_token", "fb_exchange_token": "x"}, 190),
        ({"grant_type": "fb_exchange_token", "fb_exchange_token": f"{APP_ID}|{APP_SECRET}"}, 100),
    ],
)
async def test_wrong_exchanges_are_refused(client: Client, changes: dict[str, str], code: int) -> None:
    """Unknown grants, codes and tokens are refused with their codes."""
    status, refusal = await _exchange(client, **changes)
    assert (True, code) == (status >= 400, refusal["error"]["code"])


async def test_a_lost_role_is_492(client: Client) -> None:
    """A Page token dies when its user has no role on the Page any more; with the role it lives again."""
    page = client.seed["pages"][0]
    other = await client.control("POST", "/seed", {"user": {"id": "905"}, "pages": [{"id": page["id"]}]})
    assert 200 == (await client.graph("GET", "me", other["pages"][0]["token"]))[0]
    await client.control("POST", "/seed", {"user": {"id": "905"}, "pages": [{"id": page["id"], "tasks": []}]})
    _, refusal, _ = await client.graph("GET", "me", other["pages"][0]["token"])
    assert 492 == refusal["error"]["error_subcode"]
    assert 200 == (await client.graph("GET", "me", page["token"]))[0]


async def test_a_revoked_permission_is_told(client: Client) -> None:
    """An app that listens to permissions learns of a revoked one."""
    async with receiving() as receiver:
        webhook = {"callback_url": receiver.url, "verify_token": VERIFY}
        await client.control("POST", "/apps", {"app_id": APP_ID, "webhook": webhook})
        user = client.seed["user"]
        await client.graph("DELETE", f"{user['id']}/permissions", user["token"], permission="pages_messaging")
        await receiver.wait_for(1)
        document = json.loads(receiver.bodies[0])
        change = document["entry"][0]["changes"][0]
        assert ("permissions", user["id"], "pages_messaging", "revoked") == (
            document["object"], document["entry"][0]["id"], change["field"], change["value"]["verb"],
        )  # fmt: skip


async def test_a_person_may_ask_for_deletion(client: Client) -> None:
    """The deletion callback gets a signed request for the right user."""
    async with receiving() as receiver:
        await client.control("POST", "/apps", {"app_id": APP_ID, "data_deletion_url": receiver.url})
        await client.control("POST", f"/users/{client.seed['user']['id']}/ask-deletion", {})
        await receiver.wait_for(1)
        _, _, payload = parse_qs(receiver.bodies[0].decode())["signed_request"][0].partition(".")
        document = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert client.seed["user"]["id"] == document["user_id"]


async def test_removing_the_app_kills_its_tokens(client: Client) -> None:
    """When the user removes the app, its tokens die with 458 for ever and the app is told by a signed request."""
    async with receiving() as receiver:
        await client.control("POST", "/apps", {"app_id": APP_ID, "deauthorize_url": receiver.url})
        user, page = client.seed["user"], client.seed["pages"][0]
        assert 200 == (await client.graph("DELETE", f"{user['id']}/permissions", user["token"]))[0]
        for token in (user["token"], page["token"]):
            assert 458 == (await client.graph("GET", "me", token))[1]["error"]["error_subcode"]
        await client.control("POST", "/seed", {"user": {"id": user["id"]}})
        assert 458 == (await client.graph("GET", "me", page["token"]))[1]["error"]["error_subcode"]
        await receiver.wait_for(1)
        signature, _, payload = parse_qs(receiver.bodies[0].decode())["signed_request"][0].partition(".")
        expected = hmac.new(APP_SECRET.encode(), payload.encode(), hashlib.sha256).digest()
        assert expected == base64.urlsafe_b64decode(signature + "=")
        document = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert ("HMAC-SHA256", user["id"]) == (document["algorithm"], document["user_id"])
