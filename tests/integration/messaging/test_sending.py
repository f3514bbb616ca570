"""Messages out: once, whatever fails on the way; and what StormCom is told of it."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import text

from simulator import messaging as meta
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2
from tests.integration.messaging.conftest import Chat, Deliver
from tests.integration.webhooks.bodies import PERSON, echoed, envelope

State = conversation_pb2.Message.State
STORMCOM = conversation_pb2.Message.ORIGIN_STORMCOM
ELSEWHERE = conversation_pb2.Message.ORIGIN_ELSEWHERE


async def states(chat: Chat, conversation_id: str) -> list[tuple[str, str]]:
    """The text and state of every message of the Page, oldest first."""
    return [
        (message.text, State.Name(message.state).removeprefix("STATE_"))
        for message in await chat.messages(conversation_id)
        if message.origin != conversation_pb2.Message.ORIGIN_PERSON
    ]


def reason(error: grpc.aio.AioRpcError) -> str:
    """The reason in a failed call's details."""
    trailers = dict(error.trailing_metadata() or ())
    details = trailers["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    return details.decode("latin-1")


async def test_a_reply_goes_out_once_and_is_told_at_every_step(chat: Chat) -> None:
    """PENDING when it is stored; SENT and DELIVERED by Meta's word; the person sees it once; the echo is recognised as ours."""
    conversation = await chat.hear()
    stored = await chat.send(conversation)
    assert (State.STATE_PENDING, "", STORMCOM) == (stored.state, stored.mid, stored.origin)
    await chat.arrive()
    (seen,) = chat.seen()
    (_, message) = await chat.messages(conversation)
    assert (State.STATE_DELIVERED, seen.id, stored.message_id) == (message.state, message.mid, message.message_id)
    assert ("Yes", stored.message_id) == (seen.text, seen.metadata)
    assert (["SENT", "DELIVERED"], ["Is it there?"]) == (await chat.told(), await chat.told("message_received"))


async def test_a_person_s_message_opens_window_and_counts_as_unread(chat: Chat) -> None:
    """A message in shows the conversation with its snippet, window and unread count; an answer resets the count."""
    conversation = await chat.hear()
    (shown,) = await chat.conversations(unread_only=True)
    day, week = shown.window.response_expire_time, shown.window.human_agent_expire_time
    assert ("Is it there?", 1, PERSON, 6 * 86400) == (
        shown.snippet,
        shown.unread_count,
        shown.person.psid,
        week.seconds - day.seconds,
    )
    await chat.send(conversation)
    await chat.arrive()
    assert ([], "Yes") == (await chat.conversations(unread_only=True), (await chat.conversations())[0].snippet)


async def test_waiting_brings_the_mid(chat: Chat) -> None:
    """With `wait` the answer comes when Meta has answered; without a worker it comes when the wait is over."""
    conversation = await chat.hear()
    waiting = asyncio.create_task(chat.send(conversation, wait=Duration(seconds=10)))
    while not waiting.done():
        await chat.turn()
        await asyncio.sleep(0.01)
    assert (State.STATE_SENT, chat.seen()[0].id) == ((await waiting).state, (await waiting).mid)
    late = await chat.send(conversation, "Later", wait=Duration(nanos=50_000_000))
    assert State.STATE_PENDING == late.state


async def test_a_lost_answer_is_settled_by_the_echo(chat: Chat) -> None:
    """When Meta does it and the answer is lost, the echo proves it: the person saw it once, and StormCom learns so."""
    conversation = await chat.hear()
    chat.fail("drop_answer")
    await chat.send(conversation)
    await chat.arrive()
    assert [("Yes", "DELIVERED")] == await states(chat, conversation)
    assert 1 == len(chat.seen())


@pytest.mark.parametrize("kind", ["drop_answer", "close", "garbage"])
async def test_a_lost_answer_without_echo_is_settled_by_looking(chat: Chat, clock: Any, kind: str) -> None:
    """Without echoes the conversation is read back: found there, the message is SENT with its `mid`; it never goes out twice."""
    conversation = await chat.hear()
    chat.page.fields_by_app[next(iter(chat.page.fields_by_app))] = ["messages"]
    chat.fail(kind)
    await chat.send(conversation)
    await chat.arrive()
    assert [("Yes", "UNKNOWN")] == await states(chat, conversation)
    seen = len(chat.seen())
    clock.advance(seconds=3)
    await chat.arrive()
    if seen:
        assert [("Yes", "SENT")] == await states(chat, conversation)
    clock.advance(minutes=15)
    await chat.arrive()
    assert ([("Yes", "SENT")] if seen else [("Yes", "FAILED")]) == await states(chat, conversation)
    assert seen == len(chat.seen())
    assert ["UNKNOWN", "SENT" if seen else "FAILED"] == await chat.told()


async def test_what_provably_never_went_out_ends_as_failed(chat: Chat, clock: Any) -> None:
    """A call that was cut off before Meta saw it stays UNKNOWN until nothing can follow any more, then FAILED; nobody got it."""
    conversation = await chat.hear()
    chat.fail("drop_before")
    await chat.send(conversation)
    await chat.arrive()
    clock.advance(minutes=11)
    await chat.arrive()
    assert [("Yes", "UNKNOWN")] == await states(chat, conversation)
    clock.advance(minutes=5)
    await chat.arrive()
    assert ([("Yes", "FAILED")], []) == (await states(chat, conversation), chat.seen())


async def test_a_late_echo_corrects_a_failure(chat: Chat, clock: Any, deliver: Deliver) -> None:
    """Meta's word that a message went out stands above our proof that it did not."""
    conversation = await chat.hear()
    chat.fail("drop_before")
    stored = await chat.send(conversation)
    await chat.arrive()
    clock.advance(minutes=16)
    await chat.arrive()
    await deliver(envelope(echoed(0, "m_late", "Yes", app_id=1, metadata=stored.message_id)))
    assert ([("Yes", "SENT")], ["UNKNOWN", "FAILED", "SENT"]) == (await states(chat, conversation), await chat.told())


async def test_a_worker_that_died_during_the_call_does_not_send_again(chat: Chat, clock: Any) -> None:
    """A message marked as attempted whose worker never came back is looked for, not sent again."""
    conversation = await chat.hear()
    await chat.send(conversation)
    async with chat.runtime.db.begin() as tx:  # what a worker leaves behind that is killed in its call
        changed = "UPDATE messages SET state = 'ATTEMPTED', attempt_time = :now WHERE state = 'PENDING'"
        await tx.execute(text(changed), {"now": chat.runtime.now()})
    await chat.arrive()
    assert ([("Yes", "UNKNOWN")], []) == (await states(chat, conversation), chat.seen())
    clock.advance(minutes=16)
    await chat.arrive()
    assert ([("Yes", "FAILED")], []) == (await states(chat, conversation), chat.seen())


async def test_passing_failures_are_repeated(chat: Chat, clock: Any) -> None:
    """While Meta says that it failed for now or wants a pause, the message stays PENDING and goes out afterwards, once."""
    conversation = await chat.hear()
    chat.fail("error", code=2)
    chat.fail("error", code=613)
    await chat.send(conversation)
    for _ in range(4):
        await chat.arrive()
        clock.advance(minutes=6)
    await chat.arrive()
    assert [("Yes", "DELIVERED")] == await states(chat, conversation)
    assert 1 == len(chat.seen())


async def test_messages_of_a_conversation_keep_their_order(chat: Chat) -> None:
    """What StormCom sends to one person arrives in the order in which it was asked for, also past a lost answer."""
    conversation = await chat.hear()
    chat.fail("drop_answer", times=2)
    for number in range(25):
        await chat.send(conversation, f"no. {number}")
    await chat.arrive()
    assert [f"no. {number}" for number in range(25)] == [message.text for message in chat.seen()]
    assert {"DELIVERED"} == {state for _, state in await states(chat, conversation)}


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (10, 2018278, "MESSAGING_WINDOW_CLOSED"),
        (551, 1545041, "META_PERSON_UNREACHABLE"),
        (100, 2018001, "META_PERSON_UNREACHABLE"),
        (190, 460, "META_TOKEN_INVALID"),
        (230, 0, "META_PERMISSION_MISSING"),
        (368, 0, "META_POLICY_BLOCKED"),
        (100, 2018032, "META_REJECTED"),
    ],
)
async def test_a_refusal_ends_the_message_with_its_reason(chat: Chat, code: int, subcode: int, expected: str) -> None:
    """What Meta refuses for good is FAILED with the reason, is told once, and is not tried again."""
    conversation = await chat.hear()
    chat.fail("error", code=code, subcode=subcode)
    await chat.send(conversation)
    await chat.arrive()
    message = (await chat.messages(conversation))[1]
    assert (State.STATE_FAILED, expected) == (message.state, message.reason)
    assert (["FAILED"], []) == (await chat.told(), chat.seen())


async def test_a_dead_token_is_noticed_on_the_connection(chat: Chat) -> None:
    """A refusal for the token stops the connection: the next wish is refused at once, and the merchant's way out is named."""
    conversation = await chat.hear()
    for token in chat.world.tokens.values():
        token.death = 460
    await chat.send(conversation)
    await chat.arrive()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.send(conversation, "Again")
    assert "META_TOKEN_INVALID" in reason(refused.value)


@pytest.mark.parametrize(
    ("sender", "hours", "expected"),
    [
        ("SENDER_AUTOMATION", 23.9, "RESPONSE"),
        ("SENDER_AUTOMATION", 24.1, ""),
        ("SENDER_HUMAN", 24.1, "HUMAN_AGENT"),
        ("SENDER_HUMAN", 167.9, "HUMAN_AGENT"),
        ("SENDER_HUMAN", 168.1, ""),
    ],
)
async def test_the_window_decides(chat: Chat, clock: Any, sender: str, hours: float, expected: str) -> None:
    """Programs may answer for 24 hours, humans for 7 days with Meta's tag; afterwards the wish is refused before any call."""
    chat.world.apps[next(iter(chat.world.apps))].human_agent = True
    conversation = await chat.hear()
    clock.advance(hours=hours)
    if not expected:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await chat.send(conversation, sender=sender)
        assert (grpc.StatusCode.FAILED_PRECONDITION, []) == (refused.value.code(), chat.seen())
        assert "MESSAGING_WINDOW_CLOSED" in reason(refused.value)
        return
    await chat.send(conversation, sender=sender)
    await chat.arrive()
    assert [expected.replace("RESPONSE", "")] == [message.tag for message in chat.seen()]


async def test_a_window_that_closes_while_meta_is_down_fails_the_message(chat: Chat, clock: Any) -> None:
    """A message that could not go out in time does not go out too late."""
    conversation = await chat.hear()
    clock.advance(hours=23.9)
    chat.fail("error", code=613)
    await chat.send(conversation)
    await chat.arrive()
    clock.advance(hours=1)
    await chat.arrive()
    message = (await chat.messages(conversation))[1]
    assert (State.STATE_FAILED, "MESSAGING_WINDOW_CLOSED", []) == (message.state, message.reason, chat.seen())


async def test_the_same_wish_is_one_message(chat: Chat) -> None:
    """However often and however parallel a wish is repeated, one message exists and goes out once."""
    conversation = await chat.hear()
    calls = await asyncio.gather(*(chat.send(conversation) for _ in range(10)), return_exceptions=True)
    answers = [call for call in calls if isinstance(call, conversation_pb2.Message)]
    for call in calls:
        assert isinstance(call, conversation_pb2.Message) or (
            isinstance(call, grpc.aio.AioRpcError) and call.code() is grpc.StatusCode.ABORTED
        )
    await chat.arrive()
    assert {(await chat.send(conversation)).message_id} == {answer.message_id for answer in answers}
    assert 1 == len(chat.seen())


async def test_a_wish_survives_the_memory_of_answers(chat: Chat) -> None:
    """Also when the stored answer of the call is gone, the same `request_id` finds the message, and no other words fit it."""
    conversation = await chat.hear()
    first = await chat.send(conversation)
    async with chat.runtime.db.begin() as tx:
        await tx.execute(text("TRUNCATE requests"))
    assert first.message_id == (await chat.send(conversation)).message_id
    async with chat.runtime.db.begin() as tx:
        await tx.execute(text("TRUNCATE requests"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.send(conversation, "Other words", request_id="wish Yes")
    assert (grpc.StatusCode.ALREADY_EXISTS, True) == (
        refused.value.code(),
        "REQUEST_ID_REUSED" in reason(refused.value),
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "  \n"}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"request_id": ""}, "request_id"),
        ({"sender": 7}, "sender"),
        ({"wait": Duration(seconds=-1)}, "wait"),
    ],
)
async def test_a_wrong_field_is_named(chat: Chat, changed: dict[str, Any], field: str) -> None:
    """What cannot be sent is refused before anything is stored, and the wrong field is named."""
    conversation = await chat.hear()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.send(conversation, **changed)
    assert (grpc.StatusCode.INVALID_ARGUMENT, True) == (refused.value.code(), field in reason(refused.value))
    assert 1 == len(await chat.messages(conversation))


@pytest.mark.parametrize("conversation_id", ["", "x", "00000000-0000-7000-8000-00000000dead"])
async def test_a_conversation_that_is_not_there(chat: Chat, conversation_id: str) -> None:
    """Malformed and absent ids are refused; nothing tells one from the other."""
    for call in (
        chat.send(conversation_id),
        chat.stub.ListMessages(pb.ListMessagesRequest(store_id="store_1", conversation_id=conversation_id)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        expected = grpc.StatusCode.NOT_FOUND if conversation_id else grpc.StatusCode.INVALID_ARGUMENT
        assert expected == refused.value.code()


async def test_another_store_s_conversation_looks_missing(chat: Chat) -> None:
    """A conversation of another store is answered in the words of one that never was."""
    conversation = await chat.hear()
    request = pb.ListMessagesRequest(store_id="store_2", conversation_id=conversation)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.stub.ListMessages(request)
    assert "No such conversation in this store" == refused.value.details()


async def test_what_the_page_writes_elsewhere_is_shown(chat: Chat) -> None:
    """An answer typed into Meta's inbox appears as the Page's, once, and StormCom is told as of a new message."""
    conversation = await chat.hear()
    meta.answer_in_inbox(chat.world, chat.page, PERSON, "From the inbox")
    await chat.arrive()
    (_, message) = await chat.messages(conversation)
    assert ("From the inbox", ELSEWHERE, State.STATE_DELIVERED) == (message.text, message.origin, message.state)
    assert ["Is it there?", "From the inbox"] == await chat.told("message_received")


@pytest.mark.parametrize("metadata", [True, False], ids=["with metadata", "without"])
async def test_an_echo_that_overtakes_the_answer(chat: Chat, deliver: Deliver, *, metadata: bool) -> None:
    """An echo that comes while the call is under way, and comes twice, is recognised; the answer then changes nothing."""
    conversation = await chat.hear()
    stored = await chat.send(conversation)
    silence = chat.fail("delay", seconds=60)
    sending = asyncio.ensure_future(chat.turn())
    while not await _under_way(chat):  # noqa: ASYNC110 – what is waited for happens in the database
        await asyncio.sleep(0.01)
    along = {"metadata": stored.message_id} if metadata else {}
    echo = envelope(echoed(5, "m_first", "Yes", app_id=int(next(iter(chat.world.apps))), **along))
    await deliver(echo, echo)
    assert [("Yes", "SENT")] == await states(chat, conversation)
    silence.end()
    await sending
    ours = [one for one in await chat.messages(conversation) if one.origin == STORMCOM]
    assert (["m_first"], 1) == ([one.mid for one in ours], (await chat.told()).count("SENT"))


async def _under_way(chat: Chat) -> bool:
    async with chat.runtime.db.connect() as connection:
        return bool(await connection.scalar(text("SELECT count(*) FROM messages WHERE state = 'ATTEMPTED'")))


async def test_pages_of_lists_end(chat: Chat) -> None:
    """Conversations and messages are listed newest first, page by page, each once; a token fits its own list only."""
    people = ["70000000000000001", "70000000000000002"]
    for person in people:
        conversation = await chat.hear(f"I am {person}", person=person)
    for number in range(5):
        meta.receive(chat.world, chat.page, people[1], text=f"no. {number}")
    await chat.arrive()
    listed, token = [], ""
    while True:
        request = pb.ListMessagesRequest(
            store_id="store_1", conversation_id=conversation, page_size=2, page_token=token
        )
        page = await chat.stub.ListMessages(request)
        listed += [message.text for message in page.messages]
        token = page.next_page_token
        if not token:
            break
    assert [*(f"no. {number}" for number in range(4, -1, -1)), f"I am {people[1]}"] == listed
    first = await chat.stub.ListConversations(pb.ListConversationsRequest(store_id="store_1", page_size=1))
    again = pb.ListConversationsRequest(store_id="store_1", page_size=1, page_token=first.next_page_token)
    second = await chat.stub.ListConversations(again)
    assert (people[::-1], "") == (
        [found.conversations[0].person.psid for found in (first, second)],
        second.next_page_token,
    )
    again.unread_only = True
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.stub.ListConversations(again)
    assert "PAGE_TOKEN_INVALID" in reason(refused.value)
