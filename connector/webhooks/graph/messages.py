"""What people and the Page say to each other: messages, echoes, buttons, carts, answers to questions."""

from decimal import Decimal, InvalidOperation
from typing import Any

from connector.messaging.model import (
    CART,
    MOST_PRODUCTS,
    AttachedProduct,
    Attachment,
    Coordinates,
    Deleted,
    Echo,
    PersonMessage,
)
from connector.webhooks.graph.happening import Happening
from connector.webhooks.graph.notes import referral
from connector.webhooks.graph.parts import identity, inner, message_id, note, objects, string, text, whole, word

_LONGEST_PAYLOAD = 1_000


def read_message(event: Happening) -> PersonMessage | Echo | Deleted:
    """Read what somebody wrote, or took back."""
    message, mid = event.value, message_id(event.value)
    if message.get("is_deleted"):
        return Deleted(event.psid, mid, event.time, channel=event.channel)
    said, attachments = text(message, "text"), read_attachments(message)
    answers = identity(inner(message, "reply_to").get("mid"))
    if message.get("is_echo"):
        return Echo(
            event.psid,
            event.time,
            mid,
            said,
            attachments,
            app_id=identity(message.get("app_id")),
            metadata=text(message, "metadata"),
            reply_to_mid=answers,
            standby=event.standby,
            channel=event.channel,
        )
    return _from_person(
        event,
        mid=mid,
        text=said,
        attachments=attachments,
        unsupported_kind="" if said or attachments else "message",
        reply_to_mid=answers,
        payload=string(inner(message, "quick_reply").get("payload"))[:_LONGEST_PAYLOAD],
        referral=referral(inner(message, "referral"), event.time),
    )


def read_postback(event: Happening) -> PersonMessage:
    """Read a pressed button: the person answers with its title. In standby it has no payload, and at times no `mid`."""
    title, mid = text(event.value, "title"), identity(event.value.get("mid"))
    return _from_person(
        event,
        mid=mid,
        digest="" if mid else event.key,
        text=title,
        unsupported_kind="" if title else "postback",
        payload=string(event.value.get("payload"))[:_LONGEST_PAYLOAD],
        referral=referral(inner(event.value, "referral"), event.time),
    )


def read_cart(event: Happening) -> PersonMessage:
    """Read a cart that a person sent: what they want to order, and what they wrote with it."""
    # https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/send-cart (read 2026-11-21)
    goods = tuple(_product(one) for one in objects(event.value.get("products"), most=MOST_PRODUCTS))
    cart = Attachment(CART, products=goods)
    return _from_person(event, digest=event.key, text=text(event.value, "note"), attachments=(cart,))


def read_feedback(event: Happening) -> PersonMessage:
    """Read the answers to questions that the Page asked: the choices as attachments, what was written as the text."""
    # Unverified: the shape is recalled.
    screens = objects(event.value.get("feedback_screens"))
    answers = [one for screen in screens for one in inner(screen, "questions").values() if isinstance(one, dict)]
    words = [string(inner(one, "follow_up").get("payload")) for one in answers]
    chosen = tuple(Attachment("feedback", title=_answer(one)) for one in answers)
    return _from_person(
        event,
        digest=event.key,
        text="\n".join(filter(None, words)),
        attachments=chosen,
        unsupported_kind="" if chosen else "messaging_feedback",
        opens_window=False,
    )


def read_unknown(event: Happening) -> PersonMessage:
    """Show what we do not read where people look: in the conversation."""
    # Unverified: whether anything but messages, buttons and carts opens the window.
    return _from_person(event, digest=event.key, unsupported_kind=word(event.kind), opens_window=False)


def _from_person(event: Happening, **said: Any) -> PersonMessage:
    return PersonMessage(event.psid, event.time, standby=event.standby, channel=event.channel, **said)


def _answer(question: dict[str, Any]) -> str:
    return f"{word(question.get('type'), absent='')}: {note(question.get('payload'))}"


def read_attachments(message: dict[str, Any]) -> tuple[Attachment, ...]:
    """Read what came with a message."""
    return tuple(_attachment(one) for one in objects(message.get("attachments")))


def _attachment(one: dict[str, Any]) -> Attachment:
    payload, kind = inner(one, "payload"), one.get("type")
    sticker = identity(payload.get("sticker_id"))
    return Attachment(
        # Unverified: since 2026-08-30 a sticker comes as type `sticker`; before, as an image with a sticker_id.
        "sticker" if kind == "image" and "sticker_id" in payload else word(kind),
        string(payload.get("url") or one.get("url")),
        string(payload.get("title") or one.get("title")),
        sticker_id=sticker,
        coordinates=_coordinates(inner(payload, "coordinates")),
        products=tuple(
            _product(each) for each in objects(inner(payload, "product").get("elements"), most=MOST_PRODUCTS)
        ),
        size_bytes=whole(payload.get("size")),
        # Unverified: how a reel is named.
        media_id=identity(payload.get("reel_video_id") or payload.get("id")),
    )


def _coordinates(place: dict[str, Any]) -> Coordinates | None:
    north, east = _degrees(place.get("lat"), 90), _degrees(place.get("long"), 180)
    return None if north is None or east is None else Coordinates(north, east)


def _degrees(value: Any, most: int) -> float | None:
    return float(value) if type(value) in (int, float) and abs(value) <= most else None


def _product(one: dict[str, Any]) -> AttachedProduct:
    return AttachedProduct(
        item_id=identity(one.get("id")),
        retailer_id=identity(one.get("retailer_id")),
        title=note(one.get("title") or one.get("name")),
        subtitle=note(one.get("subtitle")),
        image_url=note(one.get("image_url")),
        quantity=whole(one.get("quantity")),
        unit_price=_price(one.get("unit_price")),
        currency_code=word(one.get("currency"), absent=""),
    )


def _price(value: Any) -> str:
    """Read a price as Meta wrote it; a number's own digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return ""
    return format(amount, "f")[:32] if amount.is_finite() and amount.adjusted() < 15 else ""
