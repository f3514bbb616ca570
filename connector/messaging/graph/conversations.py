"""How Meta is asked what a conversation holds."""

from datetime import UTC, datetime
from typing import Any

from connector.graph.call import Call
from connector.messaging.graph.limits import bucket
from connector.messaging.model import Posted

# Unverified: recalled; older messages of a conversation cannot be read in detail.
READABLE = 20


def read_back(page_id: str, psid: str) -> Call[tuple[tuple[Posted, ...], bool]]:
    """Read the newest messages of the conversation with a person, and whether those are all there are."""
    # SDK 26.0.3, page.py, get_conversations: platform, user_id.
    fields = f"id,messages.limit({READABLE}){{id,created_time,from,message}}"
    params = {"platform": "messenger", "user_id": psid, "fields": fields}
    return Call("GET", f"{page_id}/conversations", _read_posted, params=params, bucket=bucket(page_id))


def _read_posted(answer: Any) -> tuple[tuple[Posted, ...], bool]:
    if not answer["data"]:
        return (), False  # the person wrote, so there is a conversation: Meta does not show it now
    listed = answer["data"][0]["messages"]
    posted = tuple(
        Posted(one["id"], str(one["from"]["id"]), one.get("message") or "", _time(one["created_time"]))
        for one in listed["data"]
    )
    return posted, "next" not in listed.get("paging", {})


def _time(text: str) -> datetime:
    # Unverified: recalled form `2026-01-14T19:17:31+0000`.
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
