"""Products into items: every rule of what Meta is told, and every wrong field by name."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.mapping import MAPPING, write_items
from connector.catalog.model.text import calm
from connector.catalog.model.values import (
    AppLink,
    Details,
    Draft,
    Importer,
    Media,
    ProductStatus,
    Rating,
    ShippingPrice,
    Weight,
    read_drafts,
    write_drafts,
)
from connector.registry.model import Severity
from connector.values import Money
from tests.unit.catalog.products import FORM, SCARF, TAKA, found, variant, written

EVERYTHING = SCARF._replace(
    status=ProductStatus.HIDDEN,
    gender="female",
    age_group="adult",
    variants=(
        FORM._replace(options={"Colour": "red", "Scent": "rose"}, gtin="4006381333931", mpn="m", previous_id="o"),
    ),
    details=Details(
        rich_text_description="<b>Soft</b>",
        internal_labels=("new",),
        custom_labels=("a",),
        custom_numbers=(1,),
        shipping_weight=Weight(500, "g"),
        shipping_prices=(ShippingPrice("BD", "", "", TAKA),),
        videos=(Media("https://cdn.example/1.mp4", ()),),
        app_links=(AppLink("ios", "shop://1", "Shop", "1"),),
        mobile_link="https://m.shop.example/",
        checkout_url="https://shop.example/cart",
        disabled_capabilities=("da",),
        expiration_date="2027-01-01",
        origin_country="BD",
        importer=Importer("N", {"city": "C"}),
        vendor_id="v",
        ordering_index=1,
        rating=Rating(1, 500),
    ),
)
PINNED = b"3", "bd2041dea3ab17e5"


def test_a_simple_product() -> None:
    """A product without variants is one item, without a group; every optional field that is empty is cleared."""
    assert {
        "title": "Scarf", "description": "Woven by hand.", "visibility": "published", "condition": "new", "brand": "Nodi",
        "product_type": "Apparel > Scarves", "google_product_category": "", "fb_product_category": "",
        "link": "https://shop.example/p1", "image_link": "https://cdn.example/1.jpg",
        "additional_image_link": ["https://cdn.example/2.jpg"], "color": "", "size": "", "pattern": "", "material": "",
        "additional_variant_attribute": "", "gtin": "", "mpn": "",
    } == written(SCARF)  # fmt: skip


def test_variants_share_their_group_and_inherit() -> None:
    """Each variant is an item with its product's group, price, images and link, unless it has its own."""
    own = variant(
        "M", 1, price=Money("BDT", 1), image_links=("https://cdn.example/m.jpg",), link="https://shop.example/m"
    )
    drafts = write_items(SCARF._replace(variants=(variant("S"), own)))
    small, medium = [orjson.loads(draft.content or "") for draft in drafts]
    assert ("sc_p1", "sc_p1") == (small["item_group_id"], medium["item_group_id"])
    assert (TAKA, Money("BDT", 1)) == (drafts[0].price, drafts[1].price)
    assert ("https://cdn.example/1.jpg", "https://cdn.example/m.jpg") == (small["image_link"], medium["image_link"])
    assert ("https://shop.example/p1", "https://shop.example/m") == (small["link"], medium["link"])
    assert ("S", "M") == (small["size"], medium["size"])


def test_a_variant_with_its_own_price_has_no_reduction_of_the_product() -> None:
    """A price before a reduction belongs to the price it stands beside."""
    product = SCARF._replace(compare_at_price=Money("BDT", 200_000))
    [draft] = write_items(product._replace(variants=(variant("S", price=TAKA),)))
    assert (TAKA, None) == (draft.price, draft.compare_at_price)


@pytest.mark.parametrize("status", [ProductStatus.DRAFT, ProductStatus.ARCHIVED])
def test_what_is_not_for_sale_has_no_items(status: ProductStatus) -> None:
    """Drafts and archived products come to nothing."""
    assert () == write_items(SCARF._replace(status=status))


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"status": ProductStatus.UNSPECIFIED}, [("status", "FIELD_REQUIRED")]),
        ({"title": " <b></b> "}, [("title", "FIELD_REQUIRED")]),
        ({"brand": ""}, [("brand", "FIELD_REQUIRED")]),
        ({"brand": "b" * 101}, [("brand", "FIELD_TOO_LONG")]),
        ({"link": ""}, [("link", "FIELD_REQUIRED")]),
        ({"link": "/p1"}, [("link", "LINK_NOT_ABSOLUTE")]),
        ({"link": "ftp://shop.example/p1"}, [("link", "LINK_NOT_ABSOLUTE")]),
        ({"link": "https:///p1"}, [("link", "LINK_NOT_ABSOLUTE")]),
        ({"link": "https://a:b@shop.example/"}, [("link", "LINK_NOT_ABSOLUTE")]),
        ({"image_links": ()}, [("image_links", "FIELD_REQUIRED")]),
        ({"image_links": ("https://a.example/1", "/2")}, [("image_links[1]", "IMAGE_LINK_NOT_ABSOLUTE")]),
        ({"price": None}, [("price", "FIELD_REQUIRED")]),
        ({"price": Money("BDT", 0)}, [("price", "PRICE_NOT_POSITIVE")]),
        ({"price": Money("BDT", -1)}, [("price", "PRICE_NOT_POSITIVE")]),
        ({"price": Money("bdt", 1)}, [("price.currency_code", "CURRENCY_UNKNOWN")]),
        ({"price": Money("", 1)}, [("price.currency_code", "CURRENCY_UNKNOWN")]),
        ({"compare_at_price": Money("USD", 200_000)}, [("compare_at_price", "CURRENCY_MISMATCH")]),
        ({"compare_at_price": Money("BDT", -5)}, [("compare_at_price", "PRICE_NOT_POSITIVE")]),
        (
            {"sale_start_time": datetime(2026, 2, 1, tzinfo=UTC), "sale_end_time": datetime(2026, 1, 1, tzinfo=UTC)},
            [("sale_end_time", "SALE_WINDOW_INVALID")],
        ),
        ({"condition": ""}, [("condition", "FIELD_INVALID")]),
        ({"gender": "m"}, [("gender", "FIELD_INVALID")]),
        ({"age_group": "old"}, [("age_group", "FIELD_INVALID")]),
        ({"google_product_category": "x" * 251}, [("google_product_category", "FIELD_TOO_LONG")]),
        ({"fb_product_category": "x" * 251}, [("fb_product_category", "FIELD_TOO_LONG")]),
        ({"variants": (FORM._replace(mpn="x" * 101),)}, [("mpn", "FIELD_TOO_LONG")]),
        ({"variants": (FORM._replace(quantity=-1),)}, [("quantity", "FIELD_INVALID")]),
        ({"variants": (FORM._replace(quantity=2**31),)}, [("quantity", "FIELD_INVALID")]),
        (
            {"variants": (variant("a"), variant("b", 1, price=Money("BDT", 0)))},
            [("variants[1].price", "PRICE_NOT_POSITIVE")],
        ),
        (
            {"variants": (variant("a", options={}), variant("b", 1))},
            [("variants[0].options", "VARIANT_OPTIONS_MISSING")],
        ),
        (
            {"variants": (variant("a"), variant("b", 1, options={"size": "a"}))},
            [("variants[1].options", "VARIANT_OPTIONS_MISSING")],
        ),
        (
            {"variants": (variant("a", link="x", image_links=("y",)),)},
            [("variants[0].link", "LINK_NOT_ABSOLUTE"), ("variants[0].image_links[0]", "IMAGE_LINK_NOT_ABSOLUTE")],
        ),
        ({"brand": "", "title": ""}, [("title", "FIELD_REQUIRED"), ("brand", "FIELD_REQUIRED")]),
    ],
)
def test_a_wrong_field_is_named_and_keeps_the_item_back(changes: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    """Every wrong field is found at once, by its path; the items concerned have no content."""
    product = SCARF._replace(**changes)
    assert faults == found(product)
    refused = [draft for draft in write_items(product) if draft.faults]
    assert [None] == list({draft.content for draft in refused})


def test_another_currency_than_the_stores_is_refused() -> None:
    """One store, one currency."""
    assert [("price", "CURRENCY_MISMATCH")] == found(SCARF, currency_code="USD")
    assert [] == found(SCARF, currency_code="BDT")


@pytest.mark.parametrize(
    ("changes", "field", "value", "fault"),
    [
        ({"title": "t" * 151}, "title", "t" * 150, ("title", "TEXT_TRUNCATED")),
        ({"title": "t" * 101}, "title", "t" * 101, ("title", "TEXT_LONG")),
        ({"description": "BUY NOW."}, "description", "Buy now.", ("description", "TEXT_CALMED")),
        ({"link": "http://shop.example/p1"}, "link", "https://shop.example/p1", ("link", "LINK_UPGRADED")),
        (
            {"image_links": ("http://a.example/1", "https://a.example/1")},
            "image_link",
            "https://a.example/1",
            ("image_links", "LINK_UPGRADED"),
        ),
        (
            {"variants": (FORM._replace(options={"Scent": "rose"}),)},
            "additional_variant_attribute",
            "Scent:rose",
            ("options", "OPTION_UNKNOWN"),
        ),
        (
            {"variants": (FORM._replace(options={"Color": "red", "Farbe": "rot"}),)},
            "additional_variant_attribute",
            "Farbe:rot",
            ("options", "OPTION_UNKNOWN"),
        ),
        ({"description": "d" * 5_001}, "description", "d" * 5_000, ("description", "TEXT_TRUNCATED")),
        ({"variants": (FORM._replace(gtin="4006381333932"),)}, "gtin", "", ("gtin", "GTIN_INVALID")),
        (
            {"variants": (FORM._replace(options={"Colour": "c" * 101}),)},
            "color",
            "c" * 100,
            ("options", "TEXT_TRUNCATED"),
        ),
    ],
)
def test_what_can_be_repaired_is_sent_with_a_warning(
    changes: dict[str, Any], field: str, value: str, fault: tuple[str, str]
) -> None:
    """A repair is no refusal: the item goes out and says what was done to it."""
    product = SCARF._replace(**changes)
    assert (value, [fault]) == (written(product)[field], found(product))
    assert [Severity.WARNING] == [one.severity for one in write_items(product)[0].faults]


def test_a_long_title_is_told_whatever_else_is_wrong() -> None:
    """All that is wrong is told at once, also beside what was found before."""
    assert [("status", "FIELD_REQUIRED"), ("title", "TEXT_LONG")] == found(
        SCARF._replace(status=ProductStatus.UNSPECIFIED, title="t" * 101)
    )


def test_the_message_says_field_rule_fix_and_value() -> None:
    """Whoever reads a fault knows what is wrong where, what would be right, and which value is meant, shortened."""
    [draft] = write_items(SCARF._replace(link="ftp://" + "x" * 100))
    [fault] = draft.faults
    assert fault.message == (
        "link: must be an absolute https URL in one line, such as https://shop.example/products/1; "
        f"it is 'ftp://{'x' * 54}…'"
    )


@pytest.mark.parametrize("title", ["\u200b", "\u3164", "\u00ad\u2060", "<br>\u200e"])
def test_a_title_of_which_nothing_is_seen_is_none(title: str) -> None:
    """Invisible characters are no title."""
    assert [("title", "FIELD_REQUIRED")] == found(SCARF._replace(title=title))


@pytest.mark.parametrize(
    ("word", "read"), [("Men", "male"), ("Damen", "female"), ("UNISEX", "unisex"), ("নারী", "female")]
)
def test_genders_are_read_in_many_words(word: str, read: str) -> None:
    """Meta has three words for it; shops have more."""
    assert read == written(SCARF._replace(gender=word))["gender"]


def test_prices_of_one_product_are_in_one_currency() -> None:
    """Also the first product of a store cannot cost in two currencies."""
    variants = variant("S", price=Money("BDT", 1)), variant("M", 1, price=Money("USD", 1))
    assert [("variants[1].price", "CURRENCY_MISMATCH")] == found(SCARF._replace(price=None, variants=variants))


def test_what_is_written_changes_only_with_its_version() -> None:
    """Stored products are mapped anew when MAPPING grows: whoever changes what is written makes it grow, and pins it here."""
    products = SCARF, SCARF._replace(variants=(variant("S", sku="s"), variant("M", 1))), EVERYTHING
    contents = [draft.content or "" for product in products for draft in write_items(product)]
    assert PINNED == (MAPPING, hashlib.sha256("".join(contents).encode()).hexdigest()[:16])


def test_twenty_one_images_are_sent_each_once() -> None:
    """The first 21 different images go out; more is a warning."""
    links = tuple(f"https://cdn.example/{number}" for number in range(30))
    item = written(SCARF._replace(image_links=(links[0], *links)))
    assert (links[0], list(links[1:21])) == (item["image_link"], item["additional_image_link"])
    assert [("image_links", "IMAGES_DROPPED")] == found(SCARF._replace(image_links=links))


def test_an_empty_description_becomes_the_title() -> None:
    """Meta wants a description; the title is better than none, but not in capitals only."""
    assert "Scarf" == written(SCARF._replace(description="<p> </p>"))["description"]
    assert "Woven scarf" == written(SCARF._replace(title="WOVEN SCARF", description=""))["description"]


def test_a_shouted_description_is_calmed() -> None:
    """Meta refuses descriptions in capitals only."""
    assert "Buy now. Today." == written(SCARF._replace(description="BUY NOW. TODAY."))["description"]


def test_a_stock_that_is_not_counted_is_not_kept() -> None:
    """Without counting, a quantity means nothing, even a wrong one."""
    [draft] = write_items(SCARF._replace(variants=(FORM._replace(track_inventory=False, quantity=-7),)))
    assert (0, False) == (draft.quantity, draft.content is None)


@given(st.text(), st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_any_text_ends_in_a_verdict(title: str, description: str, brand: str, categories: list[str]) -> None:
    """Whatever a merchant wrote, the item is either written within Meta's limits or refused by name."""
    product = SCARF._replace(title=title, description=description, brand=brand, categories=tuple(categories))
    [draft] = write_items(product)
    if draft.content is None:
        assert draft.faults
    else:
        item = orjson.loads(draft.content)
        assert 0 < len(item["title"]) <= 150
        assert 0 < len(item["description"]) <= 5_000
        assert len(item["description"]) <= 50 or item["description"] == calm(item["description"], 5_000)


@given(st.permutations(["Colour", "Scent", "Fit", "Size"]))
def test_the_order_of_options_changes_nothing(names: list[str]) -> None:
    """What is written is canonical: the same product has the same text."""
    usual, shuffled = ({name: name.lower() for name in order} for order in (sorted(names), names))
    texts = [write_items(SCARF._replace(variants=(FORM._replace(options=one),))) for one in (usual, shuffled)]
    assert texts[0] == texts[1]


def test_kept_drafts_are_read_back_as_they_were() -> None:
    """A snapshot keeps checked items without losing anything of them."""
    product = SCARF._replace(
        compare_at_price=Money("BDT", 200_000), sale_start_time=datetime(2026, 1, 1, tzinfo=UTC), brand=""
    )
    drafts: tuple[Draft, ...] = (*write_items(SCARF), *write_items(product))
    assert drafts == read_drafts(write_drafts(drafts))
