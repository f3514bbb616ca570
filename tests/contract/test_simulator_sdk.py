"""Meta's own SDK drives the simulator over real HTTP and must not notice that it is not Facebook."""

import hashlib
import hmac
import json

import pytest
import requests
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.adobjects.unifiedthread import UnifiedThread
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.sdk_session import SimulatedSession, push, update
from tests.contract.simulator_server import APP_ID, Meta

# The SDK warns of its own tables: `requests` is a list although it says map, `tag` a string although it says Object, and
# it has no class for messages and no `tasks`. Any other warning of its would be ours to fix.
pytestmark = [
    pytest.mark.filterwarnings("ignore:value of (requests|tag) might not be compatible:UserWarning"),
    pytest.mark.filterwarnings(
        "ignore:(messages does not allow field|accounts does not allow field tasks):UserWarning"
    ),
]


def test_the_user_finds_pages_with_their_tokens(meta: Meta, user_api: FacebookAdsApi) -> None:
    """me/accounts lists the Page with its own token, and so does the Page's node."""
    accounts = list(User("me", api=user_api).get_accounts(fields=["name", "access_token", "tasks"]))
    expected = meta.seed["pages"][0]
    assert [(expected["id"], expected["token"])] == [(one["id"], one["access_token"]) for one in accounts]
    page = Page(expected["id"], api=user_api).api_get(fields=["access_token", "business", "instagram_business_account"])
    assert expected["token"] == page["access_token"]
    assert (expected["business_id"], expected["instagram_id"]) == (
        page["business"]["id"], page["instagram_business_account"]["id"],
    )  # fmt: skip


def test_granted_permissions_are_listed_and_revoked(user_api: FacebookAdsApi) -> None:
    """A revoked permission is declined from then on and the calls it allowed are refused with code 200."""
    user = User("me", api=user_api)
    granted = {one["permission"] for one in user.get_permissions() if one["status"] == "granted"}
    assert {"catalog_management", "pages_messaging"} <= granted
    user.delete_permissions(params={"permission": "pages_show_list"})
    with pytest.raises(FacebookRequestError) as caught:
        user.get_accounts()
    assert (caught.value.api_error_code(), caught.value.http_status()) == (200, 403)


def test_subscribing_replaces_the_list_of_fields(page: Page) -> None:
    """The second subscription of a Page leaves only its own fields."""
    page.create_subscribed_app(params={"subscribed_fields": ["messages", "message_echoes"]})
    page.create_subscribed_app(params={"subscribed_fields": ["messages", "message_reads"]})
    apps = [(one["id"], one["subscribed_fields"]) for one in page.get_subscribed_apps()]
    assert apps == [(APP_ID, ["messages", "message_reads"])]
    page.delete_subscribed_apps()
    assert list(page.get_subscribed_apps()) == []


def test_a_conversation_is_read_and_answered(meta: Meta, page: Page, page_api: FacebookAdsApi) -> None:
    """A buyer's message shows in the conversation; the answer follows it, newest first."""
    psid = meta.seed["pages"][0]["people"][0]["psid"]
    buyer = meta.control("POST", f"/pages/{page['id']}/messages", {"psid": psid, "text": "Grüße, is it blue?"})
    sent = page_api.call(
        "POST",
        (page["id"], "messages"),
        params={"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": "Yes", "metadata": "m-1"}},
    ).json()
    assert psid == sent["recipient_id"]
    conversation = page.get_conversations(
        fields=["participants", "message_count", "can_reply"], params={"user_id": psid}
    )[0]
    assert (buyer["conversation_id"], 2, True) == (
        conversation["id"], conversation["message_count"], conversation["can_reply"],
    )  # fmt: skip
    messages = UnifiedThread(conversation["id"], api=page_api).get_messages(fields=["message", "from", "created_time"])
    assert [("Yes", sent["message_id"]), ("Grüße, is it blue?", buyer["mid"])] == [
        (one["message"], one["id"]) for one in messages
    ]


@pytest.mark.parametrize(
    ("seconds", "policy", "expected"),
    [
        (0, {"messaging_type": "RESPONSE"}, None),
        (86_500, {"messaging_type": "RESPONSE"}, (10, 2018278)),
        (86_500, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}, None),
        (86_500, {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}, (100, None)),
        (604_900, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}, (10, 2018278)),
        (604_900, {"messaging_type": "UTILITY"}, (100, None)),
    ],
)
def test_the_window_decides_which_policy_may_send(
    meta: Meta, page: Page, seconds: int, policy: dict[str, str], expected: tuple[int, int | None] | None
) -> None:
    """RESPONSE ends after a day, HUMAN_AGENT after a week, dead tags and template-less UTILITY never pass."""
    psid = meta.seed["pages"][0]["people"][0]["psid"]
    meta.control("POST", f"/pages/{page['id']}/messages", {"psid": psid, "text": "Hello"})
    meta.advance(seconds)
    params = {"recipient": {"id": psid}, "message": {"text": "Hi"}, **policy}
    if expected is None:
        assert psid == page.create_message(params=params)["recipient_id"]
        return
    with pytest.raises(FacebookRequestError) as caught:
        page.create_message(params=params)
    assert expected == (caught.value.api_error_code(), caught.value.api_error_subcode())


def test_an_unknown_person_cannot_be_written_to(page: Page) -> None:
    """Sending to a PSID that never wrote to the Page is 100/2018001."""
    with pytest.raises(FacebookRequestError) as caught:
        page.create_message(params={"recipient": {"id": "1"}, "message": {"text": "Hi"}})
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 2018001)


@pytest.mark.parametrize("subcode", [452, 458, 459, 460, 463, 464, 465, 467, 492])
def test_a_dead_token_says_why(meta: Meta, user_api: FacebookAdsApi, subcode: int) -> None:
    """A revoked token answers 190 with the subcode it was revoked with, as the SDK's error object reads it."""
    meta.control("POST", "/tokens/revoke", {"token": meta.seed["user"]["token"], "subcode": subcode})
    with pytest.raises(FacebookRequestError) as caught:
        User("me", api=user_api).api_get()
    error = caught.value
    assert (190, subcode, "OAuthException", False) == (
        error.api_error_code(), error.api_error_subcode(), error.api_error_type(), error.api_transient_error(),
    )  # fmt: skip


def test_a_transient_fault_is_transient_for_the_sdk(meta: Meta, user_api: FacebookAdsApi) -> None:
    """An ordered code 2 is transient, hits once, and the repeated call succeeds."""
    meta.control("POST", "/faults", {"match": {"path": "^me$"}, "action": {"kind": "error", "code": 2}})
    with pytest.raises(FacebookRequestError) as caught:
        User("me", api=user_api).api_get()
    assert (
        caught.value.api_error_code(), caught.value.api_transient_error(), caught.value.http_status(),
    ) == (2, True, 500)  # fmt: skip
    assert meta.seed["user"]["id"] == User("me", api=user_api).api_get()["id"]


def test_the_batch_endpoint_runs_the_sdks_batches(
    meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi
) -> None:
    """Each call of a batch succeeds or fails on its own, and a timed-out one comes back to be repeated."""
    successes: list[str] = []
    failures: list[int] = []
    batch = user_api.new_batch()
    for name in ("One", "Two"):
        catalog.create_product_set(
            params={"name": name, "filter": {}},
            batch=batch,
            success=lambda answer: successes.append(answer.json()["id"]),
        )
    ProductCatalog("999", api=user_api).api_get(
        batch=batch, failure=lambda answer: failures.append(answer.error().api_error_code())
    )
    assert batch.execute() is None
    assert (len(successes), failures) == (2, [100])
    meta.control("POST", "/faults", {"match": {"path": "product_sets"}, "action": {"kind": "drop_before"}})
    again = user_api.new_batch()
    catalog.create_product_set(params={"name": "Three", "filter": {}}, batch=again)
    remaining = again.execute()
    assert len(remaining) == 1
    assert remaining.execute() is None
    assert len(list(catalog.get_product_sets())) == 3


@pytest.mark.parametrize(
    ("secret", "message"), [(None, "require an appsecret_proof"), ("wrong", "Invalid appsecret_proof")]
)
def test_the_proof_is_demanded_and_checked(meta: Meta, secret: str | None, message: str) -> None:
    """A call without proof, or with another secret's proof, is refused with code 100."""
    session = SimulatedSession(meta.url, meta.seed["user"]["token"], secret=secret)
    with pytest.raises(FacebookRequestError) as caught:
        User("me", api=FacebookAdsApi(session)).api_get()
    session.requests.close()
    assert (caught.value.api_error_code(), caught.value.api_error_type()) == (100, "GraphMethodException")
    assert message in caught.value.api_error_message()


def test_the_proof_of_any_active_secret_is_good(meta: Meta) -> None:
    """While a secret is being rotated, proofs of the old and of the new one pass."""
    token = meta.seed["user"]["token"]
    for secret in ("first-secret", "second-secret"):
        proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        answer = requests.get(f"{meta.url}/me", params={"access_token": token, "appsecret_proof": proof}, timeout=10)
        assert answer.status_code == 200


def test_throttling_speaks_through_headers_and_code(meta: Meta, catalog: ProductCatalog) -> None:
    """Beyond the allowance items_batch answers 80014 with the minutes to wait, and works again after them."""
    meta.control("PATCH", "/switches", {"allowances": {"catalog_batch": 150}})
    for retailer_id in map(str, range(150)):
        push(catalog, [update(retailer_id)])
    with pytest.raises(FacebookRequestError) as caught:
        push(catalog, [update("C")])
    assert caught.value.api_error_code() == 80014
    usage = json.loads(caught.value.http_headers()["X-Business-Use-Case-Usage"])
    bucket = usage[catalog["id"]][0]
    assert bucket["type"] == "catalog_batch"
    assert 0 < bucket["estimated_time_to_regain_access"] <= 60
    meta.advance(60 * bucket["estimated_time_to_regain_access"])
    assert len(push(catalog, [update("C")])["handles"]) == 1
