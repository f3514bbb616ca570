"""Entries of `changes` and `changed_fields`: topics of Pages, people, commerce and the app itself."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from connector.business_extension.model import InstallNews
from connector.webhooks.graph.parts import Unreadable, identity, inner, moment_of_change, note, required, text, word
from connector.webhooks.model import (
    SELF_TEST,
    Content,
    Kept,
    OrderHint,
    PageNews,
    PermissionNews,
    SelfTest,
    TemplateNews,
)

# SDK 26.0.3, page.py, Page.SubscribedFields. Unverified: Instagram's names are recalled.
PUBLIC = {
    "page": frozenset({"feed", "mention", "ratings", "merchant_review", "product_review", "live_videos", "leadgen"}),
    "instagram": frozenset({"comments", "live_comments", "mentions"}),
}
"""Topics about what happens on a Page or account in public."""
# Unverified: no source names an order webhook; these are the shapes that were guessed at. Any is a reason to look, no more.
_ORDERS = frozenset((place, field) for place in ("commerce_account", "page") for field in ("orders", "commerce_orders"))


def read_change(object_: str, _asset: str, item: Any, time: Any) -> Content:
    """Read one change, by its object and topic."""
    change = required(item, "change")
    field, value = word(change.get("field")), change.get("value")
    # Unverified: the payload is recalled, and whether such news may also come for the object `user`.
    if object_ == "permissions" or (object_, field) == ("user", "permissions"):
        return PermissionNews(field, word(value.get("verb")) if isinstance(value, dict) else "")
    if (object_, field) in _ORDERS:
        told = inner(change, "value")
        return OrderHint(field, identity(told.get("order_id")), identity(told.get("commerce_account_id")))
    if field in PUBLIC.get(object_, ()):
        return _read_public(field, inner(change, "value"), time)
    reader = _READERS.get((object_, "" if object_ == SELF_TEST else field))
    return reader(required(value, "value")) if reader else Kept(f"{object_}.{field}")


def read_changed_field(object_: str, _asset: str, item: Any, time: Any) -> Content:
    """Read a change whose value our subscription left out."""
    field = word(item)
    if object_ == "permissions":
        return PermissionNews(field)
    if (object_, field) in _ORDERS:
        return OrderHint(field)
    if field in PUBLIC.get(object_, ()):
        return PageNews(field, time=moment_of_change(time))
    return Kept(f"{object_}.{field}")


def time_of_change(item: Any) -> int | str | None:
    """Tell the time that a change itself tells, as Meta wrote it; None when there is none to read."""
    own = inner(item, "value").get("created_time")
    return own if isinstance(own, int | str) and moment_of_change(own) is not None else None


def _read_self_test(value: dict[str, Any]) -> Content:
    """Read a delivery of our own."""
    try:
        return SelfTest(UUID(text(value, "nonce")))
    except ValueError:
        raise Unreadable("a self-test has no number") from None


def _read_install(value: dict[str, Any]) -> Content:
    """Read what happened to an installation of Meta Business Extension."""
    # https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21): without a token it is the end.
    name = identity(value.get("business_id"))
    if not name:
        raise Unreadable("an installation has no business_id")
    return InstallNews(name, uninstalled=not value.get("access_token"))


def _read_template(value: dict[str, Any]) -> Content:
    """Read what became of a message template."""
    # Unverified: the shape is recalled of another of Meta's messengers.
    template_id = identity(value.get("message_template_id"))
    if not template_id:
        raise Unreadable("news of a template has no message_template_id")
    return TemplateNews(
        template_id,
        name=note(value.get("message_template_name")),
        language=word(value.get("message_template_language"), absent=""),
        status=word(value.get("event"), absent="").upper(),
        reason=note(value.get("reason")),
    )


def _read_public(field: str, value: dict[str, Any], time: Any) -> Content:
    # Unverified: the members are recalled. Instagram names a comment `id`, its author's name `username`.
    actor = inner(value, "from") or {"id": value.get("sender_id"), "name": value.get("sender_name")}
    own_id = identity(value.get("id")) if field in PUBLIC["instagram"] else ""
    return PageNews(
        field,
        item=word(value.get("item"), absent=""),
        verb=word(value.get("verb"), absent=""),
        post_id=identity(value.get("post_id") or inner(value, "media").get("id")),
        comment_id=identity(value.get("comment_id")) or own_id,
        parent_id=identity(value.get("parent_id")),
        actor_id=identity(actor.get("id")),
        actor_name=note(actor.get("name") or actor.get("username")),
        text=note(value.get("message") or value.get("text") or value.get("review_text")),
        time=moment_of_change(value.get("created_time")) or moment_of_change(time),
        value=value,
    )


_READERS: Mapping[tuple[str, str], Callable[[dict[str, Any]], Content]] = {
    (SELF_TEST, ""): _read_self_test,
    ("user", "fbe_install"): _read_install,
    ("page", "message_template_status_update"): _read_template,
}
