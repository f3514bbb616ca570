"""Instagram beside Messenger: its own people, its own conversations, and Messenger never depends on it."""

import grpc
import pytest
from sqlalchemy import text

from connector.connections.model.needs import INSTAGRAM_MESSAGES
from simulator import messaging as meta
from simulator.state import User
from stormcom.facebook.v1 import conversation_pb2
from stormcom.facebook.v1 import conversation_service_pb2 as desk_pb
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE, Clock
from tests.integration.messaging.conftest import Chat
from tests.integration.webhooks.bodies import PERSON

INSTAGRAM, MESSENGER = conversation_pb2.CHANNEL_INSTAGRAM, conversation_pb2.CHANNEL_MESSENGER
FAN = "178000000000777"


async def grant(chat: Chat) -> None:
    """Let the merchant's consent reach Instagram's messages, as if they had connected with them."""
    async with chat.runtime.db.begin() as tx:
        values = {"scopes": list(INSTAGRAM_MESSAGES), "account": chat.page.instagram_id}
        await tx.execute(
            text(
                "UPDATE connections SET instagram_id = :account, "
                "granted_scopes = granted_scopes || to_jsonb(CAST(:scopes AS text[]))"
            ),
            values,
        )


async def test_instagram_has_conversations_of_its_own(chat: Chat, clock: Clock) -> None:
    """A direct message arrives by its own webhook, is told with its channel, is answered, and stands beside Messenger's."""
    await grant(chat)
    await chat.hear("by Messenger")
    clock.advance(seconds=2)
    meta.receive(chat.world, chat.page, FAN, text="by Instagram", platform="INSTAGRAM")
    await chat.arrive()
    found = {one.channel: one for one in await chat.conversations()}
    assert ("by Instagram", FAN) == (found[INSTAGRAM].snippet, found[INSTAGRAM].person.psid)
    assert [found[MESSENGER]] == await chat.conversations(channel=MESSENGER)
    await chat.send(found[INSTAGRAM].conversation_id, "Yes")
    await chat.arrive()
    assert ["Yes"] == [one.text for one in chat.seen(person=FAN)]
    assert 2 == len(await chat.messages(found[INSTAGRAM].conversation_id))


async def test_instagram_is_read_back_too(chat: Chat, clock: Clock) -> None:
    """What no webhook brought of either channel is found in each, with Instagram's name of the person."""
    await grant(chat)
    fields, chat.page.fields_by_app = chat.page.fields_by_app, {}
    meta.receive(chat.world, chat.page, FAN, text="direct", platform="INSTAGRAM")
    meta.receive(chat.world, chat.page, PERSON, text="Messenger")
    chat.page.fields_by_app = fields
    await chat.desk.BeginBackfill(desk_pb.BeginBackfillRequest(store_id=STORE, request_id="1"))
    for _ in range(4):
        await chat.turn()
        clock.advance(seconds=1)
    found = {one.channel: one for one in await chat.conversations()}
    assert ("direct", "person.0777", "Messenger") == (
        found[INSTAGRAM].snippet,
        found[INSTAGRAM].person.username,
        found[MESSENGER].snippet,
    )


async def test_what_instagram_refuses_leaves_messenger_alone(chat: Chat, clock: Clock) -> None:
    """Without Meta's permission Instagram's reading back ends with a problem; Messenger's goes on, and nothing needs a login."""
    await grant(chat)
    for user in chat.world.all(User):
        for scopes in user.grants.values():
            scopes.pop("instagram_manage_messages", None)
    await chat.desk.BeginBackfill(desk_pb.BeginBackfillRequest(store_id=STORE, request_id="1"))
    for _ in range(4):
        await chat.turn()
        clock.advance(seconds=1)
    request = desk_pb.GetBackfillRequest(store_id=STORE)
    assert [True, True] == [one.HasField("finish_time") for one in (await chat.desk.GetBackfill(request)).backfills]
    await chat.hear("still here")
    assert ["still here"] == [one.snippet for one in await chat.conversations()]


async def test_an_answer_that_instagram_refuses_stops_no_other(chat: Chat) -> None:
    """Meta's refusal of a message on Instagram fails that message; Messenger's capability stays, and its answers go out."""
    await grant(chat)
    meta.receive(chat.world, chat.page, FAN, text="direct", platform="INSTAGRAM")
    await chat.hear("by Messenger")
    found = {one.channel: one.conversation_id for one in await chat.conversations()}
    chat.fail("error", code=10)
    await chat.send(found[INSTAGRAM], "No")
    await chat.turn()
    await chat.send(found[MESSENGER], "Yes")
    await chat.arrive()
    assert ([], ["Yes"]) == (chat.seen(person=FAN), [one.text for one in chat.seen()])


async def test_without_the_grant_instagram_is_not_written_to(chat: Chat) -> None:
    """What the merchant took back is refused with the way to it, also when it was asked for before."""
    await grant(chat)
    meta.receive(chat.world, chat.page, FAN, text="direct", platform="INSTAGRAM")
    await chat.arrive()
    (conversation,) = await chat.conversations()
    waiting = await chat.send(conversation.conversation_id, "Too late")
    async with chat.runtime.db.begin() as tx:
        await tx.execute(text("UPDATE connections SET granted_scopes = granted_scopes - 'instagram_manage_messages'"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.send(conversation.conversation_id, "No")
    assert ("INSTAGRAM_NOT_GRANTED",) == reason_of(refused.value)
    await chat.arrive()
    ended = [one for one in await chat.messages(conversation.conversation_id) if one.message_id == waiting.message_id]
    assert (["INSTAGRAM_NOT_GRANTED"], []) == ([one.reason for one in ended], chat.seen(person=FAN))


async def test_what_cannot_be_read_back_stays_unknown(chat: Chat, clock: Clock) -> None:
    """An answer that was lost on Instagram, where Meta refuses to be read, is looked for again; Messenger is not concerned."""
    await grant(chat)
    meta.receive(chat.world, chat.page, FAN, text="direct", platform="INSTAGRAM")
    await chat.arrive()
    (conversation,) = await chat.conversations()
    chat.fail("drop_before")
    await chat.send(conversation.conversation_id, "Yes")
    await chat.turn()
    chat.fail("error", path="/conversations$", method="GET", code=10)
    clock.advance(seconds=3)
    await chat.turn()
    (_, ours) = await chat.messages(conversation.conversation_id)
    assert conversation_pb2.Message.STATE_UNKNOWN == ours.state
    await chat.hear("by Messenger")
    await chat.send((await chat.conversations(channel=MESSENGER))[0].conversation_id, "Hello")
    await chat.arrive()
    assert ["Hello"] == [one.text for one in chat.seen()]
