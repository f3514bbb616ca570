"""While Meta processes an order, its pieces are kept aside; when it vanishes, they are offered again."""

import asyncio

import grpc
import pytest

from stormcom.facebook.v1 import order_service_pb2 as pb
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.inventory.shelf import hold
from tests.integration.orders.conftest import Mall, Order
from tests.integration.orders.test_answers import held

LONG = 1800


async def test_an_order_in_processing_keeps_its_pieces(mall: Mall) -> None:
    """Its buyer is hidden, its pieces are kept for 26 hours; once placed it is told, and its hold goes on."""
    order = await mall.bought(processing_seconds=LONG)
    assert (Order.STATE_FB_PROCESSING, Order.IMPORT_STATE_RESERVED, False) == (
        order.state, order.import_state, order.HasField("buyer"),
    )  # fmt: skip
    assert 2 == await held(mall)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mall.answer(order, "local-1")
    assert ("ORDER_STATE_INVALID",) == reason_of(refused.value)
    await mall.control("POST", f"/orders/{order.external_order_id}/finish-processing", {})
    mall.clock.advance(minutes=5)
    await mall.look()
    after = await mall.get(order.external_order_id)
    assert (Order.IMPORT_STATE_IMPORTING, list(order.hold_ids), True) == (
        after.import_state, list(after.hold_ids), after.HasField("buyer"),
    )  # fmt: skip
    assert (["stock_reservation_requested", "order_received"], 2) == (await mall.told(), await held(mall))


async def test_an_order_that_vanishes_ends(mall: Mall) -> None:
    """What never came to be is ended by the next look, its pieces are offered again, and StormCom is told once."""
    order = await mall.bought(processing_seconds=LONG, vanishes=True)
    await mall.control("POST", f"/orders/{order.external_order_id}/finish-processing", {})
    for _ in range(2):
        mall.clock.advance(minutes=5)
        await mall.look()
    after = await mall.get(order.external_order_id)
    assert (Order.STATE_VANISHED, Order.IMPORT_STATE_ENDED, 0) == (after.state, after.import_state, await held(mall))
    assert ["stock_reservation_requested", "stock_reservation_released"] == await mall.told()


async def test_too_few_pieces_are_kept_as_far_as_they_go(mall: Mall) -> None:
    """What there is is kept aside, and what is missing is said."""
    lines = [
        {"retailer_id": "sc_p1", "quantity": 7, "price": "1.00"},
        {"retailer_id": "sc_p3", "quantity": 1, "price": "1.00"},
    ]
    order = await mall.bought(lines=lines, processing_seconds=LONG)
    assert ("STOCK_INSUFFICIENT", 6, 2) == (order.problem.reason, await held(mall), len(order.hold_ids))
    assert "2 of 7 p1" in order.problem.message


async def test_orders_and_64_callers_never_hold_more_than_there_is(mall: Mall) -> None:
    """Orders that Meta processes and callers want the last five pieces at once: five are held, whoever has them."""
    await mall.place(lines=[{"retailer_id": "sc_p1", "quantity": 1, "price": "1.00"}], processing_seconds=LONG, count=4)
    await mall.orders.PollOrders(pb.PollOrdersRequest(store_id=STORE))

    async def caller() -> int:
        try:
            await hold(mall.shop, ("p1", 1))
        except grpc.aio.AioRpcError as refused:
            if reason_of(refused) != ("STOCK_INSUFFICIENT",):
                raise
            return 0
        return 1

    *_, got = await asyncio.gather(mall.turn(), mall.turn(), asyncio.gather(*(caller() for _ in range(64))))
    kept = sum(len(order.hold_ids) for order in await mall.find())
    assert (5, 5) == (sum(got) + kept, await held(mall))
    short = [order for order in await mall.find() if order.problem.reason == "STOCK_INSUFFICIENT"]
    assert 4 == kept + len(short)


async def test_orders_are_taken_over_and_given_up(linked: Mall) -> None:
    """Taking over and giving up are done once however often they are asked for; open orders have to be forced."""
    associate, release = (
        pb.AssociateOrderManagementRequest(store_id=STORE),
        pb.ReleaseOrderManagementRequest(store_id=STORE),
    )
    for _ in range(2):
        found = (await linked.orders.AssociateOrderManagement(associate)).order_management
        assert pb.OrderManagement.STATE_OURS == found.state
    await linked.turn()
    await linked.bought()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await linked.orders.ReleaseOrderManagement(release)
    assert ("ORDERS_OPEN", "1") == reason_of(refused.value, "order_count")
    release.force = True
    for _ in range(2):
        found = (await linked.orders.ReleaseOrderManagement(release)).order_management
        assert pb.OrderManagement.STATE_FREE == found.state
    await linked.place()
    linked.clock.advance(minutes=6)
    await linked.turn()
    assert 1 == len(await linked.find())


async def test_orders_of_another_app_are_not_taken(linked: Mall) -> None:
    """Who comes second is told by whom it is mended; the alert ends when the orders are ours."""
    await linked.control("PATCH", "/pages/30000000000000001/shop", {"order_app_ids": ["1"]})
    request = pb.AssociateOrderManagementRequest(store_id=STORE)
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await linked.orders.AssociateOrderManagement(request)
        assert ("ORDER_MANAGEMENT_TAKEN",) == reason_of(refused.value)
    await linked.control("PATCH", "/pages/30000000000000001/shop", {"order_app_ids": []})
    await linked.orders.AssociateOrderManagement(request)
    assert [("ORDERS_MANAGED_ELSEWHERE", False), ("ORDERS_MANAGED_ELSEWHERE", True)] == await linked.alerts()


async def test_an_order_whose_lists_are_gone_is_not_gone(mall: Mall) -> None:
    """When Meta switches a part of the road off, orders wait and are told as late: none is believed to have vanished."""
    order = await mall.bought(processing_seconds=LONG)
    mall.shop.break_calls(f"{order.external_order_id}/items", "error", code=803, status=404)
    mall.clock.advance(minutes=35)
    await mall.look()
    assert Order.IMPORT_STATE_RESERVED == (await mall.get(order.external_order_id)).import_state
    mall.clock.advance(minutes=15)
    await mall.look()
    assert Order.IMPORT_STATE_IMPORTING == (await mall.get(order.external_order_id)).import_state


async def test_pieces_are_kept_again_when_their_time_is_over(mall: Mall) -> None:
    """A hold that ends by its time alone is made again, while Meta processes and until StormCom answers; one that was sold is not."""
    order = await mall.bought(processing_seconds=200 * 3600)
    for happening, kind in (("", "stock_reservation_requested"), ("finish-processing", "order_received")):
        if happening:
            await mall.control("POST", f"/orders/{order.external_order_id}/{happening}", {})
            mall.clock.advance(minutes=5)
            await mall.look()
        before = await mall.get(order.external_order_id)
        mall.clock.advance(hours=26, minutes=1)
        await mall.look()
        after = await mall.get(order.external_order_id)
        assert (2, True, True) == (
            await held(mall), after.version > before.version, set(before.hold_ids).isdisjoint(after.hold_ids),
        )  # fmt: skip
        assert 2 == len(await mall.told(kind))
    await mall.answer(after, "local-1")
    assert 0 == await held(mall)
    mall.clock.advance(hours=27)
    await mall.look()
    assert (0, 2) == (await held(mall), len(await mall.told("order_received")))


async def test_what_waited_while_another_app_managed_is_acknowledged_later(mall: Mall) -> None:
    """An acknowledgement that another app is in the way of is told by the one alert, and made when the orders are ours again."""
    order = await mall.bought()
    await mall.control("PATCH", "/pages/30000000000000001/shop", {"order_app_ids": ["1"]})
    await mall.answer(order, "local-1")
    await mall.turn()
    mall.clock.advance(minutes=11)
    await mall.turn()
    assert (Order.IMPORT_STATE_IMPORTED, [("ORDERS_MANAGED_ELSEWHERE", False)]) == (
        (await mall.get(order.external_order_id)).import_state, await mall.alerts(),
    )  # fmt: skip
    await mall.control("PATCH", "/pages/30000000000000001/shop", {"order_app_ids": []})
    await mall.orders.AssociateOrderManagement(pb.AssociateOrderManagementRequest(store_id=STORE))
    await mall.turn()
    assert Order.IMPORT_STATE_ACKNOWLEDGED == (await mall.get(order.external_order_id)).import_state
