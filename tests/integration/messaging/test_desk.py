"""What a desk does: search, mark, type, assign, watch, and see who writes."""

import asyncio
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from connector.messaging import db
from connector.messaging.db import listing
from simulator import messaging as meta
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_service_pb2 as desk_pb
from tests.integration.conftest import STORE, Clock
from tests.integration.messaging.conftest import Chat
from tests.integration.webhooks.bodies import PERSON

OTHER = "900000000001"


async def two(chat: Chat) -> tuple[str, str]:
    """Two conversations: of PERSON about shoes, of OTHER about hats."""
    shoes = await chat.hear("Do you have RED shoes in 42?")
    hats = await chat.hear("A hat, please", person=OTHER)
    return shoes, hats


SEARCHES = {
    "red": ["shoes"],
    "Sho red": ["shoes"],
    "hat": ["hats"],
    "shoes hat": [],
    "42?": ["shoes"],
    "it's": [],
    "a": ["hats"],
}


async def test_search_finds_words_and_beginnings(chat: Chat) -> None:
    """All words must stand in one message, whole or as a beginning; case does not matter."""
    shoes, hats = await two(chat)
    names = {shoes: "shoes", hats: "hats"}
    found = {query: [names[one.conversation_id] for one in await chat.conversations(query=query)] for query in SEARCHES}
    assert SEARCHES == found


async def test_search_finds_names(chat: Chat, clock: Clock) -> None:
    """A person's name is found as their words are, once Meta has told it."""
    shoes, _ = await two(chat)
    async with chat.runtime.db.begin() as tx:
        await tx.execute(
            text("UPDATE conversations SET person_name = 'Ada Lovelace' WHERE id = CAST(:id AS uuid)"), {"id": shoes}
        )
    assert [shoes] == [one.conversation_id for one in await chat.conversations(query="love")]


async def test_a_query_without_a_word_is_refused(chat: Chat) -> None:
    """A query of signs alone names its field."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.conversations(query="?!")
    assert grpc.StatusCode.INVALID_ARGUMENT == refused.value.code()


async def test_assigned_conversations_are_listed_by_agent(chat: Chat) -> None:
    """An agent's conversations, and those that nobody has; the change is told once, however often it is asked for."""
    shoes, hats = await two(chat)
    for request_id in ("1", "2"):
        wish = desk_pb.AssignConversationRequest(
            store_id=STORE, conversation_id=shoes, request_id=request_id, agent_id="agent_7"
        )
        answered = await chat.desk.AssignConversation(wish)
    assert "agent_7" == answered.conversation.agent_id
    assert [shoes] == [one.conversation_id for one in await chat.conversations(agent_id="agent_7")]
    assert [hats] == [one.conversation_id for one in await chat.conversations(unassigned_only=True)]
    assert ["CHANGE_ASSIGNED"] == await changes(chat, "CHANGE_ASSIGNED")


def shown(chat: Chat) -> list[str]:
    """What the person was shown of our side."""
    return [action.lower() for action in chat.page.threads[PERSON].actions]


async def changes(chat: Chat, kind: str) -> list[str]:
    """The changes of conversations that StormCom was told."""
    query = text(
        "SELECT body ->> 'change' FROM events WHERE kind = 'conversation_changed' AND body ->> 'change' = :kind"
    )
    async with chat.runtime.db.connect() as connection:
        return [row[0] for row in await connection.execute(query, {"kind": kind})]


async def test_read_is_read_here_and_at_meta(chat: Chat, clock: Clock) -> None:
    """Marked up to a message, the later one stays unread; marked again, none is; Meta is told; an older mark changes nothing."""
    conversation = await chat.hear("one")
    clock.advance(seconds=2)
    await chat.hear("two")
    first, _ = await chat.messages(conversation)
    wish = {"store_id": STORE, "conversation_id": conversation}
    request = desk_pb.MarkReadRequest(**wish, request_id="1", up_to_message_id=first.message_id)
    assert 1 == (await chat.desk.MarkRead(request)).conversation.unread_count
    assert 0 == (await chat.desk.MarkRead(desk_pb.MarkReadRequest(**wish, request_id="2"))).conversation.unread_count
    request = desk_pb.MarkReadRequest(**wish, request_id="3", up_to_message_id=first.message_id)
    assert 0 == (await chat.desk.MarkRead(request)).conversation.unread_count
    await chat.arrive()
    assert ["mark_seen"] == shown(chat)
    clock.advance(seconds=2)
    await chat.hear("three")
    assert [1] == [one.unread_count for one in await chat.conversations()]


async def test_typing_is_shown_at_once_or_not_at_all(chat: Chat, clock: Clock) -> None:
    """Typing reaches the person; while Meta fails it is tried for ten seconds, and not shown later."""
    conversation = await chat.hear()
    wish = {"store_id": STORE, "conversation_id": conversation}
    await chat.desk.SetTyping(desk_pb.SetTypingRequest(**wish, request_id="1", typing=True))
    await chat.turn()
    assert ["typing_on"] == shown(chat)
    chat.fail("status", status=503)
    await chat.desk.SetTyping(desk_pb.SetTypingRequest(**wish, request_id="2", typing=False))
    await chat.turn()
    clock.advance(minutes=5)
    await chat.turn()
    assert ["typing_on"] == shown(chat)


async def test_messages_are_listed_in_both_directions_and_around_one(chat: Chat, clock: Clock) -> None:
    """Oldest first, newest first, or around a message; the tokens lead on in both directions, and every message comes once."""
    for number in range(7):
        clock.advance(seconds=2)
        conversation = await chat.hear(str(number))
    wish: dict[str, Any] = {"store_id": STORE, "conversation_id": conversation, "page_size": 3}
    oldest = await chat.stub.ListMessages(pb.ListMessagesRequest(**wish, oldest_first=True))
    second = await chat.stub.ListMessages(
        pb.ListMessagesRequest(**wish, oldest_first=True, page_token=oldest.next_page_token)
    )
    middle = next(one for one in second.messages if one.text == "3")
    around = await chat.stub.ListMessages(pb.ListMessagesRequest(**wish, around_message_id=middle.message_id))
    newer = await chat.stub.ListMessages(pb.ListMessagesRequest(**wish, page_token=around.previous_page_token))
    older = await chat.stub.ListMessages(pb.ListMessagesRequest(**wish, page_token=around.next_page_token))
    texts = [[one.text for one in page.messages] for page in (oldest, second, newer, around, older)]
    assert [["0", "1", "2"], ["3", "4", "5"], ["6", "5"], ["4", "3", "2"], ["1", "0"]] == texts
    assert ("", "", "") == (oldest.previous_page_token, newer.previous_page_token, older.next_page_token)


async def watch(chat: Chat, *, number: int, **wish: Any) -> list[desk_pb.WatchConversationsResponse]:
    """The first answers of a stream."""
    told: list[desk_pb.WatchConversationsResponse] = []
    async with asyncio.timeout(20):
        stream = chat.desk.WatchConversations(desk_pb.WatchConversationsRequest(store_id=STORE, **wish))
        async for one in stream:
            told.append(one)
            if len(told) == number:
                break
        stream.cancel()
    return told


async def test_a_watch_tells_what_is_then_what_changes_and_goes_on_where_it_ended(chat: Chat, clock: Clock) -> None:
    """What is now comes first; behind its token a later stream tells the changes only, with their messages, and misses none."""
    shoes, hats = await two(chat)
    now = await watch(chat, number=2)
    assert [(hats, True), (shoes, True)] == [(one.conversation.conversation_id, one.initial) for one in now]
    assert ("", True) == (now[0].resume_token, bool(now[1].resume_token))
    clock.advance(seconds=2)
    await chat.hear("And socks?")
    await chat.hear("Or a cap", person=OTHER)
    await chat.hear("Blue ones")
    (first,) = await watch(chat, number=1, resume_token=now[1].resume_token)
    (second,) = await watch(chat, number=1, resume_token=first.resume_token)
    told = {one.conversation.conversation_id: [each.text for each in one.messages] for one in (first, second)}
    assert {shoes: ["And socks?", "Blue ones"], hats: ["Or a cap"]} == told
    assert not first.initial


async def test_people_are_looked_up_soon_and_told(chat: Chat, clock: Clock) -> None:
    """A few seconds after somebody's first message their name and picture are known; StormCom is told."""
    from jobs import schedule

    async with chat.runtime.db.begin() as tx:
        await schedule.plan(tx, at=chat.runtime.now())
    conversation = await chat.hear()
    clock.advance(seconds=10)
    await chat.turn()
    person = (await chat.conversations())[0].person
    profile = chat.page.profiles[PERSON]
    assert (profile.name, True) == (person.name, bool(person.picture_url))
    assert (["CHANGE_PERSON"], conversation) == (
        await changes(chat, "CHANGE_PERSON"),
        (await chat.conversations())[0].conversation_id,
    )


async def test_who_shows_no_profile_is_named_by_the_conversation_and_left_alone(chat: Chat, clock: Clock) -> None:
    """A refused profile is not asked for again for weeks; the name comes from the conversation's participants."""
    from jobs import schedule

    async with chat.runtime.db.begin() as tx:
        await schedule.plan(tx, at=chat.runtime.now())
    await chat.hear()
    chat.fail("error", path=f"/{PERSON}$", method="GET", code=230)
    clock.advance(seconds=10)
    await chat.turn()
    clock.advance(days=1)
    await chat.turn()
    asked = [one for one in chat.world.records.calls if one.path == PERSON]
    assert (1, chat.page.profiles[PERSON].name) == (len(asked), (await chat.conversations())[0].person.name)


async def test_words_stand_in_no_log(chat: Chat, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """What people write, are called and look for is in no line of the log."""
    await chat.hear("CanaryWord")
    meta.receive(chat.world, chat.page, OTHER, text="CanaryOther", name="CanaryName")
    await chat.desk.BeginBackfill(desk_pb.BeginBackfillRequest(store_id=STORE, request_id="1"))
    clock.advance(seconds=10)
    await chat.arrive()
    await chat.conversations(query="CanaryQuery")
    told = capsys.readouterr()
    assert "task.run" in told.out
    assert "canary" not in (told.out + told.err).lower()


async def test_the_few_unread_are_found_without_looking_at_all(chat: Chat, connected: str) -> None:
    """Of many conversations those unread are read from an index of their own."""
    filled = text("""INSERT INTO conversations (id, store_id, connection_id, psid, unread_count, last_message_time)
        SELECT gen_random_uuid(), 'store_1', CAST(:connection AS uuid), n::text, (n % 500 = 0)::int, now() - n * interval '1 minute'
        FROM generate_series(1, 5000) AS n""")
    asked = listing.listed(UUID(connected), db.Wanted(unread_only=True)).limit(51)
    written = asked.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
    async with chat.runtime.db.begin() as tx:
        await tx.execute(filled, {"connection": connected})
        await tx.execute(text("ANALYZE conversations"))
        plan = "\n".join(await tx.scalars(text(f"EXPLAIN {str(written).replace(':', chr(92) + ':')}")))
    assert ("ix_conversations_unread", False) == (plan.partition("using ")[2].split()[0], "Seq Scan" in plan), plan
    assert 10 == len(await chat.conversations(unread_only=True, page_size=100))
