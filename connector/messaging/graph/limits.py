"""Which of Meta's rate limits a Page's messages count against."""

from connector.messaging.model import Channel


def bucket(page_id: str) -> str:
    """Name the rate limit that a Page's messages count against."""
    return f"messenger:{page_id}"


def conversations_bucket(page_id: str, channel: Channel) -> str:
    """Name the rate limit of reading conversations back: of its own, so that what it uses up stops no answer."""
    return f"conversations:{page_id}" if channel is Channel.MESSENGER else f"conversations:{page_id}.instagram"
