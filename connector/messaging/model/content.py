"""What a message of ours may hold, and how a long text becomes several messages.

A wish is one or more parts, sent in order, each a message of its own: Meta takes a text and a file only apart. A part's `content`
is what the database keeps: names and values of ours, without a word of Meta's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from connector.messaging.model.attachments import Attachment
from connector.messaging.model.messages import LONGEST_TEXT, Kind, Sender

# Unverified: all limits are recalled.
MOST_QUICK_REPLIES, LONGEST_TITLE, LONGEST_PAYLOAD = 13, 20, 1000
LONGEST_BUTTON_TEXT, MOST_BUTTONS = 640, 3
MOST_CARDS, LONGEST_CARD_TITLE = 10, 80
LONGEST_SPLIT = 20_000
"""Our own figure: ten messages."""
WORDLESS = frozenset({Kind.PRODUCTS, Kind.CARDS, Kind.RECEIPT, Kind.UTILITY, Kind.BUTTONS})
"""What Meta makes of a template is not what we sent: a read-back that does not show it proves nothing."""
_MEDIA = frozenset({"image", "audio", "video"})

# The best places to cut a text, the best first: after a paragraph, a line, a sentence, a word.
_PLACES = [re.compile(place) for place in (r"\n\s*\n", r"\n", r"(?<=[.!?…])\s", r"\s")]
_LEAST_SHARE = 2
"""A cut leaves at least this part (a half) of what a message may hold, unless there is no other."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one message holds."""

    kind: Kind = Kind.TEXT
    text: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be sent, under one id."""

    request_id: str
    parts: tuple[Part, ...]
    sender: Sender
    agent_id: str = ""
    agent_name: str = ""
    bulk: bool = False
    reply_to: UUID | None = None

    def disclosing(self, words: str) -> "Wish":
        """Begin with these words: before the first text if that leaves room, else as a message of their own."""
        if not words:
            return self
        first, *rest = self.parts
        joined = f"{words}\n\n{first.text}"
        limit = LONGEST_BUTTON_TEXT if first.kind is Kind.BUTTONS else LONGEST_TEXT
        if first.text and len(joined) <= limit:
            return replace(self, parts=(replace(first, text=joined), *rest))
        return replace(self, parts=(Part(text=words), *self.parts))


def medium(kind: Kind, content: Mapping[str, Any]) -> str:
    """Tell against which pace of Meta's a message counts: TEXT or MEDIA."""
    return "MEDIA" if kind is Kind.ATTACHMENT and content.get("type") in _MEDIA else "TEXT"


def split(text: str, limit: int = LONGEST_TEXT) -> Sequence[str]:
    """Cut a text into pieces of at most `limit` characters, at the best places there are; white space at a cut is dropped."""
    pieces, rest = [], text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _cut(text: str, limit: int) -> int:
    for place in _PLACES:
        ends = [found.start() for found in place.finditer(text, 0, limit + 1) if found.start() * _LEAST_SHARE >= limit]
        if ends:
            return ends[-1]
    return limit
