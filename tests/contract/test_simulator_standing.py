"""How a business stands with Meta, as Meta's own SDK reads it, and as the control API breaks it."""

import pytest
from facebook_business.adobjects.business import Business
from facebook_business.adobjects.commercemerchantsettings import CommerceMerchantSettings
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_server import APP_ID, Meta

SHOP = "commerce_account_read_settings"


@pytest.fixture
def seller(meta: Meta) -> Page:
    """The Page of a merchant who also lets us read the shop's settings."""
    scopes = ["pages_show_list", "catalog_management", "business_management", SHOP]
    token = meta.control("POST", "/seed", {"user": {"id": meta.seed["user"]["id"]}, "scopes": scopes})["user"]["token"]
    return Page(meta.seed["pages"][0]["id"], api=FacebookAdsApi(SimulatedSession(meta.url, token)))


def test_a_business_tells_its_verification(meta: Meta, user_api: FacebookAdsApi) -> None:
    """The status is one of the SDK's words, and what the control API makes of it."""
    business = Business(meta.seed["businesses"][0]["id"], api=user_api)
    told = [business.api_get(fields=["verification_status"])["verification_status"]]
    meta.control("PATCH", f"/businesses/{business['id']}", {"verification_status": "rejected"})
    told += [business.api_get(fields=["verification_status"])["verification_status"]]
    assert [Business.VerificationStatus.verified, Business.VerificationStatus.rejected] == told


def test_event_sources_are_linked_with_a_catalog(meta: Meta, catalog: ProductCatalog) -> None:
    """A catalog lists what sends it events, by type."""
    assert [] == list(catalog.get_external_event_sources(fields=["source_type"]))
    meta.control("PATCH", f"/catalogs/{catalog['id']}", {"event_sources": ["PIXEL", "APP"]})
    assert ["PIXEL", "APP"] == [
        one["source_type"] for one in catalog.get_external_event_sources(fields=["source_type"])
    ]


def test_a_shop_tells_its_setup_and_who_manages_its_orders(meta: Meta, seller: Page) -> None:
    """A Page has no shop, then one, with setup, review and order apps as the SDK reads them."""
    assert [] == list(seller.get_commerce_merchant_settings())
    facts = {"review_status": "REJECTED", "merchant_status": "EXTERNALLY_DISABLED", "order_app_ids": [APP_ID]}
    meta.control("PATCH", f"/pages/{seller['id']}/shop", facts)
    (shop,) = seller.get_commerce_merchant_settings(fields=["merchant_status"])
    assert CommerceMerchantSettings.MerchantStatus.externally_disabled == shop["merchant_status"]
    assert "REJECTED" == shop.get_setup_status()[0]["review_status"]["status"]
    assert [APP_ID] == [app["id"] for app in shop.get_order_management_apps()]
    meta.control("DELETE", f"/pages/{seller['id']}/shop")
    assert [] == list(seller.get_commerce_merchant_settings())


def test_a_shop_is_nobodys_business_without_permission(meta: Meta, page: Page) -> None:
    """Without one of the commerce permissions Meta does not tell whether there is a shop."""
    with pytest.raises(FacebookRequestError) as refused:
        page.get_commerce_merchant_settings()
    assert 200 == refused.value.api_error_code()


@pytest.mark.parametrize(
    ("path", "document", "word"),
    [
        ("/businesses/{business}", {"verification_status": "perhaps"}, "verification_status"),
        ("/businesses/{business}", {"domains": ["shop.example"]}, "domains"),
        ("/pages/{page}/shop", {"order_app_ids": "610"}, "order_app_ids"),
        ("/pages/{page}/thread-owner", {"psid": "1"}, "psid"),
        ("/catalogs/{catalog}", {"event_sources": "PIXEL"}, "event_sources"),
        ("/catalogs/{catalog}", {"business_id": "1"}, "business_id"),
        ("/apps/1000000000000001/subscription", {"active": False}, "webhook"),
    ],
)
def test_a_wrong_order_names_its_member(meta: Meta, path: str, document: dict[str, object], word: str) -> None:
    """The control API refuses what it does not understand, naming it, and changes nothing."""
    ids = {"business": meta.seed["businesses"][0]["id"], "page": meta.seed["pages"][0]["id"]}
    ids["catalog"] = meta.seed["catalogs"][0]["id"]
    with pytest.raises(AssertionError, match=word):
        meta.control("PATCH", path.format(**ids), document)
