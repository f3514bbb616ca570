"""Orders that came by a checkout link or a chat: recorded once, exact to the last minor unit, their stock settled, their conversion sent."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import update

from connector.connections.db import connections
from stormcom.facebook.v1 import attribution_service_pb2 as pb
from stormcom.facebook.v1 import conversion_service_pb2, inventory_service_pb2
from stormcom.facebook.v1.attribution_pb2 import (
    MARKETING_OPT_IN_YES,
    NOTIFICATION_POLICY_NOTIFY,
    AttributedLine,
    AttributedOrder,
    OrderTotals,
)
from stormcom.facebook.v1.attribution_service_pb2_grpc import FacebookAttributionStub
from stormcom.facebook.v1.checkout_pb2 import ORDER_CHANNEL_FACEBOOK, ORDER_CHANNEL_INSTAGRAM
from stormcom.facebook.v1.checkout_service_pb2 import ResolveCheckoutLinkRequest
from stormcom.facebook.v1.checkout_service_pb2_grpc import FacebookCheckoutStub
from stormcom.facebook.v1.conversion_pb2 import BuyerMatch
from stormcom.facebook.v1.conversion_service_pb2_grpc import FacebookConversionsStub
from stormcom.facebook.v1.event_service_pb2 import PullEventsRequest
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.inventory_pb2 import Hold
from stormcom.facebook.v1.inventory_service_pb2_grpc import FacebookInventoryStub
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, reason_of
from tests.integration.checkout.conftest import CONNECTION
from tests.integration.conftest import STORE
from tests.integration.conversions.conftest import PIXEL
from tests.integration.inventory.shelf import line as stock

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.attribution_service_pb2_grpc import FacebookAttributionAsyncStub


def attribution(shop: Shop) -> "FacebookAttributionAsyncStub":
    """Speak to the service."""
    return FacebookAttributionStub(shop.channel)


def bdt(minor_units: int) -> Money:
    """Write an amount."""
    return Money(currency_code="BDT", minor_units=minor_units)


def order(local_order_id: str = "order-1", **changes: Any) -> pb.RecordAttributedOrderRequest:
    """Make an order that adds up, with some fields as told."""
    fields: dict[str, Any] = {
        "channel": ORDER_CHANNEL_FACEBOOK,
        "lines": [
            AttributedLine(product_id="p1", quantity=3, unit_price=bdt(33_333), discount=bdt(1), total=bdt(99_998))
        ],
        "totals": OrderTotals(
            subtotal=bdt(99_998), discount=bdt(98), shipping=bdt(6_000), tax=bdt(1), total=bdt(105_901)
        ),
        "buyer": BuyerMatch(emails=["a@b.cd"], client_user_agent="Mozilla/5.0"),
        "event_source_url": "https://shop.example/thanks",
        "connection_id": str(CONNECTION),
    }
    return pb.RecordAttributedOrderRequest(store_id=STORE, local_order_id=local_order_id, **fields | changes)


async def record(shop: Shop, request: pb.RecordAttributedOrderRequest) -> pb.RecordAttributedOrderResponse:
    """Record an order."""
    return await attribution(shop).RecordAttributedOrder(request)


async def told(shop: Shop) -> list[AttributedOrder]:
    """Tell which orders StormCom was told of."""
    pulled = await FacebookEventsStub(shop.channel).PullEvents(PullEventsRequest(store_id=STORE, consumer="fresh"))
    return [
        event.attributed_order_recorded.order for event in pulled.events if event.HasField("attributed_order_recorded")
    ]


async def set_pixel(shop: Shop) -> None:
    """Give the store a pixel."""
    named = {"store_id": STORE, "connection_id": str(CONNECTION)}
    wish = conversion_service_pb2.SetPixelRequest(pixel=conversion_service_pb2.Pixel(pixel_id=PIXEL), **named)
    await FacebookConversionsStub(shop.channel).SetPixel(wish)


async def test_an_order_is_recorded_once_and_told_once(shelved: Shop) -> None:
    """The same call again, even twenty at once, answers what was recorded; StormCom is told of one order."""
    answers = await asyncio.gather(*(record(shelved, order()) for _ in range(20)))
    assert 1 == sum(not answer.repeated_order for answer in answers)
    assert 1 == len({answer.order.attributed_order_id for answer in answers})
    (one,) = await told(shelved)
    assert one == answers[0].order
    assert ("order.order-1", "order.order-1", NOTIFICATION_POLICY_NOTIFY) == (
        one.event_id,
        one.external_order_id,
        one.notification_policy,
    )
    assert ["sc_p1"] == [line.retailer_id for line in one.lines]


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({}, {"channel": ORDER_CHANNEL_INSTAGRAM}, "local_order_id"),
        ({}, {"marketing_opt_in": MARKETING_OPT_IN_YES}, "local_order_id"),
        ({"external_order_id": "x"}, {"local_order_id": "order-2", "external_order_id": "x"}, "external_order_id"),
    ],
)
async def test_other_content_under_the_same_name_is_refused(
    shelved: Shop,
    first: dict[str, Any],
    second: dict[str, Any],
    field: str,
) -> None:
    """A recorded order never changes, and a name on a channel stands for one order."""
    await record(shelved, order(**first))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await record(shelved, order(**second))
    assert ("ORDER_ALREADY_RECORDED", field) == reason_of(refused.value, "field")
    assert 1 == len(await told(shelved))


def _totals(**changes: int) -> OrderTotals:
    amounts = {"subtotal": 99_998, "discount": 98, "shipping": 6_000, "tax": 1, "total": 105_901, **changes}
    return OrderTotals(**{name: bdt(amount) for name, amount in amounts.items()})


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"totals": _totals(total=105_900)}, "ORDER_TOTAL_MISMATCH", "totals.total"),
        ({"totals": _totals(subtotal=99_997)}, "ORDER_TOTAL_MISMATCH", "totals.subtotal"),
        ({"lines": [AttributedLine(product_id="p1", quantity=3, unit_price=bdt(33_333), total=bdt(99_998))]},
         "ORDER_TOTAL_MISMATCH", "lines[0].total"),
        ({"totals": OrderTotals(total=bdt(1))}, "FIELD_REQUIRED", "totals.subtotal"),
        ({"lines": []}, "FIELD_REQUIRED", "lines"),
        ({"lines": [AttributedLine(product_id="p1", quantity=1, unit_price=Money(currency_code="USD"), total=bdt(0))]},
         "CURRENCY_MISMATCH", "lines[0].unit_price.currency_code"),
        ({"totals": OrderTotals(total=Money(currency_code="ZZZ"))}, "CURRENCY_MISMATCH", "lines[0].unit_price.currency_code"),
        ({"channel": 0}, "FIELD_REQUIRED", "channel"),
        ({"channel": 77}, "FIELD_INVALID", "channel"),
        ({"hold_ids": ["nothing"]}, "HOLD_NOT_FOUND", ""),
        ({"conversation_id": "nothing"}, "CONVERSATION_NOT_FOUND", ""),
        ({"draft_order_id": "00000000-0000-4000-8000-000000000009"}, "DRAFT_ORDER_NOT_FOUND", ""),
    ],
)  # fmt: skip
async def test_what_does_not_add_up_is_refused_whole(
    shelved: Shop,
    changes: dict[str, Any],
    reason: str,
    field: str,
) -> None:
    """A wrong sum, currency or name is told by its field; nothing of the order stays."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await record(shelved, order(**changes))
    assert (reason, field) == reason_of(refused.value, "field")
    assert [] == await told(shelved)


async def hold(shop: Shop, link: str, *, minutes: int = 10, request_id: str = "") -> Hold:
    """Keep aside what a link asks for."""
    wish = ResolveCheckoutLinkRequest(
        store_id=STORE, link=link, hold_duration=Duration(seconds=60 * minutes), request_id=request_id or link
    )
    return (await FacebookCheckoutStub(shop.channel).ResolveCheckoutLink(wish)).hold


async def test_the_holds_are_settled_with_the_stock_after_the_sale(shelved: Shop) -> None:
    """The hold is completed and the new stock stored in one step: nothing is counted twice."""
    kept = await hold(shelved, "products=sc_p1:3")
    answer = await record(shelved, order(hold_ids=[kept.hold_id], stock_lines=[stock("p1", 2, 2)]))
    after = await seen_named(shelved, "sc_p1")
    assert (2, 0, 2) == after
    assert ([], [kept.hold_id], ["p1"]) == (
        list(answer.order.lost_hold_ids),
        list(answer.order.hold_ids),
        [result.product_id for result in answer.stock_results],
    )
    asked = inventory_service_pb2.GetHoldRequest(store_id=STORE, hold_id=kept.hold_id)
    assert Hold.STATE_COMPLETED == (await FacebookInventoryStub(shelved.channel).GetHold(asked)).hold.state


async def test_however_many_buy_the_last_pieces_each_is_sold_once(shelved: Shop) -> None:
    """Of 64 buyers who come at once, as many as there are pieces can keep one aside; each order is recorded once, nothing is left reserved."""
    kept = await asyncio.gather(
        *(hold(shelved, "products=sc_p1:1", request_id=f"buyer-{buyer}") for buyer in range(64))
    )
    held = [one.hold_id for one in kept if one.hold_id]
    assert (5, 5, 0) == (len(set(held)), *(await seen_named(shelved, "sc_p1"))[1:])
    wishes = [order(f"order-{place}", hold_ids=[hold_id]) for place, hold_id in enumerate(held)]
    answers = await asyncio.gather(*(record(shelved, wish) for wish in [*wishes, *wishes]))
    assert ([], 5) == (
        [lost for answer in answers for lost in answer.order.lost_hold_ids],
        sum(not answer.repeated_order for answer in answers),
    )
    assert (5, 0) == (len(await told(shelved)), (await seen_named(shelved, "sc_p1"))[1])


async def seen_named(shop: Shop, retailer_id: str) -> tuple[int, int, int]:
    """Tell quantity, reserved and offered pieces of an item."""
    request = inventory_service_pb2.GetInventoryRequest(
        store_id=STORE, connection_id=str(CONNECTION), retailer_id=retailer_id
    )
    snapshot = (await FacebookInventoryStub(shop.channel).GetInventory(request)).snapshot
    return snapshot.quantity, snapshot.reserved, snapshot.offered


async def test_an_order_is_recorded_though_its_hold_has_ended(shelved: Shop) -> None:
    """The sale has happened: the lost hold is named, and the stock is stored all the same."""
    kept = await hold(shelved, "products=sc_p1:3", minutes=1)
    shelved.clock.advance(minutes=2)
    await shelved.turn()
    answer = await record(shelved, order(hold_ids=[kept.hold_id], stock_lines=[stock("p1", 2, 2)]))
    assert [kept.hold_id] == list(answer.order.lost_hold_ids)
    assert (2, 0, 2) == await seen_named(shelved, "sc_p1")


async def test_the_link_says_where_the_buyer_came_from(shelved: Shop) -> None:
    """Channel and click are read from the link; ids in it that are not the store's are not believed, and harm nothing."""
    link = "https://s.example/c?products=sc_p1:1&cart_origin=instagram&fbclid=x&sc_conversation=00000000-0000-4000-8000-000000000001"
    answer = await record(shelved, order(channel=0, checkout_link=f"{link}&sc_draft_order=nonsense"))
    assert (ORDER_CHANNEL_INSTAGRAM, "", "") == (
        answer.order.channel,
        answer.order.conversation_id,
        answer.order.draft_order_id,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"skip_conversion": True}, ""),
        ({"buyer": BuyerMatch()}, "FIELD_REQUIRED"),
        ({"buyer": BuyerMatch(emails=["a@b.cd"]), "event_source_url": ""}, ""),
    ],
)
async def test_a_conversion_waits_with_the_order(
    shelved: Shop,
    changes: dict[str, Any],
    reason: str,
) -> None:
    """The order's conversion is on its way when it is recorded, unless it is not wanted or cannot be; then the order says why."""
    await set_pixel(shelved)
    answer = (await record(shelved, order(**changes))).order
    wanted = not changes.get("skip_conversion") and not reason
    assert (wanted, reason) == (answer.HasField("conversion"), answer.conversion_reason)
    assert ("order.order-1" if wanted else "") == answer.conversion.event_id


async def test_an_order_that_meta_would_find_too_old_is_recorded_without_a_conversion(shelved: Shop) -> None:
    """Meta counts what is at most a week old; an older order is recorded, and says why it does not count."""
    await set_pixel(shelved)
    wish = order()
    wish.order_time.FromDatetime(shelved.clock() - timedelta(days=7, minutes=1))
    assert "CONVERSION_TOO_OLD" == (await record(shelved, wish)).order.conversion_reason


async def test_an_order_is_known_after_its_connection_has_gone(shelved: Shop) -> None:
    """Repeating a call answers what was recorded, also without a live connection; a new order needs the connection's name."""
    first = await record(shelved, order())
    async with shelved.runtime.db.begin() as tx:
        await tx.execute(update(connections).values(state="DISCONNECTED"))
    again = await record(shelved, order(connection_id=""))
    assert (True, first.order) == (again.repeated_order, again.order)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await record(shelved, order("order-2", connection_id=""))
    assert ("STORE_NOT_CONNECTED",) == reason_of(refused.value)
    assert not (await record(shelved, order("order-2"))).repeated_order


async def test_without_a_pixel_the_order_is_recorded_all_the_same(shelved: Shop) -> None:
    """No pixel, no conversion; the order says so."""
    assert "PIXEL_NOT_SET" == (await record(shelved, order())).order.conversion_reason


async def test_orders_are_found_and_listed(shelved: Shop) -> None:
    """By StormCom's id, by channel and by time, page by page, the last recorded first."""
    for number in range(5):
        channel = ORDER_CHANNEL_INSTAGRAM if number == 2 else ORDER_CHANNEL_FACEBOOK
        await record(shelved, order(f"o{number}", channel=channel))
        shelved.clock.advance(minutes=1)
    found = await attribution(shelved).GetAttributedOrder(
        pb.GetAttributedOrderRequest(store_id=STORE, local_order_id="o3")
    )
    assert "o3" == found.order.local_order_id
    named: dict[str, Any] = {"store_id": STORE, "connection_id": str(CONNECTION)}
    listed: list[str] = []
    token = ""
    while token or not listed:
        page = await attribution(shelved).ListAttributedOrders(
            pb.ListAttributedOrdersRequest(**named, page_size=2, page_token=token)
        )
        listed += [one.local_order_id for one in page.orders]
        token = page.next_page_token
    only = pb.ListAttributedOrdersRequest(**named, channel=ORDER_CHANNEL_INSTAGRAM)
    assert ["o4", "o3", "o2", "o1", "o0"] == listed
    assert ["o2"] == [one.local_order_id for one in (await attribution(shelved).ListAttributedOrders(only)).orders]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await attribution(shelved).GetAttributedOrder(
            pb.GetAttributedOrderRequest(store_id="store_9", local_order_id="o3")
        )
    assert ("ATTRIBUTED_ORDER_NOT_FOUND",) == reason_of(refused.value)
