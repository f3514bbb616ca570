"""What becomes of tokens later, as Meta's SDK and a server see it: renewed, killed, declined, run out."""

import json
from typing import Any

import pytest
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_client import VERIFY, Client, receiving
from tests.contract.simulator_server import APP_ID, APP_SECRET, Meta

RENEWAL = {
    "grant_type": "fb_exchange_token",
    "set_token_expires_in_60_days": "true",
    "client_id": APP_ID,
    "client_secret": APP_SECRET,
}


def test_the_sdk_kills_every_token_of_a_system_user(meta: Meta) -> None:
    """`User.delete_access_tokens` kills the very token it was sent with, and no other user's."""
    made = meta.control("POST", "/system-users", {})
    sessions = [SimulatedSession(meta.url, token) for token in (made["token"], meta.seed["user"]["token"])]
    system, person = (User("me", api=FacebookAdsApi(session)) for session in sessions)
    assert made["user_id"] == system.api_get()["id"]
    User(made["user_id"], api=system.get_api()).delete_access_tokens()
    with pytest.raises(FacebookRequestError) as dead:
        system.api_get()
    assert (190, meta.seed["user"]["id"]) == (dead.value.api_error_code(), person.api_get()["id"])
    for session in sessions:
        session.requests.close()


def test_a_persons_tokens_are_not_killed_that_way(user_api: FacebookAdsApi, meta: Meta) -> None:
    """The edge is for system users: a person's token is refused and lives on."""
    with pytest.raises(FacebookRequestError) as refused:
        User(meta.seed["user"]["id"], api=user_api).delete_access_tokens()
    assert 10 == refused.value.api_error_code()
    assert meta.seed["user"]["id"] == User("me", api=user_api).api_get()["id"]


@pytest.mark.parametrize("kills", [False, True])
async def test_renewing_makes_a_second_token(client: Client, kills: bool) -> None:  # noqa: FBT001 – a table's column
    """A renewed token lives 60 days from then; the old one lives on, unless the switch says otherwise."""
    await client.control("PATCH", "/switches", {"renewal_kills_old": kills})
    made = await client.control("POST", "/system-users", {})
    await client.control("POST", "/clock/advance", {"seconds": 45 * 86_400})
    params = RENEWAL | {"fb_exchange_token": made["token"]}
    _, renewed, _ = await client.ask("GET", "/v26.0/oauth/access_token", params=params)
    assert made["token"] != renewed["access_token"]
    facts = await _inspect(client, renewed["access_token"])
    assert ("SYSTEM_USER", 60 * 86_400) == (facts["type"], facts["expires_at"] - facts["issued_at"])
    assert kills is not (await _inspect(client, made["token"]))["is_valid"]


async def test_a_declined_permission_counts_at_once_and_is_told(client: Client) -> None:
    """What a merchant takes back in Meta's settings is gone from the token, and the app hears of it by webhook."""
    user = client.seed["user"]
    async with receiving() as ingress:
        webhook = {"callback_url": ingress.url, "verify_token": VERIFY}
        await client.control("POST", "/apps", {"app_id": APP_ID, "webhook": webhook})
        wish = {"permission": "pages_messaging", "status": "declined"}
        await client.control("POST", f"/users/{user['id']}/permissions", wish)
        await ingress.wait_for(1)
    told = json.loads(ingress.bodies[0])
    assert "pages_messaging" not in (await _inspect(client, user["token"]))["scopes"]
    change = told["entry"][0]["changes"][0]
    assert ("permissions", user["id"], "pages_messaging", "revoked") == (
        told["object"],
        told["entry"][0]["id"],
        change["field"],
        change["value"]["verb"],
    )


async def test_the_end_of_data_access_may_kill(client: Client) -> None:
    """With the switch, a token without an end dies 90 days after the login all the same."""
    await client.control("PATCH", "/switches", {"data_access_end_kills": True, "data_access_seconds": 86_400})
    assert (await _inspect(client, client.seed["pages"][0]["token"]))["is_valid"]
    await client.control("POST", "/clock/advance", {"seconds": 86_401})
    assert not (await _inspect(client, client.seed["pages"][0]["token"]))["is_valid"]


async def _inspect(client: Client, token: str) -> Any:
    params = {"input_token": token, "access_token": f"{APP_ID}|{APP_SECRET}"}
    _, answer, _ = await client.ask("GET", "/v26.0/debug_token", params=params)
    return answer["data"]
