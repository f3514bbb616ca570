"""Until when the Page may write to a person, and by which of Meta's rules. Pure: a table of rules per channel, and who asks when.

an answer to what the person wrote    anybody    24 hours    RESPONSE
a human's late answer                 humans     7 days      MESSAGE_TAG, HUMAN_AGENT: needs a feature of the app
a message by an approved template     anybody    any time    UTILITY, on Messenger only
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.errors import FailedPrecondition
from connector.messaging.model.channels import Channel
from connector.messaging.model.messages import Sender

# Unverified: recalled of Messenger's policy; the refusal 10/2018278 is what Meta answers outside of it.
RESPONSE_WINDOW = timedelta(hours=24)
# Unverified: recalled; needs the Human Agent feature of the app.
HUMAN_AGENT_WINDOW = timedelta(days=7)
HUMAN_AGENT_REST = timedelta(days=1)
"""Our own figure: so long after Meta refused the Human Agent feature it is not tried again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a message may go out, in Meta's words."""

    messaging_type: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """By what the Page may write: for how long after the person's last message (None: at any time), and who."""

    kind: str
    policy: Policy
    window: timedelta | None
    automation: bool


# SDK 26.0.3, page.py: messaging_type RESPONSE, MESSAGE_TAG, UTILITY. Unverified: which of them suits which window.
RESPONSE = Rule("RESPONSE", Policy("RESPONSE"), RESPONSE_WINDOW, automation=True)
HUMAN_AGENT = Rule("HUMAN_AGENT", Policy("MESSAGE_TAG", "HUMAN_AGENT"), HUMAN_AGENT_WINDOW, automation=False)
UTILITY = Rule("UTILITY_TEMPLATE", Policy("UTILITY"), None, automation=True)
RULES: Mapping[Channel, Sequence[Rule]] = {
    Channel.MESSENGER: (RESPONSE, HUMAN_AGENT, UTILITY),
    # Unverified: recalled that the tag exists there too, and templates do not.
    Channel.INSTAGRAM: (RESPONSE, HUMAN_AGENT),
}
"""What there is on a channel, the most harmless first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks to write, and what is known of it. `human_agent` is whether Meta may have given us that feature."""

    sender: Sender
    channel: Channel = Channel.MESSENGER
    template: bool = False
    human_agent: bool = True


def policy(asked: Asked, person_time: datetime | None, *, now: datetime) -> Policy:
    """Decide by which rule the Page may write now.

    Raises:
        FailedPrecondition: MESSAGING_WINDOW_CLOSED, or HUMAN_AGENT_NOT_APPROVED where only that is missing; with the times,
            and what may be sent instead.

    """
    rules = RULES[asked.channel]
    if asked.template:
        if UTILITY in rules:
            return UTILITY.policy
        raise FailedPrecondition(
            "CONTENT_NOT_ON_CHANNEL",
            "Templates do not exist here: send a text",
            channel=asked.channel,
            content="UTILITY",
        )
    fits = [rule for rule in rules if rule.window and _open(rule, person_time, now)]
    mine = [rule for rule in fits if rule.automation or asked.sender is Sender.HUMAN]
    for rule in mine:
        if rule is not HUMAN_AGENT or asked.human_agent:
            return rule.policy
    raise _closed(asked, person_time, lacks_feature=bool(mine), late=bool(fits))


def _open(rule: Rule, person_time: datetime | None, now: datetime) -> bool:
    return rule.window is None or (person_time is not None and now < person_time + rule.window)


def _closed(asked: Asked, person_time: datetime | None, *, lacks_feature: bool, late: bool) -> FailedPrecondition:
    """Say when the windows closed, and what may be sent instead."""
    ways = ["Wait until the person writes again"]
    if late and asked.human_agent and asked.sender is not Sender.HUMAN:
        ways.append("send with sender HUMAN")
    if UTILITY in RULES[asked.channel]:
        ways.append("send an approved template")
    fix = f"{', or '.join(ways)}."
    times = {} if person_time is None else {name: time.isoformat() for name, time in windows(person_time).items()}
    if lacks_feature:
        message = f"Meta has not given this app its Human Agent feature, which late answers need. {fix}"
        return FailedPrecondition("HUMAN_AGENT_NOT_APPROVED", message, fix=fix, **times)
    message = f"The person's last message is too long ago for this sender. {fix}"
    return FailedPrecondition("MESSAGING_WINDOW_CLOSED", message, fix=fix, **times)


def windows(person_time: datetime) -> dict[str, datetime]:
    """Tell when each window closes, by the contract's field names."""
    return {
        "response_expire_time": person_time + RESPONSE_WINDOW,
        "human_agent_expire_time": person_time + HUMAN_AGENT_WINDOW,
    }


def window(channel: Channel, person_time: datetime | None) -> dict[str, Any]:
    """Tell by which rules the Page may write, and until when, with the contract's field names."""
    policies = [
        {"kind": f"KIND_{rule.kind}", "automation_allowed": rule.automation}
        | ({"expire_time": person_time + rule.window} if person_time and rule.window else {})
        for rule in RULES[channel]
        if person_time or rule.window is None
    ]
    return (windows(person_time) if person_time else {}) | {"policies": policies}
