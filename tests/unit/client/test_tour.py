"""The parts of the tour that judge: what must become of a product, and how a browser reads a form."""

from typing import Any

import pytest

from client.tour.foresight import foresee
from client.tour.simulation import DialogForm
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import Product, Variant

GOOD: dict[str, Any] = {
    "product_id": "mug",
    "status": product_pb2.PRODUCT_STATUS_ACTIVE,
    "title": "<b>Mug</b> &amp; saucer",
    "brand": "Acme",
    "link": "https://s.example/mug",
    "image_links": ["https://i.example/mug.jpg"],
    "price": Money(currency_code="USD", minor_units=999),
}


def make(**changes: Any) -> Product:
    """Return a good product with some fields changed."""
    return Product(**(GOOD | changes))


def test_a_good_product_is_one_item() -> None:
    """A product without variants becomes itself, its title without markup."""
    (item,) = foresee(make())
    assert (("mug", ""), "Mug & saucer", "9.99 USD", "", frozenset()) == (
        item.key, item.title, item.price, item.sale_price, item.reasons,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"title": "<p></p>"}, {"FIELD_REQUIRED"}),
        ({"brand": ""}, {"FIELD_REQUIRED"}),
        ({"brand": "x" * 101}, {"FIELD_TOO_LONG"}),
        ({"link": ""}, {"FIELD_REQUIRED"}),
        ({"link": "/mug"}, {"LINK_NOT_ABSOLUTE"}),
        ({"image_links": []}, {"FIELD_REQUIRED"}),
        ({"image_links": ["mug.jpg"], "title": ""}, {"FIELD_REQUIRED", "IMAGE_LINK_NOT_ABSOLUTE"}),
        ({"price": None}, {"FIELD_REQUIRED"}),
        ({"price": Money(currency_code="USD")}, {"PRICE_NOT_POSITIVE"}),
        ({"gender": "boys"}, {"FIELD_INVALID"}),
    ],
)
def test_each_broken_rule_is_foreseen(changes: dict[str, Any], reasons: set[str]) -> None:
    """The demo knows the contract's rules by itself."""
    (item,) = foresee(make(**changes))
    assert reasons == item.reasons


def test_what_is_not_for_sale_becomes_nothing() -> None:
    """Drafts have no items."""
    assert [] == list(foresee(make(status=product_pb2.PRODUCT_STATUS_DRAFT)))


def test_variants_become_the_items() -> None:
    """Each variant is judged on its own, with the product's price where it has none, and told apart by options."""
    yen = Money(currency_code="JPY", minor_units=1500)
    before = Money(currency_code="JPY", minor_units=2000)
    reduced = Variant(variant_id="a", options={"Size": "A"}, price=yen, compare_at_price=before)
    first, second = foresee(make(variants=[reduced, Variant(variant_id="b")]))
    assert ("2000 JPY", "1500 JPY", set[str]()) == (first.price, first.sale_price, set(first.reasons))
    assert ("9.99 USD", "", {"VARIANT_OPTIONS_MISSING"}) == (second.price, second.sale_price, set(second.reasons))


@pytest.mark.parametrize(
    ("held", "same"),
    [
        ({"title": "Mug & saucer", "price": "9.99 USD"}, True),
        ({"title": "Mug & saucer", "price": "9.99 USD", "sale_price": ""}, True),
        ({"title": "Mug &amp; saucer", "price": "9.99 USD"}, False),
        ({"title": "Mug & saucer", "price": "9.98 USD"}, False),
        ({"title": "Mug & saucer", "price": "9.99 USD", "sale_price": "5.00 USD"}, False),
        ({}, False),
    ],
)
def test_what_the_catalog_holds_is_compared_exactly(held: dict[str, object], *, same: bool) -> None:
    """A wrong title or price at Meta does not pass."""
    (item,) = foresee(make())
    assert same == item.matches(held)


@pytest.mark.parametrize(("length", "same"), [(150, True), (149, True), (90, False)])
def test_a_title_too_long_may_only_be_cut(length: int, *, same: bool) -> None:
    """A cut title still begins like the one that was handed in, and is cut no shorter than the limit asks."""
    title = "word " * 60
    (item,) = foresee(make(title=title))
    assert same == item.matches({"title": title[: length - 1] + "…", "price": "9.99 USD"})


def test_a_form_is_filled_in_as_by_a_browser() -> None:
    """Hidden fields, ticked boxes and first choices are sent; unticked boxes and buttons are not."""
    form = DialogForm(
        '<form action="/go"><select name="user_id"><option value="1">A</option><option value="2">B</option></select>'
        '<input type="hidden" name="state" value="a&amp;b"><input type="checkbox" name="granted" value="x" checked>'
        '<input type="checkbox" name="granted" value="y"><button name="answer" value="allow">Allow</button></form>'
    )
    assert ("/go", [("user_id", "1"), ("state", "a&b"), ("granted", "x")]) == (form.action, form.fields)
