"""Where a conversation takes place. A Page's Instagram account has conversations of its own, with ids of people of its own."""

from enum import StrEnum

from connector.connections.model import Connection
from connector.connections.model.needs import INSTAGRAM_MESSAGES


class Channel(StrEnum):
    """Where a conversation takes place."""

    MESSENGER = "MESSENGER"
    INSTAGRAM = "INSTAGRAM"

    @property
    def platform(self) -> str:
        """Meta's word for it."""
        # SDK 26.0.3, page.py, get_conversations: platform.
        return self.lower()


def account(connection: Connection, channel: Channel) -> str:
    """Tell Meta's id of who writes on our side: the Page, or its Instagram account."""
    return connection.instagram_id if channel is Channel.INSTAGRAM else connection.page_id


def channels(connection: Connection) -> tuple[Channel, ...]:
    """Tell where a connection may read: Instagram is another permission, and Messenger does not depend on it."""
    instagram = connection.instagram_id and set(INSTAGRAM_MESSAGES) <= set(connection.granted_scopes)
    return (Channel.MESSENGER, Channel.INSTAGRAM) if instagram else (Channel.MESSENGER,)
