"""What few products say of themselves: each field as Meta reads it, and every wrong one by name."""

from typing import Any

import orjson
import pytest

from connector.catalog.model.mapping import write_items
from connector.catalog.model.values import (
    AppLink,
    Details,
    Importer,
    Media,
    ProductStatus,
    Rating,
    ShippingPrice,
    Weight,
)
from connector.values import Money
from simulator.items import FIELDS, check
from simulator.switches import Switches
from tests.unit.catalog.products import FORM, SCARF, found, variant, written

LINKED = AppLink("ios", "shop://p/1", "Shop", "12345")


@pytest.mark.parametrize(
    ("details", "fields"),
    [
        ({"rich_text_description": "<p onclick='x'>Soft</p>"}, {"rich_text_description": "<p>Soft</p>"}),
        ({"internal_labels": ("new", " new ", "", "summer")}, {"internal_label": ["new", "summer"]}),
        ({"custom_labels": ("a", "", "<b>c</b>")}, {"custom_label_0": "a", "custom_label_2": "c"}),
        ({"custom_numbers": (0, -1, 4_294_967_295)}, {"custom_number_0": 0, "custom_number_2": 4_294_967_295}),
        ({"shipping_weight": Weight(2_500, "kg")}, {"shipping_weight": "2.5 kg"}),
        ({"shipping_weight": Weight(1, "oz")}, {"shipping_weight": "0.001 oz"}),
        ({"shipping_weight": Weight(10_000, "g")}, {"shipping_weight": "10 g"}),
        (
            {"shipping_prices": (ShippingPrice("bd", "Dhaka", "", Money("BDT", 6_050)),)},
            {
                "shipping": [
                    {
                        "shipping_country": "BD", "shipping_region": "Dhaka", "shipping_price_value": "60.50",
                        "shipping_price_currency": "BDT",
                    }
                ]
            },
        ),
        (
            {"videos": (Media("http://cdn.example/a b.mp4", ("front", "")), Media("https://cdn.example/2.mp4", ()))},
            {"video": [{"url": "https://cdn.example/a%20b.mp4", "tag": ["front"]}, {"url": "https://cdn.example/2.mp4"}]},
        ),
        (
            {"app_links": (LINKED, AppLink("android", "https://shop.example/p/1", "Shop", "com.shop"))},
            {
                "applink": {
                    "ios_url": "shop://p/1", "ios_app_name": "Shop", "ios_app_store_id": "12345",
                    "android_url": "https://shop.example/p/1", "android_app_name": "Shop", "android_package": "com.shop",
                }
            },
        ),
        (
            {"app_links": (LINKED._replace(url="shop://p?id=1&region=BD&copy=2"),)},
            {
                "applink": {
                    "ios_url": "shop://p?id=1&region=BD&copy=2", "ios_app_name": "Shop", "ios_app_store_id": "12345",
                }
            },
        ),
        (
            {"app_links": (LINKED._replace(url=" https://shop.example/শাড়ি "),)},
            {
                "applink": {
                    "ios_url": "https://shop.example/%E0%A6%B6%E0%A6%BE%E0%A6%A1%E0%A6%BC%E0%A6%BF", "ios_app_name": "Shop",
                    "ios_app_store_id": "12345",
                }
            },
        ),
        ({"mobile_link": "https://m.shop.example/p1"}, {"mobile_link": "https://m.shop.example/p1"}),
        ({"checkout_url": "https://shop.example/cart?add=1"}, {"checkout_url": "https://shop.example/cart?add=1"}),
        ({"disabled_capabilities": ("da", "da", "shops")}, {"disabled_capabilities": ["da", "shops"]}),
        ({"expiration_date": "2028-02-29"}, {"expiration_date": "2028-02-29"}),
        ({"origin_country": "bd"}, {"origin_country": "BD"}),
        (
            {"importer": Importer("Nodi GmbH", {"street1": "Weg 1", "city": "Köln", "country": "de"})},
            {"importer_name": "Nodi GmbH", "importer_address": {"street1": "Weg 1", "city": "Köln", "country": "DE"}},
        ),
        ({"vendor_id": "v-1"}, {"vendor_id": "v-1"}),
        ({"ordering_index": 0}, {"ordering_index": 0}),
        ({"rating": Rating(12, 475)}, {"rating_count": 12, "user_rating": 4.75}),
        ({"rating": Rating(0, 0)}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_a_detail_is_written_as_meta_reads_it(details: dict[str, Any], fields: dict[str, Any]) -> None:
    """Only what there is is written, under Meta's name and in Meta's form; the simulator takes every one."""
    item = written(SCARF._replace(details=Details(**details)))
    assert fields == {name: value for name, value in item.items() if name not in written(SCARF)}
    assert [] == check(item, creates=False, switches=Switches())
    assert set() == item.keys() - FIELDS.keys()


@pytest.mark.parametrize(
    ("details", "field", "reason"),
    [
        ({"internal_labels": ("x" * 111,)}, "internal_labels[0]", "FIELD_TOO_LONG"),
        ({"internal_labels": ("x",) * 4_001}, "internal_labels", "FIELD_TOO_LARGE"),
        ({"custom_labels": ("",) * 6}, "custom_labels", "FIELD_TOO_LARGE"),
        ({"custom_labels": ("", "x" * 101)}, "custom_labels[1]", "FIELD_TOO_LONG"),
        ({"custom_numbers": (1,) * 6}, "custom_numbers", "FIELD_TOO_LARGE"),
        ({"custom_numbers": (-2,)}, "custom_numbers[0]", "FIELD_INVALID"),
        ({"custom_numbers": (2**32,)}, "custom_numbers[0]", "FIELD_INVALID"),
        ({"shipping_weight": Weight(0, "g")}, "shipping_weight.milli_units", "FIELD_INVALID"),
        ({"shipping_weight": Weight(1, "")}, "shipping_weight.unit", "FIELD_REQUIRED"),
        (
            {"shipping_prices": (ShippingPrice("", "", "", Money("BDT", 1)),)},
            "shipping_prices[0].country_code",
            "FIELD_REQUIRED",
        ),
        (
            {"shipping_prices": (ShippingPrice("XX", "", "", Money("BDT", 1)),)},
            "shipping_prices[0].country_code",
            "FIELD_INVALID",
        ),
        ({"shipping_prices": (ShippingPrice("BD", "", "", None),)}, "shipping_prices[0].price", "FIELD_REQUIRED"),
        (
            {"shipping_prices": (ShippingPrice("BD", "", "", Money("USD", 1)),)},
            "shipping_prices[0].price",
            "CURRENCY_MISMATCH",
        ),
        (
            {"shipping_prices": (ShippingPrice("BD", "", "", Money("BDX", 1)),)},
            "shipping_prices[0].price.currency_code",
            "CURRENCY_UNKNOWN",
        ),
        (
            {"shipping_prices": (ShippingPrice("BD", "", "", Money("BDT", -1)),)},
            "shipping_prices[0].price",
            "FIELD_INVALID",
        ),
        ({"videos": (Media("/1.mp4", ()),)}, "videos[0].url", "LINK_NOT_ABSOLUTE"),
        ({"videos": (Media("https://cdn.example/1.mp4", ()),) * 21}, "videos", "FIELD_TOO_LARGE"),
        ({"app_links": (LINKED._replace(platform=""),)}, "app_links[0].platform", "FIELD_REQUIRED"),
        ({"app_links": (LINKED, LINKED)}, "app_links[1].platform", "DUPLICATE_ENTRY"),
        ({"app_links": (LINKED._replace(app_name=""),)}, "app_links[0].app_name", "FIELD_REQUIRED"),
        ({"app_links": (LINKED._replace(app_id="com.shop"),)}, "app_links[0].app_id", "FIELD_INVALID"),
        ({"app_links": (LINKED._replace(url="javascript:alert(1)"),)}, "app_links[0].url", "LINK_NOT_ABSOLUTE"),
        ({"app_links": (LINKED._replace(url="JavaScript:alert(1)"),)}, "app_links[0].url", "LINK_NOT_ABSOLUTE"),
        ({"app_links": (LINKED._replace(url=""),)}, "app_links[0].url", "FIELD_REQUIRED"),
        ({"app_links": (LINKED._replace(url=f"shop://{'x' * 2_000}"),)}, "app_links[0].url", "FIELD_TOO_LONG"),
        ({"app_links": (LINKED._replace(url="shop://p 1"),)}, "app_links[0].url", "LINK_NOT_ABSOLUTE"),
        ({"app_links": (LINKED._replace(url="https://10.0.0.1/p"),)}, "app_links[0].url", "LINK_NOT_ABSOLUTE"),
        ({"app_links": (LINKED._replace(url="shop"),)}, "app_links[0].url", "LINK_NOT_ABSOLUTE"),
        ({"mobile_link": "m.shop.example"}, "mobile_link", "LINK_NOT_ABSOLUTE"),
        ({"checkout_url": "https://10.0.0.1/cart"}, "checkout_url", "LINK_NOT_ABSOLUTE"),
        ({"disabled_capabilities": ("messenger",)}, "disabled_capabilities[0]", "FIELD_INVALID"),
        ({"expiration_date": "2027-02-29"}, "expiration_date", "FIELD_INVALID"),
        ({"expiration_date": "20261231"}, "expiration_date", "FIELD_INVALID"),
        ({"origin_country": "Bangladesh"}, "origin_country", "FIELD_INVALID"),
        ({"importer": Importer("", {"city": "Köln"})}, "importer.name", "FIELD_REQUIRED"),
        ({"importer": Importer("N", {"country": "Germany"})}, "importer.country_code", "FIELD_INVALID"),
        ({"vendor_id": "x" * 101}, "vendor_id", "FIELD_TOO_LONG"),
        ({"ordering_index": -1}, "ordering_index", "FIELD_INVALID"),
        ({"rating": Rating(-1, 400)}, "rating.count", "FIELD_INVALID"),
        ({"rating": Rating(1, 501)}, "rating.average_hundredths", "FIELD_INVALID"),
    ],
)
def test_a_wrong_detail_is_named(details: dict[str, Any], field: str, reason: str) -> None:
    """A refusal names the field, and the item is kept back."""
    product = SCARF._replace(details=Details(**details))
    assert [(field, reason)] == found(product)
    assert write_items(product)[0].content is None


def test_rich_text_that_is_too_long_is_left_out() -> None:
    """Half of a list would be broken: the text is not sent, the item is, and says so."""
    product = SCARF._replace(details=Details(rich_text_description="<p>" + "x" * 10_000))
    assert [("rich_text_description", "TEXT_DROPPED")] == found(product)
    assert "rich_text_description" not in written(product)


def test_labels_of_categories_are_not_the_merchants_own() -> None:
    """What begins like a category's label would put the product into a set: it is left out, and told."""
    product = SCARF._replace(details=Details(internal_labels=("sc_category_men", "new")))
    assert [("internal_labels[0]", "TEXT_DROPPED")] == found(product)
    assert ["new"] == written(product)["internal_label"]


def test_a_variants_own_weight_wins() -> None:
    """A variant weighs what it says, else what its product says."""
    variants = variant("S"), variant("M", 1, shipping_weight=Weight(300, "kg"))
    drafts = write_items(SCARF._replace(variants=variants, details=Details(shipping_weight=Weight(250, "kg"))))
    assert ["0.25 kg", "0.3 kg"] == [orjson.loads(draft.content or "")["shipping_weight"] for draft in drafts]


def test_what_an_item_continues_is_another() -> None:
    """The id of an item before travels along as it is; an item cannot continue itself."""
    assert "old-1" == written(SCARF._replace(variants=(FORM._replace(previous_id="old-1"),)))["previous_id"]
    strange = "T&reg-1  <b>"
    assert strange == written(SCARF._replace(variants=(FORM._replace(previous_id=strange),)))["previous_id"]
    for wrong in ("x" * 101, "a\nb"):
        broken = SCARF._replace(variants=(FORM._replace(previous_id=wrong),))
        assert [("previous_id", "FIELD_INVALID")] == found(broken)
    itself = SCARF._replace(variants=(FORM._replace(previous_id="sc_p1"),))
    assert [("previous_id", "FIELD_INVALID")] == found(itself)


@pytest.mark.parametrize(
    ("status", "visibility"), [(ProductStatus.ACTIVE, "published"), (ProductStatus.HIDDEN, "hidden")]
)
def test_a_hidden_product_keeps_its_items(status: ProductStatus, visibility: str) -> None:
    """Hiding is no removal: the item goes on and is not shown."""
    assert visibility == written(SCARF._replace(status=status))["visibility"]
