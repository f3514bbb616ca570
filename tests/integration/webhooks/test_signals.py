"""Signals of every kind, in every order: what a conversation becomes, and what StormCom is told of it."""

import itertools
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen

from connector.runtime import Runtime
from tests.integration.conftest import APP_ID
from tests.integration.webhooks.bodies import PAGE, PERSON, START, echoed, envelope, event
from tests.integration.webhooks.conftest import Deliver

INBOX = "263902037430900"
Make = Callable[..., Any]
"""Writes one event of a person: given their id and a mark that makes `mid`s theirs."""


def _on(name: str, seconds: float, *, by_page: bool = False, **value: Any) -> Make:
    """Write an event about a message of the person's conversation, or about the conversation itself."""

    def make(person: str, mark: str) -> Any:
        own = {key: f"{one}{mark}" if key == "mid" else one for key, one in value.items()}
        content: dict[str, Any] = {name: own}
        return event(seconds, by_page=by_page, person=person, **content)

    return make


def _wrote(seconds: float, mid: str, words: str, **more: Any) -> Make:
    return lambda person, mark: event(seconds, person=person, message={"mid": mid + mark, "text": words, **more})


def _echoed(seconds: float, mid: str, words: str) -> Make:
    return lambda person, mark: echoed(seconds, mid + mark, words, person=person, app_id=int(INBOX))


def _arrived(seconds: float, mid: str) -> Make:
    return lambda person, mark: event(
        seconds, person=person, delivery={"mids": [mid + mark], "watermark": START + int(seconds * 1000)}
    )


SAID = _wrote(0, "a", "Is it there?")
ANSWERED = _echoed(10, "b", "Yes")
ARRIVED = _arrived(11, "b")
READ = _on("read", 12, watermark=START + 12_000)
EDITED = _on("message_edit", 5, mid="a", text="Is it here?", num_edit=1)
EDITED_AGAIN = _on("message_edit", 6, mid="a", text="Are they here?", num_edit=2)
TAKEN_BACK = _on("message", 7, mid="a", is_deleted=True)
LOVED = _on("reaction", 20, mid="b", action="react", reaction="love", emoji="❤")
LOVED_NO_MORE = _on("reaction", 21, mid="b", action="unreact")
CAME = _on("referral", 1, ref="summer", source="ADS", type="OPEN_THREAD", ad_id="7")
CAME_AGAIN = _on("referral", 2, ref="winter", source="SHORTLINK", type="OPEN_THREAD")
PRESSED = _on("postback", 3, mid="p", title="Get Started", payload="GO", referral={"ref": "autumn", "source": "ADS"})
ALLOWED = _on("optin", 4, type="notification_messages", notification_messages_token="t", title="News")
STOPPED = _on("optin", 8, type="notification_messages", notification_messages_status="STOP_NOTIFICATIONS")
PASSED = _on("pass_thread_control", 30, new_owner_app_id=INBOX, metadata="m")
GIVEN_BACK = _on("pass_thread_control", 40, new_owner_app_id=APP_ID)
ASKED = _on("request_thread_control", 35, requested_owner_app_id=APP_ID)
LINKED = _on("account_linking", 9, status="linked", authorization_code="secret")
SENT_CART = _on("order", 13, products=[{"id": "4", "retailer_id": "sc_1", "name": "Mug", "quantity": 2}], note="Gift")
SETS = [
    (SAID, ANSWERED, ARRIVED, READ, LOVED),
    (SAID, EDITED, EDITED_AGAIN, LOVED, TAKEN_BACK),
    (ANSWERED, LOVED, LOVED_NO_MORE, READ, SENT_CART),
    (CAME, CAME_AGAIN, PRESSED, ALLOWED, STOPPED),
    (PASSED, GIVEN_BACK, ASKED, SAID, LINKED),
]
EVERYTHING = tuple({id(one): one for one in itertools.chain(*SETS)}.values())
_STATE = """
    SELECT c.psid, row(c.snippet, c.unread_count, c.last_message_time, c.person_time, c.delivered_time, c.read_time,
            c.direct_time, c.standby_time, c.owner, c.owner_request, c.referral, c.opt_in, c.account_link)::text,
        array(SELECT row(m.mid, m.digest IS NOT NULL, m.origin, m.state, m.text, m.send_time, m.unsupported_kind, m.attachments,
                m.edit_count, m.edit_time, m.delete_time, m.reactions, m.reply_to_mid, m.payload, m.standby, m.referral)::text
            FROM messages AS m WHERE m.conversation_id = c.id ORDER BY 1)::text
    FROM conversations AS c
"""


async def rows(runtime: Runtime, query: str, **given: Any) -> list[tuple[Any, ...]]:
    async with runtime.db.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query), given)]


async def ends(runtime: Runtime) -> dict[str, str]:
    """What each person's conversation has become, in words that would be the same for any other person."""
    told = await rows(runtime, _STATE)
    return {
        psid: f"{shown} {messages}".replace(psid, "PERSON").replace(f"_{psid[-6:]}", "")
        for psid, shown, messages in told
    }


async def deliver_orders(deliver: Deliver, orders: Sequence[Sequence[Make]]) -> None:
    """Deliver each order to a person of its own: in each turn everybody's next, so that turns, too, part them."""
    people = [f"71{number:06}" for number in range(len(orders))]
    for makes in itertools.zip_longest(*orders):
        items = [make(person, f"_{person[-6:]}") for person, make in zip(people, makes, strict=True) if make]
        await deliver(envelope(*items))


@pytest.mark.parametrize("facts", SETS, ids=["seen", "changed", "reacted", "noted", "owned"])
async def test_any_order_ends_in_the_same_state(
    runtime: Runtime, connected: str, deliver: Deliver, facts: Sequence[Make]
) -> None:
    """Five facts of a conversation, in each of their 120 orders and each order with one of them twice, end the same."""
    await deliver_orders(deliver, [[*order, order[0]] for order in itertools.permutations(facts)])
    found = await ends(runtime)
    assert (120, 1) == (len(found), len(set(found.values())))


async def test_all_kinds_together_end_in_the_same_state(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """Everything that can happen to a conversation, in twelve orders with repetitions, within one delivery each, ends the same."""
    chance, orders = random.Random(5), []  # noqa: S311 – orders to try, no secret
    for _ in range(12):
        order = [*EVERYTHING, *chance.choices(EVERYTHING, k=6)]
        chance.shuffle(order)
        orders.append(order)
    people = [f"71{number:06}" for number in range(len(orders))]
    for person, order in zip(people, orders, strict=True):
        await deliver(envelope(*(make(person, f"_{person[-6:]}") for make in order)))
    found = await ends(runtime)
    assert (12, 1) == (len(found), len(set(found.values())))
    (end,) = set(found.values())
    assert [] == [word for word in ("autumn", APP_ID, "linked", "Gift") if word not in end]


async def test_everything_again_tells_nothing_new(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """A whole conversation delivered three times over, also backwards, adds no event and changes nothing."""
    items = [make(PERSON, "_1") for make in EVERYTHING]
    await deliver(envelope(*items))
    before = await ends(runtime), await rows(runtime, "SELECT kind, body::text FROM events ORDER BY position")
    await deliver(envelope(*items), envelope(*items[::-1]))
    await deliver(*(envelope(one) for one in items))
    assert before == (await ends(runtime), await rows(runtime, "SELECT kind, body::text FROM events ORDER BY position"))


async def told(runtime: Runtime, kind: str) -> list[dict[str, Any]]:
    """The bodies of the events of a kind, in order."""
    return [
        row[0] for row in await rows(runtime, "SELECT body FROM events WHERE kind = :kind ORDER BY position", kind=kind)
    ]


async def test_a_change_is_told_with_the_message(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """StormCom hears of an edit and of a reaction, each with the message as it then is; what was taken back says nothing more."""
    for make in (SAID, EDITED, _on("reaction", 8, mid="a", emoji="❤"), TAKEN_BACK):
        await deliver(envelope(make(PERSON, "")))
    changed = await told(runtime, "message_changed")
    assert [(["CHANGE_EDITED"], "Is it here?"), (["CHANGE_REACTED"], "Is it here?"), (["CHANGE_DELETED"], "")] == [
        (one["changes"], one["message"]["text"]) for one in changed
    ]
    assert [("{}",)] == await rows(runtime, "SELECT body::text FROM message_changes WHERE subject = 'edit'")


async def test_what_is_early_is_told_with_its_message(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """An edit that comes before its message waits for it: StormCom is told the message once, as it is by then."""
    await deliver(envelope(EDITED(PERSON, "")))
    await deliver(envelope(SAID(PERSON, "")))
    (received,) = await told(runtime, "message_received")
    assert ("Is it here?", 1, []) == (
        received["message"]["text"],
        received["message"]["edit_count"],
        await told(runtime, "message_changed"),
    )


async def test_no_token_of_a_person_is_kept(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """The token of an opt-in and the code of a linked account are nowhere: not in rows, events or raw deliveries."""
    await deliver(
        envelope(
            ALLOWED(PERSON, ""), _on("account_linking", 9, status="linked", authorization_code="c0de-c0de")(PERSON, "")
        )
    )
    for table, column in (
        ("deliveries", "convert_from(body, 'UTF8')"),
        ("events", "body::text"),
        ("conversations", "opt_in::text || account_link"),
    ):
        (found,) = await rows(runtime, f"SELECT string_agg({column}, ' ') FROM {table}")  # noqa: S608 – names of ours
        assert "c0de" not in found[0]
        assert '"notification_messages_token": "t"' not in found[0]


async def test_another_app_s_thread_is_shown_and_marked(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """What comes while another app owns the thread is kept as standby, and the conversation says that we may not write."""
    body = json.loads(envelope(SAID(PERSON, "")))
    body["entry"][0]["standby"] = body["entry"][0].pop("messaging")
    await deliver(json.dumps(body).encode(), envelope(PASSED(PERSON, "")))
    (received,) = await told(runtime, "message_received")
    assert received["message"]["standby"]
    (changed,) = await told(runtime, "conversation_changed")
    assert ("CHANGE_OWNER", INBOX, False) == (
        changed["change"],
        changed["conversation"]["owner"]["app_id"],
        changed["conversation"]["owner"]["ours"],
    )


def policy(action: str, seconds: float) -> bytes:
    item = event(seconds, policy_enforcement={"action": action, "reason": "Spam"})
    del item["sender"]
    return envelope(item)


async def capability(runtime: Runtime) -> str | None:
    ((blocks,),) = await rows(runtime, "SELECT blocks FROM connections")
    reason: str | None = blocks.get("MESSAGING", {}).get("reason")
    return reason


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
async def test_a_block_ends_with_its_end(runtime: Runtime, connected: str, deliver: Deliver, *, reverse: bool) -> None:
    """A Page that Meta blocks cannot write until Meta lifts that, whichever of the two is delivered first, and however often."""
    bodies = [policy("block", 0), policy("unblock", 10)]
    await deliver(*(bodies[::-1] if reverse else bodies), bodies[0])
    assert None is await capability(runtime)
    assert [] == await rows(runtime, "SELECT reason FROM alerts WHERE reason = 'META_POLICY_BLOCKED'")
    await deliver(policy("block", 20), policy("warning", 21))
    assert "META_POLICY_BLOCKED" == await capability(runtime)
    assert [("META_POLICY_BLOCKED",), ("PAGE_POLICY_WARNING",)] == await rows(
        runtime, "SELECT reason FROM alerts WHERE reason LIKE '%POLICY%' ORDER BY reason"
    )


def change(field: str, **value: Any) -> bytes:
    entry = {"id": PAGE, "time": START // 1000, "changes": [{"field": field, "value": value}]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


async def test_what_happens_on_a_page_is_told_once(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """A comment reaches StormCom with who wrote what, once, also when Meta sends it again in another entry."""
    said = {
        "item": "comment",
        "verb": "add",
        "comment_id": "1_2",
        "from": {"id": "5", "name": "Ada"},
        "message": "Schön",
    }
    body = change("feed", **said, created_time=START // 1000)
    await deliver(body, body.replace(b'"time": ', b'"time": 1'))
    (activity,) = await told(runtime, "page_activity")
    assert ("feed", "comment", "add", "Ada", "Schön") == tuple(
        activity[name] for name in ("field", "item", "verb", "actor_name", "text")
    )


_SET_WISE = ("INSERT INTO messages", "INSERT INTO message_changes", "INSERT INTO conversations", "UPDATE conversations")


async def test_a_thousand_updates_of_all_kinds_go_in_waves(runtime: Runtime, connected: str, deliver: Deliver) -> None:
    """A batch of a thousand updates of every kind about fifty people costs a quarter as many statements, not several each."""
    makes = [EVERYTHING[number % len(EVERYTHING)] for number in range(1_000)]
    body = envelope(*(make(f"72{number % 50:06}", f"_{number % 50:06}") for number, make in enumerate(makes)))
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.extend(one for one in _SET_WISE if statement.strip().startswith(one))

    listen(runtime.db.sync_engine, "before_cursor_execute", note)
    await deliver(body)
    assert [(50,)] == await rows(runtime, "SELECT count(*) FROM conversations")
    assert 0 < len(said) <= 250
