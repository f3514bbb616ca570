"""One message: who wrote it, what it holds, and how far it came.

    PENDING ──▶ ATTEMPTED ──▶ SENT ──▶ DELIVERED ──▶ READ
       ▲            ├──▶ FAILED            refused; it did not go out
       └─ not sent ─┤
                    └──▶ UNKNOWN ──▶ SENT or FAILED, when Meta's echo or a read-back tells

What Meta refused is PENDING again when a caller asks for it: the person cannot have it.

States of a message of the Page only move along that line, whatever order Meta's webhooks come in. FAILED gives way to a
later proof that it went out after all: Meta's word stands above our guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from connector.messaging.model.attachments import Attachment
from connector.messaging.model.links import expiry
from connector.messaging.model.times import timed

# Unverified: recalled, in characters.
LONGEST_TEXT = 2000
SNIPPET = 100
UNAVAILABLE_LIMIT = timedelta(hours=1)
"""How long a message is worth sending while Meta cannot take it."""


class Origin(StrEnum):
    """Who wrote a message."""

    PERSON = "PERSON"
    STORMCOM = "STORMCOM"
    ELSEWHERE = "ELSEWHERE"


class Sender(StrEnum):
    """Who writes on the Page's side."""

    AUTOMATION = "AUTOMATION"
    HUMAN = "HUMAN"


class Kind(StrEnum):
    """What a message of ours holds."""

    TEXT = "TEXT"
    ATTACHMENT = "ATTACHMENT"
    PRODUCTS = "PRODUCTS"
    BUTTONS = "BUTTONS"
    CARDS = "CARDS"
    RECEIPT = "RECEIPT"
    UTILITY = "UTILITY"


class State(StrEnum):
    """How far a message came."""

    RECEIVED = "RECEIVED"
    PENDING = "PENDING"
    ATTEMPTED = "ATTEMPTED"  # told to nobody: PENDING, with a call to Meta under way
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"


OPEN = (State.PENDING, State.ATTEMPTED)
"""Still ours to send."""
UNPROVEN = (State.PENDING, State.ATTEMPTED, State.UNKNOWN, State.FAILED)
"""Meta has not named a `mid` yet: a proof that it went out makes it SENT."""
OUT = (State.SENT, State.DELIVERED, State.READ)
"""Went out for sure."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `attempt_time` is when the call that sends it began."""

    id: UUID
    store_id: str
    connection_id: UUID
    conversation_id: UUID
    request_id: str | None
    origin: Origin
    state: State
    mid: str | None
    text: str
    attachments: tuple[Attachment, ...]
    send_time: datetime
    attempt_time: datetime | None
    sender: Sender | None
    reason: str
    unsupported_kind: str
    kind: Kind = Kind.TEXT
    content: Mapping[str, Any] = field(default_factory=dict)
    part: int = 0
    reply_to_mid: str = ""
    agent_id: str = ""
    agent_name: str = ""
    disclosed: bool = False
    bulk: bool = False
    edit_count: int = 0
    edit_time: datetime | None = None
    delete_time: datetime | None = None
    reactions: Sequence[Mapping[str, Any]] = ()
    payload: str = ""
    standby: bool = False
    referral: Mapping[str, Any] = field(default_factory=dict)
    backfilled: bool = False

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names and enum names."""
        state = State.PENDING if self.state is State.ATTEMPTED else self.state
        return {
            "message_id": str(self.id),
            "conversation_id": str(self.conversation_id),
            "mid": self.mid or "",
            "origin": f"ORIGIN_{self.origin}",
            "state": f"STATE_{state}",
            "text": self.text,
            "attachments": [one.document() | expiry(one.url) for one in self.attachments],
            "send_time": self.send_time,
            "reason": self.reason,
            "unsupported_kind": self.unsupported_kind,
            "backfilled": self.backfilled,
            "sender": f"SENDER_{self.sender or 'UNSPECIFIED'}",
            "edit_count": self.edit_count,
            "edit_time": self.edit_time,
            "delete_time": self.delete_time,
            "reactions": [timed(one) for one in self.reactions],
            "reply_to_mid": self.reply_to_mid,
            "payload": self.payload,
            "standby": self.standby,
            "referral": timed(self.referral) if self.referral else None,
            **self._ours(),
        }

    def _ours(self) -> dict[str, Any]:
        """Write what is known of messages of ours only."""
        if self.origin is not Origin.STORMCOM:
            return {}
        named = {"agent_id": self.agent_id, "name": self.agent_name}
        return {
            "part": self.part,
            "agent": named if any(named.values()) else None,
            "disclosed": self.disclosed,
            "content_kind": str(self.kind),
            "bulk": self.bulk,
        }
