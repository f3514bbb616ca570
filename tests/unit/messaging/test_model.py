"""Windows, policies, and what proves that a message went out or did not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from connector.errors import FailedPrecondition
from connector.messaging.model import (
    Asked,
    Message,
    Origin,
    Policy,
    Posted,
    Sender,
    State,
    find_posted,
    next_look,
    policy,
    proves_absence,
    same_words,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RESPONSE, AGENT = Policy("RESPONSE"), Policy("MESSAGE_TAG", "HUMAN_AGENT")


@pytest.mark.parametrize(
    ("sender", "age", "expected"),
    [
        (Sender.AUTOMATION, timedelta(), RESPONSE),
        (Sender.AUTOMATION, timedelta(hours=24) - timedelta(microseconds=1), RESPONSE),
        (Sender.AUTOMATION, timedelta(hours=24), None),
        (Sender.HUMAN, timedelta(hours=23), RESPONSE),
        (Sender.HUMAN, timedelta(hours=24), AGENT),
        (Sender.HUMAN, timedelta(days=7) - timedelta(microseconds=1), AGENT),
        (Sender.HUMAN, timedelta(days=7), None),
        (Sender.HUMAN, None, None),
    ],
)
def test_who_may_write_when(sender: Sender, age: timedelta | None, expected: Policy | None) -> None:
    """24 hours for anybody, 7 days for humans, nothing to whom never wrote."""
    person_time = None if age is None else NOW - age
    if expected is None:
        with pytest.raises(FailedPrecondition) as refusal:
            policy(Asked(sender), person_time, now=NOW)
        assert "MESSAGING_WINDOW_CLOSED" == refusal.value.reason
    else:
        assert expected == policy(Asked(sender), person_time, now=NOW)


def test_a_closed_window_names_its_times() -> None:
    """The refusal says when the window closed for programs and when it closes for humans."""
    with pytest.raises(FailedPrecondition) as refusal:
        policy(Asked(Sender.AUTOMATION), NOW - timedelta(days=2), now=NOW)
    assert {
        "response_expire_time": "2026-11-20T12:00:00+00:00",
        "human_agent_expire_time": "2026-11-26T12:00:00+00:00",
    } == refusal.value.metadata
    assert "sender HUMAN" in refusal.value.fix


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [("Hi  there", "Hi there", True), (" Hi\n", "Hi", True), ("Hi", "hi", False), ("Hi", "Hi!", False)],
)
def test_words_are_the_same_whatever_the_white_space(ours: str, theirs: str, *, same: bool) -> None:
    """Meta may fold white space; nothing else."""
    assert same is same_words(ours, theirs)


ATTEMPT = NOW - timedelta(minutes=20)
MESSAGE = Message(
    id=UUID(int=1),
    store_id="store_1",
    connection_id=UUID(int=2),
    conversation_id=UUID(int=3),
    request_id="r",
    origin=Origin.STORMCOM,
    state=State.UNKNOWN,
    mid=None,
    text="Yes, we have it",
    attachments=(),
    send_time=ATTEMPT,
    attempt_time=ATTEMPT,
    sender=Sender.HUMAN,
    reason="",
    unsupported_kind="",
)


def shown(mid: str, *, text: str = MESSAGE.text, sender: str = "PAGE", minutes: float = 0.0) -> Posted:
    return Posted(mid, sender, text, ATTEMPT + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("posted", "expected"),
    [
        ([shown("m_1")], "m_1"),
        ([shown("m_1", minutes=-1.9)], "m_1"),
        ([shown("m_2", minutes=3), shown("m_1", minutes=1)], "m_1"),
        ([shown("m_known"), shown("m_1", minutes=1)], "m_1"),
        ([shown("m_known")], None),
        ([shown("m_1", text="Something else")], None),
        ([shown("m_1", sender="PERSON")], None),
        ([shown("m_1", minutes=-2.1)], None),
        ([shown("m_1", minutes=10.1)], None),
        ([], None),
    ],
)
def test_our_message_is_found_among_those_meta_shows(posted: list[Posted], expected: str | None) -> None:
    """The Page's message with our words, around our attempt, and not known as another: the oldest such."""
    found = find_posted(MESSAGE, tuple(posted), page_id="PAGE", known=frozenset({"m_known"}))
    assert expected == (found and found.mid)


OLDER = shown("m_0", text="Hello", minutes=-30)


@pytest.mark.parametrize(
    ("posted", "complete", "minutes", "expected"),
    [
        ((OLDER,), False, 20, True),
        ((OLDER,), False, 11.9, False),
        ((), True, 20, True),
        ((), False, 20, False),
        ((shown("m_9", text="Other", minutes=1),), False, 20, False),
    ],
)
def test_absence_is_proven_only_late_and_with_the_whole_view(
    posted: tuple[Posted, ...], minutes: float, *, complete: bool, expected: bool
) -> None:
    """A read-back proves that nothing went out when it reaches back beyond the attempt and no lost call can still take effect."""
    now = ATTEMPT + timedelta(minutes=minutes)
    assert expected is proves_absence(MESSAGE, posted, complete=complete, now=now)


def test_looking_again_slows_down_and_ends() -> None:
    """We look often at first, hourly later, and stop after 24 hours."""
    looks, now = [], ATTEMPT
    while (due := next_look(MESSAGE, now=now)) is not None:
        looks.append((due - ATTEMPT).total_seconds())
        now = due
    assert [2, 5, 15, 60, 300, 900, 4500] == looks[:7]
    assert 86_400 <= looks[-1] < 90_000
