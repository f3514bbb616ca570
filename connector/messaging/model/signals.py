"""What Meta tells of a conversation, as values."""

from dataclasses import dataclass
from datetime import datetime

from connector.messaging.model.messages import Attachment


@dataclass(frozen=True, slots=True)
class PersonMessage:
    """A person wrote, pressed a button, or did what we only show: then `unsupported_kind` is Meta's name of it.

    Exactly one of `mid` and `digest` tells it from every other.
    """

    psid: str
    send_time: datetime
    mid: str = ""
    digest: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    unsupported_kind: str = ""
    opens_window: bool = True


@dataclass(frozen=True, slots=True)
class Echo:
    """The Page wrote, through us or elsewhere; `metadata` is what the sender put along."""

    psid: str
    send_time: datetime
    mid: str
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    app_id: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Messages of the Page reached the person: these, and all that are not newer than the watermark."""

    psid: str
    watermark: datetime
    mids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """The person read everything the Page sent up to the watermark."""

    psid: str
    watermark: datetime
