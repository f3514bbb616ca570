"""Orders through Meta's own SDK: what 26.0.3 still has, and what it sends, is understood."""

from collections.abc import Iterator

import pytest
from facebook_business.adobjects.commercemerchantsettings import CommerceMerchantSettings
from facebook_business.adobjects.commerceorder import CommerceOrder
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi

from simulator import seeds
from tests.contract.order_world import SCOPES
from tests.contract.sdk_parameters import unknown_parameters
from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_server import APP_ID, Meta


@pytest.fixture
def api(meta: Meta) -> Iterator[FacebookAdsApi]:
    """The SDK with the token of a Page that keeps its orders; all that it sent must be what it knows itself."""
    pages = [{**seeds.DEFAULT["pages"][0], "orders": "kept"}]
    seeded = meta.control("POST", "/seed", {**seeds.DEFAULT, "pages": pages, "scopes": SCOPES})
    meta.control("PATCH", f"/pages/{meta.seed['pages'][0]['id']}/shop", {"order_app_ids": [APP_ID]})
    session = SimulatedSession(meta.url, seeded["pages"][0]["token"])
    yield FacebookAdsApi(session)
    session.requests.close()
    assert [] == unknown_parameters(meta.control("GET", "/calls")["calls"])


@pytest.fixture
def page(meta: Meta, api: FacebookAdsApi) -> Page:
    """The Page."""
    return Page(meta.seed["pages"][0]["id"], api=api)


@pytest.fixture
def account(page: Page) -> CommerceMerchantSettings:
    """The Page's account, as the SDK finds it."""
    found: CommerceMerchantSettings = page.get_commerce_merchant_settings()[0]
    return found


def _place(meta: Meta, page: Page, **document: object) -> list[str]:
    placed: list[str] = meta.control("POST", f"/pages/{page['id']}/orders", document)["order_ids"]
    return placed


def test_the_sdk_walks_all_orders(meta: Meta, page: Page, account: CommerceMerchantSettings) -> None:
    """The SDK's cursor finds every order of a state, over all pages."""
    placed = _place(meta, page, count=60)
    params = {
        "state": [CommerceOrder.State.created],
        "filters": [CommerceOrder.Filters.no_shipments],
        "updated_after": 0,
    }
    found = account.get_commerce_orders(fields=[CommerceOrder.Field.order_status], params=params)
    assert sorted(placed) == sorted(order["id"] for order in found)


def test_the_sdk_reads_every_field_of_an_order(meta: Meta, page: Page, api: FacebookAdsApi) -> None:
    """Each field that the SDK's class names is read without complaint."""
    names = [name for name in vars(CommerceOrder.Field) if not name.startswith("_")]
    order = CommerceOrder(_place(meta, page)[0], api=api).api_get(fields=names)
    assert {"id", "order_status", "estimated_payment_details", "buyer_details"} <= set(order.export_all_data())


def test_the_sdk_ships_an_order(meta: Meta, page: Page, api: FacebookAdsApi) -> None:
    """The one write that the SDK still has works with all its parameters."""
    order_id = _place(meta, page)[0]
    meta.control("POST", f"/orders/{order_id}/acknowledge", {})
    params = {
        "idempotency_key": "k",
        "external_shipment_id": "box_1",
        "items": [{"retailer_id": "LAMP-1", "quantity": 1}],
        "tracking_info": {"carrier": "OTHER", "tracking_number": "1"},
        "fulfillment": {"fulfillment_location_id": "7"},
        "merchant_order_reference": "4711",
        "shipment_origin_postal_code": "02110",
        "should_use_default_fulfillment_location": True,
    }
    CommerceOrder(order_id, api=api).create_shipment(params=params)
    truth = meta.control("GET", f"/orders/{order_id}")
    assert ("COMPLETED", "4711") == (truth["state"], truth["merchant_order_id"])


def test_the_sdk_reads_payouts_and_transactions(meta: Meta, page: Page, account: CommerceMerchantSettings) -> None:
    """Payouts of Page and account are the same; transactions are the Page's."""
    order_id = _place(meta, page)[0]
    meta.control("POST", f"/orders/{order_id}/acknowledge", {})
    CommerceOrder(order_id, api=page.get_api()).create_shipment(params={"idempotency_key": "k"})
    meta.advance(3 * 86_400)
    assert 1 == len(page.get_commerce_payouts()) == len(account.get_commerce_payouts())
    assert [order_id] == [row["order_id"] for row in page.get_commerce_transactions()]


def test_the_sdk_reads_the_account(meta: Meta, page: Page, account: CommerceMerchantSettings) -> None:
    """Shop, catalogs, apps and setup of an account are there, and a shipping profile is made."""
    assert ["ENABLED"] == [shop["shop_status"] for shop in account.get_shops()]
    assert [meta.seed["catalogs"][0]["id"]] == [one["id"] for one in account.get_product_catalogs()]
    assert [APP_ID] == [one["id"] for one in account.get_order_management_apps()]
    assert ["SETUP"] == [one["shop_setup"] for one in account.get_setup_status()]
    destinations = [{"country": "US", "price": "5.00"}]
    made = account.create_shipping_profile(params={"name": "Standard", "shipping_destinations": destinations})
    assert made["id"].isdecimal()
    account.api_update(params={"merchant_status": "EXTERNALLY_DISABLED"})
    assert "EXTERNALLY_DISABLED" == account.api_get(fields=["merchant_status"])["merchant_status"]
