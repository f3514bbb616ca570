"""What comes next for a command, and when."""

from datetime import timedelta

import pytest

from connector.order_commands.model.commands import Kind, Outcome
from connector.order_commands.model.patience import Step, next_step, pause, timeout
from tests.unit.order_commands.subjects import NOW, command

O = Outcome  # noqa: E741 – the tables below are read by it
TEN, TWENTY = timedelta(minutes=10), timedelta(minutes=20)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((O.LOST,), TEN),
        ((O.LOST, O.LOST), TWENTY),
        ((O.LOST,) * 4, TWENTY),
        ((O.LOST,) * 5, None),
        ((O.LOST, O.FAILED), TWENTY),
        ((O.UNREACHED, O.PAUSED, O.LOST), TEN),
        ((O.BUSY,), timedelta(seconds=30)),
        ((O.BUSY, O.BUSY, O.BUSY), timedelta(minutes=2)),
        ((O.BUSY,) * 5, None),
        ((O.LOST, O.BUSY), timedelta(seconds=30)),
        ((O.EARLY,), TEN),
        ((O.EARLY,) * 7, timedelta(hours=4)),
        ((O.EARLY,) * 10, None),
    ],
)
def test_pauses_are_metas(outcomes: tuple[Outcome, ...], expected: timedelta | None) -> None:
    """After a lost answer ten minutes pass, then twenty, five times in all; other causes have pauses of their own."""
    assert expected == pause(command(Kind.CANCEL, outcomes=outcomes).attempts)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 10), (2, 20), (3, 20)])
def test_a_repetition_waits_longer(tries: int, seconds: int) -> None:
    """The first request may take ten seconds, each later one twenty."""
    assert timedelta(seconds=seconds) == timeout(command(Kind.CANCEL, outcomes=(O.LOST,) * tries).attempts)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), Step.TELL),
        ((O.BEGUN,), Step.CUT_OFF),
        ((O.LOST,), Step.REPEAT),
        ((O.UNREACHED,), Step.REPEAT),
        ((O.FAILED,), Step.LOOK),
        ((O.ABSENT,), Step.TELL),
        ((O.PAUSED,), Step.TELL),
        ((O.BUSY,), Step.TELL),
        ((O.REFUSED,), Step.TELL),
        ((O.BEFORE,), Step.LOOK),
        ((O.LOST, O.FAILED), Step.LOOK),
        ((O.ABSENT, O.BUSY), Step.TELL),
        ((O.LOST,) * 5, Step.LOOK),
    ],
)
def test_a_new_key_is_taken_only_when_nothing_can_have_happened(outcomes: tuple[Outcome, ...], expected: Step) -> None:
    """Without an answer the key stays; after a refusal it is new, once it is certain that no attempt that was lost or failed did it."""
    assert expected == next_step(command(Kind.REFUND, outcomes=outcomes), now=NOW)


def test_a_retry_of_what_nobody_knows_keeps_the_key() -> None:
    """Asking again for a command whose answers were all lost goes on under its key."""
    asked_again = command(Kind.REFUND, outcomes=(O.LOST,) * 5, first_attempt=5)
    assert Step.REPEAT == next_step(asked_again, now=NOW)


@pytest.mark.parametrize(("outcomes", "first_attempt"), [((O.LOST,), 0), ((O.LOST,) * 5, 0), ((O.LOST,) * 5, 5)])
def test_what_has_no_key_is_looked_for_before_it_is_told_again(
    outcomes: tuple[Outcome, ...], first_attempt: int
) -> None:
    """Meta takes no key for an answer to a return, so nothing protects it but a look."""
    lost = command(Kind.RESOLVE_RETURN, outcomes=outcomes, first_attempt=first_attempt)
    assert Step.LOOK == next_step(lost, now=NOW)


def test_an_answered_command_is_looked_at_and_never_told_again() -> None:
    """What Meta did is looked at, however often that fails."""
    assert Step.LOOK == next_step(command(Kind.REFUND, outcomes=(O.DONE,), answered=True), now=NOW)
