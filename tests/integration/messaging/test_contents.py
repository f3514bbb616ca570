"""What a message may hold: how it reaches the person, and what is refused before Meta is asked."""

import hashlib
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import text

from connector.db import outbox
from connector.db.outbox import Task
from simulator import messaging as meta
from simulator.state import ProductCatalog
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2, message_pb2
from stormcom.facebook.v1 import message_service_pb2 as messages_pb
from stormcom.facebook.v1.message_service_pb2_grpc import FacebookMessagesStub
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, product, reason_of
from tests.integration.conftest import STORE, Clock
from tests.integration.messaging.conftest import Chat
from tests.integration.webhooks.bodies import PERSON

Meta = dict[str, Any]
IMAGE = message_pb2.OutgoingAttachment.TYPE_IMAGE


def taka(units: int) -> Money:
    """An amount."""
    return Money(currency_code="BDT", minor_units=units)


def receipt(**changes: Any) -> message_pb2.Receipt:
    """A receipt that adds up."""
    line = message_pb2.Receipt.Line(title="Scarf", quantity=2, price=taka(250_000))
    fields: dict[str, Any] = {
        "order_number": "1001",
        "recipient_name": "Rima",
        "payment_method": "bKash",
        "lines": [line],
        "discounts": [message_pb2.Receipt.Discount(name="Eid", amount=taka(10_000))],
        "subtotal": taka(250_000),
        "shipping": taka(6_000),
        "total": taka(246_000),
    }
    return message_pb2.Receipt(**fields | changes)


async def wish(chat: Chat, conversation_id: str, request_id: str = "w", **fields: Any) -> pb.SendMessageResponse:
    """Ask for something to be sent."""
    request = pb.SendMessageRequest(store_id=STORE, conversation_id=conversation_id, request_id=request_id, **fields)
    answer: pb.SendMessageResponse = await chat.stub.SendMessage(request)
    return answer


async def refusal(call: Any, *metadata: str) -> tuple[str, ...]:
    """The reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value, *metadata)


BUTTONS = [
    message_pb2.Button(title="See", url="https://shop.example/1"),
    message_pb2.Button(title="Buy", payload="BUY"),
]
SHOWN_BUTTONS = [
    {"type": "web_url", "title": "See", "url": "https://shop.example/1"},
    {"type": "postback", "title": "Buy", "payload": "BUY"},
]
CARD = message_pb2.GenericTemplate.Card(title="Scarf", image_url="https://cdn.example/1.jpg", buttons=BUTTONS)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"attachment": message_pb2.OutgoingAttachment(type=IMAGE, url="https://cdn.example/1.jpg")},
            {"type": "image", "payload": {"url": "https://cdn.example/1.jpg", "is_reusable": False}},
        ),
        (
            {"buttons": message_pb2.ButtonTemplate(text="Which?", buttons=BUTTONS)},
            {
                "type": "template",
                "payload": {"template_type": "button", "text": "Which?", "buttons": SHOWN_BUTTONS},
            },
        ),
        (
            {"cards": message_pb2.GenericTemplate(cards=[CARD])},
            {
                "type": "template",
                "payload": {
                    "template_type": "generic",
                    "elements": [
                        {"title": "Scarf", "image_url": "https://cdn.example/1.jpg", "buttons": SHOWN_BUTTONS}
                    ],
                },
            },
        ),
        (
            {"receipt": receipt()},
            {
                "type": "template",
                "payload": {
                    "template_type": "receipt",
                    "recipient_name": "Rima",
                    "order_number": "1001",
                    "currency": "BDT",
                    "payment_method": "bKash",
                    "summary": {"subtotal": 2500.00, "shipping_cost": 60.00, "total_cost": 2460.00},
                    "elements": [{"title": "Scarf", "quantity": 2, "price": 2500.00, "currency": "BDT"}],
                    "adjustments": [{"name": "Eid", "amount": 100.00}],
                },
            },
        ),
    ],
    ids=["attachment", "buttons", "cards", "receipt"],
)
async def test_content_reaches_the_person_as_meta_wants_it(chat: Chat, content: Meta, expected: Meta) -> None:
    """Each kind goes out once, in the shape that the Send API takes, and its echo proves it."""
    conversation = await chat.hear()
    await wish(chat, conversation, **content)
    await chat.arrive()
    (seen,) = chat.seen()
    (_, message) = await chat.messages(conversation)
    assert ([expected], "STATE_DELIVERED") == (
        seen.attachments,
        conversation_pb2.Message.State.Name(message.state),
    )
    assert next(iter(content)).upper().rstrip("S") == message.content_kind.rstrip("S")


async def test_a_text_with_a_file_is_two_messages_in_order(chat: Chat) -> None:
    """Meta takes them only apart: the text goes first, the replies stand under the last, one wish answers for both."""
    conversation = await chat.hear()
    image = message_pb2.OutgoingAttachment(type=IMAGE, url="https://cdn.example/1.jpg")
    replies = [message_pb2.QuickReply(title="Yes", payload="Y"), message_pb2.QuickReply(title="No")]
    asked: dict[str, Any] = {"text": "This one?", "attachment": image, "quick_replies": replies}
    first = await wish(chat, conversation, **asked)
    again = await wish(chat, conversation, **asked)
    await chat.arrive()
    assert [0, 1] == [one.part for one in first.messages]
    assert [one.message_id for one in first.messages] == [one.message_id for one in again.messages]
    assert ["This one?", ""] == [one.text for one in chat.seen()]
    last = {"content_type": "text", "title": "No", "payload": "No"}
    assert [[], last] == [chat.seen()[0].quick_replies, chat.seen()[1].quick_replies[-1]]


async def test_a_long_text_is_refused_or_split(chat: Chat) -> None:
    """More than 2,000 characters are refused, and cut at sentences when the caller says so; the person reads them in order."""
    conversation = await chat.hear()
    words = " ".join(f"This is sentence number {number}." for number in range(200))
    assert ("FIELD_TOO_LONG",) == await refusal(wish(chat, conversation, text=words))
    await wish(chat, conversation, text=words, split=True)
    await chat.arrive()
    texts = [one.text for one in chat.seen()]
    assert (words, True) == (" ".join(texts), all(len(one) <= 2000 and one.endswith(".") for one in texts))


async def test_what_follows_a_refused_part_is_not_sent(chat: Chat, channel: grpc.aio.Channel) -> None:
    """When the first part is refused, the rest fails with it; each can be sent again, in order."""
    conversation = await chat.hear()
    chat.fail("error", code=100, subcode=2018032)
    stored = await wish(chat, conversation, text="a" * 3000, split=True)
    await chat.arrive()
    assert ["META_REJECTED", "MESSAGE_PART_FAILED"] == [one.reason for one in (await chat.messages(conversation))[1:]]
    assert [] == chat.seen()
    stub = FacebookMessagesStub(channel)
    for one in stored.messages:
        await stub.RetryMessage(messages_pb.RetryMessageRequest(store_id=STORE, message_id=one.message_id))
    await chat.arrive()
    assert [2000, 1000] == [len(one.text) for one in chat.seen()]


async def test_an_answer_names_the_message_it_answers(chat: Chat) -> None:
    """`reply_to_message_id` becomes Meta's id; a message of nowhere is refused."""
    conversation = await chat.hear()
    (asked,) = await chat.messages(conversation)
    await wish(chat, conversation, text="Yes", reply_to_message_id=asked.message_id)
    await chat.arrive()
    assert asked.mid == chat.seen()[0].reply_to
    missing = wish(chat, conversation, "other", text="Yes", reply_to_message_id="00000000-0000-0000-0000-000000000001")
    assert ("MESSAGE_NOT_FOUND",) == await refusal(missing)


@pytest.fixture
def shop(chat: Chat, channel: grpc.aio.Channel, clock: Clock) -> Shop:
    """The store's catalog."""
    return Shop(channel, chat.world, clock, chat.turn, chat.runtime)


async def test_cards_show_products_that_meta_shows(chat: Chat, shop: Shop) -> None:
    """Cards carry Meta's ids of confirmed items; others are refused at once, hidden ones before they go out."""
    conversation = await chat.hear()
    unknown = message_pb2.ProductCards(retailer_ids=["sc_a"])
    assert ("PRODUCT_NOT_SHOWABLE", "sc_a") == await refusal(wish(chat, conversation, products=unknown), "retailer_ids")
    await shop.sync()
    await shop.upsert(product("a"))
    await shop.settle()
    await wish(chat, conversation, "cards", products=unknown)
    await chat.arrive()
    (seen,) = chat.seen()
    assert [{"id": next(iter(shop.world.all(ProductCatalog))).items["sc_a"].id}] == seen.attachments[0]["payload"][
        "elements"
    ]


FILE = b"\xff\xd8\xff" + bytes(range(256)) * 40


def piece(first: int, last: int, upload_id: str = "", **changes: Any) -> messages_pb.UploadAttachmentRequest:
    """A piece of a picture."""
    told: dict[str, Any] = {
        "file_name": "scarf.jpg",
        "content_type": "image/jpeg",
        "size_bytes": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
    }
    fields: dict[str, Any] = {"upload_id": upload_id, "first_byte": first, "piece": FILE[first:last]} | told | changes
    return messages_pb.UploadAttachmentRequest(store_id=STORE, **fields)


async def test_a_file_goes_to_meta_in_pieces_and_is_kept_nowhere(chat: Chat, channel: grpc.aio.Channel) -> None:
    """Repeated pieces change nothing, gaps are refused; Meta gets the whole once, and only its id of it stays here."""
    stub = FacebookMessagesStub(channel)
    conversation = await chat.hear()
    begun = await stub.UploadAttachment(piece(0, 4000))
    assert (4000, False) == (begun.next_byte, begun.complete)
    assert 4000 == (await stub.UploadAttachment(piece(0, 4000, begun.upload_id))).next_byte
    gap = stub.UploadAttachment(piece(8000, 9000, begun.upload_id))
    assert ("UPLOAD_OUT_OF_ORDER", "4000") == await refusal(gap, "next_byte")
    unfinished = message_pb2.OutgoingAttachment(upload_id=begun.upload_id)
    assert ("UPLOAD_NOT_FOUND",) == await refusal(wish(chat, conversation, attachment=unfinished))
    done = await stub.UploadAttachment(piece(4000, len(FILE), begun.upload_id))
    again = await stub.UploadAttachment(piece(0, 10))
    assert (True, True, begun.upload_id) == (done.complete, again.complete, again.upload_id)
    await wish(chat, conversation, "file", attachment=unfinished)
    await chat.arrive()
    given = [call for call in chat.world.records.calls if call.path.endswith("message_attachments")]
    assert ("image", 1) == (chat.seen()[0].attachments[0]["type"], len(given))
    async with chat.runtime.db.connect() as connection:
        assert 0 == await connection.scalar(text("SELECT count(*) FROM upload_pieces"))


async def test_what_is_not_finished_ends_and_has_a_bound(chat: Chat, channel: grpc.aio.Channel, clock: Clock) -> None:
    """A store has 100 MB on its way at the most; after an hour an unfinished file is unknown, and swept with its pieces."""
    stub = FacebookMessagesStub(channel)
    large: dict[str, Any] = {"content_type": "application/pdf", "size_bytes": 25_000_000, "piece": b"%PDF"}
    begun = [await stub.UploadAttachment(piece(0, 0, sha256=f"{number:064}", **large)) for number in range(4)]
    assert ("TOO_MANY_CALLS",) == await refusal(stub.UploadAttachment(piece(0, 0, sha256="f" * 64, **large)))
    clock.advance(minutes=61)
    late = piece(0, 0, begun[0].upload_id, **large | {"first_byte": 4})
    assert ("UPLOAD_NOT_FOUND",) == await refusal(stub.UploadAttachment(late))
    clock.advance(minutes=60)
    async with chat.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=clock(), key="every:SWEEP")
    await chat.turn()
    async with chat.runtime.db.connect() as connection:
        assert 0 == await connection.scalar(text("SELECT count(*) FROM upload_pieces"))
    assert 4 == (await stub.UploadAttachment(piece(0, 0, sha256="f" * 64, **large))).next_byte


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"content_type": "image/png"}, "content_type"),
        ({"sha256": "0" * 64}, "sha256"),
    ],
)
async def test_a_file_that_is_not_what_it_is_called_is_refused(
    chat: Chat, channel: grpc.aio.Channel, changes: Meta, expected: str
) -> None:
    """Type, hash and size are checked by the bytes themselves, before Meta gets any of it."""
    stub = FacebookMessagesStub(channel)
    assert expected == (await refusal(stub.UploadAttachment(piece(0, len(FILE), **changes)), "field"))[1]
    assert {} == chat.page.attachments


async def test_a_template_is_sent_at_any_time_once_meta_approved_it(
    chat: Chat, channel: grpc.aio.Channel, clock: Clock, connected: str
) -> None:
    """Created, it is PENDING and refused; approved, it goes out after the window; with the wrong number of values it does not."""
    stub = FacebookMessagesStub(channel)
    conversation = await chat.hear()
    body: dict[str, Any] = {
        "name": "shipped",
        "language": "en",
        "body": "Order {{1}} is on its way.",
        "examples": ["1001"],
    }
    created = await stub.CreateMessageTemplate(messages_pb.CreateMessageTemplateRequest(store_id=STORE, **body))
    assert ("PENDING", 1) == (created.template.meta_status, created.template.parameter_count)
    clock.advance(days=8)
    utility = message_pb2.UtilityMessage(template_name="shipped", language="en", parameters=["1001"])
    early = wish(chat, conversation, utility=utility)
    assert ("TEMPLATE_NOT_APPROVED", "PENDING") == await refusal(early, "meta_status")
    async with chat.runtime.db.begin() as tx:
        key = f"every:SYNC_TEMPLATES:{connected}"
        await outbox.add(tx, Task.SYNC_TEMPLATES, due=clock(), key=key, connection_id=UUID(connected))
    await chat.turn()
    listed = await stub.ListMessageTemplates(messages_pb.ListMessageTemplatesRequest(store_id=STORE))
    assert [("shipped", "APPROVED")] == [(one.name, one.meta_status) for one in listed.templates]
    few = message_pb2.UtilityMessage(template_name="shipped", language="en")
    assert ("FIELD_INVALID",) == await refusal(wish(chat, conversation, utility=few))
    await wish(chat, conversation, "now", utility=utility)
    await chat.arrive()
    values = [{"type": "body", "parameters": [{"type": "text", "text": "1001"}]}]
    assert values == chat.seen()[0].attachments[0]["payload"]["components"]
    gone = messages_pb.DeleteMessageTemplateRequest(store_id=STORE, name="shipped")
    await stub.DeleteMessageTemplate(gone)
    assert ("TEMPLATE_NOT_FOUND",) == await refusal(stub.DeleteMessageTemplate(gone))


async def test_a_template_whose_answer_was_lost_is_that_template(chat: Chat, channel: grpc.aio.Channel) -> None:
    """Handed in again, a template that Meta has already is told as it stands; with other words the name is taken."""
    stub = FacebookMessagesStub(channel)
    wanted = {"store_id": STORE, "name": "shipped", "language": "en"}
    chat.fail("drop_answer", path="/message_templates$")
    lost = stub.CreateMessageTemplate(
        messages_pb.CreateMessageTemplateRequest(request_id="1", body="On its way.", **wanted)
    )
    assert ("META_UNAVAILABLE",) == await refusal(lost)
    again = messages_pb.CreateMessageTemplateRequest(request_id="1", body="On its way.", **wanted)
    (known,) = chat.page.message_templates
    assert known == (await stub.CreateMessageTemplate(again)).template.template_id
    other = messages_pb.CreateMessageTemplateRequest(request_id="2", body="Other words.", **wanted)
    assert ("META_REJECTED",) == await refusal(stub.CreateMessageTemplate(other))


async def test_what_meta_does_not_show_is_not_sent(chat: Chat, shop: Shop) -> None:
    """A product that vanished at Meta after we synced it fails the card with its reason; the person sees nothing broken."""
    conversation = await chat.hear()
    await shop.sync()
    await shop.upsert(product("a"))
    await shop.settle()
    await wish(chat, conversation, products=message_pb2.ProductCards(retailer_ids=["sc_a"]))
    del next(iter(shop.world.all(ProductCatalog))).items["sc_a"]
    await chat.arrive()
    assert ("PRODUCT_NOT_SHOWABLE", []) == ((await chat.messages(conversation))[1].reason, chat.seen())


async def test_somebody_else_s_inbox_message_stays_outside(chat: Chat) -> None:
    """What a human types in Meta's own inbox is shown as sent elsewhere, with no agent of ours."""
    conversation = await chat.hear()
    meta.answer_in_inbox(chat.world, chat.page, PERSON, "From the inbox")
    await chat.arrive()
    (_, message) = await chat.messages(conversation)
    told = message.text, message.origin, message.content_kind, message.HasField("agent")
    assert ("From the inbox", conversation_pb2.Message.ORIGIN_ELSEWHERE, "", False) == told
