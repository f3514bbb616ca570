"""What a check is, how it stands, and what Meta answers.

A finding names its cause, a row of `causes`; a report is a finding with its times. Nothing here holds a token or a person's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.connections.model import Connection
from connector.connections.model import State as ConnectionState


def beginning(connection: Connection) -> datetime:
    """Tell since when a connection is what it is now: what was seen with other tokens, or before it worked again, is the past."""
    tokens = connection.token_time or connection.create_time
    return max(tokens, connection.state_time) if connection.state is ConnectionState.CONNECTED else tokens


class Kind(StrEnum):
    """What is looked at, in the order in which it is told."""

    TOKEN = "TOKEN"  # noqa: S105 – a word, not a secret
    SCOPES = "SCOPES"
    PAGE_TASKS = "PAGE_TASKS"
    PAGE_SUBSCRIPTION = "PAGE_SUBSCRIPTION"
    APP_SUBSCRIPTION = "APP_SUBSCRIPTION"
    WEBHOOK = "WEBHOOK"
    THREAD_OWNER = "THREAD_OWNER"
    BUSINESS_VERIFICATION = "BUSINESS_VERIFICATION"
    DOMAIN = "DOMAIN"
    COMMERCE = "COMMERCE"
    CATALOG = "CATALOG"
    PIXEL = "PIXEL"
    ORDER_APP = "ORDER_APP"


class State(StrEnum):
    """How it stands."""

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"  # nothing to look at, or not allowed to look
    UNKNOWN = "UNKNOWN"  # not told for now


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look found: the name of a cause, and what was seen. `until` is when Meta can be asked again."""

    cause: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How a check stands, as it is remembered.

    `since_time` counts from when it came to this state, `fail_time` from when it began to fail, also while it is UNKNOWN in between;
    `failures` are the looks in a row that found it failed. A check that was never looked at has no `check_time`.
    """

    kind: Kind
    cause: str
    evidence: Mapping[str, str]
    check_time: datetime | None
    since_time: datetime | None
    fail_time: datetime | None
    failures: int
    due_time: datetime | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A connection with what our own memory says of it: the hosts its products link to, who wrote to the Page last."""

    connection: Connection
    app_id: str
    callback_url: str
    hosts: tuple[str, ...]
    psid: str


@dataclass(frozen=True, slots=True)
class OwnedDomain:
    """A domain of a business."""

    name: str
    verified: bool


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What a catalog says of itself; ids are empty when it does not say. Its business may be another than its owner's."""

    vertical: str
    owner_id: str
    business_id: str = ""


@dataclass(frozen=True, slots=True)
class CommerceAccount:
    """A shop's account, as far as Meta says; states are empty when it does not."""

    id: str
    merchant_status: str = ""
    shop_setup: str = ""
    review_status: str = ""


class Arrival(StrEnum):
    """How far a self-test came."""

    UNDER_WAY = "UNDER_WAY"  # not settled, and not late yet
    HEARD = "HEARD"  # sent, stored, worked off
    ANSWERED = "ANSWERED"  # answered with 200, but not worked off in time
    REFUSED = "REFUSED"  # its signature is not known there
    MISROUTED = "MISROUTED"  # something else answers
    NOT_STORED = "NOT_STORED"  # ours, but without its database
    UNTRUSTED = "UNTRUSTED"  # no valid certificate
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Journey:
    """What became of a self-test."""

    arrival: Arrival
    evidence: Mapping[str, str]
