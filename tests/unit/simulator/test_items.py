"""What Meta accepts as an item, field by field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.items import EXPONENTS, check, display_price, minor_units, unknown_fields, write_price
from simulator.switches import Switches
from tests.unit.simulator.worlds import record


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("price", "9.99 USD", True),
        ("price", "10 USD", True),
        ("price", "9.999 USD", False),
        ("price", "9.9 JPY", False),
        ("price", "1.234 KWD", True),
        ("price", "9,99 USD", False),
        ("price", "9.99USD", False),
        ("price", "-1.00 USD", False),
        ("price", 999, False),
        ("availability", "in stock", True),
        ("availability", "in_stock", True),
        ("availability", "sold out", False),
        ("condition", "new", True),
        ("condition", "mint", False),
        ("link", "https://shop.test/a?b=c", True),
        ("link", "shop.test/a", False),
        ("link", "https://shop .test", False),
        ("link", "ftp://shop.test", False),
        ("image_link", "http://[broken", False),
        ("title", "x" * 150, True),
        ("title", "x" * 151, False),
        ("description", "x" * 5_001, False),
        ("brand", "", False),
        ("quantity_to_sell_on_facebook", 3, True),
        ("quantity_to_sell_on_facebook", "3", True),
        ("quantity_to_sell_on_facebook", -1, False),
        ("quantity_to_sell_on_facebook", 1.5, False),
        ("sale_price", "", True),
        ("sale_price", "7.50 USD", True),
        ("sale_price_effective_date", "2026-11-01T12:00-0300/2026-12-01T00:00-0300", True),
        ("sale_price_effective_date", "2026-11-01T12:00:00+00:00/", True),
        ("sale_price_effective_date", "tomorrow", False),
        ("sale_price_effective_date", "soon/later", False),
        ("additional_variant_attribute", "Scent:Fruity,Flavor:Apple", True),
        ("additional_variant_attribute", "Scent:Fruity,Apple", False),
        ("additional_variant_attribute", {"Scent": "Fruity"}, False),
        (
            "shipping",
            [{"shipping_country": "US", "shipping_price_value": "4.99", "shipping_price_currency": "USD"}],
            True,
        ),
        ("shipping", [{"shipping_country": "US"}], False),
        ("shipping", [{"country": "US"}], False),
        ("video", [{"url": "https://shop.test/1.mp4", "tag": ["a"]}], True),
        ("video", ["https://shop.test/1.mp4"], False),
        ("applink", {"ios_url": "app://1"}, True),
        ("applink", {"nokia_url": "app://1"}, False),
        ("importer_address", {"planet": "Mars"}, False),
        ("origin_country", "BD", True),
        ("origin_country", "Bangladesh", False),
        ("ordering_index", -1, False),
        ("user_rating", 4.5, True),
        ("user_rating", 6, False),
        ("shipping", "US::Ground:9.99 USD", False),
        ("applink", "app://1", False),
        ("additional_image_link", ["https://shop.test/1.jpg"], True),
        ("additional_image_link", ["nope"], False),
        ("additional_image_link", "https://shop.test/1.jpg", False),
        ("image", [{"url": "https://shop.test/1.jpg", "tag": ["a"]}], True),
        ("image", [], False),
        ("internal_label", ["a", "b"], True),
        ("internal_label", ["a" * 111], False),
        ("gender", "female", True),
        ("gender", "F", False),
        ("custom_number_0", 2**32, False),
        ("shipping_weight", "10 kg", True),
        ("shipping_weight", "10", False),
        ("expiration_date", "2026-12-31", True),
    ],
)
def test_a_field_fits_or_is_named(field: str, value: Any, *, fits: bool) -> None:
    """A wrong value gives exactly one message, and it names the field."""
    problems = check(record("A", **{field: value})["data"], creates=True, switches=Switches())
    assert ([] if fits else [True]) == [field in problem for problem in problems]


@pytest.mark.parametrize(
    "field", ["title", "description", "availability", "condition", "price", "link", "brand", "image_link"]
)
def test_a_new_item_needs_every_required_field(field: str) -> None:
    """Creating without a required field says which; updating without it is fine."""
    data = {name: value for name, value in record("A")["data"].items() if name != field}
    assert [f"A required field is missing: {field}"] == check(data, creates=True, switches=Switches())
    assert [] == check(data, creates=False, switches=Switches())


@pytest.mark.parametrize("rejected", [False, True])
def test_capitals_are_refused_by_switch(*, rejected: bool) -> None:
    """A description in capitals only is refused when the switch says so, a short one never."""
    switches = Switches(reject_capitals=rejected)
    loud = record("A", description="WORDS IN CAPITALS ONLY THAT GO ON FOR MORE THAN FIFTY LETTERS")["data"]
    assert rejected == bool(check(loud, creates=True, switches=switches))
    assert [] == check(record("A", description="IKEA")["data"], creates=True, switches=switches)


def test_unknown_fields_are_listed() -> None:
    """Only names that Meta does not know are listed."""
    assert ["shininess"] == unknown_fields(record("A", shininess=1)["data"])


@given(st.integers(0, 10**10), st.sampled_from(["USD", *EXPONENTS]))
def test_prices_read_back(amount: int, currency: str) -> None:
    """Minor units survive being written as an items_batch price, whatever the currency's exponent."""
    assert (amount, currency) == minor_units(write_price(amount, currency))


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        ("1299.50 USD", "$1,299.50"),
        ("1000 JPY", "¥1,000"),
        ("7 KWD", "KWD7.000"),
        ("450.00 BDT", "BDT450.00"),
        ("free", None),
    ],
)
def test_reads_show_localised_prices(price: str, shown: str | None) -> None:
    """Reads give text for people: symbol, thousands, the currency's decimals."""
    assert shown == display_price(price)
