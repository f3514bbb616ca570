"""Meta's own SDK manages catalogs and items and must not notice that it is not Facebook."""

from typing import Any

import pytest
from facebook_business.adobjects.business import Business
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.adobjects.productgroup import ProductGroup
from facebook_business.adobjects.productitem import ProductItem
from facebook_business.adobjects.productset import ProductSet
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.sdk_session import SimulatedSession, finished_status, push, update
from tests.contract.simulator_server import Meta

# The SDK warns of its own tables: `requests` is a list although it says map, `tag` a string although it says Object, and
# it has no class for messages and no `tasks`. Any other warning of its would be ours to fix.
pytestmark = [
    pytest.mark.filterwarnings("ignore:value of (requests|tag) might not be compatible:UserWarning"),
    pytest.mark.filterwarnings(
        "ignore:(messages does not allow field|accounts does not allow field tasks):UserWarning"
    ),
]


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


def test_variants_share_a_group(meta: Meta, catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """Items with one item_group_id are the products of one group; an item without one is alone in its own."""
    records = [update("A", item_group_id="G"), update("B", item_group_id="G"), update("C")]
    finished_status(meta, catalog, push(catalog, records)["handles"][0])
    items = {one["retailer_id"]: one for one in catalog.get_products(fields=["retailer_id", "product_group"])}
    group = ProductGroup(items["A"]["product_group"]["id"], api=user_api)
    assert "G" == group.api_get(fields=["retailer_id"])["retailer_id"]
    assert ["A", "B"] == [one["retailer_id"] for one in group.get_products(fields=["retailer_id"])]
    assert items["C"]["product_group"]["id"] != items["B"]["product_group"]["id"]


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


def test_a_product_set_keeps_what_is_said_of_it(catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """Order and metadata are kept, metadata part by part; what is not known of it is refused by name."""
    told = {"cover_image_url": "https://cdn.test/a.jpg", "description": "All of it"}
    given: dict[str, Any] = {"name": "All", "filter": {}, "metadata": told, "ordering_info": [2]}
    product_set = ProductSet(catalog.create_product_set(params=given)["id"], api=user_api)
    product_set.api_update(params={"metadata": {"description": "Less"}})
    read = product_set.api_get(fields=["latest_metadata", "ordering_info"]).export_all_data()
    assert (told | {"description": "Less"}, [2]) == (read["latest_metadata"], read["ordering_info"])
    with pytest.raises(FacebookRequestError, match="shininess"):
        product_set.api_update(params={"metadata": {"shininess": "high"}})


def test_a_live_product_set_stays_unless_told_otherwise(catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """A set that a shop shows is deleted only with the parameter that allows it."""
    given: dict[str, Any] = {"name": "All", "filter": {}, "publish_to_shops": [{"shop_id": "1"}]}
    product_set = ProductSet(catalog.create_product_set(params=given)["id"], api=user_api)
    with pytest.raises(FacebookRequestError, match="live"):
        product_set.api_delete()
    product_set.api_delete(params={"allow_live_product_set_deletion": True})
    assert [] == list(catalog.get_product_sets())


def test_a_cover_that_cannot_be_fetched_is_an_error_after_the_effect(meta: Meta, catalog: ProductCatalog) -> None:
    """The set is there although its creation was answered with an error; its name is taken."""
    meta.control("PATCH", "/switches", {"broken_image_pattern": "gone"})
    given: dict[str, Any] = {"name": "All", "filter": {}, "retailer_id": "set-1"}
    with pytest.raises(FacebookRequestError, match="could not be fetched"):
        catalog.create_product_set(params=given | {"metadata": {"cover_image_url": "https://cdn.test/gone.jpg"}})
    assert 1 == len(list(catalog.get_product_sets(params={"retailer_id": "set-1"})))
    with pytest.raises(FacebookRequestError, match="exists already"):
        catalog.create_product_set(params=given)


def test_reviews_and_images_have_their_own_verdicts(meta: Meta, catalog: ProductCatalog) -> None:
    """A rejected title and a broken image show on the item and in the diagnostics, after their time."""
    meta.control(
        "PATCH",
        "/switches",
        {"rejected_title_pattern": "(?i)weapon", "broken_image_pattern": "gone", "review_seconds": 60.0},
    )
    records = [update("A", title="Weapon"), update("B", image_link="https://shop.test/gone.jpg"), update("C")]
    finished_status(meta, catalog, push(catalog, records)["handles"][0])
    fields = ["retailer_id", "review_status", "image_fetch_status", "errors"]
    assert {"pending"} == {item["review_status"] for item in catalog.get_products(fields=fields)}
    meta.advance(60)
    items = {item["retailer_id"]: item for item in catalog.get_products(fields=fields)}
    assert ("rejected", "FETCH_FAILED", []) == (
        items["A"]["review_status"], items["B"]["image_fetch_status"], items["C"]["errors"],
    )  # fmt: skip
    assert ["PRODUCT_NOT_APPROVED", "IMAGE_FETCH_FAILED"] == [items[one]["errors"][0]["error_type"] for one in "AB"]
    severe = catalog.get_diagnostics(params={"severities": ["MUST_FIX"]})
    assert {"POLICY_VIOLATION": 1, "IMAGE_QUALITY": 1} == {
        one["type"]: one["number_of_affected_items"] for one in severe
    }
    approved = catalog.get_products(fields=["retailer_id"], params={"return_only_approved_products": True})
    assert ["B", "C"] == [item["retailer_id"] for item in approved]


def test_a_write_may_ask_for_what_it_wrote(meta: Meta, user_api: FacebookAdsApi) -> None:
    """`fields` on a POST reads the new node in the same call."""
    path = (meta.seed["businesses"][0]["id"], "owned_product_catalogs")
    made = user_api.call("POST", path, params={"name": "Read me", "fields": "name,product_count"}).json()
    assert ("Read me", 0) == (made["name"], made["product_count"])


def test_shared_catalogs_are_client_catalogs(meta: Meta) -> None:
    """A catalog shared with another business is listed there and can be written to by its user."""
    other = meta.control("POST", "/seed", {"user": {"id": "901"}, "businesses": [{"id": "902"}]})
    catalog_id = meta.seed["catalogs"][0]["id"]
    meta.control("POST", "/seed", {"catalogs": [{"id": catalog_id, "shared_with": ["902"]}]})
    session = SimulatedSession(meta.url, other["user"]["token"])
    api = FacebookAdsApi(session)
    shared = list(Business("902", api=api).get_client_product_catalogs(fields=["name"]))
    assert [catalog_id] == [one["id"] for one in shared]
    assert 1 == len(push(ProductCatalog(catalog_id, api=api), [update("A")])["handles"])
    session.requests.close()


def test_big_pages_ask_to_be_smaller(catalog: ProductCatalog) -> None:
    """More products a page than Meta likes is code 1 with the advice to reduce."""
    with pytest.raises(FacebookRequestError) as caught:
        catalog.get_products(params={"limit": 1_001})
    assert (1, True) == (caught.value.api_error_code(), "reduce the amount of data" in caught.value.api_error_message())


def test_a_field_that_does_not_exist_is_named(catalog: ProductCatalog, user_api: FacebookAdsApi) -> None:
    """Asking for a field that the node lacks is code 100 with the field's name."""
    with pytest.raises(FacebookRequestError) as caught:
        user_api.call("GET", (catalog["id"],), params={"fields": "shininess"})
    assert (100, True) == (caught.value.api_error_code(), "(shininess)" in caught.value.api_error_message())
