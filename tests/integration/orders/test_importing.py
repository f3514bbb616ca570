"""New orders are asked for and told together; whatever is amiss with one of them, or with asking so, costs the others nothing."""

from collections import Counter
from typing import Any

import pytest

from connector.orders import graph
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from tests.integration.orders.conftest import Mall, Order

THREE = [{"retailer_id": f"sc_{name}", "quantity": 1, "price": "20.00"} for name in ("p1", "p2.S", "p3")]
MANY = r"^(/?v[\d.]+)?/?$"  # the path of a question that names its orders in a parameter


def questions(mall: Mall) -> tuple[int, int]:
    """Count what was asked about many orders at once, and about single ones."""
    asked = [call for call in mall.world.records.calls if call.method == "GET"]
    return sum("ids" in call.parameters for call in asked), sum(call.node == "CommerceOrder" for call in asked)


async def told_once(mall: Mall, names: list[str]) -> bool:
    """Tell whether each of these orders, and no other, was told to StormCom once, and is kept with its lines."""
    told = Counter(one["order"]["external_order_id"] for one in await mall.told("order_received"))
    kept = {one.external_order_id: one for one in await mall.find()}
    return dict.fromkeys(names, 1) == told and all(kept[name].lines for name in names)


async def test_new_orders_are_asked_for_and_told_together(mall: Mall) -> None:
    """Sixty orders are two questions, one command each, and no question about any by itself."""
    names = await mall.place(count=graph.MOST_READ + 10, lines=THREE, age_seconds=60)
    await mall.look()
    assert (2, 0) == questions(mall)
    assert await told_once(mall, names)
    assert {3} == {len(order.lines) for order in await mall.find()}


async def test_the_pieces_of_orders_told_together_are_kept_aside_as_of_any(mall: Mall) -> None:
    """Of the last pieces the first orders get theirs, the next is told what is missing, and nothing is promised twice."""
    await mall.shop.stock(InventoryLine(product_id="p1", source_version=2, quantity=5, track_inventory=True))
    names = await mall.place(count=3, lines=[{"retailer_id": "sc_p1", "quantity": 2, "price": "20.00"}], age_seconds=60)
    await mall.look()
    orders = {order.external_order_id: order for order in await mall.find()}
    assert ["", "", "STOCK_INSUFFICIENT"] == sorted(orders[name].problem.reason for name in names)
    assert {Order.IMPORT_STATE_IMPORTING} == {order.import_state for order in orders.values()}


async def test_an_order_of_many_lines_is_read_page_by_page(mall: Mall) -> None:
    """Who has more lines than Meta tells at once is read by itself, whole; the others come in together."""
    mall.world.switches.change(max_page=2)
    (long,) = await mall.place(lines=THREE, age_seconds=60)
    (short,) = await mall.place(age_seconds=60)
    await mall.look()
    assert await told_once(mall, [long, short])
    assert (3, 1) == (len((await mall.get(long)).lines), len((await mall.get(short)).lines))


@pytest.mark.parametrize(
    "fault",
    [{"kind": "error", "status": 400, "code": 100}, {"kind": "garbage"}, {"kind": "error", "status": 500, "code": 2}],
    ids=["refused", "unreadable", "failed"],
)
async def test_who_cannot_be_asked_for_together_is_asked_for_singly(mall: Mall, fault: dict[str, Any]) -> None:
    """When Meta does not tell many orders at once, each comes in by itself."""
    mall.shop.break_calls(MANY, **fault)
    names = await mall.place(count=3, age_seconds=60)
    await mall.look()
    mall.clock.advance(minutes=1)
    await mall.turn()
    assert await told_once(mall, names)
    assert (1, True) == (questions(mall)[0], questions(mall)[1] >= len(names))


async def test_what_changed_in_the_second_of_its_reading_is_seen_by_the_next_look(mall: Mall) -> None:
    """An order that was read within seconds of a change is looked at again, with others, until nothing can have been missed."""
    names = await mall.place(count=3)
    await mall.look()
    mall.clock.advance(seconds=6)
    await mall.look()
    assert (2, 0) == questions(mall)
    await mall.look()
    assert (2, 0) == questions(mall)
    assert await told_once(mall, names)


async def test_orders_that_meta_was_told_of_are_read_again_together(mall: Mall) -> None:
    """What became of acknowledged orders at Meta is asked at once for all of them, and told of each."""
    names = await mall.place(count=5)
    await mall.look()
    mall.clock.advance(minutes=6)
    await mall.look()
    _, single = questions(mall)
    for place, order in enumerate(await mall.find()):
        await mall.answer(order, f"local-{place}")
    await mall.turn()
    assert [Order.STATE_IN_PROGRESS] * 5 == [(await mall.get(name)).state for name in names]
    assert 5 == len(await mall.told("order_state_changed"))
    assert single == questions(mall)[1]
