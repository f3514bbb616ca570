"""Reading deliveries: every kind of event, and every kind of nonsense."""

import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.messaging.model import (
    CART,
    AttachedProduct,
    Attachment,
    Channel,
    Coordinates,
    Deleted,
    Delivered,
    Echo,
    Edited,
    Noted,
    PersonMessage,
    Reacted,
    Read,
    Subject,
)
from connector.webhooks.graph import DEEPEST, read_signals
from connector.webhooks.model import (
    Content,
    Kept,
    OrderHint,
    PageNews,
    PermissionNews,
    PolicyNews,
    Signal,
    TemplateNews,
)

META = Path(__file__).parents[2] / "fixtures" / "meta" / "webhooks"
SHARED = Path(__file__).parents[4] / "shared" / "fixtures"
PERSON, TIME = "7000000000000001", datetime.fromtimestamp(1764000000, UTC)
MID = "m_AG5Hz2Uq7tuwNEhXfYYKj8mJEM_QPpz5jdCK48PnKAjSdjfipqxqMvK8ma6AC8fplwlqLP_5cgXIbu7I3rBN0P"


def said(text: str = "", *attachments: Attachment, kind: str = "") -> PersonMessage:
    return PersonMessage(PERSON, TIME, mid=MID, text=text, attachments=attachments, unsupported_kind=kind)


def noted(subject: Subject, **body: Any) -> Noted:
    return Noted(PERSON, subject, TIME, body)


OURS, INBOX = "610000000000001", "263902037430900"
WHEN = "2025-11-24T16:00:00.000000+00:00"
STICKER = Attachment("sticker", "https://scontent.xx.fbcdn.net/s.png", sticker_id="369239263222822")
PLACE = Attachment(
    "location", "https://l.facebook.com/l.php?u=maps", "Ada's Location", coordinates=Coordinates(52.5, 13.4)
)
MUG = AttachedProduct("4400000000000001", "sc_1", "Mug")
READ_FULLY: dict[str, Content] = {
    "message_text": said("Ist das Café-Set für 2 % günstiger? 😀 https://shop.example/p/1"),
    "message_image": said("", Attachment("image", "https://scontent.xx.fbcdn.net/v/t1.15752-9/1.jpg?oh=1&oe=2")),
    "message_files": said("Both", Attachment("file", "https://cdn.fbsbx.com/v/a.pdf"), PLACE),
    "message_location": said(
        "", Attachment("location", "https://l.facebook.com/", "Ada", coordinates=Coordinates(48.85, 2.35))
    ),
    "message_products": said(
        "",
        Attachment(
            "template", products=(replace(MUG, subtitle="11 €", image_url="https://scontent.xx.fbcdn.net/m.jpg"),)
        ),
    ),
    "message_sticker": said("", STICKER),
    "message_sticker_as_image": said("", STICKER),
    "message_quick_reply": replace(said("Yes"), payload="YES"),
    "message_reply_to": replace(said("This one"), reply_to_mid="m_earlier"),
    "message_product": replace(
        said("Is it there?"), referral={"product_item_id": "4400000000000001", "refer_time": WHEN}
    ),
    "message_unsupported": said(kind="message"),
    "standby_message": replace(said("While another app answers"), standby=True),
    "instagram_message": replace(said("Hallo"), channel=Channel.INSTAGRAM),
    "postback": PersonMessage(PERSON, TIME, mid="m_postback", text="Get Started", payload="GET_STARTED"),
    "postback_referral": PersonMessage(
        PERSON,
        TIME,
        mid="m_postback",
        text="Get Started",
        payload="GET_STARTED",
        referral={
            "ref": "summer",
            "source": "ADS",
            "type": "OPEN_THREAD",
            "ad_id": "6045246247433",
            "refer_time": WHEN,
        },
    ),
    "echo_ours": Echo(PERSON, TIME, MID, "Yes, it is", (), OURS, "00000000-0000-7000-8000-000000000001"),
    "echo_inbox": Echo(PERSON, TIME, MID, "From the inbox", (), INBOX),
    "delivery": Delivered(PERSON, TIME, ("m_1", "m_2")),
    "read": Read(PERSON, TIME),
    "edit": Edited(PERSON, "m_1", "Ist das grün?", 1, TIME),
    "unsend": Deleted(PERSON, "m_1", TIME, channel=Channel.INSTAGRAM),
    "reaction": Reacted(PERSON, "m_1", PERSON, "love", "❤", TIME),
    "unreact": Reacted(PERSON, "m_1", PERSON, "", "", TIME),
    "referral": noted(Subject.REFERRAL, ref="summer", source="SHORTLINK", type="OPEN_THREAD", refer_time=WHEN),
    "optin": noted(Subject.OPT_IN, type="notification_messages", allowed=True, payload="p", title=""),
    "optin_stopped": noted(Subject.OPT_IN, type="notification_messages", allowed=False, payload="", title="News"),
    "optout": noted(Subject.OPT_IN, type="notification_messages", allowed=False, payload="", title=""),
    "account_linking": noted(Subject.ACCOUNT_LINK, linked=True),
    "pass_thread_control": noted(Subject.OWNER, app_id=OURS, metadata="m"),
    "take_thread_control": noted(Subject.OWNER, app_id=INBOX, metadata=""),
    "request_thread_control": noted(Subject.OWNER_REQUEST, app_id=OURS),
    "policy": PolicyNews("block", "Spam", TIME),
    "feed_comment": PageNews(
        "feed", "comment", "add", "100000000000001_1", "1_2", actor_id="5", actor_name="Ada", text="Schön", time=TIME
    ),
    "mention": PageNews(
        "mention", "post", "add", "100000000000001_2", actor_id="5", actor_name="Ada", text="@Shop ü", time=TIME
    ),
    "merchant_review": PageNews("merchant_review", time=TIME),
    "instagram_comment": PageNews(
        "comments", post_id="179", comment_id="178", actor_id="5", actor_name="ada", text="Schön", time=TIME
    ),
    "app_roles": PageNews("app_roles", time=TIME),
    "template_status": TemplateNews("777", "order_shipped", "de", "APPROVED", "NONE"),
    "order_hint": OrderHint("orders", "64000841790004"),
    "permissions": PermissionNews("pages_messaging", "revoked"),
    "changed_fields": PageNews("feed", time=TIME),
    "catalog_topic": Kept("product_catalog.items_batch"),
}
BY_THEIR_BYTES = {
    "cart": said("Gift", Attachment(CART, products=(replace(MUG, quantity=1, unit_price="11", currency_code="THB"),))),
    "feedback": replace(said("Schnell geliefert", Attachment("feedback", title="csat: 4")), opens_window=False),
    "postback_without_mid": said("Get Started"),
    "unknown_event": replace(said(kind="hologram"), opens_window=False),
}
"""What has no `mid`."""


def only(body: bytes) -> Signal:
    (signal,) = read_signals(body)
    return signal


@pytest.mark.parametrize(("case", "expected"), READ_FULLY.items(), ids=READ_FULLY.keys())
def test_every_kind_that_we_act_on_is_read(case: str, expected: Content) -> None:
    """What Meta says arrives as the value that stands for it."""
    content = only((META / f"{case}.json").read_bytes()).content
    assert expected == (replace(content, value={}) if isinstance(content, PageNews) else content)


@pytest.mark.parametrize(("case", "expected"), BY_THEIR_BYTES.items())
def test_what_has_no_mid_is_told_apart_by_its_own_bytes(case: str, expected: PersonMessage) -> None:
    """Carts, answers and events that nobody reads are shown in the conversation, each under a digest of itself."""
    content = only((META / f"{case}.json").read_bytes()).content
    assert isinstance(content, PersonMessage)
    assert (replace(expected, mid="", payload=content.payload), 64) == (
        replace(content, digest=""),
        len(content.digest),
    )


def test_all_that_meta_tells_of_a_page_is_kept() -> None:
    """What happens on a Page keeps Meta's whole value, whatever its members; a huge one is left out of the event."""
    content = only((META / "merchant_review.json").read_bytes()).content
    assert isinstance(content, PageNews)
    assert '{"status": "APPROVED"}' == content.document()["value_json"]
    assert "" == replace(content, value={"text": "x" * 20_000}).document()["value_json"]


def test_a_change_sent_again_is_the_same_one() -> None:
    """A change that tells when it happened keeps its bytes, however late its entry is sent again."""
    body = (META / "mention.json").read_bytes()
    later = body.replace(b'"time":1764000000,', b'"time":1764009999,')
    assert later != body
    assert only(body).raw == only(later).raw


def test_every_fixture_is_read_by_a_test() -> None:
    """No recorded kind stands by unread."""
    assert {path.stem for path in META.glob("*.json")} == {*READ_FULLY, *BY_THEIR_BYTES, "batch"}


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


def test_a_number_beyond_all_floats_spoils_nothing() -> None:
    """A number that no float holds leaves the rest readable, also in the envelope in which its signal is put aside."""
    signal = only(
        messaging({**FRAME, "message": {"mid": "m", "text": "x"}}).replace(b'"time": 1764', b'"time": 1e9991764')
    )
    assert PersonMessage("5", TIME, mid="m", text="x") == signal.content == only(signal.raw).content


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
KINDS = [
    "message",
    "postback",
    "delivery",
    "read",
    "reaction",
    "message_edit",
    "order",
    "messaging_feedback",
    "referral",
    "optin",
    "optout",
    "account_linking",
    "pass_thread_control",
    "take_thread_control",
    "request_thread_control",
]
events = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("sender", "recipient", "timestamp", "policy_enforcement", "app_roles", *KINDS), json_values
    ),
)


@given(st.lists(events | json_values, max_size=4), json_values)
def test_no_value_makes_reading_fail(items: list[object], page_id: object) -> None:
    """Whatever stands in a delivery, each of its updates becomes one signal."""
    assert max(len(items), 1) == len(read_signals(messaging_of(items, page_id)))


def messaging_of(items: list[object], page_id: object) -> bytes:
    return json.dumps({"object": "page", "entry": [{"id": page_id, "time": 1, "messaging": items}]}).encode()


parts = st.one_of(
    json_values,
    st.dictionaries(
        st.sampled_from(
            [
                "mid",
                "text",
                "num_edit",
                "attachments",
                "payload",
                "coordinates",
                "lat",
                "long",
                "product",
                "elements",
                "unit_price",
                "quantity",
                "products",
                "feedback_screens",
                "questions",
                "referral",
                "watermark",
                "mids",
                "action",
                "emoji",
                "type",
                "status",
                "new_owner_app_id",
            ]
        ),
        json_values | st.lists(json_values, max_size=2),
        max_size=6,
    ),
)


@given(st.sampled_from(KINDS), parts, st.sampled_from(["page", "instagram"]), st.sampled_from(["messaging", "standby"]))
def test_no_kind_fails_on_what_it_holds(kind: str, value: object, object_: str, key: str) -> None:
    """Every kind reads any value: as what it says, or as unreadable, and its own envelope reads the same again."""
    entry = {"id": "1", "time": 1, key: [{**FRAME, kind: value}]}
    signal = only(json.dumps({"object": object_, "entry": [entry]}).encode())
    assert signal.content == only(signal.raw).content


@given(
    st.sampled_from(["page", "instagram", "user", "permissions", "commerce_account", "application"]),
    st.sampled_from(["feed", "mention", "comments", "orders", "fbe_install", "message_template_status_update", "new"]),
    parts | st.dictionaries(st.sampled_from(["created_time", "from", "item", "message", "order_id"]), json_values),
    json_values,
)
def test_no_change_fails_on_what_it_holds(object_: str, field: str, value: object, time: object) -> None:
    """Every topic reads any value and any time, and its own envelope reads the same again."""
    entry = {"id": "1", "time": time, "changes": [{"field": field, "value": value}]}
    signal = only(json.dumps({"object": object_, "entry": [entry]}).encode())
    assert isinstance(signal.content, PageNews) or signal.content == only(signal.raw).content
    if isinstance(signal.content, PageNews):
        json.dumps(signal.content.document(), default=str)


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
