"""Which item goes on as which variant: names are for ever, whatever a product's variants do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.lineage import succession
from connector.catalog.model.merge import Kept, Wish, merge
from connector.catalog.model.values import Draft, Listing
from connector.registry.model import Rules
from connector.values import Money

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIMPLE = ("",)


def item(variant_id: str, *, whole: bool = False, heir: str = "", wanted: bool = True) -> Kept:
    """Store an item that stands for a variant."""
    [new] = merge(_listing((variant_id,)), (), Rules(), at=NOON)
    heir = heir or variant_id
    return _stored(new.wish)._replace(whole=whole or not variant_id, heir=heir, wanted=wanted)


def _listing(variant_ids: tuple[str, ...], version: int = 1) -> Listing:
    drafts = [
        Draft(one, "Scarf", f'{{"title":"{one}"}}', Money("BDT", 100), None, None, None, True, 5, False)
        for one in variant_ids
    ]
    return Listing("p1", version, b"", tuple(drafts))


def _stored(wish: Wish) -> Kept:
    names = set(Kept._fields) & set(Wish._fields)
    return Kept(**{name: getattr(wish, name) for name in names}, stands=True, reserved=0, hidden=False)


@pytest.mark.parametrize(
    ("listed", "kept", "moved"),
    [
        (SIMPLE, [], None),
        (SIMPLE, [item("")], None),
        (("S", "M"), [item("")], ("", "S")),
        (("S", "M"), [item(""), item("S")], ("", "M")),
        (("S",), [item(""), item("S")], None),
        (("M", "S"), [item("", heir="S")], ("", "S")),
        (("M",), [item("", heir="S")], None),
        (SIMPLE, [item("S", whole=True), item("M")], ("S", "")),
        (SIMPLE, [item("S", whole=True, wanted=False), item("M")], ("S", "")),
        (SIMPLE, [item("S")], ("S", "")),
        (SIMPLE, [item("S", wanted=False), item("M")], ("M", "")),
        (SIMPLE, [item("S"), item("M")], None),
        ((), [item("")], None),
    ],
)
def test_an_item_goes_on_as_another_variant(
    listed: tuple[str, ...], kept: list[Kept], moved: tuple[str, str] | None
) -> None:
    """A product that gains variants goes on as its first new one; one that loses them, as the item that stood for it, or the only one left."""
    assert moved == succession(listed, {one.variant_id: one for one in kept})


def test_what_was_told_of_another_variant_does_not_count() -> None:
    """Stock told of the product as a whole is not its first variant's, and what stood at Meta is cleared away."""
    kept = item("")._replace(stock_version=9, price_version=9, quantity=1, price=50)
    [first, _] = merge(_listing(("S", "M"), version=5), [kept], Rules(), at=NOON)
    assert ("sc_p1", "S", 5, 100) == (
        first.wish.retailer_id,
        first.wish.variant_id,
        first.wish.quantity,
        first.wish.price,
    )
    assert (True, False, True) == (first.wish.clearing, first.wish.usual, first.wish.changed)


VARIANTS = st.lists(st.sampled_from(["S", "M", "L", "XL"]), max_size=4, unique=True).map(tuple)
LISTINGS = st.lists(st.one_of(st.just(SIMPLE), VARIANTS), max_size=12)


@given(listings=LISTINGS)
def test_no_name_ever_means_two_things(listings: list[tuple[str, ...]]) -> None:
    """Whatever the order of upserts: a name belongs to one variant, and beside it at most to the product as a whole; no item is renamed."""
    rows: dict[str, Kept] = {}
    meant: dict[str, str] = {}
    named: dict[str, str] = {}
    for version, listed in enumerate(listings, start=1):
        for merged in merge(_listing(listed, version), rows.values(), Rules(), at=NOON):
            wish = merged.wish
            rows[wish.retailer_id] = _stored(wish)
        wanted = {row.variant_id: name for name, row in rows.items() if row.wanted}
        assert set(listed) == set(wanted)
        assert len({row.variant_id for row in rows.values()}) == len(rows)
        for variant_id, name in wanted.items():
            assert name == named.setdefault(variant_id, name)
            assert variant_id in {"", meant.setdefault(name, variant_id) or variant_id}
            meant[name] = meant[name] or variant_id
