"""Checkout links: whatever somebody makes of one is read, and nothing it names is lost without a word."""

import tracemalloc
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.checkout.model.lines import Known, State, resolve
from connector.checkout.model.links import (
    LONGEST_LINK,
    MOST_ENTRIES,
    MOST_PIECES,
    Channel,
    Warned,
    WarningKind,
    read_link,
)

IDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", min_size=1, max_size=40)
PAGE = "https://shop.example/fb-checkout"


def read(text: str) -> list[tuple[str, int]]:
    """Read a link's entries as they are taken before anything is known of the catalog."""
    return [(entry.candidates[0].name, entry.candidates[0].quantity) for entry in read_link(text).entries]


@pytest.mark.parametrize(
    "text",
    [
        f"{PAGE}?products=sc_1:2,sc_2:1",
        f"{PAGE}?products=sc_1%3A2%2Csc_2%3A1",
        f"{PAGE}?products=sc_1%253A2%252Csc_2%253A1",
        f"{PAGE}?lang=en&amp;products=sc_1:2,sc_2:1",
        f"{PAGE}?products=sc_1:2&products=sc_2:1",
        f"{PAGE}?products[]=sc_1:2&products[]=sc_2:1",
        f"{PAGE}?PRODUCTS=sc_1:2, sc_2:1 ,",
        f"{PAGE}#/cart?products=sc_1:2,sc_2:1",
        "?products=sc_1:2,sc_2:1",
        "products=sc_1:2,sc_2:1#top",
        "products%3Dsc_1%3A2%2Csc_2%3A1",
        'products=["sc_1:2","sc_2:1"]',
        "products=sc_1:02.0,sc_2:+1",
        "products=sc_1:2;sc_2:1",
        "products=sc_1:2|sc_2:1",
        "products=sc_1:2+sc_2:1",
        "products=sc_1:2%0D%0Asc_2:1",
        "products=sc_1:2,sc_2:1?utm_source=x",
        f"{PAGE}?products%3Dsc_1%3A2%2Csc_2%3A1&fbclid=x",
        f"{PAGE}?fbclid=x&products=sc_1%3A2%2Csc_2%3A1%26coupon%3DX",
        f"{PAGE}?fbclid=x#products=sc_1:2,sc_2:1",
        f"https://l.facebook.com/l.php?u={quote(f'{PAGE}?products=sc_1%3A2,sc_2:1&coupon=X', safe='')}&h=AT0",
        f"{PAGE}?referrer={quote(f'{PAGE}?products=sc_9:9', safe='')}&products=sc_1:2,sc_2:1",
    ],
)
def test_every_notation_says_the_same(text: str) -> None:
    """Encodings, repeated parameters, queries alone and stray signs make no difference."""
    assert [("sc_1", 2), ("sc_2", 1)] == read(text)


@pytest.mark.parametrize(
    ("entry", "quantity", "kind"),
    [
        ("a", 1, None),
        ("a:3", 3, None),
        ("a:0", 1, WarningKind.QUANTITY_UNREADABLE),
        ("a:-2", 1, WarningKind.QUANTITY_UNREADABLE),
        ("a:", 1, WarningKind.QUANTITY_UNREADABLE),
        ("a:many", 1, WarningKind.QUANTITY_UNREADABLE),
        ("a:10001", MOST_PIECES, WarningKind.QUANTITY_TOO_LARGE),
        ("a:" + "9" * 5_000, MOST_PIECES, WarningKind.QUANTITY_TOO_LARGE),
        ("a:\u0663", 3, None),
        ("a:\u0660", 1, WarningKind.QUANTITY_UNREADABLE),
        ("a:2.5", 2, WarningKind.QUANTITY_UNREADABLE),
    ],
)
def test_quantities_are_read_or_taken_for_one(entry: str, quantity: int, kind: WarningKind | None) -> None:
    """A quantity that cannot be read is one piece, with a warning; too many are cut, with a warning."""
    resolved = resolve(read_link(f"products={entry}"), {}, {})
    assert [("a", quantity)] == [(line.asked[0], line.requested) for line in resolved.lines]
    assert ([Warned(kind, "a")] if kind else []) == list(resolved.warnings)


def test_what_else_stands_in_a_link_is_kept() -> None:
    """The first coupon and every other parameter are passed on as they stand."""
    link = read_link(f"{PAGE}?utm_source=ig&coupon=+SPRING+&products=a:1&coupon=X&fbclid=Iw%2BAR&empty=")
    assert ("SPRING", Channel.INSTAGRAM) == (link.coupon, link.channel)
    assert (("utm_source", "ig"), ("coupon", "X"), ("fbclid", "Iw+AR"), ("empty", "")) == link.tracking
    assert link.fbc(at=datetime(2026, 11, 21, tzinfo=UTC)) == "fb.1.1795219200000.Iw+AR"


@pytest.mark.parametrize("name", ["a b", "a;b", "a|b", "a+b", "a?b", "a#b", "a=b", "\u09b6\u09be\u09a1\u09bc\u09bf"])
def test_ids_may_hold_nearly_any_sign(name: str) -> None:
    """What stands in an id parts nothing, also where the whole query was taken for a name."""
    query = f"products={quote(f'{name}:2', safe='')}"
    whole, raw = quote(query, safe=""), quote(f"products={name}:2", safe="")
    assert [(name, 2)] == read(f"{PAGE}?{query}") == read(f"{PAGE}?{whole}&fbclid=x") == read(f"{PAGE}?{raw}&fbclid=x")


@pytest.mark.parametrize(
    ("text", "coupon", "tracking"),
    [
        ("products%3Da%3A1%26coupon%3DA%252BB%2520C&fbclid=x", "A+B C", (("fbclid", "x"),)),
        ("products=a%253A1&coupon=10%2525%2520OFF", "10% OFF", ()),
        ("products=a:1&coupon=10%25+OFF", "10% OFF", ()),
        ("products=a:1&coupon=SaVe%252520", "SaVe%2520", ()),
        ("coupon=+&coupon=B&products=a", "B", ()),
        ("fbclid=x#products=a:1&coupon=B", "B", (("fbclid", "x"),)),
    ],
)
def test_a_coupon_comes_out_as_it_was_meant(text: str, coupon: str, tracking: tuple[tuple[str, str], ...]) -> None:
    """However the link was packed, the coupon keeps its letters and signs, and the click is still known."""
    link = read_link(text)
    assert (coupon, tracking) == (link.coupon, link.tracking)


@pytest.mark.parametrize("text", ["", PAGE, f"{PAGE}?products=", f"{PAGE}?products=,%20,", "https://[::1", "%", "\0"])
def test_a_link_without_products_says_so(text: str) -> None:
    """A link that names nothing is read, and the warning names what is missing."""
    assert [WarningKind.NO_PRODUCTS] == [one.kind for one in read_link(text).warnings]


def test_very_many_products_are_cut_with_a_warning() -> None:
    """Beyond the limit nothing is read, and the reader is told."""
    link = read_link("products=" + ",".join(f"p{number}:1" for number in range(MOST_ENTRIES + 1)))
    assert MOST_ENTRIES == len(link.entries)
    assert [WarningKind.TOO_MANY_PRODUCTS] == [one.kind for one in link.warnings]


def test_an_id_behind_any_number_of_underscores_is_found() -> None:
    """Of an old name the part behind the last underscore counts, however many its own number holds."""
    (entry,) = read_link("products=A_B_C_D_E_F_G_H_I_42:1").entries
    assert "42" in {way.name for way in entry.candidates}


def test_a_link_of_underscores_alone_costs_no_more_than_others() -> None:
    """The longest link of nothing else is read in memory of a few times its length: what is not kept is not made."""
    tracemalloc.start()
    try:
        read_link("products=" + "_" * LONGEST_LINK)
        assert 40 * LONGEST_LINK > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _known(product_id: str, variant_id: str) -> Known:
    named = f"sc_{product_id}.{variant_id}", product_id, variant_id
    return Known(*named, False, True, False, "", "", "", "BDT", 1, None, None, None, True, 1, 0, None)


def test_a_long_link_of_whole_products_is_no_endless_answer() -> None:
    """Every line of the longest link has variants to choose from, and all of them fit into one answer; a short link shows a hundred of each."""
    families = {str(one): [_known(str(one), str(variant)) for variant in range(150)] for one in range(MOST_ENTRIES)}
    for count, most in ((1, 100), (20, 100), (MOST_ENTRIES, 4)):
        link = read_link("products=" + ",".join(map(str, range(count))))
        lines = resolve(link, {}, families).lines
        assert [(State.CHOICE_NEEDED, most)] * count == [(line.state, len(line.choices)) for line in lines]


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    """Reading never raises; what is read can be stored, and there is a line or a warning."""
    for said in (text, f"products={text}", f"{PAGE}?products={quote(text)}"):
        link = read_link(said)
        assert link.entries or link.warnings
        assert not any("\0" in name for name in link.names)
        resolved = resolve(link, {}, {})
        assert {entry.text for entry in link.entries} == {asked for line in resolved.lines for asked in line.asked}


@given(st.lists(st.tuples(IDS, st.integers(1, MOST_PIECES)), min_size=1, max_size=30), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_what_was_written_is_read_however_often_it_was_encoded(wanted: list[tuple[str, int]], layers: int) -> None:
    """Every entry comes out as it went in, in its order."""
    products = ",".join(f"{name}:{quantity}" for name, quantity in wanted)
    for _ in range(layers):
        products = quote(products, safe="")
    assert wanted == read(f"{PAGE}?products={products}&coupon=A")
