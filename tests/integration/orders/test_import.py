"""Orders come into StormCom: once each, whole, and nothing holds another up."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import orjson
import pytest
from sqlalchemy import func, select, text

from connector.db import outbox
from connector.db.outbox import Task
from connector.orders.db.tables import orders
from connector.values import Environment
from connector.webhooks.actions import keeping
from connector.webhooks.model import Arrival
from jobs.run import turn
from simulator.state import Page
from stormcom.facebook.v1 import admin_service_pb2 as admin
from stormcom.facebook.v1 import order_service_pb2 as pb
from stormcom.facebook.v1.admin_service_pb2_grpc import FacebookAdminStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.orders.conftest import PAGE, Mall, Order


def sums(order: Order) -> tuple[int, ...]:
    names = "items", "order_discount", "shipping", "tax", "total", "paid_by_meta"
    return tuple(getattr(order.sums, name).minor_units for name in names)


async def test_an_order_is_told_whole(mall: Mall) -> None:
    """A placed order becomes one command to StormCom, with every cent, line and word in it."""
    order = await mall.bought(
        shipping={"price": "5.00", "tax": "0.40"}, buyer={"name": "Zoë Ölander", "marketing": False},
        address={"street1": "Große Straße 1", "city": "Łódź"}, channel="instagram",
    )  # fmt: skip
    assert (Order.IMPORT_STATE_IMPORTING, Order.STATE_CREATED, 1) == (order.import_state, order.state, order.version)
    assert (4000, 0, 500, 190, 4690, 0) == sums(order)
    line = order.lines[0]
    assert ("p1", True, 2, 4150) == (line.product_id, line.mapped, line.quantity, line.total.minor_units)
    assert ("Große Straße 1", "Grosse Strasse 1") == (order.address.original.street1, order.address.ascii.street1)
    assert ("Zoë Ölander", 2) == (order.buyer.name, order.buyer.marketing_opt_in)
    assert ("Paid on Instagram", True, 2) == (
        order.payment.display_name, order.payment.prepaid, order.notification_policy,
    )  # fmt: skip
    (told,) = await mall.told("order_received")
    assert (order.order_id, f"fb:{STORE}:INSTAGRAM:{order.external_order_id}") == (
        told["order"]["order_id"], told["idempotency_key"],
    )  # fmt: skip


DISCOUNTS: Sequence[tuple[dict[str, str], tuple[int, ...]]] = [
    ({"level": "item", "amount": "1.00"}, (6700, 0, 500, 150, 7350, 0)),
    ({"level": "order", "amount": "1.00", "coupon": "C"}, (7000, 100, 500, 150, 7550, 0)),
    ({"level": "order", "amount": "1.00", "sponsor": "facebook"}, (7000, 0, 500, 150, 7650, 100)),
    ({"level": "shipping", "amount": "1.25"}, (7000, 0, 375, 150, 7525, 0)),
    ({"level": "buy_x_get_y", "amount": "5.00"}, (6500, 0, 500, 150, 7150, 0)),
    ({"level": "item", "amount": "1.00", "sponsor": "facebook"}, (7000, 0, 500, 150, 7650, 300)),
]


@pytest.mark.parametrize("gross", [True, False])
async def test_every_discount_adds_up(mall: Mall, *, gross: bool) -> None:
    """Whoever pays for it, whatever it is taken off, and whether Meta tells its sums before or after it: every cent is right."""
    mall.world.switches.change(order_discounts_in_subtotal=not gross)
    lines = [
        {"retailer_id": "sc_p1", "quantity": 3, "price": "10.00", "tax": "1.00"},
        {"retailer_id": "sc_p2.S", "quantity": 1, "price": "40.00", "tax": "0.50"},
    ]
    names = [
        (await mall.place(lines=lines, shipping={"price": "5.00"}, promotions=[promotion]))[0]
        for promotion, _ in DISCOUNTS
    ]
    await mall.look()
    orders = [await mall.get(name) for name in names]
    assert [expected for _, expected in DISCOUNTS] == [sums(order) for order in orders]
    assert [1] * len(orders) == [len(order.discounts) for order in orders]
    of_lines = [sum(line.total.minor_units for line in order.lines) for order in orders]
    shipping = [order.sums.shipping.minor_units for order in orders]
    assert [order.sums.total.minor_units for order in orders] == list(map(sum, zip(of_lines, shipping, strict=True)))


async def test_a_line_that_nobody_knows_is_told_all_the_same(mall: Mall) -> None:
    """An item that left the registry stays a line, marked as unmapped."""
    order = await mall.bought(lines=[{"retailer_id": "stranger", "quantity": 1, "price": "1.00"}])
    assert (False, "", "stranger") == (order.lines[0].mapped, order.lines[0].product_id, order.lines[0].retailer_id)
    assert Order.IMPORT_STATE_IMPORTING == order.import_state


async def test_one_bad_order_holds_no_other_up(mall: Mall) -> None:
    """An order that cannot be right goes into quarantine with its reason; the others of the Page come in, and it after its retry."""
    good, bad, last = [(await mall.place())[0] for _ in range(3)]
    mall.meta(bad).currency = "XXX"
    await mall.look()
    assert [Order.IMPORT_STATE_IMPORTING] * 2 == [(await mall.get(one)).import_state for one in (good, last)]
    order = await mall.get(bad)
    assert (Order.IMPORT_STATE_QUARANTINED, "ORDER_UNREADABLE") == (order.import_state, order.problem.reason)
    await watch(mall)
    mall.meta(bad).currency = "USD"
    await mall.orders.RetryOrder(pb.RetryOrderRequest(store_id=STORE, order_id=order.order_id))
    await mall.turn()
    assert Order.IMPORT_STATE_IMPORTING == (await mall.get(bad)).import_state
    await watch(mall)
    assert [("ORDER_QUARANTINED", False), ("ORDER_QUARANTINED", True)] == await mall.alerts()


async def test_an_order_in_another_currency_is_not_told(mall: Mall) -> None:
    """Once StormCom has said the store's currency, an order in another one waits in quarantine, alone or among many, until that changes."""
    told = await mall.say_currency("USD")
    assert "USD" == told.currency_code
    names = [(await mall.place())[0] for _ in range(3)]
    mall.meta(names[1]).currency = "EUR"
    await mall.look()
    order = await mall.get(names[1])
    assert (Order.IMPORT_STATE_QUARANTINED, "ORDER_CURRENCY_MISMATCH") == (order.import_state, order.problem.reason)
    assert ["order_received"] * 2 == await mall.told()
    await mall.orders.RetryOrder(pb.RetryOrderRequest(store_id=STORE, order_id=order.order_id))
    await mall.turn()
    assert "ORDER_CURRENCY_MISMATCH" == (await mall.get(names[1])).problem.reason
    assert "USD" == (await mall.say_currency(None)).currency_code  # taking over again forgets nothing
    assert not (await mall.say_currency("")).currency_code
    await mall.orders.RetryOrder(pb.RetryOrderRequest(store_id=STORE, order_id=order.order_id))
    await mall.turn()
    assert ["order_received"] * 3 == await mall.told()


async def test_a_currency_that_does_not_exist_is_refused(linked: Mall) -> None:
    """A wrong code names its field before Meta is asked."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await linked.say_currency("usd")
    assert ("CURRENCY_UNKNOWN", "currency_code") == reason_of(refused.value, "field")
    assert pb.OrderManagement.STATE_FREE == (await linked.manages()).state


async def test_one_order_by_every_way_is_one_order(mall: Mall) -> None:
    """A hundred webhooks, looks that are asked for and eight workers at once: one order is one row and one command."""
    (name,) = await mall.place()
    change = {"field": "orders", "value": {"order_id": name}}
    hint = {"object": "page", "entry": [{"id": PAGE, "time": 1, "changes": [change]}]}
    async with keeping(mall.runtime) as keep:
        for start in range(0, 100, 25):
            bodies = [orjson.dumps({**hint, "n": place}) for place in range(start, start + 25)]
            await asyncio.gather(
                *(keep([Arrival(Environment.TEST, body, "sha256=…")]) for body in bodies),
                mall.orders.PollOrders(pb.PollOrdersRequest(store_id=STORE)),
                *(turn(mall.runtime) for _ in range(8)),
            )
            mall.clock.advance(minutes=6)
    await mall.turn()
    assert ["order_received"] == await mall.told()
    async with mall.runtime.db.begin() as tx:
        assert 1 == await tx.scalar(select(func.count()).select_from(orders))


async def test_all_orders_come_in_without_any_webhook(mall: Mall) -> None:
    """Orders of several of Meta's pages are all told within fifteen minutes by looking alone."""
    mall.world.switches.change(order_webhooks="none", max_page=15)
    await mall.place(count=40)
    for _ in range(3):
        mall.clock.advance(minutes=5)
        await mall.turn()
    assert 40 == len(await mall.told("order_received"))
    assert {Order.IMPORT_STATE_IMPORTING} == {one.import_state for one in await mall.find()}


async def test_orders_of_before_are_not_ours(linked: Mall) -> None:
    """What was acknowledged before we managed the orders is not told; what waits for an acknowledgement is."""
    (old,) = await linked.place(age_seconds=3600)  # nobody manages orders: it goes on by itself
    assert "IN_PROGRESS" == linked.meta(old).state
    await linked.orders.AssociateOrderManagement(pb.AssociateOrderManagementRequest(store_id=STORE))
    linked.clock.advance(minutes=5)
    (new,) = await linked.place()
    await linked.look()
    assert [new] == [one.external_order_id for one in await linked.find()]


async def test_a_change_before_the_answer_is_told_again(mall: Mall) -> None:
    """Of two tellings the one with the greater version is true; a look that finds nothing new tells nothing."""
    order = await mall.bought()
    mall.clock.advance(minutes=5)
    await mall.control("POST", f"/orders/{order.external_order_id}/touch", {})
    await mall.look()
    assert 1 == (await mall.get(order.external_order_id)).version
    mall.meta(order.external_order_id).buyer.address["city"] = "Sylhet"  # type: ignore[index] # a plain dict underneath
    await mall.control("POST", f"/orders/{order.external_order_id}/touch", {})
    mall.clock.advance(minutes=5)
    await mall.look()
    assert [1, 2] == [one["order"]["version"] for one in await mall.told("order_received")]


async def test_a_look_that_fails_is_repeated_whole(mall: Mall) -> None:
    """Garbage and a lost answer delay orders; none is missed, and the watermark does not move meanwhile."""
    for kind in ("garbage", "drop_answer"):
        mall.shop.break_calls("commerce_orders", kind)
    await mall.place()
    for _ in range(4):
        await mall.look()
        mall.clock.advance(minutes=10)
    await mall.look()
    assert ["order_received"] == await mall.told()


async def test_a_retired_road_is_told_as_such(mall: Mall) -> None:
    """When Meta switches orders off, calls say so by their own reason, and orders that are with us stay readable."""
    order = await mall.bought()
    mall.world.require(Page, PAGE, name="page").orders = "ended"
    await mall.look()
    mall.clock.advance(minutes=10)
    await mall.turn()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mall.orders.PollOrders(pb.PollOrdersRequest(store_id=STORE))
    assert ("CAPABILITY_RETIRED_BY_META",) == reason_of(refused.value)
    assert order.external_order_id == (await mall.get(order.external_order_id)).external_order_id
    shown = await mall.orders.GetOrderManagement(pb.GetOrderManagementRequest(store_id=STORE))
    assert pb.OrderManagement.STATE_RETIRED == shown.order_management.state


async def test_an_order_that_is_late_raises_an_alert_that_ends(mall: Mall) -> None:
    """Fifteen minutes without an answer are told once, and so is the end."""
    order = await mall.bought()
    mall.clock.advance(minutes=16)
    for _ in range(2):
        await watch(mall)
    assert [("ORDER_NOT_IMPORTED", False)] == await mall.alerts()
    await mall.answer(order, "local-1")
    await watch(mall)
    assert [("ORDER_NOT_IMPORTED", False), ("ORDER_NOT_IMPORTED", True)] == await mall.alerts()


async def watch(mall: Mall) -> None:
    """Do the watch of every minute."""
    async with mall.runtime.db.begin() as tx:
        await outbox.add(tx, Task.WATCH_ORDERS, due=mall.runtime.now(), key="watch")
    await mall.turn()


async def test_people_are_forgotten_by_their_relay_address_and_with_time(mall: Mall) -> None:
    """Ninety days after the end nobody knows any more who bought; what was bought stays."""
    order = await mall.bought()
    async with mall.runtime.db.begin() as tx:
        await tx.execute(text("UPDATE orders SET over_time = :at"), {"at": mall.runtime.now()})
        await outbox.add(tx, Task.SWEEP, due=mall.runtime.now(), key="sweep")
    mall.clock.advance(days=91)
    await mall.turn()
    after = await mall.get(order.external_order_id)
    assert (False, False, 4150) == (after.HasField("buyer"), after.HasField("address"), after.sums.total.minor_units)


@pytest.mark.parametrize("shape", ["page.orders", "commerce_account.commerce_orders", "webhook_id", "nothing"])
async def test_a_hundred_hints_are_one_look(mall: Mall, shape: str) -> None:
    """A webhook in whatever shape has orders looked for at once, and a hundred of them once; the order comes in once."""
    (name,) = await mall.place()
    account = mall.meta(name).account_id
    value = {"order_id": name, "commerce_account_id": account, "event": "created", "state": "CREATED"}
    object_, _, field = shape.partition(".") if "." in shape else ("commerce_account", "", "orders")
    entry_id = {"page": PAGE, "webhook_id": "1", "nothing": "9"}.get(shape.partition(".")[0], account)
    told = {} if shape == "nothing" else value
    change = {"object": object_, "entry": [{"id": entry_id, "time": 1, "changes": [{"field": field, "value": told}]}]}
    async with keeping(mall.runtime) as keep:
        for place in range(100):
            body = orjson.dumps({**change, "n": place})
            await keep([Arrival(Environment.TEST, body, "sha256=…")])
    before = len(looks(mall))
    await mall.turn()
    known = shape != "nothing"
    assert (known, known) == (["order_received"] == await mall.told(), len(looks(mall)) > before)
    assert len(looks(mall)) - before <= 4


def looks(mall: Mall) -> list[Any]:
    """List the calls that looked for orders."""
    return [call for call in mall.world.records.calls if call.path.endswith("/commerce_orders")]


async def test_a_deleted_person_is_taken_out_of_orders(mall: Mall) -> None:
    """By the relay address the buyer is forgotten; a later reading does not bring them back."""
    order = await mall.bought()
    request = admin.DeletePersonalDataRequest(store_id=STORE, email=order.buyer.relay_email)
    await FacebookAdminStub(mall.shop.channel).DeletePersonalData(request)
    await mall.turn()
    await mall.control("POST", f"/orders/{order.external_order_id}/touch", {})
    mall.clock.advance(minutes=6)
    await mall.look()
    after = await mall.get(order.external_order_id)
    assert (False, False, 4150) == (after.HasField("buyer"), after.HasField("address"), after.sums.total.minor_units)
