"""How Meta says what happened: bytes of a delivery into signals.

Never raises, whatever the bytes: what cannot be read becomes `Kept` with a reason, and its neighbours are read all the same.
Ids are texts. A Page is found by `entry.id`, which is an asset's id, never the key of an event.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from connector.business_extension.model import InstallNews
from connector.messaging.model import Attachment, Delivered, Echo, PersonMessage, Read
from connector.webhooks.model import SELF_TEST, Content, Kept, PermissionNews, SelfTest, Signal, digest

DEEPEST = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRAME = frozenset({"sender", "recipient", "timestamp"})


class _Unreadable(ValueError):
    """A part is not what Meta's documentation says it is."""


def read_signals(body: bytes) -> list[Signal]:
    """Read what a delivery says, in its order."""
    try:
        parsed = _dict(_parse(body), "delivery")
        entries = _list(_shallow(parsed), "entry")
    except _Unreadable as wrong:
        return [Signal("", "", Kept("unreadable", str(wrong)), body)]
    return [signal for entry in entries for signal in _read_entry(_word(parsed.get("object")), entry)]


def without(body: bytes, unwanted: Callable[[Signal], bool]) -> tuple[bytes | None, list[Signal]]:
    """Write a delivery without some of its signals (None when nothing is left), and tell which those are."""
    told = read_signals(body)
    dropped = [signal for signal in told if unwanted(signal)]
    kept = [json.loads(signal.raw) for signal in told if signal not in dropped]
    if not dropped:
        return body, []
    if not kept:
        return None, dropped
    entries = [entry for envelope in kept for entry in envelope["entry"]]
    return json.dumps({"object": kept[0]["object"], "entry": entries}).encode(), dropped


def without_tokens(body: bytes) -> bytes:
    """Write a delivery with every access token in it masked, and all else byte for byte; an empty one, which says something, stays."""
    return _TOKEN.sub(rb'\1"***"', body) if b"access_token" in body else body


# graph-api.md 3.4, as facebook-for-woocommerce reads them: access_token, merchant_access_token. A quote inside a text is escaped,
# so what people write never looks like this.
_TOKEN = re.compile(rb"""("(?:[a-z]+_)?access_token"\s*:\s*)"(?:[^"\\]|\\.)+(?:"|\Z)""", re.DOTALL)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # a lone surrogate, perhaps: the slower parser takes those
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _Unreadable("the body is not JSON") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _read_entry(object_: str, entry: Any) -> Iterator[Signal]:
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21): dispatch by which key exists.
    fields = entry if isinstance(entry, dict) else {}
    asset, time = _id(fields.get("id")), fields.get("time")
    items = [(key, item) for key in _READERS for item in _items(fields, key)]
    for key, item in items:
        yield _read_item(object_, asset, key, item, time)
    if not items:
        wrong = "" if isinstance(entry, dict) else "an entry is not an object"
        yield Signal(object_, asset, Kept(f"{object_}.entry", wrong), {"object": object_, "entry": [entry]})


def _items(fields: dict[str, Any], key: str) -> list[Any]:
    found = fields.get(key)
    return found if isinstance(found, list) else []


def _read_item(object_: str, asset: str, key: str, item: Any, time: Any) -> Signal:
    envelope = {"object": object_, "entry": [{"id": asset, "time": time, key: [item]}]}
    try:
        return Signal(object_, asset, _READERS[key](object_, asset, item, time), envelope)
    except _Unreadable as wrong:
        return Signal(object_, asset, Kept("unreadable", str(wrong)), envelope)


def _read_self_test(change: dict[str, Any]) -> Content:
    """Read a delivery of our own."""
    try:
        return SelfTest(UUID(_text(_dict(change.get("value"), "value"), "nonce")))
    except ValueError:
        raise _Unreadable("a self-test has no number") from None


def _read_change(object_: str, _asset: str, item: Any, _time: Any) -> Content:
    if object_ == SELF_TEST:
        return _read_self_test(_dict(item, "change"))
    change = _dict(item, "change")
    field, value = _word(change.get("field")), change.get("value")
    # Unverified: the payload is recalled, and whether such news may also come for the object `user`.
    if object_ == "permissions" or (object_, field) == ("user", "permissions"):
        return PermissionNews(field, _word(value.get("verb")) if isinstance(value, dict) else "")
    if (object_, field) == ("user", "fbe_install"):
        return _read_install(_dict(value, "value"))
    return Kept(f"{object_}.{field}")


def _read_install(value: dict[str, Any]) -> Content:
    """Read what happened to an installation of Meta Business Extension."""
    # https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21): without a token it is the end.
    name = _id(value.get("business_id"))
    if not name:
        raise _Unreadable("an installation has no business_id")
    return InstallNews(name, uninstalled=not value.get("access_token"))


def _read_changed_field(object_: str, _asset: str, item: Any, _time: Any) -> Content:
    """Read a change whose value our subscription left out."""
    return PermissionNews(_word(item)) if object_ == "permissions" else Kept(f"{object_}.{_word(item)}")


def _read_messaging(_object: str, page_id: str, item: Any, entry_time: Any) -> Content:
    """Read one entry of `messaging` or `standby` (the same, while another app owns the thread)."""
    # Unverified: the shapes of messaging events are recalled.
    frame = _dict(item, "event")
    kind = next((key for key in frame if key not in _FRAME), "")
    psid = _person(frame, page_id)
    if not psid:
        return Kept(f"page.{_word(kind)}")
    time = _moment(frame.get("timestamp", entry_time))
    reader = _KINDS.get(kind)
    content = reader(_dict(frame[kind], kind), psid, time) if reader else None
    return content or _shown(frame, kind, psid, time)


def _read_message(message: dict[str, Any], psid: str, time: datetime) -> Content | None:
    if message.get("is_deleted"):
        return None
    mid, text, attachments = _mid(message), _text(message, "text"), _attachments(message)
    if message.get("is_echo"):
        return Echo(psid, time, mid, text, attachments, _id(message.get("app_id")), _text(message, "metadata"))
    kind = "" if text or attachments else "message"
    return PersonMessage(psid, time, mid=mid, text=text, attachments=attachments, unsupported_kind=kind)


def _read_postback(postback: dict[str, Any], psid: str, time: datetime) -> Content | None:
    """Read a pressed button: the person answers with its title."""
    title, mid = _text(postback, "title"), _id(postback.get("mid"))
    return PersonMessage(psid, time, mid=mid, text=title) if title and mid else None


def _read_delivery(delivery: dict[str, Any], psid: str, _time: datetime) -> Content:
    mids = delivery.get("mids")
    known = tuple(mid for mid in mids if isinstance(mid, str)) if isinstance(mids, list) else ()
    return Delivered(psid, _moment(delivery.get("watermark")), known)


def _read_read(read: dict[str, Any], psid: str, _time: datetime) -> Content:
    return Read(psid, _moment(read.get("watermark")))


def _shown(frame: dict[str, Any], kind: str, psid: str, time: datetime) -> PersonMessage:
    """Keep what we do not act on where people look: in the conversation. Its own bytes tell it from others."""
    key = digest(json.dumps(frame, sort_keys=True).encode()).hex()
    # Unverified: which events beside messages open the window; those that certainly do have readers of their own.
    opens = kind in {"postback", "order"}
    return PersonMessage(psid, time, digest=key, unsupported_kind=_word(kind), opens_window=opens)


_READERS: Mapping[str, Callable[[str, str, Any, Any], Content]] = {
    "messaging": _read_messaging,
    "standby": _read_messaging,
    "changes": _read_change,
    "changed_fields": _read_changed_field,
}
_KINDS: Mapping[str, Callable[[dict[str, Any], str, datetime], Content | None]] = {
    "message": _read_message,
    "postback": _read_postback,
    "delivery": _read_delivery,
    "read": _read_read,
}


def _attachments(message: dict[str, Any]) -> tuple[Attachment, ...]:
    listed = message.get("attachments")
    return tuple(_attachment(one) for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict))


def _attachment(one: dict[str, Any]) -> Attachment:
    payload = one.get("payload") if isinstance(one.get("payload"), dict) else {}
    url, title = (payload or {}).get("url") or one.get("url"), (payload or {}).get("title") or one.get("title")
    kind = one.get("type")
    # Unverified: since 2026-08-30 a sticker comes as type `sticker`; before, as an image with a sticker_id.
    sticker = kind == "image" and "sticker_id" in (payload or {})
    return Attachment("sticker" if sticker else _word(kind), _string(url), _string(title))


def _person(frame: dict[str, Any], page_id: str) -> str:
    ends = [_id(end.get("id")) for end in (frame.get("sender"), frame.get("recipient")) if isinstance(end, dict)]
    return next((end for end in ends if end and end != page_id), "")


def _mid(message: dict[str, Any]) -> str:
    mid = _id(message.get("mid"))
    if not mid:
        raise _Unreadable("a message has no mid")
    return mid


def _moment(milliseconds: Any) -> datetime:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        raise _Unreadable("a time is not a number of milliseconds")
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise _Unreadable("a time is out of range") from None


def _id(value: Any) -> str:
    """Read an id, text or whole number below 2^63; anything else is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return str(value)
    return value[:_LONGEST_ID] if isinstance(value, str) else ""


_LONGEST_ID = 512


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name, "")
    if value is not None and not isinstance(value, str):
        raise _Unreadable(f"{name} is not a text")
    return value or ""


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _word(value: Any) -> str:
    """Read a word of Meta's, cut to a length that a column of words deserves."""
    return value[:64] if isinstance(value, str) else "unknown"


def _dict(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable(f"{name} is not an object")
    return value


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    if not isinstance(value, list):
        raise _Unreadable(f"{name} is not a list")
    return value


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    if _deeper(value, DEEPEST):
        raise _Unreadable(f"nested deeper than {DEEPEST} levels")
    return value


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper(inner, levels - 1) for inner in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper(inner, levels - 1) for inner in value)
    return False
