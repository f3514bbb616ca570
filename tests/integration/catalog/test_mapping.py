"""What a product says, all the way to what stands at Meta."""

import json
from pathlib import Path
from typing import Any

import pytest

from stormcom.facebook.v1.catalog_service_pb2 import ProductResult
from stormcom.facebook.v1.item_pb2 import Item
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import (
    PRODUCT_STATUS_ACTIVE,
    PRODUCT_STATUS_HIDDEN,
    AppLink,
    Importer,
    Media,
    Product,
    Rating,
    ShippingPrice,
    Variant,
    Weight,
)
from tests.integration.catalog.shop import Shop, product, shirt

BLNS = Path(__file__).parents[4] / "shared" / "fixtures" / "naughty" / "blns.json"
# Ours, of the same kinds; the published list is used beside them where it is present.
NAUGHTY = [
    "", " ", "\u200b", "undefined", "null", "-1E2", "0x0", "<script>alert(1)</script>", "' OR 1=1 --", "{{7*7}}", "${env}", "%00",
    "../..", "≈ç√∫µ≤≥÷", "田中さんにあげて下さい", "ﷺ", "👩\u200d👩\u200d👧\u200d👦", "T\u033a\u0355o\u0337" * 99, "א\u200fב",
    "\u202etest\u202c", "\ufeffx", "&lt;b&gt;", "<![CDATA[x]]>", "A" * 20_000, "\n\n\n", "শাড়ি > পাঞ্জাবি", "a,b:c;d|e", "\\",
    '"', "`", "\t", "1;DROP TABLE items", "=cmd|' /C calc'!A0",
]  # fmt: skip


@pytest.fixture
async def shop(shop: Shop) -> Shop:
    """The store after its go."""
    await shop.sync()
    return shop


def odd(number: int, text: str) -> Product:
    """Say a text wherever a product says anything."""
    return product(
        f"p{number}",
        title=text,
        description=text,
        brand=text[:90],
        categories=[text, text],
        options={"Colour": text, text[:60] or "x": text},
        rich_text_description=text,
        internal_labels=[text[:100]],
        custom_labels=[text[:90]],
        vendor_id=text[:90],
        mpn=text[:90],
        gtin=text,
    )


def everything() -> Product:
    """Say everything there is to say of a product."""
    fields: dict[str, Any] = {
        "rich_text_description": "<p onclick='x'>Soft</p>",
        "internal_labels": ["new"],
        "custom_labels": ["a", "", "c"],
        "custom_numbers": [7, -1],
        "shipping_weight": Weight(milli_units=1_500, unit=Weight.UNIT_KILOGRAM),
        "shipping_prices": [ShippingPrice(country_code="BD", price=Money(currency_code="BDT", minor_units=6_000))],
        "videos": [Media(url="https://cdn.example/1.mp4", tags=["front"])],
        "app_links": [AppLink(platform=AppLink.PLATFORM_ANDROID, url="shop://1", app_name="Shop", app_id="com.shop")],
        "mobile_link": "https://m.shop.example/p1",
        "checkout_url": "https://shop.example/cart?p=1",
        "disabled_capabilities": ["da"],
        "expiration_date": "2030-01-01",
        "origin_country": "BD",
        "importer": Importer(name="Nodi", city="Dhaka", country_code="BD"),
        "vendor_id": "v1",
        "ordering_index": 0,
        "rating": Rating(count=3, average_hundredths=450),
        "gender": "female",
        "age_group": "adult",
        "sku": "S-1",
    }
    return product("p1", **fields)


async def test_everything_said_stands_at_meta(shop: Shop) -> None:
    """Every detail arrives under Meta's name and is confirmed without a remark; when it is gone, it is gone there too."""
    await shop.upsert(everything())
    await shop.settle()
    assert ({"sc_p1": "CONFIRMED"}, []) == (await shop.states(), list((await shop.items())["sc_p1"].faults))
    full = shop.shelf["sc_p1"]
    assert ("<p>Soft</p>", "1.5 kg", 7, "female", "2030-01-01", 4.5) == (
        full["rich_text_description"], full["shipping_weight"], full["custom_number_0"], full["gender"],
        full["expiration_date"], full["user_rating"],
    )  # fmt: skip
    await shop.upsert(product("p1", version=2))
    await shop.settle()
    plain = {name: value for name, value in shop.shelf["sc_p1"].items() if value}
    assert {"sc_p1": "CONFIRMED"} == await shop.states()
    assert set() == plain.keys() & {
        "gender",
        "age_group",
        "video",
        "applink",
        "custom_number_0",
        "importer_name",
        "shipping",
    }


async def test_a_hidden_product_stays_and_is_not_shown(shop: Shop) -> None:
    """Hiding and showing again change one word; nothing is removed."""
    for version, status, shown in ((1, PRODUCT_STATUS_HIDDEN, "hidden"), (2, PRODUCT_STATUS_ACTIVE, "published")):
        await shop.upsert(product("p1", version=version, status=status))
        await shop.settle()
        assert shown == shop.shelf["sc_p1"]["visibility"]


async def test_a_group_begins_with_the_second_variant_and_stays(shop: Shop) -> None:
    """The first item keeps its name when it gets a sibling and when it loses it again; the group once told stays."""
    for version, sizes, group in ((1, "S", None), (2, "SM", "sc_p1"), (3, "S", "sc_p1")):
        await shop.upsert(shirt("p1", *sizes, version=version))
        await shop.settle()
        assert {f"sc_p1.{size}": group for size in sizes} == {
            name: item.get("item_group_id") for name, item in shop.shelf.items()
        }
    assert "sc_p1" == (await shop.items())["sc_p1.S"].item_group_id


async def test_what_was_mended_is_told_on_the_item(shop: Shop) -> None:
    """A repair is a warning that stays with the item while it stands."""
    [result] = await shop.upsert(product("p1", link="http://shop.example/p1", variants=[Variant(variant_id="v")]))
    await shop.settle()
    assert ProductResult.OUTCOME_ACCEPTED == result.outcome
    [item] = (await shop.items()).values()
    assert [("link", "LINK_UPGRADED")] == [(fault.field, fault.reason) for fault in item.faults]
    assert "https://shop.example/p1" == shop.shelf["sc_p1.v"]["link"]


async def test_no_text_is_refused_by_meta_or_lost(shop: Shop) -> None:
    """Whatever merchants write, wherever they write it: each product is confirmed by Meta, or refused here by name."""
    texts = NAUGHTY + (json.loads(BLNS.read_text()) if BLNS.is_file() else [])
    texts = [text.replace("\x00", "") for text in texts]  # the door refuses a NUL before any product is read
    answers = []
    for start in range(0, len(texts), 250):
        some = enumerate(texts[start : start + 250], start)
        answers += await shop.upsert(*(odd(number, text) for number, text in some))
    await shop.settle()
    refused = {one.retailer_ids[0] for one in answers if one.outcome == ProductResult.OUTCOME_REJECTED}
    assert refused == (await shop.items(states=[Item.STATE_REJECTED])).keys()
    assert {f"sc_p{number}" for number in range(len(texts))} - refused == shop.shelf.keys()
    assert {} == await shop.items(states=[Item.STATE_PENDING, Item.STATE_SENT])
    assert all(one.faults for one in answers if one.outcome == ProductResult.OUTCOME_REJECTED)
