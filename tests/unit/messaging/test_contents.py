"""What a message may hold: fields that are named when they are wrong, texts that are cut, files that are known by their bytes."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.errors import FailedPrecondition, InvalidInput
from connector.messaging.model import Asked, Channel, Kind, Part, Sender, Wish, looks_like, policy, split
from connector.messaging.model.window import window
from connector.messaging.rpc.contents import read_parts
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import message_pb2
from stormcom.facebook.v1.money_pb2 import Money

BUTTONS = [
    message_pb2.Button(title="See", url="https://shop.example/1"),
    message_pb2.Button(title="Buy", payload="BUY"),
]


def taka(units: int) -> Money:
    """An amount."""
    return Money(currency_code="BDT", minor_units=units)


def receipt(**changes: Any) -> message_pb2.Receipt:
    """A receipt that adds up."""
    fields: dict[str, Any] = {
        "order_number": "1001",
        "recipient_name": "Rima",
        "payment_method": "bKash",
        "lines": [message_pb2.Receipt.Line(title="Scarf", quantity=2, price=taka(250_000))],
        "subtotal": taka(250_000),
        "total": taka(250_000),
    }
    return message_pb2.Receipt(**fields | changes)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (
            {
                "attachment": message_pb2.OutgoingAttachment(
                    type=message_pb2.OutgoingAttachment.TYPE_IMAGE, url="https://10.0.0.1/a.jpg"
                )
            },
            "attachment.url",
        ),
        ({"attachment": message_pb2.OutgoingAttachment(url="https://cdn.example/a.jpg")}, "attachment.type"),
        ({"receipt": receipt(total=taka(246_001))}, "receipt.total"),
        ({"receipt": receipt(subtotal=taka(1))}, "receipt.subtotal"),
        ({"receipt": receipt(shipping=Money(currency_code="USD"))}, "receipt.shipping.currency_code"),
        ({"buttons": message_pb2.ButtonTemplate(text="x", buttons=[*BUTTONS, *BUTTONS])}, "buttons.buttons"),
        ({"cards": message_pb2.GenericTemplate(cards=[message_pb2.GenericTemplate.Card(title="\0")])}, "cards"),
        ({"products": message_pb2.ProductCards()}, "products.retailer_ids"),
        ({"utility": message_pb2.UtilityMessage(template_name="a", language="en"), "text": "b"}, "text"),
        ({"text": "a", "quick_replies": [message_pb2.QuickReply(title="b" * 21)]}, "quick_replies[0].title"),
        ({"text": " "}, "text"),
    ],
)
def test_wrong_content_names_its_field(content: dict[str, Any], field: str) -> None:
    """What is wrong is named by its path, so that a form can show it."""
    with pytest.raises(InvalidInput) as refused:
        read_parts(pb.SendMessageRequest(**content))
    assert field == refused.value.metadata["field"]


@given(some.text(max_size=300), some.integers(5, 60))
def test_a_split_text_loses_nothing_but_white_space(text: str, limit: int) -> None:
    """The pieces hold every visible character in order, none is too long, none is empty."""
    pieces = split(text, limit)
    assert "".join(text.split()) == "".join("".join(pieces).split())
    assert all(0 < len(piece) <= limit for piece in pieces)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two is here.", ["One. Two is here."]),
        ("First part.\n\nSecond one. Third.", ["First part.", "Second one. Third."]),
        ("A sentence. Another one.", ["A sentence.", "Another one."]),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", ["aaaaaaaaaaaaaaaaaa", "aaaaaa"]),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text: str, pieces: list[str]) -> None:
    """After a paragraph rather than a sentence, after a sentence rather than a word, in a word only when there is no other place."""
    assert pieces == list(split(text, 18))


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AGES = some.none() | some.timedeltas(min_value=timedelta(), max_value=timedelta(days=9))


@given(AGES, some.sampled_from(list(Sender)), some.sampled_from(list(Channel)), some.booleans(), some.booleans())
def test_no_rule_lets_anything_out_late(
    age: timedelta | None,
    sender: Sender,
    channel: Channel,
    template: bool,  # noqa: FBT001 – as above
    human_agent: bool,  # noqa: FBT001 – as above
) -> None:
    """Whatever is asked: an answer within a day, a human's within seven with the feature, a template on Messenger; else a refusal."""
    asked = Asked(sender, channel, template=template, human_agent=human_agent)
    late_human = sender is Sender.HUMAN and human_agent
    expected = (
        channel is Channel.MESSENGER
        if template
        else age is not None and (age < timedelta(days=1) or (late_human and age < timedelta(days=7)))
    )
    with nullcontext() if expected else pytest.raises(FailedPrecondition):
        policy(asked, None if age is None else NOW - age, now=NOW)


def test_only_a_missing_feature_is_called_so() -> None:
    """A human's answer after two days without Meta's feature is refused for that, with what may be sent instead."""
    with pytest.raises(FailedPrecondition) as refused:
        policy(Asked(Sender.HUMAN, human_agent=False), NOW - timedelta(days=2), now=NOW)
    assert ("HUMAN_AGENT_NOT_APPROVED", True) == (refused.value.reason, "template" in refused.value.fix)


def test_the_window_tells_every_rule_with_its_end() -> None:
    """Who never wrote may get templates only; Instagram has none."""
    assert ["KIND_UTILITY_TEMPLATE"] == [one["kind"] for one in window(Channel.MESSENGER, None)["policies"]]
    told = [(one["kind"], one["automation_allowed"]) for one in window(Channel.INSTAGRAM, NOW)["policies"]]
    assert [("KIND_RESPONSE", True), ("KIND_HUMAN_AGENT", False)] == told


@pytest.mark.parametrize(
    ("parts", "texts"),
    [
        ((Part(text="Hello"),), ["I am a bot.\n\nHello"]),
        ((Part(text="a" * 2000),), ["I am a bot.", "a" * 2000]),
        ((Part(Kind.PRODUCTS),), ["I am a bot.", ""]),
        ((Part(Kind.BUTTONS, "b" * 640),), ["I am a bot.", "b" * 640]),
    ],
)
def test_a_disclosure_stands_first_and_makes_nothing_too_long(parts: tuple[Part, ...], texts: list[str]) -> None:
    """The words go before the first text where there is room, else into a message of their own."""
    assert texts == [one.text for one in Wish("r", parts, Sender.AUTOMATION).disclosing("I am a bot.").parts]


@pytest.mark.parametrize(
    ("content_type", "content", "expected"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n....", True),
        ("image/png", b"GIF89a", False),
        ("image/webp", b"RIFF....WEBP", True),
        ("audio/wav", b"RIFF....WEBP", False),
        ("video/mp4", b"....ftypisom", True),
        ("application/pdf", b"MZ\x90\x00", False),
        ("text/csv", b"a,b\n1,2", True),
        ("text/csv", b"a\0b", False),
    ],
)
def test_a_file_is_known_by_its_first_bytes(content_type: str, content: bytes, *, expected: bool) -> None:
    """A type is believed only when the file begins as such files do."""
    assert expected is looks_like(content_type, content)
