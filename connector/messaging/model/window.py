"""Until when the Page may write to a person, and under which of Meta's policies."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import FailedPrecondition
from connector.messaging.model.messages import Sender

# Unverified: recalled of Messenger's policy; the refusal 10/2018278 is what Meta answers outside of it.
RESPONSE_WINDOW = timedelta(hours=24)
# Unverified: recalled; needs the Human Agent feature of the app.
HUMAN_AGENT_WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Policy:
    """How a message may go out, in Meta's words."""

    messaging_type: str
    tag: str = ""


def policy(sender: Sender, person_time: datetime | None, *, now: datetime) -> Policy:
    """Decide under which policy the Page may write now.

    Raises:
        FailedPrecondition: MESSAGING_WINDOW_CLOSED, naming when it closed for whom.

    """
    # SDK 26.0.3, page.py: messaging_type RESPONSE and MESSAGE_TAG. Unverified: which of them suits which window.
    if person_time is not None and now < person_time + RESPONSE_WINDOW:
        return Policy("RESPONSE")
    if person_time is not None and sender is Sender.HUMAN and now < person_time + HUMAN_AGENT_WINDOW:
        return Policy("MESSAGE_TAG", "HUMAN_AGENT")
    closed = {} if person_time is None else {name: time.isoformat() for name, time in windows(person_time).items()}
    hope = person_time is not None and now < person_time + HUMAN_AGENT_WINDOW
    wait = "Wait until the person writes again"
    raise FailedPrecondition(
        "MESSAGING_WINDOW_CLOSED",
        f"The person's last message is too long ago for this sender. {wait}{', or let a human answer' if hope else ''}.",
        fix=f"{wait}{', or send with sender HUMAN' if hope else ''}.",
        **closed,
    )


def windows(person_time: datetime) -> dict[str, datetime]:
    """Tell when each window closes, by the contract's field names."""
    return {
        "response_expire_time": person_time + RESPONSE_WINDOW,
        "human_agent_expire_time": person_time + HUMAN_AGENT_WINDOW,
    }
