"""By what an item is recognised: a table of what two tools may write of the same thing."""

from typing import Any

import pytest

from connector.adoption.graph import list_products
from connector.adoption.model import RULES, Own, Rule, Seen, own_marks, seen_marks

OWN = Own("sc_p1", "p1", "", "", "", "", ())


def seen(**fields: str) -> Seen:
    """Make an item of the catalog, with some fields as told."""
    return Seen(**dict.fromkeys(Seen._fields, "") | {"retailer_id": "theirs"} | fields)


def recognised(own: Own, item: Seen) -> Rule | None:
    """Tell by which rule an item is recognised as ours."""
    ours = {(mark.kind, mark.digest) for mark in own_marks(own)}
    ranks = [mark.rank for mark in seen_marks(item) if (mark.kind, mark.digest) in ours]
    return RULES[min(ranks)] if ranks else None


@pytest.mark.parametrize(
    ("own", "theirs", "rule"),
    [
        ({}, {"retailer_id": "sc_p1"}, Rule.RETAILER_ID),
        ({}, {"retailer_id": "p1"}, Rule.RETAILER_ID),
        ({"product_id": "123"}, {"retailer_id": "123"}, Rule.RETAILER_ID),
        ({"variant_id": "v9"}, {"retailer_id": "v9"}, Rule.RETAILER_ID),
        ({"product_id": "123"}, {"retailer_id": "wc_post_id_123"}, Rule.RETAILER_ID),
        ({"product_id": "123", "sku": "MUG"}, {"retailer_id": "MUG_123"}, Rule.RETAILER_ID),
        ({"product_id": "p", "variant_id": "7", "sku": "MUG"}, {"retailer_id": "MUG_7"}, Rule.RETAILER_ID),
        ({"aliases": ("old", "older")}, {"retailer_id": "older"}, Rule.ALIAS),
        ({"gtin": "4006381333931"}, {"gtin": "04006381333931"}, Rule.GTIN),
        ({"gtin": "4006381333931"}, {"gtin": "4006 3813-33931"}, Rule.GTIN),
        ({"gtin": "036000291452"}, {"gtin": "0036000291452"}, Rule.GTIN),
        ({"sku": "mug-1"}, {"retailer_id": " MUG-1"}, Rule.SKU),
        ({"sku": "MUG"}, {"retailer_id": "mug_4711"}, Rule.SKU),
        ({"sku": "MUG"}, {"mpn": "mug"}, Rule.SKU),
        ({"link": "https://shop.example/a"}, {"link": "http://www.Shop.example:80/a/#top"}, Rule.LINK),
        (
            {"link": "https://shop.example/a?v=1&x=2"},
            {"link": "https://shop.example/a?x=2&utm_medium=feed&v=1"},
            Rule.LINK,
        ),
        ({"link": "https://shop.example/%C3%A9t%C3%A9"}, {"link": "https://shop.example/été"}, Rule.LINK),
        ({}, {}, None),
        ({"gtin": "00000000"}, {"gtin": "00000000"}, None),
        ({"gtin": "n/a"}, {"gtin": "n/a"}, None),
        ({"sku": ""}, {"retailer_id": "_5"}, None),
        ({"product_id": "123"}, {"retailer_id": "MUG_123"}, None),
        ({"link": "shop.example/a"}, {"link": "shop.example/a"}, None),
        ({"link": "https://[broken"}, {"link": "https://[broken"}, None),
        ({"link": "https://shop.example/a?v=1"}, {"link": "https://shop.example/a?v=2"}, None),
        ({"link": "https://shop.example/a"}, {"link": "https://shop.example/A"}, None),
    ],
)
def test_the_same_thing_is_recognised(own: dict[str, Any], theirs: dict[str, str], rule: Rule | None) -> None:
    """However it is spelled, what is the same is recognised; what only looks alike is not."""
    assert rule == recognised(OWN._replace(**own), seen(**theirs))


def test_the_first_rule_counts() -> None:
    """Of several rules that fit, the earliest is told: ids before aliases, barcodes, stock keeping units and links."""
    alike: dict[str, Any] = {
        "aliases": ("theirs",),
        "gtin": "4006381333931",
        "sku": "theirs",
        "link": "https://shop.example/a",
    }
    item, told = seen(gtin="4006381333931", link="https://shop.example/a"), []
    for name in ("aliases", "gtin", "sku", "link"):
        told.append(recognised(OWN._replace(**alike), item))
        del alike[name]
    assert [Rule.ALIAS, Rule.GTIN, Rule.SKU, Rule.LINK, None] == [*told, recognised(OWN, item)]


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        ({}, ""),
        ({"cursors": {"after": "c"}}, ""),
        ({"cursors": {"after": "c"}, "next": "https://graph.example/next"}, "c"),
    ],
)
def test_only_a_missing_next_ends_a_catalog(paging: dict[str, Any], after: str) -> None:
    """A page may be short or empty; the scan goes on as long as Meta names a next one."""
    entry = {"id": "9", "retailer_id": "A", "name": "Mug", "gtin": None}
    shelf = list_products("1", after="", limit=5).read({"data": [entry], "paging": paging})
    assert (after, [seen(item_id="9", retailer_id="A", title="Mug")]) == (shelf.after, list(shelf.entries))
