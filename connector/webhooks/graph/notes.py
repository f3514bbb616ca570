"""What an event says about a conversation beside its messages: where the person came from, who owns the thread, what is allowed."""

from datetime import datetime
from typing import Any

from connector.messaging.model import Noted, Subject, told
from connector.webhooks.graph.happening import Happening
from connector.webhooks.graph.parts import identity, inner, note, string, word


def referral(value: dict[str, Any], time: datetime) -> dict[str, Any]:
    """Read where a person came from; empty when the event does not tell."""
    # Unverified: the members are recalled.
    read = {
        "ref": note(value.get("ref")),
        "source": word(value.get("source"), absent=""),
        "type": word(value.get("type"), absent=""),
        "ad_id": identity(value.get("ad_id")),
        "referer_uri": note(value.get("referer_uri")),
        "product_item_id": identity(inner(value, "product").get("id")),
    }
    known = {name: one for name, one in read.items() if one}
    return known | {"refer_time": told(time)} if known else {}


def read_referral(event: Happening) -> Noted:
    """Read that a person came by a link or an ad."""
    return _noted(event, Subject.REFERRAL, referral(event.value, event.time))


def read_opt_in(event: Happening) -> Noted:
    """Read what a person allowed, or stopped. The token that comes along is left out: it would let others write to them."""
    # Unverified: the words for the status are recalled.
    allowed = word(event.value.get("notification_messages_status"), absent="") != "STOP_NOTIFICATIONS"
    return _permission(event, allowed=allowed)


def read_opt_out(event: Happening) -> Noted:
    """Read what a person took back."""
    # Unverified: the shape; SDK 26.0.3, page.py names only the field messaging_optouts.
    return _permission(event, allowed=False)


def _permission(event: Happening, *, allowed: bool) -> Noted:
    value = event.value
    body = {
        "type": word(value.get("type"), absent=""),
        "allowed": allowed,
        "payload": note(value.get("payload") or value.get("ref")),
        "title": note(value.get("title")),
    }
    return _noted(event, Subject.OPT_IN, body)


def read_account_link(event: Happening) -> Noted:
    """Read that a person linked an account of theirs, or unlinked it. The code that comes along is left out."""
    linked = string(event.value.get("status")) == "linked"
    return _noted(event, Subject.ACCOUNT_LINK, {"linked": linked})


def read_pass(event: Happening) -> Noted:
    """Read that an app gave the thread to another one; to us, when it does not say to whom."""
    owner = _owner(event)
    return _noted(event, Subject.OWNER, owner if owner["app_id"] else owner | {"ours": True})


def read_take(event: Happening) -> Noted:
    """Read that an app took the thread: who lost it is told, the new owner not always."""
    return _noted(event, Subject.OWNER, _owner(event))


def _owner(event: Happening) -> dict[str, Any]:
    return {"app_id": identity(event.value.get("new_owner_app_id")), "metadata": note(event.value.get("metadata"))}


def read_request(event: Happening) -> Noted:
    """Read that an app asks for the thread."""
    asking = identity(event.value.get("requested_owner_app_id"))
    return _noted(event, Subject.OWNER_REQUEST, {"app_id": asking})


def _noted(event: Happening, subject: Subject, body: dict[str, Any]) -> Noted:
    return Noted(event.psid, subject, event.time, body, channel=event.channel)
