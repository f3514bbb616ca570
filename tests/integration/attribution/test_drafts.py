"""Carts that people send in conversations: one draft order each, answered once, told to StormCom."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import insert

from connector.checkout.model.links import Channel
from connector.connections.db import connections
from connector.db import outbox
from connector.db.outbox import Task
from connector.registry.db.orders import OrderMapping, map_order
from stormcom.facebook.v1 import attribution_service_pb2 as pb
from stormcom.facebook.v1 import message_pb2
from stormcom.facebook.v1.admin_service_pb2 import DeletePersonalDataRequest
from stormcom.facebook.v1.admin_service_pb2_grpc import FacebookAdminStub
from stormcom.facebook.v1.attribution_pb2 import (
    MARKETING_OPT_IN_UNSPECIFIED,
    MARKETING_OPT_IN_YES,
    AttributedLine,
    DraftOrder,
    OrderTotals,
)
from stormcom.facebook.v1.attribution_service_pb2_grpc import FacebookAttributionStub
from stormcom.facebook.v1.checkout_pb2 import ORDER_CHANNEL_MESSENGER, CheckoutLine
from stormcom.facebook.v1.event_service_pb2 import PullEventsRequest
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, Turn, product, reason_of
from tests.integration.conftest import STORE, Clock
from tests.integration.privacy.test_together import until_they_wait
from tests.integration.webhooks.bodies import PAGE, PERSON
from tests.integration.webhooks.conftest import Deliver

Cart = Callable[..., bytes]


@pytest.fixture
async def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: Any, clock: Clock, turn: Turn, runtime: Any, connected: str
) -> Shop:
    """A connected store with one product."""
    shop = Shop(channel, world, clock, turn, runtime)
    await shop.upsert(product("p1"))
    return shop


@pytest.fixture
def cart(clock: Clock) -> Cart:
    """Write a delivery with a cart, sent just now or at a time."""
    now = int(clock().timestamp() * 1000)

    def write(*products: dict[str, Any], note: str = "", later: int = 0, sender: str = PERSON) -> bytes:
        order = {"products": list(products), "note": note}
        event = {"sender": {"id": sender}, "recipient": {"id": PAGE}, "timestamp": now + later, "order": order}
        return json.dumps({"object": "page", "entry": [{"id": PAGE, "time": now, "messaging": [event]}]}).encode()

    return write


MUG = {"id": "9", "retailer_id": "sc_p1", "name": "Mug", "unit_price": 11.5, "currency": "BDT", "quantity": 2}


async def told(shop: Shop, kind: str) -> list[DraftOrder]:
    """Tell which draft orders StormCom was told of in events of a kind."""
    pulled = await FacebookEventsStub(shop.channel).PullEvents(
        PullEventsRequest(store_id=STORE, consumer="fresh", max_events=100)
    )
    return [getattr(event, kind).draft_order for event in pulled.events if event.HasField(kind)]  # type: ignore[arg-type] # by name


async def asked(shop: Shop) -> DraftOrder:
    """Tell the only draft order."""
    listed = await FacebookAttributionStub(shop.channel).ListDraftOrders(pb.ListDraftOrdersRequest(store_id=STORE))
    (draft,) = listed.draft_orders
    return draft


async def answer(shop: Shop, draft: DraftOrder, **given: str) -> DraftOrder:
    """Answer a draft order."""
    request = pb.AnswerDraftOrderRequest(store_id=STORE, draft_order_id=draft.draft_order_id, **given)
    return (await FacebookAttributionStub(shop.channel).AnswerDraftOrder(request)).draft_order


async def test_a_cart_becomes_one_draft_order(shop: Shop, deliver: Deliver, cart: Cart) -> None:
    """However often Meta tells of a cart, StormCom is asked once: with what it sells today, what was sent, and the conversation."""
    stranger = {"id": "8", "retailer_id": "nobody", "name": "Hat", "quantity": 1}
    sent = cart(MUG, stranger, note="As a gift")
    await deliver(sent, sent)
    await deliver(sent)
    (draft,) = await told(shop, "draft_order_requested")
    assert draft == await asked(shop)
    assert (ORDER_CHANNEL_MESSENGER, DraftOrder.STATE_REQUESTED, "As a gift") == (
        draft.channel,
        draft.state,
        draft.note,
    )
    assert [("sc_p1", CheckoutLine.STATE_AVAILABLE, 2), ("", CheckoutLine.STATE_UNKNOWN, 0)] == [
        (line.retailer_id, line.state, line.granted_quantity) for line in draft.lines
    ]
    assert [("Mug", 2, 1_150), ("Hat", 1, 0)] == [
        (line.title, line.quantity, line.unit_price.minor_units) for line in draft.sent_lines
    ]
    assert draft.conversation_id


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"created_local_order_id": "order-1"}, DraftOrder.STATE_CREATED),
        ({"decline_reason": "Sold out"}, DraftOrder.STATE_DECLINED),
        ({"checkout_link": "https://shop.example/c?products=sc_p1:2"}, DraftOrder.STATE_LINKED),
    ],
)
async def test_a_draft_order_is_answered_once(
    shop: Shop, deliver: Deliver, cart: Cart, given: dict[str, str], state: int
) -> None:
    """The same answer again changes nothing; another one is refused."""
    await deliver(cart(MUG))
    draft = await asked(shop)
    first, again = await answer(shop, draft, **given), await answer(shop, draft, **given)
    assert (state, first) == (first.state, again)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answer(shop, draft, decline_reason="Changed our mind")
    assert ("DRAFT_ORDER_ANSWERED",) == reason_of(refused.value)
    assert [first] == await told(shop, "draft_order_changed")


async def test_a_draft_order_that_nobody_answers_expires(shop: Shop, deliver: Deliver, cart: Cart) -> None:
    """After a day it is over: told once, and no answer is taken any more."""
    await deliver(cart(MUG))
    draft = await asked(shop)
    shop.clock.advance(hours=25)
    await shop.turn()
    (ended,) = await told(shop, "draft_order_changed")
    assert DraftOrder.STATE_EXPIRED == ended.state
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answer(shop, draft, decline_reason="Late")
    assert ("DRAFT_ORDER_ANSWERED", "EXPIRED") == reason_of(refused.value, "state")


def order(draft: DraftOrder, **changes: Any) -> pb.RecordAttributedOrderRequest:
    """Make the order that comes out of a draft order."""
    price, total = Money(currency_code="BDT", minor_units=1_150), Money(currency_code="BDT", minor_units=2_300)
    fields: dict[str, Any] = {
        "store_id": STORE,
        "local_order_id": "order-1",
        "conversation_id": draft.conversation_id,
        "draft_order_id": draft.draft_order_id,
    }
    return pb.RecordAttributedOrderRequest(
        channel=ORDER_CHANNEL_MESSENGER,
        lines=[AttributedLine(product_id="p1", quantity=2, unit_price=price, total=total)],
        totals=OrderTotals(subtotal=total, total=total),
        **fields | changes,
    )


async def test_the_order_ends_the_draft_and_its_receipt_reaches_the_person(
    shop: Shop, deliver: Deliver, cart: Cart
) -> None:
    """From cart to order: the draft is CREATED, the order named by it, and the receipt goes into the conversation once."""
    await deliver(cart(MUG))
    draft, total = await asked(shop), Money(currency_code="BDT", minor_units=2_300)
    receipt = message_pb2.Receipt(
        order_number="order-1", recipient_name="Béatrice Buyer", payment_method="Cash",
        lines=[message_pb2.Receipt.Line(title="Mug", quantity=2, price=total)], subtotal=total, total=total,
    )  # fmt: skip
    stub = FacebookAttributionStub(shop.channel)
    recorded = [await stub.RecordAttributedOrder(order(draft, receipt=receipt)) for _ in range(2)]
    await shop.turn()
    first = recorded[0].order
    assert (draft.draft_order_id, "") == (first.external_order_id, first.receipt_reason)
    assert first == recorded[1].order
    assert (DraftOrder.STATE_CREATED, "order-1") == ((await asked(shop)).state, (await asked(shop)).local_order_id)
    sent = [call for call in shop.world.records.calls if call.path.endswith("/messages") and call.method == "POST"]
    assert (1, True) == (len(sent), bool(first.receipt_message_id))


async def _linked(shop: Shop, draft: DraftOrder) -> None:
    await answer(shop, draft, checkout_link="https://shop.example/c?products=sc_p1:2")


async def _declined(shop: Shop, draft: DraftOrder) -> None:
    await answer(shop, draft, decline_reason="Sold out")


async def _expired(shop: Shop, _: DraftOrder) -> None:
    shop.clock.advance(hours=25)
    await shop.turn()


@pytest.mark.parametrize(
    ("end", "state", "local_order_id"),
    [
        (_linked, DraftOrder.STATE_CREATED, "order-1"),
        (_expired, DraftOrder.STATE_CREATED, "order-1"),
        (_declined, DraftOrder.STATE_DECLINED, ""),
    ],
)
async def test_an_order_that_comes_after_all_is_the_drafts(  # noqa: PLR0917 – fixtures are asked for by name
    shop: Shop, deliver: Deliver, cart: Cart, end: Callable[..., Awaitable[None]], state: int, local_order_id: str
) -> None:
    """By its link, or too late: the order ends the draft, and the link stays known; what was declined stays so, and the order is recorded."""
    await deliver(cart(MUG))
    await end(shop, await asked(shop))
    before = await asked(shop)
    recorded = (await FacebookAttributionStub(shop.channel).RecordAttributedOrder(order(before))).order
    after = await asked(shop)
    assert (before.draft_order_id, state, local_order_id) == (
        recorded.draft_order_id,
        after.state,
        after.local_order_id,
    )
    assert before.checkout_link == after.checkout_link


async def test_of_two_orders_out_of_one_cart_one_is_recorded(shop: Shop, deliver: Deliver, cart: Cart) -> None:
    """Two callers who make an order of the same cart at once: one is recorded, the other is told that the cart has its order."""
    await deliver(cart(MUG))
    stub, draft = FacebookAttributionStub(shop.channel), await asked(shop)
    wishes = (stub.RecordAttributedOrder(order(draft, local_order_id=f"order-{place}")) for place in range(2))
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    refused = [reason_of(one, "field") for one in answers if isinstance(one, grpc.aio.AioRpcError)]
    assert [("ORDER_ALREADY_RECORDED", "external_order_id")] == refused
    assert 1 == len((await stub.ListAttributedOrders(pb.ListAttributedOrdersRequest(store_id=STORE))).orders)


OTHER = UUID(int=9)


async def link_another(shop: Shop, store_id: str) -> None:
    """Give a store another connection."""
    named = {"id": OTHER, "store_id": store_id, "environment": "TEST", "page_id": "9", "state": "NEEDS_LOGIN"}
    times = dict.fromkeys(("state_time", "create_time", "update_time"), shop.clock())
    async with shop.runtime.db.begin() as tx:
        await tx.execute(insert(connections).values(**named, **times))


async def test_the_cart_tells_the_conversation_and_the_connection(shop: Shop, deliver: Deliver, cart: Cart) -> None:
    """Of a store with several connections, a draft order alone says where the order came from: named, or in the link the buyer came by."""
    await deliver(cart(MUG))
    draft, stub = await asked(shop), FacebookAttributionStub(shop.channel)
    await link_another(shop, STORE)
    named = await stub.RecordAttributedOrder(order(draft, conversation_id=""))
    link = f"https://shop.example/c?products=sc_p1:2&sc_draft_order={draft.draft_order_id}"
    unnamed = {"conversation_id": "", "draft_order_id": "", "local_order_id": "order-2", "external_order_id": "x"}
    hinted = await stub.RecordAttributedOrder(order(draft, checkout_link=link, **unnamed))
    for answer in (named, hinted):
        assert (draft.connection_id, draft.conversation_id, draft.draft_order_id) == (
            answer.order.connection_id,
            answer.order.conversation_id,
            answer.order.draft_order_id,
        )


@pytest.mark.parametrize(
    ("store_id", "changes", "reason"),
    [
        (STORE, {"draft_order_id": ""}, ("CONVERSATION_NOT_FOUND", "")),
        (STORE, {"conversation_id": ""}, ("CONVERSATION_NOT_FOUND", "")),
        (STORE, {"connection_id": ""}, ("FIELD_INVALID", "conversation_id")),
        ("store_2", {"draft_order_id": ""}, ("CONVERSATION_NOT_FOUND", "")),
        ("store_2", {"conversation_id": ""}, ("DRAFT_ORDER_NOT_FOUND", "")),
    ],
)
async def test_an_order_never_reaches_another_conversation(  # noqa: PLR0917 – fixtures are asked for by name
    shop: Shop, deliver: Deliver, cart: Cart, store_id: str, changes: dict[str, Any], reason: tuple[str, str]
) -> None:
    """Another store's, another connection's or another person's conversation is refused when it is named, and not believed when a link says it."""
    await deliver(cart(MUG))
    draft, stub = await asked(shop), FacebookAttributionStub(shop.channel)
    await deliver(cart(MUG, sender="7009"))
    listed = await stub.ListDraftOrders(pb.ListDraftOrdersRequest(store_id=STORE))
    (stranger,) = (one for one in listed.draft_orders if one.draft_order_id != draft.draft_order_id)
    await link_another(shop, store_id)
    fields = {"conversation_id": stranger.conversation_id, "connection_id": str(OTHER), "store_id": store_id, **changes}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.RecordAttributedOrder(order(draft, **fields))
    assert reason == reason_of(refused.value, "field")
    said = {"conversation_id": "", "draft_order_id": "", "store_id": store_id, "connection_id": str(OTHER)}
    link = f"products=sc_p1:2&sc_draft_order={draft.draft_order_id}&sc_conversation={stranger.conversation_id}"
    recorded = (await stub.RecordAttributedOrder(order(draft, **said, checkout_link=link))).order
    assert ("", "") == (recorded.conversation_id, recorded.draft_order_id)


async def _grow_old(shop: Shop) -> None:
    shop.clock.advance(days=91)
    async with shop.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=shop.clock(), key="sweep")


async def _be_deleted(shop: Shop) -> None:
    shop.clock.advance(minutes=1)
    wish = DeletePersonalDataRequest(store_id=STORE, request_id="d1", psid=PERSON)
    await FacebookAdminStub(shop.channel).DeletePersonalData(wish)


@pytest.mark.parametrize("pass_away", [_grow_old, _be_deleted])
async def test_what_was_bought_stays_and_who_bought_it_is_forgotten(
    shop: Shop, deliver: Deliver, cart: Cart, pass_away: Callable[[Shop], Awaitable[None]]
) -> None:
    """After 90 days, or when the person is deleted: the cart is gone, and the order no longer leads to anybody."""
    await deliver(cart(MUG, note="For Béatrice"))
    stub, draft = FacebookAttributionStub(shop.channel), await asked(shop)
    wish = order(draft, marketing_opt_in=MARKETING_OPT_IN_YES)
    before = (await stub.RecordAttributedOrder(wish)).order
    assert (draft.conversation_id, draft.draft_order_id) == (before.conversation_id, before.draft_order_id)
    await pass_away(shop)
    await shop.turn()
    asking = pb.GetAttributedOrderRequest(store_id=STORE, local_order_id="order-1")
    after = (await stub.GetAttributedOrder(asking)).order
    assert ("", "", MARKETING_OPT_IN_UNSPECIFIED) == (
        after.conversation_id,
        after.draft_order_id,
        after.marketing_opt_in,
    )
    assert (before.lines, before.totals) == (after.lines, after.totals)
    assert not (await stub.ListDraftOrders(pb.ListDraftOrdersRequest(store_id=STORE))).draft_orders
    assert (await stub.RecordAttributedOrder(wish)).repeated_order


async def test_a_receipt_that_cannot_be_sent_keeps_no_order_from_being_recorded(
    shop: Shop, deliver: Deliver, cart: Cart
) -> None:
    """Outside of the messaging window the order is recorded all the same, and says why there is no receipt."""
    await deliver(cart(MUG))
    draft, total = await asked(shop), Money(currency_code="BDT", minor_units=2_300)
    shop.clock.advance(days=2)
    receipt = message_pb2.Receipt(
        order_number="order-1", recipient_name="B", payment_method="Cash",
        lines=[message_pb2.Receipt.Line(title="Mug", quantity=1, price=total)], subtotal=total, total=total,
    )  # fmt: skip
    answer = await FacebookAttributionStub(shop.channel).RecordAttributedOrder(order(draft, receipt=receipt))
    assert ("", "MESSAGING_WINDOW_CLOSED") == (answer.order.receipt_message_id, answer.order.receipt_reason)


async def test_two_orders_of_one_conversation_send_their_receipts(shop: Shop, deliver: Deliver, cart: Cart) -> None:
    """Recorded at the same moment, neither order keeps the other from reaching the person: who has the conversation has it alone."""
    await deliver(cart(MUG))
    draft, total = await asked(shop), Money(currency_code="BDT", minor_units=2_300)
    receipt = message_pb2.Receipt(
        order_number="1", recipient_name="B", payment_method="Cash",
        lines=[message_pb2.Receipt.Line(title="Mug", quantity=1, price=total)], subtotal=total, total=total,
    )  # fmt: skip
    recordings: list[asyncio.Task[pb.RecordAttributedOrderResponse]] = []
    async with shop.runtime.db.connect() as hurdle:
        transaction = await hurdle.begin()
        # Holds the first one up, which has the conversation by then.
        await map_order(hurdle, OrderMapping(STORE, Channel.MESSENGER, "order.o1", "other"), at=shop.clock())
        for name in ("o1", "o2"):
            wish = order(draft, local_order_id=name, draft_order_id="", receipt=receipt)
            recordings.append(asyncio.create_task(_record(shop, wish)))
            await until_they_wait(shop.runtime, len(recordings), *recordings)
        assert not any(one.done() for one in recordings)
        await transaction.rollback()
    answers = await asyncio.gather(*recordings)
    assert [True, True] == [bool(answer.order.receipt_message_id) for answer in answers]


async def _record(shop: Shop, wish: pb.RecordAttributedOrderRequest) -> pb.RecordAttributedOrderResponse:
    return await FacebookAttributionStub(shop.channel).RecordAttributedOrder(wish)
