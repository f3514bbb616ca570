"""The simulator's control API: what is wrong is named, and nothing is half done."""

import json
from typing import Any

import pytest

from tests.contract.simulator_client import Client
from tests.contract.simulator_server import APP_ID


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
        ("POST", "/clock/advance", {"seconds": 1e12}, "seconds"),
        ("POST", "/clock/advance", {"seconds": 1, "minutes": 1}, "minutes"),
        ("POST", "/tokens/revoke", {"page_id": "404"}, "page_id"),
        ("POST", "/tokens/revoke", {"page_id": "30000000000000001", "subcode": 7}, "subcode"),
        ("POST", "/tokens/revoke", {"page_id": "30000000000000001", "subcode": [463]}, "subcode"),
        ("POST", "/reset", {"hard": True}, "hard"),
        ("POST", "/apps", {"app_id": "7"}, "secrets"),
        ("POST", "/apps", {"app_id": "seven", "secrets": ["x"]}, "app_id"),
        ("POST", "/apps", {"app_id": "50000000000000001", "secrets": ["x"]}, "already a ProductCatalog"),
        ("POST", "/apps", {"app_id": APP_ID, "secrets": []}, "secrets"),
        ("POST", "/apps", {"app_id": APP_ID, "redirect_uris": [5]}, "redirect_uris"),
        ("POST", "/apps", {"app_id": APP_ID, "require_proof": "no"}, "require_proof"),
        ("POST", "/apps", {"app_id": APP_ID, "webhook": {"callback_url": "u", "verify_token": "v"}}, "callback_url"),
        ("POST", "/apps", {"app_id": APP_ID, "colour": "red"}, "colour"),
        ("POST", "/apps", {"app_id": APP_ID, "webhook": "x"}, "webhook"),
        ("POST", "/apps", {"app_id": APP_ID, "webhook": {"callback_url": "http://u"}}, "verify_token"),
        ("POST", "/pages/30000000000000001/messages", {"attachments": ["x"]}, "attachments"),
        ("POST", "/pages/30000000000000001/messages", {}, "text"),
        ("POST", "/pages/30000000000000001/messages", {"text": "Hi", "psd": "1"}, "psd"),
        ("POST", "/pages/30000000000000001/messages", {"text": "Hi", "psid": "Omar"}, "psid"),
        ("POST", "/pages/30000000000000001/messages", {"text": "Hi", "quick_reply": "Yes"}, "quick_reply"),
        ("POST", "/pages/30000000000000001/events", {}, "messaging"),
        ("POST", "/pages/30000000000000001/events", {"messaging": []}, "messaging"),
        ("POST", "/pages/30000000000000001/events", {"messaging": [1]}, "messaging"),
        ("POST", "/pages/30000000000000001/events", {"change": {"value": 1}}, "field"),
        ("POST", "/pages/30000000000000001/events", {"body": "{}", "signature": 5}, "signature"),
        ("POST", "/seed", {"app_id": ["1"]}, "app_id"),
        ("POST", "/seed", {"pages": [{"id": "50000000000000001"}]}, "already a ProductCatalog"),
        ("POST", "/pages/30000000000000001/events", {"body_base64": "!"}, "body_base64"),
        ("POST", "/users/404/remove-app", {}, "user_id"),
        ("POST", "/users/10000000000000001/ask-deletion", {}, "data_deletion_url"),
        ("GET", "/state/catalogs/404/items", None, "catalog_id"),
        ("GET", "/messages?page_id=404", None, "page_id"),
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


async def test_a_refused_app_is_not_half_made(client: Client) -> None:
    """One wrong member refuses the whole app."""
    status, _, _ = await client.ask("POST", "/_simulator/apps", json={"app_id": "7", "secrets": ["x"], "name": 5})
    state = await client.control("GET", "/state")
    assert (400, [APP_ID]) == (status, [app["app_id"] for app in state["apps"]])


async def test_a_body_that_is_no_json_is_told(client: Client) -> None:
    """The control API says that it was the body."""
    status, refusal, _ = await client.ask("POST", "/_simulator/seed", data=b"{")
    assert (400, True) == (status, refusal["error"]["message"].startswith("body: no JSON"))
