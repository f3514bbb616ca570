"""How Meta is asked what a conversation holds."""

from datetime import UTC, datetime
from typing import Any

from connector.graph.call import Call
from connector.messaging.graph.limits import bucket
from connector.messaging.model import Channel, Posted

# Unverified: recalled; older messages of a conversation cannot be read in detail.
READABLE = 20


def read_back(page_id: str, psid: str, channel: Channel = Channel.MESSENGER) -> Call[tuple[tuple[Posted, ...], bool]]:
    """Read the newest messages of the conversation with a person, and whether those are all there are."""
    # SDK 26.0.3, page.py, get_conversations: platform, user_id.
    fields = f"id,messages.limit({READABLE}){{id,created_time,from,message,attachments}}"
    params = {"platform": channel.platform, "user_id": psid, "fields": fields}
    return Call("GET", f"{page_id}/conversations", _read_posted, params=params, bucket=bucket(page_id))


def _read_posted(answer: Any) -> tuple[tuple[Posted, ...], bool]:
    if not answer["data"]:
        return (), False  # the person wrote, so there is a conversation: Meta does not show it now
    listed = answer["data"][0]["messages"]
    posted = tuple(
        Posted(
            one["id"],
            str(one["from"]["id"]),
            one.get("message") or "",
            read_time(one["created_time"]),
            tuple(str(thing.get("mime_type") or "") for thing in (one.get("attachments") or {}).get("data") or ()),
        )
        for one in listed["data"]
    )
    return posted, "next" not in listed.get("paging", {})


def read_time(text: str) -> datetime:
    """Read a moment as Graph writes it."""
    # Unverified: recalled form `2026-01-14T19:17:31+0000`.
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
