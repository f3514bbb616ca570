"""Commerce accounts beyond their orders, and what the control API refuses about both."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from simulator import seeds
from tests.contract.order_world import SCOPES, Shop, open_shop


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


async def test_a_business_tells_its_accounts(shop: Shop) -> None:
    """Whoever does not know the account finds it by the business."""
    seeded = await shop.client.control("POST", "/seed", {**seeds.DEFAULT, "scopes": SCOPES})
    business, token = seeded["businesses"][0]["id"], seeded["user"]["token"]
    _, listed, _ = await shop.client.graph("GET", business, token, fields="commerce_merchant_settings")
    assert [shop.account_id] == [one["id"] for one in listed["commerce_merchant_settings"]["data"]]


async def test_shipping_profiles_are_written_and_read(shop: Shop) -> None:
    """A profile is found by its reference; the newest default is the only one."""
    for reference in ("a", "b"):
        body = {"name": reference, "shipping_destinations": [{"country": "US"}], "is_default": True}
        await shop.done(f"{shop.account_id}/shipping_profiles", reference_id=reference, **body)
    profiles = (await shop.read(f"{shop.account_id}/shipping_profiles"))["data"]
    assert [("a", False), ("b", True)] == [(one["reference_id"], one["is_default"]) for one in profiles]
    one = await shop.read(f"{shop.account_id}/shipping_profiles", reference_id="a")
    assert ["a"] == [profile["name"] for profile in one["data"]]


async def test_shops_and_taxes_are_read(shop: Shop) -> None:
    """An account has one shop, always the same, which is down while the account is disabled."""
    first = (await shop.read(f"{shop.account_id}/shops", fields="shop_status"))["data"]
    await shop.change(merchant_status="EXTERNALLY_DISABLED")
    second = (await shop.read(f"{shop.account_id}/shops", fields="shop_status"))["data"]
    assert [("ENABLED", "DISABLED", True)] == [
        (one["shop_status"], two["shop_status"], one["id"] == two["id"]) for one, two in zip(first, second, strict=True)
    ]
    assert ["US"] == [one["country"] for one in (await shop.read(f"{shop.account_id}/tax_settings"))["data"]]


@pytest.mark.parametrize("shipping_destinations", [[], ["US"], "US"])
async def test_a_profile_without_destinations_is_refused(shop: Shop, shipping_destinations: Any) -> None:
    """A profile needs somewhere to ship to."""
    body = {"name": "x", "shipping_destinations": shipping_destinations}
    assert 100 == await shop.refused(f"{shop.account_id}/shipping_profiles", **body)


@pytest.mark.parametrize(
    ("method", "path", "document", "named"),
    [
        ("POST", "/pages/404/orders", {}, "page_id"),
        ("POST", "/pages/{page}/orders", {"lines": [{"quantity": "two"}]}, "lines[0].quantity"),
        ("POST", "/pages/{page}/orders", {"colour": "red"}, "colour"),
        ("GET", "/orders/404", None, "order_id"),
        ("GET", "/pages/{page}/effects?since=x", None, "since"),
        ("POST", "/orders/{order}/finish-processing", {}, "CREATED"),
        ("POST", "/orders/{order}/cancel", {"by": "god"}, "by"),
        ("POST", "/orders/{order}/cancel", {"items": [{"retailer_id": "C", "quantity": 1}]}, "line"),
        ("POST", "/orders/{order}/refund", {}, "nothing to refund"),
        ("POST", "/orders/{order}/return", {"items": []}, "nothing to refund"),
        ("POST", "/orders/{order}/acknowledge", {"merchant_order_reference": 5}, "merchant_order_reference"),
        ("PATCH", "/pages/{page}/shop", {"is_test": "yes"}, "is_test"),
        ("PATCH", "/switches", {"order_webhooks": "carrier pigeon"}, "order_webhooks"),
        ("PATCH", "/switches", {"order_fee_share": 2}, "order_fee_share"),
    ],
)
async def test_the_control_api_names_what_is_wrong(
    shop: Shop, method: str, path: str, document: Any, named: str
) -> None:
    """A wrong request about orders is 400 with a sentence that names the member, and nothing happens."""
    order_id = await shop.place()
    before = await shop.truth(order_id)
    target = "/_simulator" + path.format(page=shop.page_id, order=order_id)
    status, refusal, _ = await shop.client.ask(method, target, json=document)
    assert (400, True) == (status, named in refusal["error"]["message"]), refusal
    assert before == await shop.truth(order_id)


async def test_checks_are_ended_by_hand(shop: Shop) -> None:
    """An order's checks can be ended at once, for better or worse."""
    kept, lost = await shop.place(processing_seconds=60), await shop.place(processing_seconds=60, vanishes=True)
    for order_id in (kept, lost):
        await shop.client.control("POST", f"/orders/{order_id}/finish-processing", {})
    listed = await shop.client.control("GET", f"/pages/{shop.page_id}/orders")
    assert ([(kept, "CREATED")], 1) == (
        [(one["id"], one["state"]) for one in listed["orders"]],
        listed["states"]["CREATED"],
    )


async def test_a_page_without_a_shop_has_no_orders(shop: Shop) -> None:
    """A Page of no shop lists none and has nothing to acknowledge; its first order opens a shop."""
    await shop.client.control("DELETE", f"/pages/{shop.page_id}/shop")
    assert [] == (await shop.read(f"{shop.page_id}/commerce_orders"))["data"]
    assert 100 == await shop.refused(f"{shop.page_id}/acknowledge_orders", orders=[{"id": "1"}])
    order_id = await shop.place()
    assert "IN_PROGRESS" == (await shop.truth(order_id))["state"]


async def test_a_setting_is_kept_as_text_until_it_is_emptied(shop: Shop) -> None:
    """What an app writes into an account's settings is read back as text; an empty one is absent again, the others stay."""
    told = {"privacy_policy_localized": {"locale": "en"}, "korea_ftc_listing": "https://a.example/k"}
    await shop.done(shop.account_id, **told)
    fields = ",".join(told)
    kept = {"id": shop.account_id, "privacy_policy_localized": '{"locale":"en"}'}
    assert {**kept, "korea_ftc_listing": "https://a.example/k"} == await shop.read(shop.account_id, fields=fields)
    await shop.done(shop.account_id, korea_ftc_listing="")
    assert kept == await shop.read(shop.account_id, fields=fields)
