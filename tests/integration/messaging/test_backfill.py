"""Reading conversations back: what no webhook brought is found, once, and nothing is counted twice."""

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from sqlalchemy import text

from simulator import messaging as meta
from stormcom.facebook.v1 import admin_service_pb2 as admin_pb
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2, message_pb2
from stormcom.facebook.v1 import conversation_service_pb2 as desk_pb
from stormcom.facebook.v1.admin_service_pb2_grpc import FacebookAdminStub
from tests.integration.conftest import STORE, Clock
from tests.integration.messaging.conftest import Chat
from tests.integration.webhooks.bodies import PERSON

Message = conversation_pb2.Message


@pytest.fixture
def read_back(chat: Chat, clock: Clock) -> Callable[[], Awaitable[conversation_pb2.Backfill]]:
    """Let Messenger be read back until it is done."""

    async def wait() -> conversation_pb2.Backfill:
        request = desk_pb.GetBackfillRequest(store_id=STORE)
        for _ in range(60):
            clock.advance(seconds=1)
            await chat.turn()
            found: list[conversation_pb2.Backfill] = list((await chat.desk.GetBackfill(request)).backfills)
            if found and all(one.HasField("finish_time") for one in found):
                return next(one for one in found if one.channel == conversation_pb2.CHANNEL_MESSENGER)
        raise AssertionError("reading back never ends")

    return wait


ReadBack = Callable[[], Awaitable[conversation_pb2.Backfill]]


def unheard(chat: Chat, **words: Any) -> None:
    """Let a person write while no webhook leaves Meta."""
    fields, chat.page.fields_by_app = chat.page.fields_by_app, {}
    meta.receive(chat.world, chat.page, **{"psid": PERSON, **words})
    chat.page.fields_by_app = fields


async def begin(chat: Chat, *, request_id: str = "back") -> None:
    """Ask for a reading back."""
    await chat.desk.BeginBackfill(desk_pb.BeginBackfillRequest(store_id=STORE, request_id=request_id))


async def test_what_was_missed_in_an_outage_comes_once(chat: Chat, clock: Clock, read_back: ReadBack) -> None:
    """After three days without webhooks every message is there once, told once, as back-filled; another reading back adds nothing."""
    await chat.hear("before")
    clock.advance(days=1)
    unheard(chat, text="first")
    clock.advance(days=1)
    unheard(chat, text="second")
    clock.advance(days=1)
    for _ in range(2):
        await begin(chat)
        await read_back()
        await chat.desk.BeginBackfill(desk_pb.BeginBackfillRequest(store_id=STORE, request_id="again"))
        await read_back()
    (conversation,) = await chat.conversations()
    told = [(one.text, one.backfilled) for one in await chat.messages(conversation.conversation_id)]
    assert [("before", False), ("first", True), ("second", True)] == told
    assert ["before", "first", "second"] == await chat.told("message_received")
    assert ("second", 3) == (conversation.snippet, conversation.unread_count)
    window = conversation.window.response_expire_time.ToDatetime(UTC) - clock()
    assert timedelta(minutes=-10) < window < timedelta()


async def test_a_late_webhook_of_a_known_message_changes_nothing(chat: Chat, clock: Clock, read_back: ReadBack) -> None:
    """A message that reading back found, and a webhook brings later, is one message, told once; it is back-filled no longer."""
    await chat.turn()
    meta.receive(chat.world, chat.page, PERSON, text="Hello")
    await begin(chat)
    await read_back()
    await chat.arrive()
    (conversation,) = await chat.conversations()
    assert [("Hello", False)] == [
        (one.text, one.backfilled) for one in await chat.messages(conversation.conversation_id)
    ]
    assert ["Hello"] == await chat.told("message_received")


_PHOTO = {"type": message_pb2.OutgoingAttachment.TYPE_IMAGE, "url": "https://shop.example/scarf.jpg"}


@pytest.mark.parametrize("content", [{}, {"words": "", "attachment": _PHOTO}], ids=["text", "photo"])
async def test_a_lost_answer_of_ours_is_proven_not_doubled(
    chat: Chat, clock: Clock, read_back: ReadBack, content: dict[str, Any]
) -> None:
    """A message of ours whose answer and echo were lost is recognised when it is read back: one message, SENT."""
    conversation = await chat.hear()
    clock.advance(seconds=2)
    chat.fail("drop_answer")
    fields, chat.page.fields_by_app = chat.page.fields_by_app, {}
    sent = await chat.send(conversation, **({"request_id": "lost"} | content))
    await chat.turn()
    chat.page.fields_by_app = fields
    await begin(chat)
    await read_back()
    (_, ours) = await chat.messages(conversation)
    assert (sent.message_id, Message.STATE_SENT) == (ours.message_id, ours.state)


async def test_what_cannot_be_read_any_more_is_a_gap(chat: Chat, clock: Clock, read_back: ReadBack) -> None:
    """Meta shows twenty messages of a conversation: five older ones that no webhook brought are a gap of five, between what is known."""
    conversation = await chat.hear("known")
    clock.advance(seconds=2)
    for number in range(25):
        unheard(chat, text=f"message {number}")
    await begin(chat)
    await read_back()
    listed = await chat.stub.ListMessages(pb.ListMessagesRequest(store_id=STORE, conversation_id=conversation))
    (gap,) = listed.gaps
    first_behind = listed.messages[19]
    assert (21, 5, "message 5") == (len(listed.messages), gap.message_count, first_behind.text)
    assert (listed.messages[20].send_time, first_behind.send_time) == (gap.begin_time, gap.end_time)


async def test_many_conversations_go_page_by_page_and_survive_being_cut_off(
    chat: Chat, clock: Clock, read_back: ReadBack
) -> None:
    """Twenty-three conversations, the task thrown back in between: each is there once, and Meta was asked page by page."""
    for number in range(23):
        clock.advance(seconds=2)
        unheard(chat, psid=f"90000000000{number:02}", text=f"words {number}")
    await begin(chat)
    clock.advance(seconds=1)
    await chat.turn()
    async with chat.runtime.db.begin() as tx:  # a worker died: its turn is taken again by another
        await tx.execute(text("UPDATE tasks SET attempt = attempt + 1 WHERE name = 'BACKFILL'"))
    done = await read_back()
    assert 23 == len(await chat.conversations(page_size=100))
    assert (23, False) == (done.message_count, done.cut)
    assert 23 == len(await chat.told("message_received"))


async def test_what_the_page_has_read_in_its_inbox_is_not_unread(chat: Chat, clock: Clock, read_back: ReadBack) -> None:
    """Of three messages of which Meta calls one unread, one is unread here."""
    for word in ("one", "two", "three"):
        clock.advance(seconds=2)
        unheard(chat, text=word)
    chat.page.threads[PERSON].unread = 1
    await begin(chat)
    await read_back()
    assert [1] == [one.unread_count for one in await chat.conversations()]


async def test_older_conversations_stay_where_they_are(chat: Chat, clock: Clock, read_back: ReadBack) -> None:
    """What was last written to before BACKFILL_DAYS is not read back."""
    unheard(chat, text="long ago")
    clock.advance(days=31)
    unheard(chat, psid="900000000001", text="lately")
    await begin(chat)
    await read_back()
    assert ["lately"] == [one.snippet for one in await chat.conversations()]


async def test_who_was_forgotten_does_not_come_back(
    chat: Chat, clock: Clock, channel: grpc.aio.Channel, read_back: ReadBack
) -> None:
    """What a person wrote before their data was deleted is not read back, nor are its gaps; what they write afterwards is."""
    for number in range(25):
        unheard(chat, text=f"before {number}")
    await FacebookAdminStub(channel).DeletePersonalData(admin_pb.DeletePersonalDataRequest(store_id=STORE, psid=PERSON))
    clock.advance(seconds=2)
    await begin(chat)
    await read_back()
    assert [] == await chat.conversations()
    clock.advance(seconds=2)
    unheard(chat, text="after")
    await begin(chat, request_id="later")
    await read_back()
    (conversation,) = await chat.conversations()
    listed = await chat.stub.ListMessages(
        pb.ListMessagesRequest(store_id=STORE, conversation_id=conversation.conversation_id)
    )
    assert (["after"], []) == ([one.text for one in listed.messages], list(listed.gaps))


async def test_what_the_store_keeps_no_longer_is_not_read_back(
    chat: Chat, clock: Clock, channel: grpc.aio.Channel, read_back: ReadBack
) -> None:
    """Messages older than the store keeps them stay at Meta, also in a conversation that goes on."""
    settings = admin_pb.PrivacySettings(message_days=30)
    request = admin_pb.UpdatePrivacySettingsRequest(store_id=STORE, settings=settings, request_id="keep")
    await FacebookAdminStub(channel).UpdatePrivacySettings(request)
    unheard(chat, text="too old")
    clock.advance(days=31)
    unheard(chat, text="young")
    await begin(chat)
    await read_back()
    (conversation,) = await chat.conversations()
    assert ["young"] == [one.text for one in await chat.messages(conversation.conversation_id)]


async def test_nobody_is_mailed_what_is_read_back(chat: Chat, read_back: ReadBack) -> None:
    """Reading back may bring what is weeks old: it is told as an event, and never forwarded by e-mail."""
    async with chat.runtime.db.begin() as tx:
        await tx.execute(text("UPDATE connections SET forwards_mail = true"))
    unheard(chat, text="last week")
    await begin(chat)
    await read_back()
    async with chat.runtime.db.connect() as connection:
        assert 0 == await connection.scalar(text("SELECT count(*) FROM tasks WHERE name = 'MAIL_MESSAGES'"))
    assert ["last week"] == await chat.told("message_received")
