"""How Meta is asked to write to a person."""

from typing import Any

from connector.graph.call import Call, Effect
from connector.messaging.graph.limits import bucket
from connector.messaging.model import Policy


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


def _read_mid(answer: Any) -> str:
    # Unverified: the shape of the answer is recalled.
    mid = answer["message_id"]
    if not isinstance(mid, str) or not mid:
        raise ValueError("message_id is not a text")
    return mid
