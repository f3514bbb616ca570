"""The tour's orders of the live roads: a checkout link with its conversion, and a cart that becomes an order in the chat."""

import uuid

from google.protobuf.duration_pb2 import Duration

from client.output import word
from client.tour.script import Listener, Stopwatch, Tour
from client.tour.shelf import Shelf, times
from stormcom.facebook.v1.attribution_pb2 import AttributedLine, AttributedOrder, DraftOrder, OrderTotals
from stormcom.facebook.v1.attribution_service_pb2 import AnswerDraftOrderRequest, RecordAttributedOrderRequest
from stormcom.facebook.v1.checkout_pb2 import ORDER_CHANNEL_FACEBOOK, ORDER_CHANNEL_MESSENGER, CheckoutLine
from stormcom.facebook.v1.checkout_service_pb2 import ResolveCheckoutLinkRequest
from stormcom.facebook.v1.connector_service_pb2 import SendMessageRequest
from stormcom.facebook.v1.conversation_pb2 import Message
from stormcom.facebook.v1.conversion_pb2 import BuyerMatch
from stormcom.facebook.v1.conversion_service_pb2 import Pixel, SetPixelRequest
from stormcom.facebook.v1.inventory_pb2 import Hold
from stormcom.facebook.v1.inventory_service_pb2 import GetHoldRequest
from stormcom.facebook.v1.message_pb2 import ProductCards, QuickReply, Receipt

PIECES = 2
_BUYER = BuyerMatch(emails=["rahima@shop.example"], client_user_agent="Mozilla/5.0")
_SOURCE = "https://shop.example/thanks"


def buy_by_link(tour: Tour, listener: Listener, shelf: Shelf) -> None:
    """Resolve a link of Meta's with a hold, sell what it holds, and see the sale at the pixel."""
    tour.step("A buyer comes by a checkout link")
    pixel = SetPixelRequest(connection_id=tour.connection_id, pixel=Pixel(pixel_id=tour.world.pixel_id))
    tour.caller.call(tour.caller.conversions.SetPixel, pixel)
    watch, before = Stopwatch(), shelf.pieces
    link = f"https://shop.example/checkout?products={shelf.retailer_id}:{PIECES},nothing:1&coupon=TOUR"
    wish = ResolveCheckoutLinkRequest(connection_id=tour.connection_id, link=link, hold_duration=Duration(seconds=600))
    found = tour.caller.call(tour.caller.checkout.ResolveCheckoutLink, wish)
    tour.note("Checkout link → lines", watch.read())
    states = [(line.state, line.granted_quantity) for line in found.lines]
    wanted = [(CheckoutLine.STATE_AVAILABLE, PIECES), (CheckoutLine.STATE_UNKNOWN, 0)]
    tour.require(states == wanted, "The link gives its pieces, and names what nobody sells")
    tour.expect((found.coupon, found.complete) == ("TOUR", False), "The coupon is passed on")
    shelf.wait_for(before - PIECES, "the link's are held")
    order = _record(tour, shelf, found.lines[0], RecordAttributedOrderRequest(
        local_order_id="link-1", channel=ORDER_CHANNEL_FACEBOOK, checkout_link=link, hold_ids=[found.hold.hold_id],
        buyer=_BUYER, event_source_url=_SOURCE,
    ))  # fmt: skip
    held = tour.caller.call(tour.caller.inventory.GetHold, GetHoldRequest(hold_id=found.hold.hold_id)).hold
    tour.expect(held.state == Hold.STATE_COMPLETED, f"The hold has become the sale: {word(held, 'state')}")
    told = listener.wait_for(lambda event: event.attributed_order_recorded.order.local_order_id == "link-1")
    tour.expect(told, "AttributedOrderRecorded tells of it")
    tour.wait_for(lambda: _sales(tour).count(order.event_id) or None, "The sale counts at the pixel")
    tour.expect(_sales(tour) == [order.event_id], "The sale counts at the pixel, once")
    shelf.wait_for(before - PIECES, "the sale is counted once")


def _sales(tour: Tour) -> list[str]:
    return [str(one["event_id"]) for one in tour.simulation.conversions(tour.world)]


def _record(tour: Tour, shelf: Shelf, line: CheckoutLine, request: RecordAttributedOrderRequest) -> AttributedOrder:
    """Record the sale of a link's or a cart's line with the stock after it; repeating it changes nothing."""
    total = times(line.price, line.granted_quantity)
    shelf.pieces -= line.granted_quantity
    pieces = line.granted_quantity
    sold = AttributedLine(
        product_id=line.product_id, variant_id=line.variant_id, quantity=pieces, unit_price=line.price, total=total
    )
    request.MergeFrom(RecordAttributedOrderRequest(
        connection_id=tour.connection_id, lines=[sold], totals=OrderTotals(subtotal=total, total=total),
        stock_lines=[shelf.line(shelf.pieces)],
    ))  # fmt: skip
    first, again = (tour.caller.call(tour.caller.attribution.RecordAttributedOrder, request) for _ in range(2))
    same = first.order.attributed_order_id == again.order.attributed_order_id
    tour.expect(same and again.repeated_order and not first.repeated_order, "The order is recorded once, however often")
    return first.order


def buy_in_chat(tour: Tour, listener: Listener, shelf: Shelf, conversation_id: str) -> None:
    """Show the product, take the cart that the buyer sends, make the order, send the receipt."""
    tour.step("A buyer orders in the chat")
    shelf.settle()
    _send(tour, conversation_id, products=ProductCards(retailer_ids=[shelf.retailer_id]))
    name = str(uuid.uuid4())
    tour.simulation.send_cart(tour.world, {
        "id": "9", "retailer_id": shelf.retailer_id, "name": name, "unit_price": 1, "currency": shelf.currency(),
        "quantity": 1,
    })  # fmt: skip
    event = listener.wait_for(
        lambda event: any(one.title == name for one in event.draft_order_requested.draft_order.sent_lines)
    )
    draft = tour.require(event, "DraftOrderRequested tells of the cart").draft_order_requested.draft_order
    tour.expect((draft.conversation_id, draft.note) == (conversation_id, "As a gift"), "It names conversation and note")
    (line,) = draft.lines
    tour.require(line.state == CheckoutLine.STATE_AVAILABLE, "The cart's piece is to be had, at today's price")
    answer = AnswerDraftOrderRequest(draft_order_id=draft.draft_order_id, created_local_order_id="chat-1")
    answered = tour.caller.call(tour.caller.attribution.AnswerDraftOrder, answer).draft_order
    tour.expect(answered.state == DraftOrder.STATE_CREATED, "StormCom's answer is kept")
    receipt = Receipt(
        order_number="chat-1", recipient_name="Rahima Buyer", payment_method="Cash on delivery", subtotal=line.price,
        total=line.price, lines=[Receipt.Line(title=line.title[:80], quantity=1, price=line.price)],
    )  # fmt: skip
    order = _record(tour, shelf, line, RecordAttributedOrderRequest(
        local_order_id="chat-1", channel=ORDER_CHANNEL_MESSENGER, conversation_id=conversation_id,
        draft_order_id=draft.draft_order_id, receipt=receipt, skip_conversion=True,
    ))  # fmt: skip
    tour.require(order.receipt_message_id, f"The receipt is on its way {order.receipt_reason}".rstrip())
    tour.wait_for(lambda: "receipt" in _templates(tour) or None, "The buyer gets the receipt")
    tour.expect(_templates(tour).count("receipt") == 1, "The buyer sees the receipt once")
    shelf.wait_for(shelf.pieces, "the chat's piece is sold")


def _templates(tour: Tour) -> list[str]:
    """List the kinds of templates that the buyer sees."""
    attached = [one for message in tour.simulation.messages(tour.world) for one in message["attachments"] or ()]
    return [str(one.get("payload", {}).get("template_type", "")) for one in attached]


def ask_back(tour: Tour, listener: Listener, conversation_id: str) -> None:
    """Ask with quick replies; what the buyer presses comes back with its payload."""
    tour.step("Ask with quick replies")
    choices = [QuickReply(title=title, payload=f"tour:{title}") for title in ("Yes", "No")]
    _send(tour, conversation_id, text="Shall we wrap it?", quick_replies=choices)
    tour.simulation.press(tour.world, "Yes", "tour:Yes")
    event = listener.wait_for(lambda event: event.message_received.message.payload == "tour:Yes")
    tour.require(event, "The pressed reply arrives with its payload")


def _send(tour: Tour, conversation_id: str, **content: object) -> Message:
    request = SendMessageRequest(conversation_id=conversation_id, wait=Duration(seconds=15), **content)  # type: ignore[arg-type] # by name
    sent = tour.caller.call(tour.caller.connector.SendMessage, request).message
    tour.require(sent.mid, f"Meta took the message: {word(sent, 'state')} {sent.reason}".rstrip())
    return sent
