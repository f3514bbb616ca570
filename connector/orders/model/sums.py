"""Adds an order up to its last minor unit, or says why it does not add up. Pure; it guesses nothing.

What the merchant takes off single items is inside their price. What the merchant takes off the whole order or its shipping is not,
and is subtracted. What Meta takes off changes no sum: Meta pays it in the buyer's place. Meta tells its subtotals before or after
the merchant's order discounts, as it pleases: both are understood, since only one adds up.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from connector.orders.model.values import Sums


class Spoiled(Exception):
    """An order that cannot be handed over as Meta tells it; `reason` is a value of ErrorReason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Cost(NamedTuple):
    """What one line costs before discounts of the order: its subtotal, and the tax of all its pieces."""

    subtotal: int
    tax: int


class Whole(NamedTuple):
    """Something taken off the whole order: how much, whether Meta pays for it, and the part of each line as Meta tells it."""

    amount: int
    by_meta: bool
    shares: tuple[int, ...]

    @property
    def off_shipping(self) -> bool:
        """Tell whether it is taken off shipping: nothing of it falls on a line."""
        return not any(self.shares)

    def parts(self, costs: Sequence[Cost]) -> list[int]:
        """Share it out over the lines: as Meta does, unless its parts do not come to the whole."""
        if self.off_shipping:
            return [0] * len(costs)
        exact = sum(self.shares) == self.amount
        return list(self.shares) if exact else split(self.amount, [cost.subtotal for cost in costs])


class Told(NamedTuple):
    """The sums as Meta tells them; None where it tells none."""

    items: int
    shipping: int
    shipping_tax: int | None
    tax: int
    total: int
    by_buyer: int | None
    by_meta: int | None


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Part an amount by weights so that the parts come to it exactly: each is what the rounded running total grows by."""
    whole = sum(weights)
    if not whole:
        return [amount, *[0] * (len(weights) - 1)] if weights else []
    # Half up, as amounts are rounded; the last running total is the amount itself.
    totals = [(2 * amount * weight + whole) // (2 * whole) for weight in accumulate(weights)]
    return [after - before for before, after in pairwise([0, *totals])]


def add_up(costs: Sequence[Cost], off: Sequence[Whole], told: Told) -> tuple[Sums, list[int]]:
    """Tell the sums, and each line's share of what the merchant takes off the whole order.

    Raises:
        Spoiled: ORDER_TOTAL_MISMATCH, naming the sum that is wrong.

    """
    own = [one for one in off if not one.by_meta]
    shares = [sum(parts) for parts in zip([0] * len(costs), *(one.parts(costs) for one in own), strict=True)]
    for cost, share in zip(costs, shares, strict=True):
        _require("the discounts of a line", 0 <= share <= cost.subtotal, share, cost.subtotal)
    items, discount = sum(cost.subtotal for cost in costs), sum(shares)
    _require("the items", told.items in {items, items - discount}, told.items, items)
    _require_tax(costs, told)
    shipping = told.total - told.tax - items + discount
    gross, net = told.shipping, told.shipping - sum(one.amount for one in own if one.off_shipping)
    _require("the total", shipping >= 0 and shipping in {gross, net}, told.total, items - discount + gross + told.tax)
    by_meta, by_buyer = _payers(off, told)
    return Sums(items, discount, shipping, told.tax, told.total, by_buyer, by_meta), shares


def _require_tax(costs: Sequence[Cost], told: Told) -> None:
    of_items = sum(cost.tax for cost in costs)
    if told.shipping_tax is not None:
        _require("the tax", told.tax == of_items + told.shipping_tax, told.tax, of_items + told.shipping_tax)
    _require("the tax", 0 <= of_items <= told.tax, told.tax, of_items)


def _payers(off: Sequence[Whole], told: Told) -> tuple[int, int]:
    by_meta = told.by_meta if told.by_meta is not None else sum(one.amount for one in off if one.by_meta)
    by_buyer = told.by_buyer if told.by_buyer is not None else told.total - by_meta
    _require("what was paid", by_meta + by_buyer == told.total, by_meta + by_buyer, told.total)
    return by_meta, by_buyer


def _require(what: str, right: bool, given: int, expected: int) -> None:  # noqa: FBT001 – reads like a sentence
    if not right:
        message = f"Facebook says {given} minor units for {what}, and what it is made of comes to {expected}"
        raise Spoiled("ORDER_TOTAL_MISMATCH", message)
