"""What Meta's copies hide, or tell late, comes to StormCom all the same, and what StormCom knew of an order stays."""

from connector.orders import graph
from tests.integration.order_changes.doings import LAMPS, act, pieces, ship
from tests.integration.orders.conftest import Mall, Order
from tests.integration.orders.test_answers import held
from tests.integration.orders.test_importing import questions


async def test_an_order_that_seemed_gone_is_told_once_a_list_names_it_again(mall: Mall) -> None:
    """A copy of Meta's that does not have a new order yet ends it only until the next look; its pieces are kept aside then."""
    (name,) = await mall.place()
    mall.shop.break_calls(
        r"^(/?v[\d.]+)?/?$", "error", status=400, code=100, subcode=33
    )  # the question for many at once
    mall.shop.break_calls(f"{name}$", "error", status=400, code=100, subcode=33)
    await mall.look()
    gone = await mall.get(name)
    assert (Order.STATE_VANISHED, Order.IMPORT_STATE_ENDED) == (gone.state, gone.import_state)
    await mall.look()
    back = await mall.get(name)
    assert (Order.STATE_CREATED, Order.IMPORT_STATE_IMPORTING, 2) == (back.state, back.import_state, await held(mall))
    assert ["order_received"] == await mall.told()


async def test_an_order_that_seemed_gone_and_cannot_be_read_is_in_quarantine(mall: Mall) -> None:
    """Where what is listed again cannot be right, a person sees it, as of any order."""
    (name,) = await mall.place()
    mall.shop.break_calls(r"^(/?v[\d.]+)?/?$", "error", status=400, code=100, subcode=33)
    mall.shop.break_calls(f"{name}$", "error", status=400, code=100, subcode=33)
    await mall.look()
    mall.meta(name).currency = "XXX"
    await mall.look()
    order = await mall.get(name)
    assert ("ORDER_UNREADABLE", Order.IMPORT_STATE_QUARANTINED) == (order.problem.reason, order.import_state)


async def test_an_order_processed_at_meta_that_seemed_gone_is_kept_aside_again(mall: Mall) -> None:
    """Its pieces were offered again when it seemed gone; when a list names it, they are kept aside anew."""
    order = await mall.bought(processing_seconds=7 * 86_400)
    name = order.external_order_id
    mall.clock.advance(seconds=6)
    mall.shop.break_calls(r"^(/?v[\d.]+)?/?$", "error", status=400, code=100, subcode=33)
    mall.shop.break_calls(f"{name}$", "error", status=400, code=100, subcode=33)
    await mall.look()
    assert (Order.IMPORT_STATE_ENDED, 0) == ((await mall.get(name)).import_state, await held(mall))
    await mall.look()
    assert (Order.IMPORT_STATE_RESERVED, 2) == ((await mall.get(name)).import_state, await held(mall))


async def test_a_restated_order_tells_what_was_refunded(mall: Mall) -> None:
    """The event of a later state has every line as it is kept, pieces that were paid back before among them."""
    order = await mall.bought(lines=LAMPS)
    await mall.answer(order, "local-1")
    await mall.turn()
    ship(mall, order, 1)
    await act(mall, order, "refund", by="meta", items=pieces(order, 1, name="item_refund_quantity"))
    mall.clock.advance(seconds=6)
    await mall.look()
    mall.clock.advance(seconds=6)
    await act(mall, order, "cancel", items=pieces(order, 2))
    mall.clock.advance(seconds=6)
    await mall.look()
    told = (await mall.told("order_state_changed"))[-1]["order"]
    (line,) = told["lines"]
    assert ("STATE_COMPLETED", 1, 2, 1) == (
        told["state"], line["shipped_quantity"], line["cancelled_quantity"], line["refunded_quantity"],
    )  # fmt: skip


async def test_however_many_orders_are_doubtful_one_look_settles_them(mall: Mall) -> None:
    """Orders that were read within seconds of a change are looked at again fifty at a time, turn after turn, until none is left."""
    await mall.place(count=graph.MOST_READ + 10)
    await mall.look()
    mall.clock.advance(seconds=6)
    await mall.look()
    mall.clock.advance(seconds=6)
    asked = questions(mall)
    await mall.look()
    assert asked == questions(mall)
