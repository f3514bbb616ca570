"""Lists of orders by walking little: the same as by looking at every order."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.call import Call
from simulator.orders import book, seeding
from simulator.orders.listing import FILTERS, list_orders
from simulator.orders.state import STATES, CommerceOrder, OrderRefund
from simulator.paging import cut_page, write_cursor
from simulator.standing import CommerceMerchantSettings
from simulator.state import Page
from simulator.world import World
from tests.unit.simulator.worlds import new_world

DAY = 86_400


def _account(world: World, ages: list[int]) -> CommerceMerchantSettings:
    """Return an account with one order of each age, of every state and with refunds here and there."""
    account = world.add(CommerceMerchantSettings(world.new_id(), world.all(Page)[0].id, order_app_ids=["1"]))
    for number, age in enumerate(ages):
        document = {"age_seconds": float(age)}
        order = seeding.place(world, account, seeding.read_draft(world, account, document))[0]
        if number % 3 == 0:
            order.refunds.append(OrderRefund("1", 0.0, 0.0, [], "", "", 0, 0, 0, 0))
        book.change(world, order, state=STATES[1 + number % 3], at=order.update_time, what="moved")
    return account


def _walk(world: World, account: CommerceMerchantSettings, *, backwards: bool, **params: Any) -> list[CommerceOrder]:
    """Return the orders of all pages, from the first on or, from behind the last one, back."""
    found: list[CommerceOrder] = []
    while True:
        token = next(iter(world.tokens.values()))
        call = Call(world, "GET", "", "v26.0", "", params, node=account, edge="commerce_orders", token=token)
        page, paging = cut_page(call, list_orders(call, account), limit=int(params["limit"]))
        found = [*page, *found] if backwards else [*found, *page]
        cursors = paging.get("paging", {})
        if ("previous" if backwards else "next") not in cursors:
            return found
        name, other = ("before", "after") if backwards else ("after", "before")
        params = {one: value for one, value in params.items() if one != other} | {name: cursors["cursors"][name]}


def _plainly(account: CommerceMerchantSettings, keep: Callable[[CommerceOrder], bool], sign: int) -> list[str]:
    """Return the orders by looking at all of them."""
    found = [order for order in account.orders.orders.values() if keep(order)]
    return [order.id for order in sorted(found, key=lambda order: (sign * order.mark[0], sign * order.mark[1]))]


@given(
    ages=st.lists(st.integers(0, 50), max_size=25),
    states=st.sets(st.sampled_from(STATES), min_size=1),
    filters=st.sets(st.sampled_from(["HAS_REFUNDS", "NO_REFUNDS", "NO_SHIPMENTS"]), max_size=1),
    limit=st.integers(1, 6),
    newest_first=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_pages_hold_what_a_plain_look_finds(
    ages: list[int],
    states: set[str],
    filters: set[str],
    limit: int,
    newest_first: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever is asked for, the pages hold each fitting order once and in order."""
    world = new_world(orders_newest_first=newest_first)
    account = _account(world, ages)
    now = int(world.clock.now())
    params = {"state": ",".join(states), "filters": ",".join(filters), "limit": str(limit)}
    params |= {"updated_after": str(now - 40), "updated_before": str(now - 5)}

    def keep(order: CommerceOrder) -> bool:
        in_time = now - 40 < int(order.update_time) < now - 5
        return in_time and order.state in states and all(FILTERS[name](order) for name in filters)

    sign = -1 if newest_first else 1
    assert _plainly(account, keep, sign) == [one.id for one in _walk(world, account, backwards=False, **params)]


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_way_back_is_the_way_there(newest_first: bool) -> None:  # noqa: FBT001 - a column
    """From the last page back to the first one finds what was found on the way there."""
    world = new_world(orders_newest_first=newest_first)
    account = _account(world, list(range(11)))
    params = {"state": ",".join(STATES), "limit": "3"}
    there = _walk(world, account, backwards=False, **params)
    token = next(iter(world.tokens.values()))
    call = Call(world, "GET", "", "v26.0", "", params, node=account, edge="commerce_orders", token=token)
    key = list_orders(call, account).key

    back = _walk(world, account, backwards=True, **params, before=write_cursor(key(there[-1])))
    assert [one.id for one in there[:-1]] == [one.id for one in back]


def test_an_order_that_changes_jumps_to_the_front() -> None:
    """Newest first, an order that changes during a walk is on no page after it, and is first at the next look."""
    world = new_world()
    account = _account(world, [30, 20, 10])
    params = {"state": ",".join(STATES), "limit": "1"}
    token = next(iter(world.tokens.values()))

    def page(**more: str) -> tuple[list[CommerceOrder], dict[str, Any]]:
        call = Call(
            world, "GET", "", "v26.0", "", {**params, **more}, node=account, edge="commerce_orders", token=token
        )
        return cut_page(call, list_orders(call, account), limit=1)

    first, paging = page()
    last = next(iter(account.orders.orders.values()))
    book.change(world, last, what="touched")
    rest = page(after=paging["paging"]["cursors"]["after"], limit="5")[0]
    assert (last.id, False) == (page()[0][0].id, last.id in {one.id for one in [*first, *rest]})
