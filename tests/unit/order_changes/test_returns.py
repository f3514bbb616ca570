"""Returns only go on, whoever tells of them and in whatever order."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import FailedPrecondition
from connector.order_changes.model.returns import State, goes_on, require_answerable
from tests.unit.order_changes.values import of_state


@given(st.permutations(list(State)), st.lists(st.sampled_from(State), max_size=3))
def test_any_order_of_readings_ends_alike(order: Sequence[State], repeated: Sequence[State]) -> None:
    """All permutations of what Meta tells, with repetitions, end in the farthest state."""
    known = order[0]
    for told in (*order[1:], *repeated):
        known = told if goes_on(known, told) else known
    assert State.REFUNDED is known


@pytest.mark.parametrize(
    ("state", "answer", "allowed"),
    [
        (State.REQUESTED, State.APPROVED, True),
        (State.REQUESTED, State.DISAPPROVED, True),
        (State.REQUESTED, State.COMPLETED, True),
        (State.APPROVED, State.COMPLETED, True),
        (State.APPROVED, State.APPROVED, False),
        (State.APPROVED, State.DISAPPROVED, False),
        (State.DISAPPROVED, State.APPROVED, False),
        (State.COMPLETED, State.COMPLETED, False),
        (State.REFUNDED, State.COMPLETED, False),
    ],
)
def test_what_can_be_answered(state: State, answer: State, *, allowed: bool) -> None:
    """A return can be approved, refused or completed until it is over; what was agreed is not refused afterwards."""
    if allowed:
        require_answerable(of_state(state), answer)
        return
    with pytest.raises(FailedPrecondition) as refused:
        require_answerable(of_state(state), answer)
    assert ("RETURN_RESOLVED", str(state)) == (refused.value.reason, refused.value.metadata["state"])
