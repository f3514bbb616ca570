"""Meta's own SDK drives the simulator over real HTTP and must not notice that it is not Facebook."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from facebook_business.adobjects.business import Business
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.adobjects.productitem import ProductItem
from facebook_business.adobjects.productset import ProductSet
from facebook_business.adobjects.unifiedthread import UnifiedThread
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from tests.contract.sdk_parameters import unknown_parameters
from tests.contract.simulator_server import APP_ID, APP_SECRET, Meta, running_meta

# The SDK warns of its own tables: `requests` is a list although it says map, `tag` a string although it says Object, and
# it has no class for messages and no `tasks`. Any other warning of its would be ours to fix.
pytestmark = [
    pytest.mark.filterwarnings("ignore:value of (requests|tag) might not be compatible:UserWarning"),
    pytest.mark.filterwarnings(
        "ignore:(messages does not allow field|accounts does not allow field tasks):UserWarning"
    ),
]


class SimulatedSession(FacebookSession):  # type: ignore[misc]  # the SDK is published without types
    """The SDK's session, pointed at the simulator; `GRAPH` is the SDK's own hook for the host."""

    def __init__(self, url: str, token: str, *, secret: str | None = APP_SECRET) -> None:
        super().__init__(APP_ID, secret, token)
        self.GRAPH = url
        self.requests.trust_env = False


@pytest.fixture
def meta() -> Iterator[Meta]:
    """A fresh simulator with the default world."""
    with running_meta() as running:
        yield running


@pytest.fixture
def user_api(meta: Meta) -> Iterator[FacebookAdsApi]:
    """The SDK with the merchant's token; afterwards every parameter it sent must be one it knows itself."""
    session = SimulatedSession(meta.url, meta.seed["user"]["token"])
    yield FacebookAdsApi(session)
    session.requests.close()
    assert unknown_parameters(meta.control("GET", "/calls")["calls"]) == []


@pytest.fixture
def page_api(meta: Meta) -> Iterator[FacebookAdsApi]:
    """The SDK with the Page's token."""
    session = SimulatedSession(meta.url, meta.seed["pages"][0]["token"])
    yield FacebookAdsApi(session)
    session.requests.close()
    assert unknown_parameters(meta.control("GET", "/calls")["calls"]) == []


@pytest.fixture
def catalog(meta: Meta, user_api: FacebookAdsApi) -> ProductCatalog:
    """The merchant's catalog as the SDK sees it."""
    return ProductCatalog(meta.seed["catalogs"][0]["id"], api=user_api)


@pytest.fixture
def page(meta: Meta, page_api: FacebookAdsApi) -> Page:
    """The merchant's Page as the SDK sees it, with the Page's own token."""
    return Page(meta.seed["pages"][0]["id"], api=page_api)


def update(retailer_id: str, **changes: Any) -> dict[str, Any]:
    """One items_batch record of a valid item."""
    data = {
        "id": retailer_id,
        "title": f"Title {retailer_id}",
        "description": "A fine thing",
        "availability": "in stock",
        "condition": "new",
        "price": "9.99 USD",
        "link": f"https://shop.test/{retailer_id}",
        "image_link": f"https://shop.test/{retailer_id}.jpg",
        "brand": "Mina",
    }
    return {"method": "UPDATE", "data": data | changes}


def push(catalog: ProductCatalog, records: list[dict[str, Any]], **params: Any) -> dict[str, Any]:
    """Send records by items_batch and return the SDK's reading of the answer."""
    document: dict[str, Any] = catalog.create_items_batch(
        params={"item_type": "PRODUCT_ITEM", "requests": records, **params}
    ).export_all_data()
    return document


def finished_status(meta: Meta, catalog: ProductCatalog, handle: str) -> dict[str, Any]:
    """Let the batch finish and return its status."""
    meta.advance(5)
    cursor = catalog.get_check_batch_request_status(params={"handle": handle, "load_ids_of_invalid_requests": True})
    status: dict[str, Any] = cursor[0].export_all_data()
    return status


def test_a_catalog_is_created_read_changed_and_deleted(meta: Meta, user_api: FacebookAdsApi) -> None:
    """A business's new catalog is listed, renamed and gone after its deletion."""
    business = Business(meta.seed["businesses"][0]["id"], api=user_api)
    catalog = business.create_owned_product_catalog(params={"name": "Spring", "vertical": "commerce"})
    assert catalog["id"] in [one["id"] for one in business.get_owned_product_catalogs(fields=["name"])]
    ProductCatalog(catalog["id"], api=user_api).api_update(params={"name": "Summer"})
    read = ProductCatalog(catalog["id"], api=user_api).api_get(fields=["name", "vertical", "product_count", "business"])
    assert ("Summer", "commerce", 0, business["id"]) == (
        read["name"], read["vertical"], read["product_count"], read["business"]["id"],
    )  # fmt: skip
    ProductCatalog(catalog["id"], api=user_api).api_delete()
    with pytest.raises(FacebookRequestError) as caught:
        ProductCatalog(catalog["id"], api=user_api).api_get(fields=["name"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 33)


def test_items_batch_ends_with_a_verdict_per_item(meta: Meta, catalog: ProductCatalog) -> None:
    """A finished handle lists the invalid items with line, id and reason; the others are in the catalog."""
    answer = push(catalog, [update("A"), update("B", price="cheap"), update("C", shininess=3)])
    status = finished_status(meta, catalog, answer["handles"][0])
    assert (status["status"], status["ids_of_invalid_requests"]) == ("finished", ["B"])
    assert [(error["line"], error["id"]) for error in status["errors"]] == [(2, "B")]
    assert "shininess" in answer["validation_status"][0]["warnings"][0]["message"]
    assert {"A", "C"} == {item["retailer_id"] for item in catalog.get_products(fields=["retailer_id"])}


def test_a_handle_walks_through_its_states(meta: Meta, catalog: ProductCatalog) -> None:
    """A handle is scheduled, dispatched, started and finished, in this order."""
    meta.control("PATCH", "/switches", {"batch_seconds": 100.0, "batch_jitter": 0.0})
    handle = push(catalog, [update("A")])["handles"][0]
    states = []
    for _ in range(5):
        states.append(catalog.get_check_batch_request_status(params={"handle": handle})[0]["status"])
        meta.advance(27)
    assert states == ["scheduled", "dispatched", "started", "started", "finished"]


def test_an_update_without_upsert_misses_an_unknown_item(meta: Meta, catalog: ProductCatalog) -> None:
    """With allow_upsert=false an unknown item is an error and nothing is created."""
    answer = push(catalog, [update("A")], allow_upsert=False)
    status = finished_status(meta, catalog, answer["handles"][0])
    assert (status["ids_of_invalid_requests"], list(catalog.get_products())) == (["A"], [])


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"retailer_id": {"eq": "A"}}, ["A"]),
        ({"retailer_id": {"is_any": ["A", "C"]}}, ["A", "C"]),
        ({"retailer_id": {"neq": "A"}}, ["B", "C"]),
        ({"product_type": {"i_contains": "SHIRT"}}, ["B"]),
        ({"and": [{"availability": {"eq": "in stock"}}, {"price": {"gte": 2000}}]}, ["C"]),
        ({"or": [{"price": {"lt": 500}}, {"tags": {"eq": "gift"}}]}, ["A", "B"]),
        ({"not": {"availability": {"eq": "in stock"}}}, ["A"]),
        ({}, ["A", "B", "C"]),
    ],
)
def test_products_are_filtered(meta: Meta, catalog: ProductCatalog, filter_: Any, expected: list[str]) -> None:
    """Every documented operator selects exactly the items it describes."""
    records = [
        update("A", price="4.99 USD", availability="out of stock"),
        update("B", product_type="Clothing > T-Shirts", internal_label=["gift", "new"]),
        update("C", price="20.00 USD"),
    ]
    finished_status(meta, catalog, push(catalog, records)["handles"][0])
    found = catalog.get_products(fields=["retailer_id"], params={"filter": filter_})
    assert expected == [item["retailer_id"] for item in found]


def test_pages_of_products_are_complete_and_without_repeats(meta: Meta, catalog: ProductCatalog) -> None:
    """Iterating in pages of seven finds each of fifty items once, and the summary counts them."""
    wanted = [f"R{number}" for number in range(50)]
    finished_status(meta, catalog, push(catalog, [update(one) for one in wanted])["handles"][0])
    cursor = catalog.get_products(fields=["retailer_id"], params={"limit": 7})
    assert cursor.total() == 50
    assert wanted == [item["retailer_id"] for item in cursor]


def test_an_item_reads_as_meta_writes_it(meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """An item's price is display text, its review passes, its variant group is named."""
    record = update(
        "A", price="1299.50 USD", sale_price="999.00 USD", item_group_id="G", quantity_to_sell_on_facebook=4
    )
    finished_status(meta, catalog, push(catalog, [record])["handles"][0])
    found = catalog.get_products(fields=["id"], params={"filter": {"retailer_id": {"eq": "A"}}})[0]
    item = ProductItem(found["id"], api=user_api).api_get(
        fields=["name", "price", "sale_price", "currency", "review_status", "image_fetch_status", "product_group",
                "quantity_to_sell_on_facebook", "errors", "visibility"]
    )  # fmt: skip
    assert (
        item["name"], item["price"], item["sale_price"], item["currency"],
    ) == ("Title A", "$1,299.50", "$999.00", "USD")  # fmt: skip
    assert (
        item["review_status"], item["image_fetch_status"], item["visibility"], item["quantity_to_sell_on_facebook"],
    ) == ("approved", "FETCHED", "published", 4)  # fmt: skip
    assert meta.seed["catalogs"][0]["id"] != item["product_group"]["id"]


def test_a_single_product_is_created_changed_and_deleted(catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """The products edge takes minor units, refuses a duplicate with 10800, and its items can be changed and deleted."""
    params = {
        "retailer_id": "S", "name": "Single", "description": "One", "price": 1250, "currency": "EUR", "brand": "Mina",
        "url": "https://shop.test/s", "image_url": "https://shop.test/s.jpg", "availability": "in stock",
    }  # fmt: skip
    product = catalog.create_product(params=params)
    with pytest.raises(FacebookRequestError) as caught:
        catalog.create_product(params=params)
    assert caught.value.api_error_code() == 10800
    item = ProductItem(product["id"], api=user_api)
    item.api_update(params={"price": 900, "availability": "out of stock"})
    read = item.api_get(fields=["price", "availability"])
    assert (read["price"], read["availability"]) == ("€9.00", "out of stock")
    item.api_delete()
    assert list(catalog.get_products()) == []


def test_product_sets_follow_their_filter(meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """A product set holds what its filter selects, also after the filter changed."""
    finished_status(meta, catalog, push(catalog, [update("A"), update("B"), update("C")])["handles"][0])
    created = catalog.create_product_set(
        params={"name": "Two", "filter": {"retailer_id": {"is_any": ["A", "B"]}}, "retailer_id": "set-1"}
    )
    product_set = ProductSet(created["id"], api=user_api)
    assert [item["retailer_id"] for item in product_set.get_products(fields=["retailer_id"])] == ["A", "B"]
    product_set.api_update(params={"filter": {"retailer_id": {"eq": "C"}}})
    assert product_set.api_get(fields=["product_count"])["product_count"] == 1
    assert [created["id"]] == [one["id"] for one in catalog.get_product_sets(params={"retailer_id": "set-1"})]
    product_set.api_delete()
    assert list(catalog.get_product_sets()) == []


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
    meta.control("PATCH", "/switches", {"allowances": {"catalog_batch": 2}})
    for retailer_id in ("A", "B"):
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
