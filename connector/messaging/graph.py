"""How Meta says it: send a text to a person, and read back what a conversation holds."""

from datetime import UTC, datetime
from typing import Any

from connector.graph.call import Call, Effect
from connector.messaging.model import Policy, Posted

# Unverified: recalled; older messages of a conversation cannot be read in detail.
READABLE = 20


def bucket(page_id: str) -> str:
    """Name the rate limit that a Page's messages count against."""
    return f"messenger:{page_id}"


def send_text(page_id: str, psid: str, text: str, *, metadata: str, policy: Policy) -> Call[str]:
    """Send a text; the answer is its `mid`. `metadata` comes back in the echo. Must not run twice: Meta knows no key here."""
    # SDK 26.0.3, page.py, create_message: recipient, messaging_type, message, tag.
    body: dict[str, Any] = {
        "recipient": {"id": psid},
        "messaging_type": policy.messaging_type,
        "message": {"text": text, "metadata": metadata},
    }
    if policy.tag:
        body["tag"] = policy.tag
    return Call("POST", f"{page_id}/messages", _read_mid, body=body, bucket=bucket(page_id), effect=Effect.ONCE)


def read_back(page_id: str, psid: str) -> Call[tuple[tuple[Posted, ...], bool]]:
    """Read the newest messages of the conversation with a person, and whether those are all there are."""
    # SDK 26.0.3, page.py, get_conversations: platform, user_id.
    fields = f"id,messages.limit({READABLE}){{id,created_time,from,message}}"
    params = {"platform": "messenger", "user_id": psid, "fields": fields}
    return Call("GET", f"{page_id}/conversations", _read_posted, params=params, bucket=bucket(page_id))


def _read_mid(answer: Any) -> str:
    # Unverified: the shape of the answer is recalled.
    mid = answer["message_id"]
    if not isinstance(mid, str) or not mid:
        raise ValueError("message_id is not a text")
    return mid


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
