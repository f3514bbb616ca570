"""Messages of ours are looked after: taken back, sent again, disclosed, paced; and what Meta's refusals make of them."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import text

from connector.connections import db as connections
from connector.messaging import actions, db
from connector.messaging.model import Kind, Part
from connector.runtime import Runtime
from simulator import messaging as meta
from stormcom.facebook.v1 import conversation_pb2, message_pb2
from stormcom.facebook.v1 import message_service_pb2 as pb
from stormcom.facebook.v1.message_service_pb2_grpc import FacebookMessagesStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE, Clock
from tests.integration.messaging.conftest import Chat

State = conversation_pb2.Message.State


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    """The service."""
    return FacebookMessagesStub(channel)


async def refusal(call: Any, *metadata: str) -> tuple[str, ...]:
    """The reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value, *metadata)


async def ended(chat: Chat, conversation: str) -> list[tuple[str, str]]:
    """State and reason of the Page's messages, oldest first."""
    found = await chat.messages(conversation)
    ours = [one for one in found if one.origin != conversation_pb2.Message.ORIGIN_PERSON]
    return [(State.Name(one.state).removeprefix("STATE_"), one.reason) for one in ours]


async def test_a_waiting_message_can_be_taken_back(chat: Chat, stub: Any) -> None:
    """Taken back it never goes out; what went out cannot be; taken back twice is once; afterwards it may be sent after all."""
    conversation = await chat.hear()
    sent = await chat.send(conversation, "Gone")
    await chat.arrive()
    waiting = await chat.send(conversation, "Not yet")
    named = pb.CancelMessageRequest(store_id=STORE, message_id=waiting.message_id)
    assert [State.STATE_FAILED] * 2 == [(await stub.CancelMessage(named)).message.state for _ in range(2)]
    await chat.arrive()
    assert [("DELIVERED", ""), ("FAILED", "MESSAGE_CANCELLED")] == await ended(chat, conversation)
    late = stub.CancelMessage(pb.CancelMessageRequest(store_id=STORE, message_id=sent.message_id))
    assert ("MESSAGE_NOT_CANCELLABLE", "DELIVERED") == await refusal(late, "state")
    await stub.RetryMessage(pb.RetryMessageRequest(store_id=STORE, message_id=waiting.message_id))
    await chat.arrive()
    assert ["Gone", "Not yet"] == [one.text for one in chat.seen()]


async def test_what_the_person_may_have_is_not_sent_again(chat: Chat, stub: Any, clock: Clock) -> None:
    """A message whose answer was lost is neither repeated while UNKNOWN nor after a read-back that did not find it."""
    conversation = await chat.hear()
    chat.fail("drop_before")
    lost = await chat.send(conversation)
    await chat.arrive()
    again = pb.RetryMessageRequest(store_id=STORE, message_id=lost.message_id)
    assert ("MESSAGE_NOT_RETRYABLE", "UNKNOWN") == await refusal(stub.RetryMessage(again), "state")
    clock.advance(minutes=16)
    await chat.arrive()
    assert ("MESSAGE_NOT_RETRYABLE", "FAILED") == await refusal(stub.RetryMessage(again), "state")
    got = (await stub.GetMessage(pb.GetMessageRequest(store_id=STORE, message_id=lost.message_id))).message
    assert (State.STATE_FAILED, "META_UNAVAILABLE") == (got.state, got.reason)


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (10, 2018278, ("FAILED", "MESSAGING_WINDOW_CLOSED")),
        (10, 2018065, ("FAILED", "MESSAGING_WINDOW_CLOSED")),
        (10, 2018108, ("FAILED", "META_PERSON_UNREACHABLE")),
        (200, 1545041, ("FAILED", "META_PERSON_UNREACHABLE")),
        (551, 1545041, ("FAILED", "META_PERSON_UNREACHABLE")),
        (100, 2018001, ("FAILED", "META_PERSON_UNREACHABLE")),
        (100, 2018109, ("FAILED", "META_REJECTED")),
        (100, 2018032, ("FAILED", "META_REJECTED")),
        (100, 0, ("FAILED", "META_REJECTED")),
        (10, 2018300, ("FAILED", "THREAD_OWNED_ELSEWHERE")),
        (200, 2018028, ("FAILED", "META_APP_NOT_APPROVED")),
        (10, 2018028, ("FAILED", "META_APP_NOT_APPROVED")),
        (230, 0, ("FAILED", "META_PERMISSION_MISSING")),
        (4, 2018354, ("FAILED", "MESSAGE_FREQUENCY_CAPPED")),
        (9, 2018352, ("FAILED", "MESSAGE_FREQUENCY_CAPPED")),
        (4, 2018022, ("PENDING", "")),
        (613, 0, ("PENDING", "")),
        (80006, 0, ("PENDING", "")),
        (1200, 0, ("PENDING", "")),
        (2, 0, ("PENDING", "")),
        (2, 2018344, ("FAILED", "META_PERMISSION_MISSING")),
        (1, 99, ("FAILED", "META_PERMISSION_MISSING")),
        (1, 1357046, ("UNKNOWN", "")),
        (190, 463, ("FAILED", "META_TOKEN_INVALID")),
    ],
)
async def test_every_refusal_ends_in_the_right_state(chat: Chat, code: int, subcode: int, expected: Any) -> None:
    """What can be mended fails with what mends it, what passes waits, and what may have happened is not repeated."""
    conversation = await chat.hear()
    chat.fail("error", code=code, subcode=subcode, status=400, transient=False)
    await chat.send(conversation)
    await chat.turn()
    assert ([expected], []) == (await ended(chat, conversation), chat.seen())


async def test_a_missing_feature_is_learned_from_meta(chat: Chat, clock: Clock) -> None:
    """The first late answer fails with what is missing; the next is refused at once; a day later it is tried again."""
    chat.world.apps[next(iter(chat.world.apps))].human_agent = False
    conversation = await chat.hear()
    clock.advance(hours=30)
    await chat.send(conversation, sender="SENDER_HUMAN")
    await chat.arrive()
    assert [("FAILED", "HUMAN_AGENT_NOT_APPROVED")] == await ended(chat, conversation)
    assert ("HUMAN_AGENT_NOT_APPROVED",) == await refusal(chat.send(conversation, "Again", sender="SENDER_HUMAN"))
    clock.advance(hours=25)
    await chat.send(conversation, "A day later", sender="SENDER_HUMAN")


async def test_a_program_says_once_that_it_is_one(chat: Chat, stub: Any) -> None:
    """The Page's words stand before a program's first message of a conversation only; who wrote stays with each message."""
    words = pb.SendingSettings(automation_disclosure="I am a bot.")
    await stub.UpdateSendingSettings(pb.UpdateSendingSettingsRequest(store_id=STORE, settings=words))
    kept = await stub.GetSendingSettings(pb.GetSendingSettingsRequest(store_id=STORE))
    conversation = await chat.hear()
    human = message_pb2.Agent(agent_id="u_7", name="Rima")
    await chat.send(conversation, "Hello", sender="SENDER_HUMAN", agent=human)
    first = await chat.send(conversation, "One", agent=message_pb2.Agent(agent_id="bot_1"))
    assert (
        first.message_id == (await chat.send(conversation, "One", agent=message_pb2.Agent(agent_id="bot_1"))).message_id
    )
    await chat.send(conversation, "Two")
    await chat.arrive()
    assert ["Hello", "I am a bot.\n\nOne", "Two"] == [one.text for one in chat.seen()]
    told = [(one.sender, one.agent.agent_id, one.disclosed) for one in (await chat.messages(conversation))[1:]]
    assert ([(2, "u_7", False), (1, "bot_1", True), (1, "", False)], words) == (told, kept.settings)


async def test_people_go_before_bulk(runtime: Runtime, connected: str) -> None:
    """However much bulk there is, it begins one by one and leaves half of the Page's pace to people, who find room at once."""
    at, told = runtime.now(), {"per_second": 100}
    async with runtime.db.begin() as tx:
        connection = await connections.by_id(tx, UUID(connected))
        assert connection is not None
        begins = [await db.line_up(tx, connection, "TEXT", per_second=10, at=at) for _ in range(30)]
        bulk = [await db.take_turn(tx, connection, "TEXT", bulk=True, at=at, **told) for _ in range(60)]
        live = [await db.take_turn(tx, connection, "TEXT", bulk=False, at=at, **told) for _ in range(60)]
    assert [at + number * timedelta(milliseconds=100) for number in range(30)] == begins
    assert (51, 50) == (bulk.count(None), live.count(None))
    assert at < min(time for time in live if time) <= at + timedelta(milliseconds=10)


async def test_a_thousand_bulk_messages_hold_up_nobody(chat: Chat, clock: Clock) -> None:
    """Behind a thousand bulk messages a further one waits its turn; what a person waits for goes out at once."""
    fan, buyer = "70000000000000011", "70000000000000012"
    talks = {person: await chat.hear("Hello", person=person) for person in (fan, buyer)}
    waiting = "INSERT INTO page_paces SELECT id, 'TEXT', store_id, :busy, :bulk FROM connections"
    async with chat.runtime.db.begin() as tx:  # what a thousand leave behind: half of the burst spent, the line full
        now = clock()
        times = {"busy": now + timedelta(milliseconds=500), "bulk": now + timedelta(seconds=100)}
        await tx.execute(text(waiting), times)
    await chat.send(talks[fan], "News", bulk=True)
    await chat.send(talks[buyer], "It is")
    await chat.turn()
    assert ([], ["It is"]) == (chat.seen(person=fan), [one.text for one in chat.seen(person=buyer)])
    clock.advance(seconds=60)  # and what the machine takes: our clock goes on by itself
    await chat.turn()
    assert [] == chat.seen(person=fan)
    clock.advance(seconds=40)
    await chat.turn()
    assert ["News"] == [one.text for one in chat.seen(person=fan)]


async def test_bulk_follows_at_its_own_pace(chat: Chat, clock: Clock) -> None:
    """Bulk to several people, and an answer between: all arrive, once."""
    many = [f"7000000000000{number:04}" for number in range(1, 5)]
    for person in many:
        meta.receive(chat.world, chat.page, person, text="Tell me news")
    await chat.arrive()
    by_person = {one.person.psid: one.conversation_id for one in await chat.conversations()}
    for person in many:
        await chat.send(by_person[person], f"News {person}", bulk=person != many[0])
    clock.advance(seconds=2)
    await chat.arrive()
    assert [[f"News {person}"] for person in many] == [
        [one.text for one in chat.seen(person=person)] for person in many
    ]


async def test_what_nobody_can_settle_becomes_the_merchant_s_task(chat: Chat, clock: Clock) -> None:
    """A template that a read-back cannot tell stays UNKNOWN, is never repeated, and opens an alert after a day; an echo closes it."""
    conversation = await chat.hear()
    chat.page.fields_by_app[next(iter(chat.page.fields_by_app))] = ["messages"]
    chat.fail("drop_before")
    cards = message_pb2.GenericTemplate(cards=[message_pb2.GenericTemplate.Card(title="Scarf")])
    await chat.send(conversation, "", request_id="cards", cards=cards)
    for hours in (0, 1, 24, 1):
        clock.advance(hours=hours)
        await chat.arrive()
    async with chat.runtime.db.connect() as connection:
        open_alerts = await connection.execute(text("SELECT reason, item_count FROM alerts"))
        assert [("MESSAGES_UNSETTLED", 1)] == [tuple(row) for row in open_alerts]
    assert ([("UNKNOWN", "")], []) == (await ended(chat, conversation), chat.seen())


async def test_a_receipt_is_sent_in_the_caller_s_transaction(chat: Chat) -> None:
    """What rolls back sends nothing; what commits sends once, whatever repeats it."""
    conversation = await chat.hear()
    content = {
        "order_number": "1",
        "recipient_name": "Rima",
        "payment_method": "Cash",
        "currency": "BDT",
        "lines": [{"title": "Scarf", "subtitle": "", "quantity": 1, "price": "5.00", "image_url": ""}],
        "discounts": [],
        "subtotal": "5.00",
        "total": "5.00",
        "order_url": "",
        "order_time": "",
    }
    async with chat.runtime.db.connect() as connection:
        undone = await connection.begin()
        await _receipt(chat, connection, conversation, content)
        await undone.rollback()
    await chat.arrive()
    assert [] == chat.seen()
    for _ in range(2):
        async with chat.runtime.db.begin() as tx:
            await _receipt(chat, tx, conversation, content)
    await chat.arrive()
    assert ["receipt"] == [one.attachments[0]["payload"]["template_type"] for one in chat.seen()]


async def _receipt(chat: Chat, tx: Any, conversation: str, content: dict[str, Any]) -> None:
    receipt = Part(Kind.RECEIPT, content=content)
    await actions.send_receipt(chat.runtime, tx, STORE, UUID(conversation), request_id="order:1", receipt=receipt)


@pytest.mark.parametrize("echoes", [True, False])
async def test_ambiguous_sends_reach_the_person_at_most_once(chat: Chat, clock: Clock, *, echoes: bool) -> None:
    """With half of Meta's answers dropped after the effect, each text is seen exactly once and every message is settled."""
    conversation = await chat.hear()
    if not echoes:
        chat.page.fields_by_app[next(iter(chat.page.fields_by_app))] = ["messages"]
    chance = random.Random(16)  # noqa: S311 – a seed makes the run repeatable
    count = 24 if echoes else 12  # without echoes a read-back shows the newest 20 only
    for number in range(count):
        if chance.random() < 0.5:
            chat.fail("drop_answer")
        await chat.send(conversation, f"no. {number}")
        await chat.turn()
    for _ in range(40):  # Meta's circuit breaker opens now and then, and rests
        if {"DELIVERED", "SENT"} >= {state for state, _ in await ended(chat, conversation)}:
            break
        clock.advance(minutes=2)
        await chat.arrive()
    assert [f"no. {number}" for number in range(count)] == [one.text for one in chat.seen()]
    assert {"DELIVERED", "SENT"} >= {state for state, _ in await ended(chat, conversation)}
