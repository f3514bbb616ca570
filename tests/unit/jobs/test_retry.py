"""What becomes of a task whose turn failed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import (
    ConnectorError,
    FailedPrecondition,
    InvalidInput,
    MetaRefused,
    NotFound,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)
from jobs.retry import Again, GiveUp, Wait, decide

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
UNAVAILABLE = Unavailable("META_UNAVAILABLE", "Meta cannot be reached")
UNKNOWN = OutcomeUnknown("META_OUTCOME_UNKNOWN", "The answer was lost")


def _throttled(**until: float) -> Throttled:
    return Throttled("catalog_batch:1", NOW + timedelta(**until), "Meta asked for a pause")


@pytest.mark.parametrize(
    ("error", "tries", "seconds"),
    [
        (UNAVAILABLE, 1, 1),
        (UNAVAILABLE, 2, 4),
        (UNAVAILABLE, 3, 15),
        (UNAVAILABLE, 4, 60),
        (UNAVAILABLE, 5, 300),
        (UNAVAILABLE, 99, 300),
        (UNKNOWN, 1, 1),
        (UNKNOWN, 3, 15),
        (Unavailable("META_UNAVAILABLE", "busy", retry_after=timedelta(seconds=40)), 1, 40),
        (Unavailable("META_UNAVAILABLE", "busy", retry_after=timedelta(seconds=40)), 4, 60),
        (KeyError("a bug"), 1, 1),
        (KeyError("a bug"), 2, 4),
    ],
)
def test_what_may_pass_is_repeated(error: Exception, tries: int, seconds: float) -> None:
    """Trouble that may pass brings the task back after the pause of its row in the table."""
    decision = decide(error, tries=tries, now=NOW, patience=DAY * 30, jitter=0)
    assert isinstance(decision, Again)
    assert NOW + timedelta(seconds=seconds) == decision.due_time


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FailedPrecondition("META_TOKEN_INVALID", "Connect again"), "META_TOKEN_INVALID"),
        (MetaRefused("META_REJECTED", "Meta says no", code=100), "META_REJECTED"),
        (NotFound("ITEM_NOT_FOUND", "No such item"), "ITEM_NOT_FOUND"),
        (InvalidInput.of("title", "FIELD_REQUIRED", "give one"), "FIELD_REQUIRED"),
        (ConnectorError("META_POLICY_BLOCKED", "no"), "META_POLICY_BLOCKED"),
    ],
)
def test_what_cannot_pass_is_given_up(error: ConnectorError, reason: str) -> None:
    """A refusal that repeating cannot help is given up at the first try, with the refusal's own reason."""
    assert GiveUp(reason, error.message) == decide(error, tries=1, now=NOW, patience=DAY, jitter=0.5)


def test_a_fault_of_ours_has_three_tries() -> None:
    """An unexpected exception is given up at the third try, as INTERNAL and without its text."""
    decision = decide(ValueError("token=secret"), tries=3, now=NOW, patience=DAY, jitter=0)
    assert isinstance(decision, GiveUp)
    assert decision.reason == "INTERNAL"
    assert "secret" not in decision.message


@pytest.mark.parametrize(("tries", "ends"), [(1, False), (16, False), (17, True), (1000, True)])
def test_patience_ends(tries: int, *, ends: bool) -> None:
    """An hour of patience is 80 seconds of growing pauses and eleven of five minutes."""
    decision = decide(UNAVAILABLE, tries=tries, now=NOW, patience=timedelta(hours=1), jitter=0)
    assert ends is isinstance(decision, GiveUp)


@pytest.mark.parametrize(("until_seconds", "tries", "seconds"), [(90, 1, 90), (90, 10**6, 90), (-5, 1, 0)])
def test_a_throttled_task_waits(until_seconds: float, tries: int, seconds: float) -> None:
    """Meta's pauses are waited for, use up no patience and count as no failure."""
    decision = decide(_throttled(seconds=until_seconds), tries=tries, now=NOW, patience=timedelta(0), jitter=0)
    assert Wait(NOW + timedelta(seconds=seconds), "META_THROTTLED", "Meta asked for a pause") == decision


@given(
    error=st.sampled_from([UNAVAILABLE, UNKNOWN, _throttled(seconds=30), KeyError()]),
    tries=st.integers(1, 2),
    jitter=st.floats(0, 1),
)
def test_jitter_only_delays(error: Exception, tries: int, jitter: float) -> None:
    """Jitter never brings a task back before its pause is over, and adds a quarter of it or two seconds at most."""
    calm = decide(error, tries=tries, now=NOW, patience=DAY, jitter=0)
    spread = decide(error, tries=tries, now=NOW, patience=DAY, jitter=jitter)
    assert isinstance(calm, Again | Wait)
    assert isinstance(spread, Again | Wait)
    most = max((calm.due_time - NOW) / 4, timedelta(seconds=2))
    assert calm.due_time <= spread.due_time <= calm.due_time + most
