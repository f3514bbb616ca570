"""What Meta tells of a conversation, as values: each is a fact that may come late, twice, or before what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.messaging.model.attachments import Attachment
from connector.messaging.model.channels import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What every signal of a conversation tells: with whom, and where it takes place."""

    psid: str = ""
    channel: Channel = Channel.MESSENGER


@dataclass(frozen=True, slots=True)
class PersonMessage(Heard):
    """A person wrote, pressed a button, or did what we only show: then `unsupported_kind` is Meta's name of it.

    Exactly one of `mid` and `digest` tells it from every other. `referral` has the contract's field names.
    """

    psid: str
    send_time: datetime
    mid: str = ""
    digest: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    unsupported_kind: str = ""
    opens_window: bool = True
    reply_to_mid: str = ""
    payload: str = ""
    standby: bool = False
    referral: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Echo(Heard):
    """The Page wrote, through us or elsewhere; `metadata` is what the sender put along."""

    psid: str
    send_time: datetime
    mid: str
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    app_id: str = ""
    metadata: str = ""
    reply_to_mid: str = ""
    standby: bool = False


@dataclass(frozen=True, slots=True)
class Delivered(Heard):
    """Messages of the Page reached the person: these, and all that are not newer than the watermark."""

    psid: str
    watermark: datetime
    mids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read(Heard):
    """The person read everything the Page sent up to the watermark."""

    psid: str
    watermark: datetime


@dataclass(frozen=True, slots=True)
class Edited(Heard):
    """The text of a message became another one, for the `number`-th time."""

    psid: str
    mid: str
    text: str
    number: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Deleted(Heard):
    """The author of a message took it back."""

    psid: str
    mid: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Reacted(Heard):
    """Somebody put a sign on a message, or took it off: then `reaction` and `emoji` are empty."""

    psid: str
    mid: str
    actor_id: str
    reaction: str
    emoji: str
    time: datetime


class Subject(StrEnum):
    """What a note is about: the column of the conversation that keeps the latest."""

    OWNER = "owner"
    OWNER_REQUEST = "owner_request"
    REFERRAL = "referral"
    OPT_IN = "opt_in"
    ACCOUNT_LINK = "account_link"


@dataclass(frozen=True, slots=True)
class Noted(Heard):
    """Something about the conversation beside its messages: with the contract's field names, but for the time.

    Of the OWNER, `app_id` alone tells who it is; whether that is us is for whoever knows our app.
    """

    psid: str
    subject: Subject
    time: datetime
    body: Mapping[str, Any]


Change = Edited | Deleted | Reacted
PersonSignal = PersonMessage | Echo | Delivered | Read | Edited | Deleted | Reacted | Noted
