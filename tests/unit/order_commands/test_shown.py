"""What Meta shows of a return, against the answer that was given."""

from dataclasses import replace

import pytest

from connector.order_commands.model.commands import Kind
from connector.order_commands.model.shown import Shown, compare
from connector.order_commands.model.wishes import ResolveReturn
from tests.unit.order_commands.subjects import command, line, order


@pytest.mark.parametrize(
    ("wanted", "status", "expected"),
    [
        ("APPROVED", "REQUESTED", False),
        ("APPROVED", "APPROVED", True),
        ("APPROVED", "REFUNDED", True),
        ("APPROVED", "DISAPPROVED", False),
        ("DISAPPROVED", "REQUESTED", False),
        ("DISAPPROVED", "DISAPPROVED", True),
        ("DISAPPROVED", "REFUNDED", False),
        ("MERCHANT_MARKED_COMPLETED", "APPROVED", False),
        ("MERCHANT_MARKED_COMPLETED", "REFUNDED", True),
    ],
)
def test_an_answer_is_there_when_the_return_came_as_far_or_farther(wanted: str, status: str, *, expected: bool) -> None:
    """An approval whose answer was lost is found also when the return was paid back since; another return tells nothing."""
    subject = order(line(shipped=3))
    answer = replace(command(Kind.RESOLVE_RETURN), wish=ResolveReturn("7", wanted).wish(subject, []))
    assert expected is compare(answer, subject, [Shown("7", status=status)], ()).done
    assert not compare(answer, subject, [Shown("8", status=wanted)], ()).done
