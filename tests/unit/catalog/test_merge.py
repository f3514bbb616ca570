"""What a wish changes about what is stored."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.catalog.model.merge import Kept, Wish, merge
from connector.catalog.model.values import Draft, Listing
from connector.registry.model import ItemFault, Rules, Severity
from connector.values import Money

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DRAFT = Draft("", "Scarf", '{"title":"Scarf"}', Money("BDT", 100), None, None, None, True, 5, False)
FAULT = ItemFault(Severity.ERROR, "FIELD_REQUIRED", "brand", "brand: is required")


def listing(*drafts: Draft, version: int = 1) -> Listing:
    """List drafts as a product."""
    return Listing("p1", version, b"", drafts)


def stored(wish: Wish, **changes: Any) -> Kept:
    """Store a wish, with some columns as told."""
    names = set(Kept._fields) & set(Wish._fields)
    return Kept(**{name: getattr(wish, name) for name in names}, stands=True, reserved=0, hidden=False)._replace(
        **changes
    )


[NEW] = merge(listing(DRAFT), (), Rules(), at=NOON)
KEPT = stored(NEW.wish)


def test_a_new_item_is_a_change() -> None:
    """What is not stored yet is stored, under its name."""
    assert ("sc_p1", True, True, None) == (NEW.wish.retailer_id, NEW.differs, NEW.wish.changed, NEW.wish.refused_by)


def test_the_same_again_is_none() -> None:
    """A wish that is stored already neither changes nor differs."""
    [again] = merge(listing(DRAFT, version=2), [KEPT], Rules(), at=NOON)
    assert (False, False) == (again.wish.changed, again.differs)


def test_a_name_is_kept_whatever_the_rule_says_today() -> None:
    """The row is the truth about a name."""
    [again] = merge(listing(DRAFT), [KEPT._replace(retailer_id="named-before")], Rules(), at=NOON)
    assert "named-before" == again.wish.retailer_id


@pytest.mark.parametrize(
    ("stock_version", "price_version", "version", "quantity", "price"),
    [(0, 0, 5, 5, 100), (6, 0, 5, 2, 100), (0, 6, 5, 5, 80), (6, 6, 5, 2, 80), (6, 6, 7, 5, 100), (5, 5, 5, 5, 100)],
)
def test_the_newest_word_on_stock_and_price_counts(
    stock_version: int, price_version: int, version: int, quantity: int, price: int
) -> None:
    """Stock and price come each from whoever spoke last, the product or the inventory lane."""
    kept = KEPT._replace(stock_version=stock_version, price_version=price_version, quantity=2, price=80)
    [merged] = merge(listing(DRAFT, version=version), [kept], Rules(), at=NOON)
    assert (quantity, price) == (merged.wish.quantity, merged.wish.price)


def test_a_refused_draft_changes_nothing_but_the_verdict() -> None:
    """When our checks refuse an item, content, stock and price stay as they were."""
    [merged] = merge(
        listing(DRAFT._replace(content=None, quantity=0, faults=(FAULT,)), version=2), [KEPT], Rules(), at=NOON
    )
    assert (KEPT.content, KEPT.offer, "CHECKS") == (merged.wish.content, merged.wish.offer, merged.wish.refused_by)
    assert ["FIELD_REQUIRED"] == [fault["reason"] for fault in merged.wish.faults]


def test_a_new_item_that_is_refused_has_nothing_to_send() -> None:
    """Without content, an item waits for a better wish."""
    [merged] = merge(listing(DRAFT._replace(content=None, faults=(FAULT,))), (), Rules(), at=NOON)
    assert (None, "CHECKS") == (merged.wish.content, merged.wish.refused_by)


def test_what_is_not_listed_is_let_go() -> None:
    """An item of a dropped variant is not wanted any more; all else about it stays."""
    kept = KEPT._replace(variant_id="v", retailer_id="sc_p1.v")
    [listed, gone] = merge(listing(DRAFT), [KEPT, kept], Rules(), at=NOON)
    assert (True, False, True) == (listed.wish.wanted, gone.wish.wanted, gone.wish.changed)
    assert kept.content == gone.wish.content


def test_stock_that_was_counted_once_clears_its_quantity() -> None:
    """An item whose stock is no longer counted says so at Meta."""
    [merged] = merge(listing(DRAFT._replace(track_inventory=False), version=2), [KEPT], Rules(), at=NOON)
    assert merged.wish.offer is not None
    assert '"quantity_to_sell_on_facebook":""' in merged.wish.offer
