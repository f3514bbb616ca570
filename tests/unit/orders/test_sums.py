"""Sums of orders: exact to the last minor unit, or refused."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.orders.model.sums import Cost, Spoiled, Told, Whole, add_up, split

AMOUNTS = st.integers(0, 10**9)
COSTS = st.lists(st.builds(Cost, st.integers(1, 10**7), st.integers(0, 10**5)), min_size=1, max_size=8)


@given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_parts_come_to_the_whole(amount: int, weights: list[int]) -> None:
    """However an amount is shared out, nothing is lost or added, and no part is negative."""
    parts = split(amount, weights)
    assert amount == sum(parts)
    assert len(weights) == len(parts)
    assert 0 <= min(parts)


@given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_parts_are_as_near_to_the_exact_ones_as_whole_minor_units_can_be(amount: int, weights: list[int]) -> None:
    """Each part is less than a minor unit off the exact fraction, the parts up to any line half a one at most; what weighs nothing bears nothing."""
    parts, whole = split(amount, weights), sum(weights)
    exact = [Fraction(amount * weight, whole) for weight in weights]
    assert all(abs(part - due) < 1 for part, due in zip(parts, exact, strict=True))
    sums = zip(accumulate(parts), accumulate(exact), strict=True)
    assert all(abs(part - due) <= Fraction(1, 2) for part, due in sums)
    assert not any(part for part, weight in zip(parts, weights, strict=True) if not weight)


@given(COSTS, st.data())
def test_every_kind_of_discount_adds_up(costs: list[Cost], data: st.DataObject) -> None:
    """Item- and order-level, of the merchant and of Meta, on shipping or not, told gross or net: the sums and lines are exact."""
    items, tax = sum(cost.subtotal for cost in costs), sum(cost.tax for cost in costs)
    off = data.draw(st.integers(0, min(cost.subtotal for cost in costs)))
    shipping, shipping_tax = data.draw(st.integers(0, 10**5)), data.draw(st.integers(0, 10**4))
    off_shipping = data.draw(st.integers(0, shipping))
    by_meta = data.draw(st.integers(0, items - off))
    shares = tuple(split(off, [cost.subtotal for cost in costs]))
    zeros = (0,) * len(costs)
    whole = [Whole(off, False, shares), Whole(off_shipping, False, zeros), Whole(by_meta, True, zeros)]
    whole = [one for one in whole if one.amount]
    net = data.draw(st.booleans())
    total = items - off + shipping - off_shipping + tax + shipping_tax
    told_items, told_shipping = (items - off, shipping - off_shipping) if net else (items, shipping)
    told = Told(told_items, told_shipping, shipping_tax, tax + shipping_tax, total, total - by_meta, by_meta)
    sums, found = add_up(costs, whole, told)
    assert total == sums.items - sums.order_discount + sums.shipping + sums.tax
    assert (off, shipping - off_shipping) == (sums.order_discount, sums.shipping)
    assert (
        total
        == sum(cost.subtotal - share + cost.tax for cost, share in zip(costs, found, strict=True))
        + sums.shipping
        + shipping_tax
    )
    assert (by_meta, total - by_meta) == (sums.paid_by_meta, sums.paid_by_buyer)


@given(COSTS, st.integers(1, 10**4), st.sampled_from(["items", "tax", "total", "by_buyer"]))
def test_a_sum_that_is_wrong_by_anything_is_refused(costs: list[Cost], wrong: int, name: str) -> None:
    """An order is never handed over with a guess."""
    items, tax = sum(cost.subtotal for cost in costs), sum(cost.tax for cost in costs)
    told = Told(items, 500, 0, tax, items + 500 + tax, items + 500 + tax, 0)
    with pytest.raises(Spoiled) as refused:
        add_up(costs, [], told._replace(**{name: getattr(told, name) + wrong}))
    assert "ORDER_TOTAL_MISMATCH" == refused.value.reason


def test_parts_of_a_promotion_that_do_not_come_to_its_whole_are_shared_out_anew() -> None:
    """What was taken off is certain; only its parts are told wrongly, so they are reckoned by the lines' worth."""
    costs = [Cost(1000, 0), Cost(1000, 0), Cost(1000, 0)]
    _, shares = add_up(costs, [Whole(100, False, (33, 33, 33))], Told(2900, 0, None, 0, 2900, None, None))
    assert [33, 34, 33] == shares
