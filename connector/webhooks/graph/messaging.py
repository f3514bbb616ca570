"""Entries of `messaging` and `standby`: what happens between people and a Page, or its Instagram account."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connector.messaging.model import Channel, Delivered, Edited, Reacted, Read
from connector.webhooks.graph import notes
from connector.webhooks.graph.happening import Happening
from connector.webhooks.graph.messages import read_cart, read_feedback, read_message, read_postback, read_unknown
from connector.webhooks.graph.parts import identity, inner, message_id, moment, note, required, text, whole, word
from connector.webhooks.model import Content, Kept, PageNews, PolicyNews

_FRAME = frozenset({"sender", "recipient", "timestamp"})
_CHANNELS = {"page": Channel.MESSENGER, "instagram": Channel.INSTAGRAM}


def read_messaging(object_: str, page_id: str, item: Any, entry_time: Any) -> Content:
    """Read one entry of `messaging`."""
    return _read(object_, page_id, item, entry_time, standby=False)


def read_standby(object_: str, page_id: str, item: Any, entry_time: Any) -> Content:
    """Read one entry of `standby`: the same, while another app owns the thread."""
    return _read(object_, page_id, item, entry_time, standby=True)


def _read(object_: str, page_id: str, item: Any, entry_time: Any, *, standby: bool) -> Content:
    # Unverified: the shapes of messaging events are recalled. What stands beside a kind that we know stays in the delivery.
    frame = required(item, "event")
    kinds = [key for key in frame if key not in _FRAME]
    kind = next((key for key in kinds if key in _KINDS or key in _OF_PAGE), kinds[0] if kinds else "")
    psid = _person(frame, page_id)
    if kind in _OF_PAGE and not psid:
        return _OF_PAGE[kind](required(frame[kind], kind), frame.get("timestamp", entry_time))
    if not psid or object_ not in _CHANNELS:
        return Kept(f"{object_}.{word(kind)}")
    time = moment(frame.get("timestamp", entry_time))
    value = required(frame[kind], kind) if kind in _KINDS else {}
    actor = identity(inner(frame, "sender").get("id"))
    event = Happening(kind, value, frame, psid, actor, time, _CHANNELS[object_], standby)
    return _KINDS.get(kind, read_unknown)(event)


def _person(frame: dict[str, Any], page_id: str) -> str:
    ends = [identity(inner(frame, end).get("id")) for end in ("sender", "recipient")]
    return next((end for end in ends if end and end != page_id), "")


def _read_delivery(event: Happening) -> Content:
    mids = event.value.get("mids")
    known = tuple(mid for mid in mids if isinstance(mid, str)) if isinstance(mids, list) else ()
    return Delivered(event.psid, moment(event.value.get("watermark")), known, channel=event.channel)


def _read_read(event: Happening) -> Content:
    # Unverified: Instagram names the message that was read, and no watermark.
    named = event.channel is Channel.INSTAGRAM and "watermark" not in event.value and "mid" in event.value
    return Read(event.psid, event.time if named else moment(event.value.get("watermark")), channel=event.channel)


def _read_edit(event: Happening) -> Content:
    mid, number = message_id(event.value, of="an edit"), whole(event.value.get("num_edit"))
    return Edited(event.psid, mid, text(event.value, "text"), number, event.time, channel=event.channel)


def _read_reaction(event: Happening) -> Content:
    mid = message_id(event.value, of="a reaction")
    sign, emoji = word(event.value.get("reaction"), absent=""), word(event.value.get("emoji"), absent="")
    if word(event.value.get("action"), absent="react") == "unreact":
        sign = emoji = ""
    return Reacted(event.psid, mid, event.actor_id, sign, emoji or sign, event.time, channel=event.channel)


def _read_policy(value: dict[str, Any], time: Any) -> Content:
    return PolicyNews(word(value.get("action")).lower(), note(value.get("reason")), moment(time))


def _read_page_news(field: str, value: dict[str, Any], time: Any) -> Content:
    return PageNews(field, time=moment(time), value=value)


_KINDS: Mapping[str, Callable[[Happening], Content]] = {
    "message": read_message,
    "postback": read_postback,
    "order": read_cart,
    "messaging_feedback": read_feedback,
    "delivery": _read_delivery,
    "read": _read_read,
    "message_edit": _read_edit,
    "reaction": _read_reaction,
    "referral": notes.read_referral,
    "optin": notes.read_opt_in,
    "optout": notes.read_opt_out,
    "account_linking": notes.read_account_link,
    "pass_thread_control": notes.read_pass,
    "take_thread_control": notes.read_take,
    "request_thread_control": notes.read_request,
}
_OF_PAGE: Mapping[str, Callable[[dict[str, Any], Any], Content]] = {
    "policy_enforcement": _read_policy,
    "policy-enforcement": _read_policy,  # Unverified: older texts write it so
    "app_roles": partial(_read_page_news, "app_roles"),
}
