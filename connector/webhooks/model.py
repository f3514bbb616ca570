"""What a delivery says: signals, one for each thing that Meta reports.

Everything becomes one of these; what we do not act on is kept as it came.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from connector.business_extension.model import InstallNews
from connector.messaging.model import PersonSignal
from connector.values import Environment


class DeliveryState(StrEnum):
    """What becomes of a delivery."""

    WAITING = "WAITING"
    DONE = "DONE"


class SignalState(StrEnum):
    """Why a signal is kept as it came."""

    KEPT = "KEPT"  # nobody acts on its kind (yet)
    QUARANTINED = "QUARANTINED"  # acting on it failed
    REPLAYED = "REPLAYED"  # somebody had it worked off again
    DISMISSED = "DISMISSED"  # nobody wants it any more


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that concerns no person, or that cannot be read: `reason` says what is wrong with it, if anything."""

    kind: str
    reason: str = ""


SELF_TEST = "stormcom_self_test"
"""The object of our own deliveries, which Meta never sends: it has no object of this name."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A delivery that we sent to ourselves. It counts only while its number is one we wait for."""

    nonce: UUID


def write_self_test(environment: Environment, nonce: UUID, *, at: datetime) -> bytes:
    """Write a delivery to ourselves; `environment` stands where Meta names an asset."""
    change = {"field": "self_test", "value": {"nonce": str(nonce)}}
    entry = {"id": str(environment), "time": int(at.timestamp()), "changes": [change]}
    return json.dumps({"object": SELF_TEST, "entry": [entry]}).encode()


@dataclass(frozen=True, slots=True)
class PermissionNews:
    """A person changed what they grant our app; the signal's asset is that person. What they grant now, Meta is asked."""

    field: str
    verb: str = ""


@dataclass(frozen=True, slots=True)
class PageNews:
    """Something happened on a Page in public, or concerns the Page as a whole; `value` is all that Meta told, as it told it."""

    topic: str
    item: str = ""
    verb: str = ""
    post_id: str = ""
    comment_id: str = ""
    parent_id: str = ""
    actor_id: str = ""
    actor_name: str = ""
    text: str = ""
    time: datetime | None = None
    value: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        names = ("item", "verb", "post_id", "comment_id", "parent_id", "actor_id", "actor_name", "text")
        whole = json.dumps(self.value) if self.value else ""
        kept = whole if len(whole) <= _LONGEST_VALUE else ""
        return {name: getattr(self, name) for name in names} | {
            "field": self.topic,
            "activity_time": self.time,
            "value_json": kept,
        }


_LONGEST_VALUE = 16_384


@dataclass(frozen=True, slots=True)
class PolicyNews:
    """Meta enforces a policy on a Page, `block` or `warning`, or no longer, `unblock`."""

    action: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True)
class TemplateNews:
    """Meta decided about a message template of a Page."""

    template_id: str
    name: str
    language: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderHint:
    """Something may have happened to an order: a reason to look, no more. Without a value even the ids are not told."""

    field: str
    order_id: str = ""
    account_id: str = ""


News = PageNews | PolicyNews | TemplateNews | OrderHint
Content = PersonSignal | News | PermissionNews | InstallNews | SelfTest | Kept


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing Meta reports: of which object and Page (or other asset), what it says, and how it came."""

    object: str
    page_id: str
    content: Content
    envelope: Mapping[str, Any] | bytes = field(repr=False)

    @property
    def raw(self) -> bytes:
        """The signal alone, in an envelope of its own: reading it again gives the same signal."""
        return self.envelope if isinstance(self.envelope, bytes) else json.dumps(self.envelope).encode()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook POST as it came; `position` counts its settled signals, `tries` the beginnings at that position.

    `attempts` counts how often the one signal of a delivery of ours failed before.
    """

    id: int
    environment: Environment
    body: bytes = field(repr=False)
    receive_time: datetime
    position: int
    tries: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A genuine webhook POST that is to be kept."""

    environment: Environment
    body: bytes = field(repr=False)
    signature: str


@dataclass(frozen=True, slots=True)
class Brought:
    """A delivery as a store may see it: how many signals of each kind it brought, by the store's Pages."""

    id: int
    receive_time: datetime
    pages: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class UnknownPage:
    """A Page or account that nobody connected, and what waits for it."""

    asset: tuple[Environment, str, str]
    signal_count: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Aside:
    """A signal that was set aside, as its store may see it."""

    id: int
    connection_id: UUID
    page_id: str
    kind: str
    state: SignalState
    reason: str
    tries: int
    receive_time: datetime


def digest(content: bytes) -> bytes:
    """Name some bytes by their SHA-256."""
    return hashlib.sha256(content).digest()
