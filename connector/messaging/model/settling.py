"""What a read-back of the conversation says about a message whose call was cut off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.messaging.model.content import WORDLESS
from connector.messaging.model.messages import Kind, Message

# Our own figures: how far Meta's clock may be behind ours, and how late a lost call may still take effect.
CLOCK_DIFFERENCE = timedelta(minutes=2)
_LATEST_ARRIVAL = timedelta(minutes=10)
SETTLE_STEPS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 60, 300, 900))
SETTLE_EVERY = timedelta(hours=1)
SETTLE_LIMIT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that Meta shows when a conversation is read back."""

    mid: str
    sender_id: str
    text: str
    create_time: datetime
    content_types: tuple[str, ...] = ()


def same_words(ours: str, theirs: str) -> bool:
    """Tell whether two texts say the same: Meta may trim and fold white space."""
    return ours.split() == theirs.split()


def find_posted(message: Message, posted: tuple[Posted, ...], *, page_id: str, known: frozenset[str]) -> Posted | None:
    """Find our message among those Meta shows: by the Page, same words, sent around our attempt, not known as another.

    Meta's read-back does not return `metadata` (Unverified), so words and time are what there is. The oldest fits best:
    messages of a conversation go out one after the other, and one that was answered is known by its `mid`.
    What has no words is found by what it holds, and only where nothing else could be meant.
    """
    begin = message.attempt_time or message.send_time
    fits = [
        one
        for one in posted
        if one.sender_id == page_id
        and one.mid not in known
        and begin - CLOCK_DIFFERENCE <= one.create_time <= begin + _LATEST_ARRIVAL
        and _fits(message, one)
    ]
    if message.kind is not Kind.TEXT and len(fits) > 1:
        return None
    return min(fits, key=lambda one: one.create_time, default=None)


def _fits(message: Message, one: Posted) -> bool:
    """Tell whether a message that Meta shows holds what ours does. Unverified: how Meta shows templates."""
    if message.kind is Kind.TEXT:
        return same_words(message.text, one.text)
    if message.kind is Kind.ATTACHMENT:
        wanted = message.content["type"]
        return not one.text and any(wanted in ("file", told.partition("/")[0]) for told in one.content_types)
    return same_words(message.text, one.text) or (not one.text and bool(one.content_types))


def proves_absence(message: Message, posted: tuple[Posted, ...], *, complete: bool, now: datetime) -> bool:
    """Tell whether a read-back without our message proves that it never went out.

    It does when it was made after the last moment at which the lost call could still take effect, and reaches back beyond
    our attempt: all of the conversation, or something older. It never does for templates: nobody told how Meta shows them.
    """
    if message.kind in WORDLESS:
        return False
    begin = message.attempt_time or message.send_time
    reaches = complete or any(one.create_time < begin - CLOCK_DIFFERENCE for one in posted)
    return reaches and now >= begin + _LATEST_ARRIVAL + CLOCK_DIFFERENCE


def next_look(message: Message, *, now: datetime) -> datetime | None:
    """Tell when to look for the message again; None when 24 hours brought no answer."""
    begin = message.attempt_time or message.send_time
    if now >= begin + SETTLE_LIMIT:
        return None
    return next((begin + step for step in SETTLE_STEPS if begin + step > now), now + SETTLE_EVERY)
