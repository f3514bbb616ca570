"""DeletePersonalData: a canary person, driven through everything, leaves no trace and does not come back."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import text

from connector.connections import db as connections
from connector.connections.model import State
from stormcom.facebook.v1 import admin_service_pb2 as pb
from tests.integration.conftest import STORE, Clock
from tests.integration.privacy.conftest import EMAIL, PSID, TRACES, Canary, bodies
from tests.integration.webhooks.bodies import PERSON, envelope, wrote

KNOWN = {
    "messages.text", "messages.mid", "messages.attachments", "conversations.psid", "conversations.person_name",
    "events.body", "deliveries.body", "signals.raw", "problems.message",
    "message_changes.mid", "message_changes.body", "messages.reactions", "conversations.referral", "requests.response", "handouts.message",
}  # fmt: skip


@pytest.mark.parametrize("by", ["psid", "conversation_id"])
async def test_a_person_leaves_no_trace_and_does_not_come_back(
    canary: Canary, clock: Clock, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    """After the deletion no column of any table knows the person, no log ever did, and their old webhooks store nothing."""
    conversation_id = await canary.live()
    assert set() == KNOWN - await canary.look()
    clock.advance(minutes=1)
    ended = await canary.delete(**{by: PSID if by == "psid" else conversation_id})
    assert (pb.Deletion.STATE_DONE, "development") == (ended.state, ended.caller)
    removed = [ended.removed[name] for name in ("signals", "conversations", "messages", "message_changes")]
    assert [1, 1, 5, 2] == removed
    assert set() == await canary.look()
    await canary.deliver(*bodies(canary.now))
    ours = {
        "events.ordering_key",
        "handouts.ordering_key",
        "audit_entries.objects",
    }  # the conversation's id, not the person
    assert set() == await canary.look((*TRACES, conversation_id)) - ours
    assert [PERSON] == await canary.ask("SELECT psid FROM conversations")
    said = capsys.readouterr().out
    assert [] == [word for word in TRACES if word in said]


async def test_the_neighbour_stays(canary: Canary, clock: Clock) -> None:
    """Whoever stands in the same webhook keeps conversation, message, event, and their half of the bytes."""
    await canary.live()
    clock.advance(minutes=1)
    await canary.delete(psid=PSID)
    (body,) = await canary.ask("SELECT body FROM deliveries")
    kept = [(one["message"]["mid"], one["sender"]["id"]) for one in json.loads(body)["entry"][0]["messaging"]]
    assert [("m_1", PERSON)] == kept
    assert ["Hi"] == await canary.ask("SELECT text FROM messages")
    assert [1] == await canary.ask("SELECT count(*) FROM events WHERE kind = 'message_received' AND body <> '{}'")


async def test_a_person_who_writes_again_is_welcome(canary: Canary, clock: Clock) -> None:
    """What a person writes after the deletion is a new conversation."""
    await canary.write()
    clock.advance(minutes=1)
    await canary.delete(psid=PSID)
    await canary.write("m_canary_9", "Hello again", after=120)
    assert ["Hello again"] == await canary.ask("SELECT text FROM messages")


async def test_a_repeated_send_sends_nothing_after_the_deletion(canary: Canary, clock: Clock) -> None:
    """The request_id of a message to the person stays used: repeating the call is refused, not done again."""
    conversation_id = await canary.live()
    clock.advance(minutes=1)
    await canary.delete(psid=PSID)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await canary.send(conversation_id)
    assert grpc.StatusCode.ALREADY_EXISTS == refused.value.code()


async def test_an_address_is_taken_out_of_what_mentions_it(canary: Canary, clock: Clock) -> None:
    """An e-mail address goes from every text and every raw webhook, and stays away; the conversation in which it stood stays."""
    await canary.live()
    clock.advance(minutes=1)
    await canary.delete(email=EMAIL.upper())
    assert set() == await canary.look([EMAIL])
    await canary.deliver(*bodies(canary.now))
    assert set() == await canary.look([EMAIL])
    assert ["m_canary_2"] == await canary.ask(
        "SELECT mid FROM messages WHERE mid LIKE 'm_canary%' AND text = '' AND attachments = '[]'"
    )
    assert [4] == await canary.ask("SELECT count(*) FROM messages WHERE mid LIKE 'm_canary%'")


async def test_an_escaped_address_is_found_in_raw_webhooks(canary: Canary, clock: Clock) -> None:
    r"""Meta may write `@` as `\u0040`: the raw webhook is found all the same, and only the one who is meant leaves it."""
    mails = wrote(canary.now, "m_canary_1", EMAIL, person=PSID), wrote(canary.now, "m_1", f"x{EMAIL}", person=PERSON)
    await canary.deliver(envelope(*mails).replace(b"@", b"\\u0040"))
    clock.advance(minutes=1)
    await canary.delete(email=EMAIL)
    assert [f"x{EMAIL}"] == await canary.ask("SELECT text FROM messages WHERE text <> ''")
    (body,) = await canary.ask("SELECT body FROM deliveries")
    assert ["m_1"] == [one["message"]["mid"] for one in json.loads(body)["entry"][0]["messaging"]]


async def test_a_merchant_is_deleted_by_a_caller(canary: Canary) -> None:
    """By a merchant's id their tokens, grants and identity go; the connection keeps its Page and needs a login."""
    await canary.delete(meta_user_id="10000000000000001")
    async with canary.runtime.db.begin() as tx:
        found = await connections.by_id(tx, UUID(canary.connection_id))
    assert found is not None
    assert (State.NEEDS_LOGIN, "MERCHANT_DATA_DELETED", "", None, None) == (
        found.state, found.reason, found.user_id, found.user_token, found.page_token
    )  # fmt: skip


async def test_another_store_is_not_touched(canary: Canary) -> None:
    """A store deletes its own people only, and finds none of another's conversations and deletions."""
    await canary.write()
    before = await canary.look()
    foreign = await canary.delete(store_id="store_2", psid=PSID)
    assert before == await canary.look()
    (conversation_id,) = await canary.ask("SELECT id FROM conversations")
    calls: list[tuple[Any, Any]] = [
        (canary.stub.GetDeletion, pb.GetDeletionRequest(store_id=STORE, deletion_id=foreign.deletion_id)),
        (
            canary.stub.DeletePersonalData,
            pb.DeletePersonalDataRequest(store_id="store_2", conversation_id=str(conversation_id)),
        ),
    ]
    for call, request in calls:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(request)
        assert grpc.StatusCode.NOT_FOUND == refused.value.code()
    assert not (await canary.stub.ListDeletions(pb.ListDeletionsRequest(store_id=STORE))).deletions


async def test_a_late_deletion_raises_an_alert_until_it_ends(canary: Canary, clock: Clock) -> None:
    """A deletion that nobody works on for a day is an alert of the store; it closes when the deletion has ended."""
    await canary.stub.DeletePersonalData(pb.DeletePersonalDataRequest(store_id=STORE, psid=PSID))
    opened = []
    for days in (3, -30):
        async with canary.runtime.db.begin() as tx:
            due = text("UPDATE tasks SET due_time = due_time + :days WHERE name = 'ERASE_PERSON'")
            await tx.execute(due, {"days": timedelta(days=days)})
        clock.advance(hours=25)
        for _ in range(2):  # the deletion may be done after the look
            await canary.sweep()
        opened += await canary.ask("SELECT count(*) FROM alerts WHERE reason = 'DELETION_LATE'")
    assert ([1, 0], ["DONE"]) == (opened, await canary.ask("SELECT state FROM deletions"))


async def test_messages_stay_as_long_as_the_store_says(canary: Canary, clock: Clock) -> None:
    """What is older than the store's setting goes with its conversation, and sent again it is not taken in."""
    body = await canary.write()
    settings = pb.PrivacySettings(message_days=40)
    await canary.stub.UpdatePrivacySettings(pb.UpdatePrivacySettingsRequest(store_id=STORE, settings=settings))
    left = []
    for days in (39, 2, 92):
        clock.advance(days=days)
        await canary.sweep()
        await canary.deliver(body)
        left += await canary.ask("SELECT count(*) FROM conversations")
    assert [1, 0, 0] == left
    assert set() == await canary.look()


async def test_an_address_is_found_however_far_back(canary: Canary, clock: Clock) -> None:
    """Texts are gone through in windows: what stands in the last of them is emptied like what stands in the first."""
    await canary.write()
    fill = text("""
        INSERT INTO messages (id, store_id, connection_id, conversation_id, origin, state, mid, text, send_time)
        SELECT ('f' || lpad(to_hex(number), 31, '0'))::uuid, store_id, connection_id, conversation_id, origin, state,
            'm_' || number, CASE WHEN number % 5200 = 1 THEN :words ELSE 'Hi' END, send_time
        FROM messages, generate_series(1, 5201) AS number
    """)
    async with canary.runtime.db.begin() as tx:
        await tx.execute(fill, {"words": f"Write to {EMAIL}"})
    clock.advance(minutes=1)
    ended = await canary.delete(email=EMAIL)
    assert 2 == ended.removed["messages"]
    assert set() == await canary.look([EMAIL])
