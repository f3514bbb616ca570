"""What happens at Meta reaches StormCom: from the simulator's control API, signed and escaped, over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from sqlalchemy import text

from stormcom.facebook.v1 import conversation_service_pb2 as desk_pb
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import APP_ID, STORE
from tests.integration.messaging.conftest import Chat
from tests.integration.webhooks.bodies import PAGE, PERSON

INBOX = "263902037430900"
Control = Callable[..., Awaitable[Any]]
Happen = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def happen(chat: Chat, control_api: Control) -> Happen:
    """Let something happen at Meta, to the person or to the Page, and everything arrive."""

    async def happen(kind: str = "", *, to: str = "happenings", **said: Any) -> dict[str, Any]:
        about = {"kind": kind, "psid": PERSON} if to == "happenings" else {}
        for page in chat.page.fields_by_app.values():
            page[:] = sorted(
                {*page, "messaging_optouts", "messaging_feedback", "messaging_account_linking", "mention", "ratings"}
            )
        told: dict[str, Any] = await control_api("POST", f"/pages/{PAGE}/{to}", {**about, **said})
        await chat.arrive()
        assert 0 < told["apps"]
        return told

    return happen


async def bodies(chat: Chat, kind: str) -> list[dict[str, Any]]:
    query = text("SELECT body FROM events WHERE kind = :kind ORDER BY position")
    async with chat.runtime.db.connect() as connection:
        return [row[0] for row in await connection.execute(query, {"kind": kind})]


async def test_a_message_shows_what_became_of_it(chat: Chat, happen: Happen) -> None:
    """A person edits what they wrote, the Page's answer is loved, and StormCom reads both in the conversation."""
    conversation_id = await chat.hear("Is it bleu?")
    (wrote,) = await chat.messages(conversation_id)
    await happen("edit", mid=wrote.mid, text="Is it blue?")
    await happen("react", mid=wrote.mid, emoji="👍", reaction="like")
    (shown,) = await chat.messages(conversation_id)
    assert ("Is it blue?", 1, ["👍"]) == (shown.text, shown.edit_count, [one.emoji for one in shown.reactions])
    await happen("unreact", mid=wrote.mid)
    await happen("unsend", mid=wrote.mid)
    (gone,) = await chat.messages(conversation_id)
    assert ("", True, []) == (gone.text, gone.HasField("delete_time"), list(gone.reactions))


async def test_a_thread_passed_on_comes_back(chat: Chat, happen: Happen) -> None:
    """While Meta's inbox owns the thread its messages are standby and the conversation says so; given back, it is ours."""
    conversation_id = await chat.hear()
    await happen("pass", app_id=INBOX)
    await chat.hear("Anybody?")
    (conversation,) = await chat.conversations()
    assert (INBOX, False, True) == (
        conversation.owner.app_id,
        conversation.owner.ours,
        (await chat.messages(conversation_id))[-1].standby,
    )
    await happen("request", app_id=INBOX)
    await happen("pass", app_id=chat.runtime.apps[next(iter(chat.runtime.apps))].app_id)
    (conversation,) = await chat.conversations()
    assert conversation.owner.ours


@pytest.mark.parametrize(
    ("kind", "said", "change"),
    [
        ("referral", {"ref": "summer", "ad_id": "7"}, "CHANGE_REFERRAL"),
        ("optin", {"title": "News"}, "CHANGE_OPT_IN"),
        ("stop", {}, "CHANGE_OPT_IN"),
        ("optout", {}, "CHANGE_OPT_IN"),
        ("link", {"code": "secret"}, "CHANGE_ACCOUNT_LINK"),
        ("unlink", {}, "CHANGE_ACCOUNT_LINK"),
        ("take", {}, "CHANGE_OWNER"),
        ("release", {}, "CHANGE_OWNER"),
        ("request", {}, "CHANGE_OWNER_REQUESTED"),
    ],
)
async def test_what_is_noted_is_told(
    chat: Chat, happen: Happen, *, kind: str, said: dict[str, Any], change: str
) -> None:
    """Where a person came from, what they allow, and who owns the thread reach StormCom with the conversation."""
    await happen(kind, **said)
    assert [change] == [one["change"] for one in await bodies(chat, "conversation_changed")]


async def test_carts_buttons_and_answers_are_messages(chat: Chat, happen: Happen) -> None:
    """A cart, a pressed button and answered questions stand in the conversation, with all that Meta told."""
    mug = {"id": "4", "retailer_id": "sc_1", "name": "Mug", "unit_price": 11.5, "currency": "EUR", "quantity": 2}
    await happen("cart", products=[mug], note="Gift")
    await happen("postback", title="Track", payload="TRACK", ref="mail")
    await happen("feedback", score="4", text="Quick")
    (conversation,) = await chat.conversations()
    cart, button, answer = await chat.messages(conversation.conversation_id)
    (line,) = cart.attachments[0].products
    assert ("Gift", "sc_1", 2, "11.5", "EUR") == (
        cart.text,
        line.retailer_id,
        line.quantity,
        line.unit_price,
        line.currency_code,
    )
    assert ("Track", "TRACK", "mail", "mail") == (
        button.text,
        button.payload,
        button.referral.ref,
        conversation.referral.ref,
    )
    assert ("Quick", "csat: 4") == (answer.text, answer.attachments[0].title)


async def test_the_page_s_own_news_are_told(chat: Chat, happen: Happen) -> None:
    """A comment becomes page activity, and Meta's block an alert that names what to do."""
    await happen(to="changes", field="feed", value={"item": "comment", "verb": "add", "message": "Schön"})
    await happen(to="policy", action="block", reason="Spam")
    assert ["Schön"] == [one["text"] for one in await bodies(chat, "page_activity")]
    assert ["META_POLICY_BLOCKED"] == [one["alert"]["reason"] for one in await bodies(chat, "alert_raised")]


async def test_a_conversation_is_taken_over(chat: Chat, happen: Happen) -> None:
    """The refusal names the button; where Meta does not let our app nothing changes; taken over, the answer goes out."""
    named = {"store_id": STORE, "conversation_id": await chat.hear()}
    await happen("pass", app_id=INBOX)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.send(named["conversation_id"])
    assert ("THREAD_OWNED_ELSEWHERE", INBOX) == reason_of(refused.value, "owner_app_id")
    assert "TakeConversation" in str(refused.value.details())
    chat.world.switches.change(primary_receiver=False)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await chat.desk.TakeConversation(desk_pb.TakeConversationRequest(**named, request_id="1"))
    assert ("META_PERMISSION_MISSING",) == reason_of(refused.value)
    chat.world.switches.change(primary_receiver=True)
    for number in ("2", "3"):
        taken = await chat.desk.TakeConversation(desk_pb.TakeConversationRequest(**named, request_id=number))
        assert (APP_ID, True) == (taken.conversation.owner.app_id, taken.conversation.owner.ours)
    await chat.send(named["conversation_id"])
    await chat.arrive()
    assert ["Yes"] == [one.text for one in chat.seen()]
    assert ["CHANGE_OWNER", "CHANGE_OWNER"] == [
        body["change"] for body in await bodies(chat, "conversation_changed") if body["change"] == "CHANGE_OWNER"
    ]
