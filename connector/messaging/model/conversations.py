"""A Page's exchange with one person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

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
        }
