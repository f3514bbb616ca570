"""An order's money always adds up, however it is discounted, split into parcels, cancelled and refunded."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.call import Call
from simulator.errors import GraphError
from simulator.graph import NODES
from simulator.orders import seeding
from simulator.orders.access import account_of_page
from simulator.orders.cancelling import cancel
from simulator.orders.charging import left_to_refund
from simulator.orders.money import read_amount, read_money, share, split, write_amount
from simulator.orders.refunding import Wish, ask_amount, ask_shipping, everything, refund
from simulator.orders.shipping import ship
from simulator.orders.state import CommerceOrder, OrderItem, Units
from simulator.standing import CommerceMerchantSettings
from simulator.state import Page
from simulator.world import World
from tests.unit.simulator.worlds import new_world

NO_TRACKING = ("", "", "")


@cache
def _world() -> World:
    """Return the one world of these tests: orders do not meet each other."""
    return new_world()


def _place(world: World, document: Mapping[str, Any]) -> CommerceOrder:
    page = world.all(Page)[0]
    account = account_of_page(world, page) or world.add(CommerceMerchantSettings(world.new_id(), page.id))
    return seeding.place(world, account, seeding.read_draft(world, account, document))[0]


def _minor(money: Mapping[str, str]) -> int:
    return round(float(money["amount"]) * 100)


def _details(order: CommerceOrder, **switches: bool) -> Any:
    _world().switches.change(order_discounts_in_subtotal=True, **switches)
    call = Call(_world(), "GET", order.id, "v26.0", "", {}, node=order, kind="CommerceOrder")
    return NODES["CommerceOrder"].fields["estimated_payment_details"](call, order)


amounts = st.integers(1, 50_000).map(lambda cents: f"{cents / 100:.2f}")
lines = st.lists(
    st.fixed_dictionaries({
        "retailer_id": st.sampled_from(["A", "B", "C"]), "quantity": st.integers(2, 7), "price": amounts, "tax": amounts,
    }),
    min_size=1, max_size=4,
)  # fmt: skip
promotions = st.lists(
    st.fixed_dictionaries({
        "level": st.sampled_from(["item", "order", "shipping", "buy_x_get_y"]),
        "sponsor": st.sampled_from(["merchant", "facebook"]),
        "amount": st.integers(1, 100).map(lambda cents: f"{cents / 100:.2f}"),
    }),
    max_size=4,
)  # fmt: skip


def _order(document: Mapping[str, Any]) -> CommerceOrder | None:
    try:
        return _place(_world(), document)
    except ValueError as refusal:
        assert str(refusal).startswith("promotions[")  # noqa: PT017 - some promotions drawn here are impossible
        return None


@given(lines=lines, promotions=promotions, shipping=amounts, choices=st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_parcels_and_cancellations_add_up(lines: Any, promotions: Any, shipping: str, choices: Any) -> None:
    """Whatever is shipped or cancelled in whatever order, the payments and allocations add up to the order's sums."""
    order = _order({"lines": lines, "promotions": promotions, "shipping": {"price": shipping, "tax": "0.07"}})
    if order is None:
        return
    details = _details(order)
    while open_items := [item for item in order.items if item.open]:
        _settle_some(order, open_items, choices)
    rows = [one.allocations for one in order.payments] + [one.allocations for one in order.cancellations]
    for discount in order.discounts:
        parts = sum(one.amount for row in rows for one in row if one.discount is discount)
        in_whole = discount.granularity == "order_level" and discount.target == "LINE_ITEM"
        assert (discount.amount if in_whole else 0) == parts
    if not order.cancellations:
        assert _minor(details["total_amount"]) == sum(payment.total for payment in order.payments)
        assert _minor(details["tax"]) == sum(payment.tax for payment in order.payments)


def _settle_some(order: CommerceOrder, open_items: list[OrderItem], choices: Any) -> None:
    units = [Units(item, choices.randint(1, item.open)) for item in open_items if choices.random() < 0.7]
    if not units:
        return
    if choices.random() < 0.3:
        cancel(_world(), order, units, code="", description="", restock=False)
    else:
        ship(_world(), order, units, NO_TRACKING)


@given(lines=lines, promotions=promotions, shipping=amounts, parts=st.lists(st.integers(1, 60_000), max_size=8))
@settings(max_examples=25, deadline=None)
def test_refunds_never_exceed_and_end_at_nothing(lines: Any, promotions: Any, shipping: str, parts: list[int]) -> None:
    """Any partial refunds that are let through leave exactly what is left, and the rest can be refunded to the last cent."""
    order = _order({"lines": lines, "promotions": promotions, "shipping": {"price": shipping, "tax": "0.33"}})
    if order is None:
        return
    ship(_world(), order, [Units(item, item.quantity) for item in order.items], NO_TRACKING)
    charged = left_to_refund(order)
    for number, part in enumerate(parts):
        try:
            line = ask_amount(_world(), order.items[number % len(order.items)], part)
        except GraphError:
            continue
        wish = Wish([line], *ask_shipping(_world(), order, 0))
        refund(_world(), order, wish, reason="WRONG_ITEM", text="")
    assert charged == left_to_refund(order) + sum(one.total for one in order.refunds)
    refund(_world(), order, everything(order), reason="WRONG_ITEM", text="")
    assert (0, charged) == (left_to_refund(order), sum(one.total for one in order.refunds))


@given(lines=lines, promotions=promotions)
@settings(max_examples=25, deadline=None)
def test_the_estimate_adds_up(lines: Any, promotions: Any) -> None:
    """Total is items plus shipping plus tax, and buyer and Meta together pay it."""
    order = _order({"lines": lines, "promotions": promotions, "shipping": {"price": "9.99", "tax": "0.80"}})
    if order is None:
        return
    details = _details(order)
    subtotal = details["subtotal"]
    total = _minor(details["total_amount"])
    assert total == _minor(subtotal["items"]) + _minor(subtotal["shipping"]) + _minor(details["tax"])
    assert total == _minor(details["buyer_paid_amount"]) + _minor(details["facebook_paid_amount"])


@given(total=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_parts_are_the_whole(total: int, weights: list[int]) -> None:
    """A split's parts add up to the total unless there is nothing to split by, and none is negative."""
    parts = split(total, weights)
    assert (total if sum(weights) else 0) == sum(parts)
    assert min(parts) >= 0


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(1, 3, 33), (2, 3, 67), (3, 3, 100), (0, 3, 0), (0, 0, 0), (1, 8, 13)]
)
def test_a_share_is_rounded_half_up(part: int, whole: int, expected: int) -> None:
    """A hundred cents are shared to the nearest cent."""
    assert expected == share(100, part, whole)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1000, "USD", "10.00"), (1000, "JPY", "1000"), (1000, "KWD", "1.000"), (-15, "USD", "-0.15"), (5, "GBP", "0.05")],
)
def test_money_has_its_currencys_decimals(minor: int, currency: str, text: str) -> None:
    """Amounts are written with all decimals of the currency and read back as the same."""
    assert text == write_amount(minor, currency)
    assert minor < 0 or minor == read_amount(text, currency, place="amount")


@pytest.mark.parametrize("value", ["1.005", "-1", "1e3", "ten", "", None, True, "10,00", "1" * 14])
def test_money_that_is_none_is_refused(value: Any) -> None:
    """What is no amount of that currency is refused with its place."""
    with pytest.raises(ValueError, match="price"):
        read_amount(value, "USD", place="price")


@pytest.mark.parametrize("value", [{"amount": "1.00"}, {"amount": "1.00", "currency": "EUR"}, "1.00", None])
def test_money_of_another_currency_is_refused(value: Any) -> None:
    """An amount without the order's own currency is refused."""
    with pytest.raises(ValueError, match="USD"):
        read_money(value, "USD", place="refund")


def test_in_pounds_shipping_is_refunded_with_its_tax() -> None:
    """A refund of pounds takes its tax out of the amount; of dollars the tax comes on top."""
    found = {}
    for currency in ("GBP", "USD"):
        line = {"price": "10.00"}
        order = _place(_world(), {"currency": currency, "lines": [line], "shipping": {"price": "5.00", "tax": "1.00"}})
        ship(_world(), order, [Units(order.items[0], 1)], NO_TRACKING)
        found[currency] = ask_shipping(_world(), order, 300)
        with pytest.raises(GraphError):
            ask_shipping(_world(), order, 601 if currency == "GBP" else 501)
    assert {"GBP": (250, 50), "USD": (300, 60)} == found


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"colour": "red"}]}, r"lines\[0\]: unknown member colour"),
        ({"lines": [{"quantity": 0}]}, r"lines\[0\].quantity"),
        ({"lines": [{"price": "1.005"}]}, r"lines\[0\].price"),
        ({"currency": "EUR"}, r"lines\[0\].price"),
        ({"currency": "euro"}, "currency"),
        ({"channel": "tiktok"}, "channel"),
        ({"shipping": "free"}, "shipping"),
        ({"promotions": [{"amount": "99.00"}]}, r"promotions\[0\].amount"),
        ({"promotions": [{"level": "shipping", "amount": "1.00"}]}, r"promotions\[0\].amount"),
        ({"promotions": [{"level": "buy_x_get_y"}]}, r"promotions\[0\].quantity"),
        ({"promotions": [{"line": 1, "level": "item"}]}, r"promotions\[0\].line"),
        ({"buyer": {"marketing": "yes"}}, "buyer.marketing"),
        ({"count": 0}, "count"),
        ({"age_seconds": -1}, "age_seconds"),
        ({"processing_seconds": 1e12}, "processing_seconds"),
        ({"test": 1}, "test"),
    ],
)
def test_an_impossible_order_is_refused(document: dict[str, Any], named: str) -> None:
    """What cannot be ordered is named, and nothing is placed."""
    with pytest.raises(ValueError, match=named):
        _place(_world(), document)
