"""What reading conversations back at Meta shows, and what follows from it: marks, gaps, who keeps silent. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from connector.messaging.model.attachments import Attachment
from connector.messaging.model.channels import Channel

PAGE_OF_CONVERSATIONS = 10
"""Each comes with its readable messages: more at once would make answers that Meta refuses as too large."""
PACE = timedelta(milliseconds=500)
# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21): two calls a second, for Instagram.
# Unverified: the same for Messenger.


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message as it is read back; `readable` is False when Meta shows only that there was one."""

    mid: str
    create_time: datetime
    sender_id: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    reply_to_mid: str = ""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part in a conversation."""

    id: str
    name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class FoundConversation:
    """A conversation as it is read back, its messages newest first; `complete` when those are all there are."""

    thread_id: str
    update_time: datetime
    participants: tuple[Participant, ...]
    messages: tuple[FoundMessage, ...]
    complete: bool
    unread_count: int | None = None
    message_count: int | None = None

    def person(self, account_id: str) -> Participant | None:
        """Tell who talks with an account of ours; None when Meta does not say, or there are several."""
        others = [one for one in self.participants if one.id != account_id]
        return others[0] if len(others) == 1 else None

    def seen_until(self, account_id: str) -> datetime | None:
        """Tell up to when the Page has read, going by how many messages Meta calls unread; None when nothing is said."""
        if self.unread_count is None or not self.messages:
            return None
        if self.unread_count == 0:
            return self.messages[0].create_time
        theirs = [one.create_time for one in self.messages if one.sender_id not in {account_id, ""}]
        if self.unread_count >= len(theirs):
            return None
        # Told by the second: where the first unread one came in the same, both count as unread.
        read, unread = theirs[self.unread_count], theirs[self.unread_count - 1]
        return read if read < unread else read - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where messages are missing: between the last one before it, if any is known, and the first one behind it."""

    begin_time: datetime | None
    end_time: datetime
    message_count: int | None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        return {
            "begin_time": self.begin_time,
            "end_time": self.end_time,
            "message_count": self.message_count or 0,
        }


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far reading a channel back has come: newest first, down to `before_time`, of which second `skip_count` were seen."""

    connection_id: UUID
    channel: Channel
    reason: str
    since_time: datetime
    from_time: datetime
    before_time: datetime | None
    skip_count: int
    round_time: datetime
    begin_time: datetime
    finish_time: datetime | None
    conversation_count: int
    message_count: int
    cut: bool

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = ("reason", "since_time", "begin_time", "finish_time", "conversation_count", "message_count", "cut")
        return {"channel": f"CHANNEL_{self.channel}"} | {name: getattr(self, name) for name in same}
