"""What callers want a message to hold, read into parts; every wrong field is named."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from connector import links
from connector.errors import InvalidInput
from connector.messaging.model import (
    LONGEST_BUTTON_TEXT,
    LONGEST_CARD_TITLE,
    LONGEST_PAYLOAD,
    LONGEST_SPLIT,
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_BUTTONS,
    MOST_CARDS,
    MOST_QUICK_REPLIES,
    Attachment,
    Kind,
    Part,
    split,
)
from connector.messaging.rpc.receipts import read_receipt
from connector.rpc import read
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import message_pb2

_MOST_PRODUCTS, _MOST_PARAMETERS, _LONGEST_PARAMETER = 10, 50, 1000
_TYPES = {
    message_pb2.OutgoingAttachment.TYPE_IMAGE: "image",
    message_pb2.OutgoingAttachment.TYPE_VIDEO: "video",
    message_pb2.OutgoingAttachment.TYPE_AUDIO: "audio",
    message_pb2.OutgoingAttachment.TYPE_FILE: "file",
}
_NUL = b"\\u0000"
_ANSWERABLE = frozenset({Kind.TEXT, Kind.ATTACHMENT})


def read_parts(request: pb.SendMessageRequest) -> tuple[Part, ...]:
    """Read what shall be sent, in order: the text first, then what goes with it."""
    which = request.WhichOneof("content")
    if which == "utility" and request.text:
        raise InvalidInput.of("text", "FIELD_INVALID", "must be empty: a template brings its own words")
    parts = [*_texts(request, required=which is None), *([_CONTENTS[which](request)] if which else [])]
    parts[-1] = _with_replies(parts[-1], request.quick_replies)
    if any(
        _NUL in orjson.dumps(dict(part.content)) for part in parts
    ):  # lists of messages are not looked through before
        raise InvalidInput.of(which or "quick_replies", "FIELD_INVALID", "must not contain the character NUL")
    return tuple(parts)


def _texts(request: pb.SendMessageRequest, *, required: bool) -> list[Part]:
    if not request.text and not required:
        return []
    text = read.required(request.text, "text", limit=LONGEST_SPLIT if request.split else LONGEST_TEXT)
    if not text.strip():
        raise InvalidInput.of("text", "FIELD_REQUIRED", "needs more than white space")
    return [Part(text=one) for one in split(text)] if request.split else [Part(text=text)]


def _with_replies(part: Part, replies: Any) -> Part:
    if not replies:
        return part
    if part.kind not in _ANSWERABLE:
        words = "must be empty: only a text or a file can have them"
        raise InvalidInput.of("quick_replies", "FIELD_INVALID", words)
    read.entries(replies, "quick_replies", limit=MOST_QUICK_REPLIES)
    told = [
        {
            "title": read.required(one.title, f"{at}.title", limit=LONGEST_TITLE),
            "payload": read.within(one.payload, f"{at}.payload", limit=LONGEST_PAYLOAD),
            "image_url": read_link(one.image_url, f"{at}.image_url"),
        }
        for at, one in numbered(replies, "quick_replies")
    ]
    return Part(part.kind, part.text, {**part.content, "quick_replies": told}, part.attachments)


def numbered(values: Iterable[Any], field: str) -> Iterable[tuple[str, Any]]:
    """Tell each entry of a list with its path."""
    return ((f"{field}[{number}]", value) for number, value in enumerate(values))


def read_link(value: str, field: str, *, required: bool = False) -> str:
    """Read a public https address; empty where it may be."""
    if not value and not required:
        return ""
    try:
        return links.absolute(read.required(value, field))
    except ValueError as wrong:
        raise InvalidInput.of(field, "FIELD_INVALID", str(wrong)) from None


def _attachment(request: pb.SendMessageRequest) -> Part:
    told = request.attachment
    source = told.WhichOneof("source")
    if source == "upload_id":
        named = read.required(told.upload_id, "attachment.upload_id", limit=64)
        return Part(Kind.ATTACHMENT, content={"upload_id": named}, attachments=(Attachment("file"),))
    if told.type not in _TYPES:
        words = "must be TYPE_IMAGE, TYPE_VIDEO, TYPE_AUDIO or TYPE_FILE"
        raise InvalidInput.of("attachment.type", "FIELD_INVALID", words)
    url = read_link(told.url, "attachment.url", required=True)
    return Part(
        Kind.ATTACHMENT,
        content={"type": _TYPES[told.type], "url": url},
        attachments=(Attachment(_TYPES[told.type], url=url),),
    )


def _products(request: pb.SendMessageRequest) -> Part:
    field = "products.retailer_ids"
    names = list(read.entries(request.products.retailer_ids, field, limit=_MOST_PRODUCTS))
    for at, name in numbered(names, field):
        read.required(name, at, limit=100)
    read.distinct(names, field)
    return Part(Kind.PRODUCTS, content={"retailer_ids": names})


def _read_buttons(buttons: Any, field: str) -> list[dict[str, str]]:
    if len(buttons) > MOST_BUTTONS:
        read.entries(buttons, field, limit=MOST_BUTTONS)
    return [_button(one, at) for at, one in numbered(buttons, field)]


def _button(button: message_pb2.Button, at: str) -> dict[str, str]:
    title = {"title": read.required(button.title, f"{at}.title", limit=LONGEST_TITLE)}
    if button.WhichOneof("press") == "url":
        return title | {"url": read_link(button.url, f"{at}.url", required=True)}
    return title | {"payload": read.required(button.payload, f"{at}.payload", limit=LONGEST_PAYLOAD)}


def _buttons(request: pb.SendMessageRequest) -> Part:
    text = read.required(request.buttons.text, "buttons.text", limit=LONGEST_BUTTON_TEXT)
    read.entries(request.buttons.buttons, "buttons.buttons", limit=MOST_BUTTONS)
    return Part(Kind.BUTTONS, text, {"buttons": _read_buttons(request.buttons.buttons, "buttons.buttons")})


def _cards(request: pb.SendMessageRequest) -> Part:
    cards = read.entries(request.cards.cards, "cards.cards", limit=MOST_CARDS)
    return Part(Kind.CARDS, content={"cards": [_card(one, at) for at, one in numbered(cards, "cards.cards")]})


def _card(card: message_pb2.GenericTemplate.Card, at: str) -> dict[str, Any]:
    return {
        "title": read.required(card.title, f"{at}.title", limit=LONGEST_CARD_TITLE),
        "subtitle": read.within(card.subtitle, f"{at}.subtitle", limit=LONGEST_CARD_TITLE),
        "image_url": read_link(card.image_url, f"{at}.image_url"),
        "url": read_link(card.url, f"{at}.url"),
        "buttons": _read_buttons(card.buttons, f"{at}.buttons"),
    }


def _receipt(request: pb.SendMessageRequest) -> Part:
    return read_receipt(request.receipt)


def _utility(request: pb.SendMessageRequest) -> Part:
    told = request.utility
    if len(told.parameters) > _MOST_PARAMETERS:
        read.entries(told.parameters, "utility.parameters", limit=_MOST_PARAMETERS)
    for at, one in numbered(told.parameters, "utility.parameters"):
        read.required(one, at, limit=_LONGEST_PARAMETER)
    content = {
        "template_name": read.required(told.template_name, "utility.template_name", limit=512),
        "language": read.required(told.language, "utility.language", limit=20),
        "parameters": list(told.parameters),
    }
    return Part(Kind.UTILITY, content=content)


_CONTENTS: Mapping[str, Callable[[pb.SendMessageRequest], Part]] = {
    "attachment": _attachment,
    "products": _products,
    "buttons": _buttons,
    "cards": _cards,
    "receipt": _receipt,
    "utility": _utility,
}
