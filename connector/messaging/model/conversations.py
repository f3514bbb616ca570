"""A Page's exchange with one person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from connector.messaging.model.channels import Channel
from connector.messaging.model.times import timed
from connector.messaging.model.window import window


@dataclass(frozen=True, slots=True)
class Conversation:
    """A Page's exchange with one person. `person_time` is when the person last wrote; the windows count from it."""

    id: UUID
    store_id: str
    connection_id: UUID
    psid: str
    person_name: str
    person_time: datetime | None
    snippet: str
    unread_count: int
    last_message_time: datetime | None
    delivered_time: datetime | None
    read_time: datetime | None
    direct_time: datetime | None = None
    standby_time: datetime | None = None
    owner: Mapping[str, Any] = field(default_factory=dict)
    owner_request: Mapping[str, Any] = field(default_factory=dict)
    referral: Mapping[str, Any] = field(default_factory=dict)
    opt_in: Mapping[str, Any] = field(default_factory=dict)
    account_link: Mapping[str, Any] = field(default_factory=dict)
    channel: Channel = Channel.MESSENGER
    thread_id: str = ""
    person_username: str = ""
    picture_url: str = ""
    picture_expire_time: datetime | None = None
    profile_due_time: datetime | None = None
    seen_time: datetime | None = None
    agent_id: str = ""

    @property
    def owned_elsewhere(self) -> bool:
        """Tell whether another app owns the thread, so that we may not write: what Meta said last counts.

        It says so in words, and by how it brings what the person writes: to us, or as one of another app's.
        """
        said = [(self.direct_time, False), (self.standby_time, True)]
        if self.owner:
            said.append((datetime.fromisoformat(self.owner["change_time"]), not self.owner["ours"]))
        return max(((time, elsewhere) for time, elsewhere in said if time), default=(None, False))[1]

    def _owner(self) -> dict[str, Any] | None:
        if not self.owner and not self.owner_request:
            return None
        told, asked = timed(self.owner), timed(self.owner_request)
        asks = bool(asked) and (not told or told["change_time"] <= asked["change_time"])
        return told | ({"requesting_app_id": asked["app_id"]} if asks else {})

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names: the one description RPCs and events share."""
        return {
            "conversation_id": str(self.id),
            "connection_id": str(self.connection_id),
            "channel": f"CHANNEL_{self.channel}",
            "person": self._person(),
            "snippet": self.snippet,
            "unread_count": self.unread_count,
            "last_message_time": self.last_message_time,
            "window": window(self.channel, self.person_time),
            "owner": self._owner(),
            "referral": timed(self.referral) if self.referral else None,
            "opt_in": timed(self.opt_in) if self.opt_in else None,
            "account_link": timed(self.account_link) if self.account_link else None,
            "agent_id": self.agent_id,
            "seen_time": self.seen_time,
        }

    def _person(self) -> dict[str, Any]:
        return {
            "psid": self.psid,
            "name": self.person_name,
            "username": self.person_username,
            "picture_url": self.picture_url,
            "picture_expire_time": self.picture_expire_time,
        }
