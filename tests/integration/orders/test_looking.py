"""Looks at lists that are long, change meanwhile, or never come: nothing is passed over."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from connector.db.outbox import Task, tasks
from connector.orders.actions.planning import plan_poll
from connector.orders.actions.polling import EVERY
from connector.orders.db import accounts
from simulator.state import Page
from stormcom.facebook.v1 import order_service_pb2 as pb
from tests.integration.conftest import STORE
from tests.integration.orders.conftest import PAGE, Mall


async def test_no_page_is_turned_where_time_can_be_halved(mall: Mall) -> None:
    """Orders of more than a page are listed window by window, so none can slip from one page to another: all are there."""
    mall.world.switches.change(max_page=1)
    for _ in range(4):
        await mall.place()
        mall.clock.advance(minutes=3)
    await mall.turn()
    lists = [call.parameters for call in mall.world.records.calls if call.path.endswith("/commerce_orders")]
    assert [] == [one for one in lists if "after" in one]
    assert 4 == len(await mall.find())


async def test_a_very_long_look_goes_on_in_another_turn(linked: Mall) -> None:
    """What one turn has no time for the next one sees: the watermark comes to the newest change."""
    linked.world.switches.change(max_page=1)
    for _ in range(55):  # orders that nobody manages go on by themselves, and are not ours: only listed
        linked.clock.advance(minutes=2)
        await linked.place()
    newest = linked.clock().replace(microsecond=0)
    await linked.orders.AssociateOrderManagement(pb.AssociateOrderManagementRequest(store_id=STORE))
    await linked.turn()
    shown = await linked.orders.GetOrderManagement(pb.GetOrderManagementRequest(store_id=STORE))
    assert newest == shown.order_management.watermark_time.ToDatetime(newest.tzinfo)


async def test_a_list_that_is_longer_than_a_page_is_read_whole(mall: Mall) -> None:
    """However many lines an order has and however few Meta tells at once: each is there, in order, with its sums."""
    mall.world.switches.change(max_page=3)
    lines = [{"retailer_id": "sc_p1", "quantity": number, "price": "1.00", "tax": "0.10"} for number in range(1, 9)]
    order = await mall.bought(lines=lines)
    assert list(range(1, 9)) == [line.quantity for line in order.lines]
    assert (3600, 3680) == (order.sums.items.minor_units, order.sums.total.minor_units)


async def test_a_look_at_one_shop_says_nothing_of_another(mall: Mall) -> None:
    """Whose Page gets another shop during a look does not lose the new one's orders: the mark of the old shop is not kept for it."""
    async with mall.runtime.db.begin() as tx:
        looked = await accounts.find(tx, UUID(mall.connection_id))
        assert looked is not None
        await accounts.change(tx, looked.connection_id, commerce_account_id="another", watermark_time=None)
        await accounts.mark(tx, looked, watermark_time=mall.clock())
        now = await accounts.find(tx, looked.connection_id)
    assert now == replace(looked, commerce_account_id="another", watermark_time=None)


async def test_a_road_that_opens_again_is_looked_at_within_five_minutes(mall: Mall) -> None:
    """While Meta lets us not there is nothing to look for; but the next look is never farther away than any other."""
    mall.world.require(Page, PAGE, name="page").orders = "ended"
    await mall.look()
    mall.clock.advance(minutes=10)
    await mall.turn()
    assert pb.OrderManagement.STATE_RETIRED == (await mall.manages()).state
    async with mall.runtime.db.begin() as tx:
        await plan_poll(tx, UUID(mall.connection_id), at=mall.clock())  # as the relay does
    await mall.turn()
    async with mall.runtime.db.begin() as tx:
        due = await tx.scalar(select(tasks.c.due_time).where(tasks.c.name == Task.POLL_ORDERS))
    assert due is not None
    assert mall.clock() + EVERY >= due
