"""How Meta is asked who somebody is, and told what the Page's people do: read, type, take a conversation over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.graph.call import Call, Effect, read_success
from connector.messaging.graph.limits import bucket
from connector.messaging.model import Channel

# Unverified: the fields are recalled; name and username are Instagram's.
_FIELDS: Mapping[Channel, str] = {
    Channel.MESSENGER: "first_name,last_name,profile_pic",
    Channel.INSTAGRAM: "name,username,profile_pic",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is, as far as Meta tells."""

    name: str = ""
    username: str = ""
    picture_url: str = ""


def profile(page_id: str, psid: str, channel: Channel) -> Call[Profile]:
    """Read who a person is. Meta may refuse with 100/33 or 230, for good: that person shows it to nobody."""
    return Call("GET", psid, _read_profile, params={"fields": _FIELDS[channel]}, bucket=bucket(page_id))


def _read_profile(answer: Any) -> Profile:
    parts = [str(answer.get(part) or "") for part in ("first_name", "last_name")]
    name = str(answer.get("name") or " ".join(filter(None, parts)))
    return Profile(name, str(answer.get("username") or ""), str(answer.get("profile_pic") or ""))


def show_action(page_id: str, psid: str, action: str) -> Call[None]:
    """Show the person what is done on our side: `mark_seen`, `typing_on`, `typing_off`."""
    # SDK 26.0.3, page.py, create_message: recipient, sender_action (SenderAction).
    body = {"recipient": {"id": psid}, "sender_action": action}
    return Call(
        "POST",
        f"{page_id}/messages",
        lambda _: None,
        body=body,
        bucket=bucket(page_id),
        effect=Effect.REPEATABLE,
    )


def take_over(page_id: str, psid: str) -> Call[bool]:
    """Take a conversation from the app that controls it. Twice is once."""
    # SDK 26.0.3, page.py, create_take_thread_control: recipient. Unverified: that only the Page's primary receiver may.
    return Call(
        "POST",
        f"{page_id}/take_thread_control",
        read_success,
        body={"recipient": {"id": psid}},
        bucket=bucket(page_id),
        effect=Effect.REPEATABLE,
    )
