"""The envelope: a delivery's bytes into entries, and every entry's items into signals."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from connector.webhooks.graph.changes import read_change, read_changed_field, time_of_change
from connector.webhooks.graph.messaging import read_messaging, read_standby
from connector.webhooks.graph.parts import Unreadable, identity, required, word
from connector.webhooks.model import Content, Kept, Signal

DEEPEST = 32


def read_signals(body: bytes) -> list[Signal]:
    """Read what a delivery says, in its order."""
    try:
        parsed = required(_parse(body), "delivery")
        entries = _list(_shallow(parsed), "entry")
    except Unreadable as wrong:
        return [Signal("", "", Kept("unreadable", str(wrong)), body)]
    return [signal for entry in entries for signal in _read_entry(word(parsed.get("object")), entry)]


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
    """Write a delivery with every token in it masked, and all else byte for byte; an empty one, which says something, stays."""
    return _TOKEN.sub(rb'\1"***"', body) if b"_token" in body or b"authorization_code" in body else body


# graph-api.md 3.4, as facebook-for-woocommerce reads them: access_token, merchant_access_token. Recalled of Messenger:
# notification_messages_token lets whoever holds it write to a person, authorization_code names an account.
# A quote inside a text is escaped, so what people write never looks like this.
_TOKEN = re.compile(
    rb"""("(?:(?:[a-z]+_)?access_token|notification_messages_token|one_time_notif_token|authorization_code)"\s*:\s*)"""
    rb""""(?:[^"\\]|\\.)+(?:"|\Z)""",
    re.DOTALL,
)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # a lone surrogate, perhaps: the slower parser takes those
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(number: str) -> float | str:
    """Read a number; one too large for any float stays as it is written, for infinity is no JSON and could not be read again."""
    value = float(number)
    return value if math.isfinite(value) else number


def _read_entry(object_: str, entry: Any) -> Iterator[Signal]:
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started (read 2026-11-21): dispatch by which key exists.
    fields = entry if isinstance(entry, dict) else {}
    asset, time = identity(fields.get("id")), fields.get("time")
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
    # The time of an entry is when it was sent. A change that tells its own is the same one whenever it is sent again.
    own = time_of_change(item) if key == "changes" else None
    envelope = {"object": object_, "entry": [{"id": asset, "time": time if own is None else own, key: [item]}]}
    try:
        return Signal(object_, asset, _READERS[key](object_, asset, item, time), envelope)
    except Unreadable as wrong:
        return Signal(object_, asset, Kept("unreadable", str(wrong)), envelope)


_READERS: Mapping[str, Callable[[str, str, Any, Any], Content]] = {
    "messaging": read_messaging,
    "standby": read_standby,
    "changes": read_change,
    "changed_fields": read_changed_field,
}


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    if not isinstance(value, list):
        raise Unreadable(f"{name} is not a list")
    return value


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    if _deeper(value, DEEPEST):
        raise Unreadable(f"nested deeper than {DEEPEST} levels")
    return value


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper(inner, levels - 1) for inner in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper(inner, levels - 1) for inner in value)
    return False
