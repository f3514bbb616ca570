"""Reading deliveries: every kind of event, and every kind of nonsense."""

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.messaging.model import Attachment, Delivered, Echo, PersonMessage, Read
from connector.webhooks.graph import DEEPEST, read_signals
from connector.webhooks.model import Content, Kept, PermissionNews, Signal

META = Path(__file__).parents[2] / "fixtures" / "meta" / "webhooks"
SHARED = Path(__file__).parents[4] / "shared" / "fixtures"
PERSON, TIME = "7000000000000001", datetime.fromtimestamp(1764000000, UTC)
MID = "m_AG5Hz2Uq7tuwNEhXfYYKj8mJEM_QPpz5jdCK48PnKAjSdjfipqxqMvK8ma6AC8fplwlqLP_5cgXIbu7I3rBN0P"


def said(text: str = "", *attachments: Attachment, kind: str = "") -> PersonMessage:
    return PersonMessage(PERSON, TIME, mid=MID, text=text, attachments=attachments, unsupported_kind=kind)


READ_FULLY: dict[str, Content] = {
    "message_text": said("Ist das Café-Set für 2 % günstiger? 😀 https://shop.example/p/1"),
    "message_image": said("", Attachment("image", "https://scontent.xx.fbcdn.net/v/t1.15752-9/1.jpg?oh=1&oe=2")),
    "message_files": said(
        "Both",
        Attachment("file", "https://cdn.fbsbx.com/v/a.pdf"),
        Attachment("location", "https://l.facebook.com/l.php?u=maps", "Ada's Location"),
    ),
    "message_sticker": said("", Attachment("sticker", "https://scontent.xx.fbcdn.net/s.png")),
    "message_sticker_as_image": said("", Attachment("sticker", "https://scontent.xx.fbcdn.net/s.png")),
    "message_quick_reply": said("Yes"),
    "message_reply_to": said("This one"),
    "message_product": said("Is it there?"),
    "message_unsupported": said(kind="message"),
    "standby_message": said("While another app answers"),
    "postback": PersonMessage(PERSON, TIME, mid="m_postback", text="Get Started"),
    "echo_ours": Echo(PERSON, TIME, MID, "Yes, it is", (), "610000000000001", "00000000-0000-7000-8000-000000000001"),
    "echo_inbox": Echo(PERSON, TIME, MID, "From the inbox", (), "263902037430900"),
    "delivery": Delivered(PERSON, TIME, ("m_1", "m_2")),
    "read": Read(PERSON, TIME),
    "policy": Kept("page.policy_enforcement"),
    "feed_comment": Kept("page.feed"),
    "permissions": PermissionNews("pages_messaging", "revoked"),
    "changed_fields": Kept("page.feed"),
}
SHOWN_AS_UNSUPPORTED = {
    "reaction": "reaction",
    "edit": "message_edit",
    "referral": "referral",
    "optin": "optin",
    "pass_thread_control": "pass_thread_control",
    "take_thread_control": "take_thread_control",
    "request_thread_control": "request_thread_control",
    "cart": "order",
    "postback_without_mid": "postback",
    "unknown_event": "hologram",
}


def only(body: bytes) -> Signal:
    (signal,) = read_signals(body)
    return signal


@pytest.mark.parametrize(("case", "expected"), READ_FULLY.items(), ids=READ_FULLY.keys())
def test_every_kind_that_we_act_on_is_read(case: str, expected: Content) -> None:
    """What Meta says arrives as the value that stands for it."""
    assert expected == only((META / f"{case}.json").read_bytes()).content


@pytest.mark.parametrize(("case", "kind"), SHOWN_AS_UNSUPPORTED.items())
def test_what_we_do_not_act_on_is_shown_where_people_look(case: str, kind: str) -> None:
    """An event of a person that no feature reads becomes an unsupported message of that person, told apart by its own bytes."""
    content = only((META / f"{case}.json").read_bytes()).content
    assert isinstance(content, PersonMessage)
    assert (PERSON, TIME, kind, "", 64) == (
        content.psid,
        content.send_time,
        content.unsupported_kind,
        content.mid,
        len(content.digest),
    )


def test_every_fixture_is_read_by_a_test() -> None:
    """No recorded kind stands by unread."""
    assert {path.stem for path in META.glob("*.json")} == {*READ_FULLY, *SHOWN_AS_UNSUPPORTED, "batch"}


def test_a_batch_keeps_order_and_pages_apart() -> None:
    """Every update of a batch is a signal of its own Page, in Meta's order, and one that cannot be read spoils no other."""
    signals = read_signals((META / "batch.json").read_bytes())
    assert ["100000000000001", "100000000000001", "100000000000002", "100000000000002"] == [
        signal.page_id for signal in signals
    ]
    assert ["one", "two", "three"] == [one.content.text for one in signals if isinstance(one.content, PersonMessage)]
    assert Kept("unreadable", "a time is not a number of milliseconds") == signals[3].content


@pytest.mark.parametrize("path", sorted(META.glob("*.json")), ids=lambda path: path.stem)
def test_a_signal_alone_reads_the_same(path: Path) -> None:
    """The envelope in which a signal is put aside gives the same signal again."""
    for signal in read_signals(path.read_bytes()):
        again = only(signal.raw)
        assert (signal.object, signal.page_id, signal.content) == (again.object, again.page_id, again.content)


def messaging(item: object, page_id: object = "1", time: object = 1764000000000) -> bytes:
    return json.dumps({"object": "page", "entry": [{"id": page_id, "time": time, "messaging": [item]}]}).encode()


def test_ids_may_come_as_numbers() -> None:
    """An id is a text for us, whichever way Meta writes it."""
    frame = {
        "sender": {"id": 5},
        "recipient": {"id": 1},
        "timestamp": 1764000000000,
        "message": {"mid": "m", "text": "x"},
    }
    signal = only(messaging(frame, page_id=1))
    assert ("1", PersonMessage("5", TIME, mid="m", text="x")) == (signal.page_id, signal.content)


def test_a_lone_surrogate_spoils_nothing() -> None:
    """A half of a character, which JSON allows and UTF-8 does not, leaves the rest of the text readable."""
    signal = only(
        b'{"object":"page","entry":[{"id":"1","time":1,"messaging":[{"sender":{"id":"5"},"recipient":{"id":"1"},'
        b'"timestamp":1764000000000,"message":{"mid":"m","text":"a\\ud83d"}}]}]}'
    )
    assert PersonMessage("5", TIME, mid="m", text="a\ud83d") == signal.content


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 200_000, "the body is not JSON"),
        (b'{"object":"page","entry":[NaN]}', "the body is not JSON"),
        (b'{"a":' + b"9" * 5_000 + b"}", "the body is not JSON"),
        (b"[]", "delivery is not an object"),
        (b"null", "delivery is not an object"),
        (b'{"object":"page","entry":{}}', "entry is not a list"),
        (b'{"entry":' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}", f"nested deeper than {DEEPEST} levels"),
    ],
    ids=["empty", "not UTF-8", "open brackets", "NaN", "huge number", "list", "null", "no list", "deep"],
)
def test_what_cannot_be_read_is_kept_whole(body: bytes, reason: str) -> None:
    """Bytes that are no delivery become one signal that holds them and says what is wrong."""
    assert (Kept("unreadable", reason), body) == ((signal := only(body)).content, signal.raw)


FRAME = {"sender": {"id": "5"}, "recipient": {"id": "1"}, "timestamp": 1764000000000}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("x", "event is not an object"),
        ({**FRAME, "message": []}, "message is not an object"),
        ({**FRAME, "message": {"text": "no mid"}}, "a message has no mid"),
        ({**FRAME, "message": {"mid": "m", "text": 5}}, "text is not a text"),
        ({**FRAME, "timestamp": True, "message": {"mid": "m"}}, "a time is not a number of milliseconds"),
        ({**FRAME, "timestamp": 10**18, "message": {"mid": "m"}}, "a time is out of range"),
        ({**FRAME, "read": {}}, "a time is not a number of milliseconds"),
    ],
)
def test_a_wrong_part_is_kept_with_its_reason(item: object, reason: str) -> None:
    """An event of the wrong shape is kept, and what is wrong with it is said."""
    assert Kept("unreadable", reason) == only(messaging(item)).content


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
events = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("sender", "recipient", "timestamp", "message", "postback", "delivery", "read", "reaction"), json_values
    ),
)


@given(st.lists(events | json_values, max_size=4), json_values)
def test_no_value_makes_reading_fail(items: list[object], page_id: object) -> None:
    """Whatever stands in a delivery, each of its updates becomes one signal."""
    assert max(len(items), 1) == len(read_signals(messaging_of(items, page_id)))


def messaging_of(items: list[object], page_id: object) -> bytes:
    return json.dumps({"object": "page", "entry": [{"id": page_id, "time": 1, "messaging": items}]}).encode()


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail(body: bytes) -> None:
    """Any bytes at all are read as at least one signal, or as none when they say that nothing happened."""
    assert read_signals(body) or json.loads(body).get("entry") == []


@pytest.mark.skipif(not SHARED.exists(), reason="the shared fixtures are not here")
def test_the_json_test_suite_is_read() -> None:
    """Every file of the JSON test suite, valid or not, becomes a signal."""
    with tarfile.open(SHARED / "json" / "JSONTestSuite_test_parsing.tar.gz") as archive:
        bodies = [archive.extractfile(member).read() for member in archive if member.isfile()]  # type: ignore[union-attr] # files have contents
    assert len(bodies) > 300
    assert all(len(read_signals(body)) == 1 for body in bodies)
