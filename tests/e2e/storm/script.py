"""What people do on Pages, made up from a seed: the webhooks that tell of it, and what must be true once all of them are known.

Meta's side of the books. It shares nothing with the connector; times are whole milliseconds, each used once.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

KINDS = {"write": 50, "echo": 13, "edit": 9, "react": 12, "take_back": 2, "deliver": 6, "read": 8}
"""How often what happens."""
MOST_PER_POST = 3
EMOJIS = ("❤", "👍", "😆", "")
"""The last takes the sign off."""


@dataclass(slots=True)
class Said:
    """A message as it must be in the end."""

    mid: str
    of_page: bool
    time_ms: int
    text: str
    edits: int = 0
    gone: bool = False
    emoji: str = ""


@dataclass(slots=True)
class Talk:
    """What a person and a Page said, and how far the Page's words came."""

    page_id: str
    psid: str
    said: list[Said] = field(default_factory=list)
    delivered_ms: int = 0
    read_ms: int = 0

    def state(self, one: Said) -> str:
        """Tell how far a message came."""
        if not one.of_page:
            return "RECEIVED"
        return "READ" if one.time_ms <= self.read_ms else "DELIVERED" if one.time_ms <= self.delivered_ms else "SENT"

    @property
    def unread(self) -> int:
        """Count what the person wrote after the Page's last word."""
        answered = max((one.time_ms for one in self.said if one.of_page), default=0)
        return sum(not one.of_page and one.time_ms > answered for one in self.said)


class Script:
    """People on Pages: `posts` are the bodies Meta sends, in the order in which it all happened; `talks` is the truth."""

    def __init__(self, people: Mapping[str, Sequence[str]], noise: random.Random, *, begin_ms: int) -> None:
        """Describe who there is: the people of each Page."""
        self.talks = {(page, psid): Talk(page, psid) for page, psids in people.items() for psid in psids}
        self._noise = noise
        self._clock = count(begin_ms)

    def posts(self, number: int) -> Iterator[bytes]:
        """Let so many POSTs' worth happen; each tells of one to three things."""
        talks = list(self.talks.values())
        for _ in range(number):
            told = [self._happen(self._noise.choice(talks)) for _ in range(self._noise.randint(1, MOST_PER_POST))]
            yield json.dumps({"object": "page", "entry": told}).encode()

    def _happen(self, talk: Talk) -> dict[str, Any]:
        now = next(self._clock)
        kind = self._noise.choices(list(KINDS), list(KINDS.values()))[0]
        one = self._noise.choice(talk.said) if talk.said else None
        by_page, content = False, {}
        if kind in {"edit", "react", "take_back"} and one and not one.gone:
            by_page, content = one.of_page and kind != "react", self._change(kind, one)
        elif kind in {"deliver", "read"} and talk.said:
            content = _watermark(kind, talk, now)
        else:
            by_page, content = kind == "echo", self._say(talk, now, of_page=kind == "echo")
        ends = (talk.page_id, talk.psid) if by_page else (talk.psid, talk.page_id)
        frame = {"sender": {"id": ends[0]}, "recipient": {"id": ends[1]}, "timestamp": now}
        return {"id": talk.page_id, "time": now, "messaging": [frame | content]}

    def _say(self, talk: Talk, now: int, *, of_page: bool) -> dict[str, Any]:
        one = Said(f"m_{talk.psid}_{now}", of_page, now, f"Said at {now}, {self._noise.randrange(10**6)}")
        talk.said.append(one)
        # An app that is not ours: what the Page's own inbox sends.
        echo = {"is_echo": True, "app_id": 263902037430900} if of_page else {}
        return {"message": {"mid": one.mid, "text": one.text, **echo}}

    def _change(self, kind: str, one: Said) -> dict[str, Any]:
        if kind == "edit":
            one.edits += 1
            one.text = f"{one.text.partition(' (')[0]} (edit {one.edits})"
            return {"message_edit": {"mid": one.mid, "text": one.text, "num_edit": one.edits}}
        if kind == "take_back":
            one.gone, one.text = True, ""
            return {"message": {"mid": one.mid, "is_deleted": True}}
        one.emoji = self._noise.choice(EMOJIS)
        sign = {"action": "react", "reaction": "other", "emoji": one.emoji} if one.emoji else {"action": "unreact"}
        return {"reaction": {"mid": one.mid, **sign}}


def _watermark(kind: str, talk: Talk, now: int) -> dict[str, Any]:
    if kind == "read":
        talk.read_ms = now
        return {"read": {"watermark": now}}
    talk.delivered_ms = now
    return {"delivery": {"watermark": now, "mids": [one.mid for one in talk.said if one.of_page][-3:]}}


def shuffled(number: int, noise: random.Random, *, doubled: float = 0.1, moved: float = 0.2) -> list[int]:
    """Order so many posts the way they travel: a share comes twice, a share later than what came after it."""
    places = [(place + noise.uniform(1, 40) * (noise.random() < moved), place) for place in range(number)]
    places += [(place + noise.uniform(0, 80), place) for place in range(number) if noise.random() < doubled]
    return [place for _, place in sorted(places)]
