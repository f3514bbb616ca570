"""What stands still goes on by itself when it can, is told while it cannot, and bothers nobody once it is over."""

from uuid import UUID

from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.orders import graph
from connector.orders.actions.reading import apply
from connector.orders.db import orders, sightings
from connector.orders.graph import Reading
from stormcom.facebook.v1 import order_command_service_pb2 as commands
from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsStub
from tests.integration.conftest import STORE
from tests.integration.orders.conftest import PAGE, Mall, Order
from tests.integration.orders.test_import import watch


async def test_what_meta_mends_comes_out_of_quarantine_by_itself(mall: Mall) -> None:
    """An order that could not be read is read again after an hour, then two, without anybody's doing: it is told when it is right."""
    (name,) = await mall.place()
    mall.meta(name).currency = "XXX"
    await mall.look()
    order = await mall.get(name)
    assert order.problem.since_time.seconds + 3600 == order.problem.retry_time.seconds
    mall.clock.advance(hours=1, minutes=5)
    await mall.turn()
    order = await mall.get(name)
    assert (Order.IMPORT_STATE_QUARANTINED, 2) == (order.import_state, order.problem.try_count)
    mall.meta(name).currency = "USD"
    mall.clock.advance(hours=2, minutes=5)
    await mall.turn()
    order = await mall.get(name)
    assert (Order.IMPORT_STATE_IMPORTING, False) == (order.import_state, order.HasField("problem"))


async def test_an_outage_of_metas_is_nobodys_work(mall: Mall) -> None:
    """An acknowledgement that failed five times while Meta was down is made by itself, an hour later."""
    order = await mall.bought()
    await mall.answer(order, "local-1")
    mall.shop.break_calls("acknowledge_orders", "error", times=5, status=500, code=2, message="down")
    for _ in range(5):
        await mall.turn()
        mall.clock.advance(minutes=21)
    given_up = await mall.get(order.external_order_id)
    assert (Order.IMPORT_STATE_QUARANTINED, True) == (given_up.import_state, given_up.problem.HasField("retry_time"))
    mall.clock.advance(hours=1)
    await mall.turn()
    assert Order.IMPORT_STATE_ACKNOWLEDGED == (await mall.get(order.external_order_id)).import_state
    assert ["local-1"] == [mall.meta(order.external_order_id).merchant_order_id]


async def cancel(mall: Mall, order: Order) -> None:
    """Have an order cancelled at Meta by StormCom's command, and look at what came of it."""
    asked = commands.CancelOrderRequest(store_id=STORE, order_id=order.order_id, request_id=f"cancel-{order.order_id}")
    await FacebookOrderCommandsStub(mall.shop.channel).CancelOrder(asked)
    await mall.turn()
    mall.clock.advance(seconds=6)
    await mall.look()


async def test_an_order_that_is_processed_for_a_day_is_told_and_can_be_cancelled(mall: Mall) -> None:
    """After 24 hours the merchant is told; cancelled, the order ends, its pieces are offered again, and the alert closes."""
    mall.world.switches.change(processing_seconds=7 * 86_400)
    order = await mall.bought()
    mall.clock.advance(hours=23)
    await watch(mall)
    assert [] == await mall.alerts()
    mall.clock.advance(hours=1, minutes=1)
    await watch(mall)
    assert [("ORDER_PROCESSED_LONG", False)] == await mall.alerts()
    await cancel(mall, order)
    await watch(mall)
    assert [("ORDER_PROCESSED_LONG", False), ("ORDER_PROCESSED_LONG", True)] == await mall.alerts()
    assert Order.IMPORT_STATE_ENDED == (await mall.get(order.external_order_id)).import_state
    assert "stock_reservation_released" in await mall.told()


async def test_a_refused_order_that_was_cancelled_needs_nobody(mall: Mall) -> None:
    """What StormCom refused is told until it is cancelled at Meta."""
    order = await mall.bought()
    await mall.answer(order, outcome="OUTCOME_REJECTED", reject_reason="Not sold any more")
    await watch(mall)
    await cancel(mall, order)
    await watch(mall)
    assert [("ORDER_QUARANTINED", False), ("ORDER_QUARANTINED", True)] == await mall.alerts()


async def test_that_no_orders_can_be_seen_is_told(mall: Mall) -> None:
    """Where no order has a row because every look fails, an alert says so after 15 minutes, until a look comes to its end."""
    mall.shop.break_calls("commerce_orders", "garbage", times=50)
    for _ in range(3):
        await mall.look()
        await watch(mall)
        mall.clock.advance(minutes=8)
    assert [("ORDERS_UNSEEN", False)] == await mall.alerts()
    mall.world.faults.clear()
    await mall.look()
    await watch(mall)
    assert [("ORDERS_UNSEEN", False), ("ORDERS_UNSEEN", True)] == await mall.alerts()


async def copy(mall: Mall, name: str) -> Reading:
    """Read an order as Meta tells it now."""
    async with mall.runtime.db.begin() as tx:
        connection = await connections_db.require(tx, STORE, mall.connection_id)
    access = await connections.access(mall.runtime, connection)
    document = await mall.runtime.graph.send(graph.read_order(name, PAGE), access)
    items = await mall.runtime.graph.send(graph.list_items(name, PAGE), access)
    return graph.read(document, items.entries, [])


async def test_an_older_copy_of_metas_changes_nothing(mall: Mall) -> None:
    """What a lagging copy tells is not taken for the news that a list told: the newer state stays, or is read again."""
    order = await mall.bought()
    old = await copy(mall, order.external_order_id)
    mall.clock.advance(minutes=6)
    await mall.control("POST", f"/orders/{order.external_order_id}/touch", {})
    mall.meta(order.external_order_id).buyer.address["city"] = "Sylhet"  # type: ignore[index] # a plain dict underneath
    mall.clock.advance(minutes=6)
    async with mall.runtime.db.begin() as tx:
        connection = await connections_db.require(tx, STORE, mall.connection_id)
        heard = await orders.by_id(tx, UUID(order.order_id), lock=True)
        assert heard is not None
        heard = await orders.change(tx, heard, update_time=mall.clock())  # as a list tells it
        await apply(mall.runtime, tx, connection, heard, old)
        assert [heard.id] == [one.id for one in await sightings.unread(tx, connection.id, limit=9)]
    await mall.look()
    assert "Sylhet" == (await mall.get(order.external_order_id)).address.original.city
    async with mall.runtime.db.begin() as tx:
        new = await orders.by_id(tx, UUID(order.order_id), lock=True)
        assert new is not None
        assert new == await apply(mall.runtime, tx, connection, new, old)
