"""What Meta shall tell us: of a Page field by field, each for a capability and with its reason; of our app object by object.

A Page has one list of fields, which is replaced as a whole: so it is always asked for whole, what each capability needs together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.connections.model.connection import Connection
from connector.connections.model.needs import NEEDS, scopes_for
from connector.values import CapabilityKind

_TALK, _CATALOG = CapabilityKind.MESSAGING, CapabilityKind.CATALOG_SYNC

# SDK 26.0.3, page.py, Page.SubscribedFields: the names. What each tells is Unverified where no source says so.
FIELDS: Mapping[str, tuple[CapabilityKind | None, str]] = {
    "messages": (_TALK, "what people write"),
    "message_deliveries": (_TALK, "a message arrived"),
    "message_reads": (_TALK, "a message was read"),
    "message_echoes": (_TALK, "what the Page writes, here or elsewhere; settles sends whose answer was lost"),
    "message_edits": (_TALK, "a message was changed"),
    "message_reactions": (_TALK, "a message was reacted to"),
    "messaging_postbacks": (_TALK, "a button was pressed"),
    "messaging_optins": (_TALK, "somebody allowed messages"),
    "messaging_optouts": (_TALK, "somebody wants no more messages"),
    "messaging_referrals": (_TALK, "where somebody came from: an ad, a link"),
    "messaging_handovers": (_TALK, "another app was given a conversation, or us"),
    "standby": (_TALK, "what is said while another app has the conversation"),
    "messaging_account_linking": (_TALK, "an account was linked, or no longer is"),
    "messaging_policy_enforcement": (_TALK, "Meta warns the Page, or blocks it"),
    "messaging_feedback": (_TALK, "somebody rated a conversation"),
    "send_cart": (_TALK, "somebody sent a cart: a draft order"),
    "message_template_status_update": (_TALK, "Meta judged a utility template"),
    "feed": (None, "comments and posts, shown to the merchant"),
    "mention": (None, "the Page was mentioned, shown to the merchant"),
    "ratings": (None, "the Page was rated, shown to the merchant"),
    "merchant_review": (_CATALOG, "the review of the shop went on"),
    "product_review": (_CATALOG, "the review of products went on"),
}
"""Every field we act on or show, for which capability (None: for none in particular), and what it tells."""

ESSENTIAL = tuple(name for name, (kind, _) in FIELDS.items() if kind is _TALK)
"""Without these a Page's conversations are incomplete: their loss is one. The others are wanted beside them."""

REFUSED_FOR = timedelta(days=1)
"""How long a field that Meta refused is left out."""
UNSTABLE_WITHIN, UNSTABLE_FROM = timedelta(days=1), 3
"""So many drops within so long a time are one too many."""
# Unverified: recalled of Meta's documentation of Instagram's messaging.
_INSTAGRAM = ("messages", "messaging_postbacks", "message_reactions", "messaging_seen", "messaging_referral")


class Cause(StrEnum):
    """What is wrong with a subscription."""

    ABSENT = "absent"
    LACKING = "lacking"
    SURPLUS = "surplus"


@dataclass(frozen=True, slots=True)
class Gap:
    """How a list of fields differs from the one that is wanted."""

    lacking: tuple[str, ...]
    surplus: tuple[str, ...]
    empty: bool

    @property
    def cause(self) -> Cause | None:
        """What is wrong; None when nothing is."""
        if self.empty and self.lacking:
            return Cause.ABSENT
        if self.lacking:
            return Cause.LACKING
        return Cause.SURPLUS if self.surplus else None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is remembered of a Page's subscription: when Meta dropped it, and what Meta refused."""

    drop_times: tuple[datetime, ...] = ()
    repair_count: int = 0
    refused: tuple[str, ...] = ()
    refuse_time: datetime | None = None

    def drops(self, *, at: datetime) -> tuple[datetime, ...]:
        """Tell the drops that still count."""
        return tuple(time for time in self.drop_times if at - time < UNSTABLE_WITHIN)

    def left_out(self, *, at: datetime) -> tuple[str, ...]:
        """Tell what is not asked for, since Meta refused it a while ago."""
        return self.refused if self.refuse_time and at - self.refuse_time < REFUSED_FOR else ()


def wanted_fields(connection: Connection, subscription: Subscription, *, at: datetime) -> tuple[str, ...]:
    """List the fields that a Page shall tell: what conversations need, and what else its permissions allow."""
    granted, refused = set(connection.granted_scopes), subscription.left_out(at=at)

    def allowed(kind: CapabilityKind | None) -> bool:
        return kind is None or kind is _TALK or set(NEEDS[kind].scopes) <= granted

    return tuple(name for name, (kind, _) in FIELDS.items() if allowed(kind) and name not in refused)


def compare(found: Collection[str], wanted: Collection[str]) -> Gap:
    """Tell how what is subscribed differs from what is wanted."""
    return Gap(tuple(sorted(set(wanted) - set(found))), tuple(sorted(set(found) - set(wanted))), not found)


@dataclass(frozen=True, slots=True)
class AppSubscription:
    """Where Meta sends one kind of webhook of our app. What Meta does not tell is empty."""

    object: str
    callback_url: str
    active: bool
    fields: frozenset[str]

    def document(self) -> dict[str, Any]:
        """Write it the way Meta does."""
        return {
            "object": self.object,
            "callback_url": self.callback_url,
            "active": self.active,
            "fields": sorted(self.fields),
        }


def wanted_objects(kinds: Collection[CapabilityKind]) -> Mapping[str, tuple[str, ...]]:
    """List the objects whose webhooks our app needs, with their fields, where it asks merchants for these capabilities."""
    return {
        "page": tuple(FIELDS),
        "instagram": _INSTAGRAM,
        "user": ("fbe_install",),
        "permissions": tuple(sorted(scopes_for(kinds))),
    }


def app_gaps(
    listed: Sequence[AppSubscription], wanted: Mapping[str, Sequence[str]], callback_url: str
) -> Mapping[str, str]:
    """Tell what is wrong with our app's webhooks, by object. An address or fields that Meta does not tell are not missed."""
    known = {one.object: one for one in listed}
    told = {name: _app_gap(known.get(name), fields, callback_url) for name, fields in wanted.items()}
    return {name: wrong for name, wrong in told.items() if wrong}


def _app_gap(found: AppSubscription | None, fields: Sequence[str], callback_url: str) -> str:
    if found is None:
        return "absent"
    if found.callback_url not in {"", callback_url}:
        return "foreign"
    if not found.active:
        return "inactive"
    return "lacking" if found.fields and set(fields) - found.fields else ""
