"""A Page's exchange with one person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from connector.messaging.model.times import timed
from connector.messaging.model.window import windows


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
    owner: Mapping[str, Any] = field(default_factory=dict)
    owner_request: Mapping[str, Any] = field(default_factory=dict)
    referral: Mapping[str, Any] = field(default_factory=dict)
    opt_in: Mapping[str, Any] = field(default_factory=dict)
    account_link: Mapping[str, Any] = field(default_factory=dict)

    @property
    def owned_elsewhere(self) -> bool:
        """Tell whether another app owns the thread, so that we may not write.

        A message of the person that came to us, and not as one of another app's, takes over what Meta told before it.
        """
        if not self.owner or self.owner["ours"]:
            return False
        return self.direct_time is None or self.direct_time <= datetime.fromisoformat(self.owner["change_time"])

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
            "channel": "CHANNEL_MESSENGER",
            "person": {"psid": self.psid, "name": self.person_name},
            "snippet": self.snippet,
            "unread_count": self.unread_count,
            "last_message_time": self.last_message_time,
            "window": windows(self.person_time) if self.person_time else {},
            "owner": self._owner(),
            "referral": timed(self.referral) if self.referral else None,
            "opt_in": timed(self.opt_in) if self.opt_in else None,
            "account_link": timed(self.account_link) if self.account_link else None,
        }
