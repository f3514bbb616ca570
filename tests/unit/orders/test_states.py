"""The states of an order: whatever happens in whatever order, what StormCom has is never taken from it."""

from itertools import permutations

import pytest

from connector.orders.model.states import Happening, ImportState, move

H, S = Happening, ImportState


def walk(happenings: tuple[Happening, ...]) -> tuple[ImportState, bool, int]:
    """Let things happen; tells the state, whether StormCom has it, and how often it took or refused."""
    state, taken, answers = S.SEEN, False, 0
    for happening in happenings:
        after = move(state, happening, taken=taken)
        if after is None:
            continue
        answers += happening in {H.TAKE, H.REJECT}
        taken = taken or happening is H.TAKE
        state = after
    return state, taken, answers


def test_any_order_of_six_happenings_ends_where_it_may() -> None:
    """Of all orders of up to six happenings none loses an order StormCom has, none acknowledges one it has not, none answers twice."""
    for length in range(1, 7):
        for happenings in permutations(Happening, length):
            state, taken, answers = walk(happenings)
            assert taken == (state in {S.IMPORTED, S.ACKNOWLEDGED} or (state is S.QUARANTINED and taken)), happenings
            assert 1 >= answers, happenings


@pytest.mark.parametrize("noise", list(permutations((H.RESERVE, H.TELL, H.TAKE, H.REJECT, H.END, H.TELL), 4)))
def test_what_comes_late_or_twice_moves_an_acknowledged_order_nowhere(noise: tuple[Happening, ...]) -> None:
    """Once StormCom has an order and Meta knows, nothing that is repeated brings it back."""
    done = (H.RESERVE, H.TELL, H.TAKE, H.ACKNOWLEDGE)
    assert (S.ACKNOWLEDGED, True) == walk(done + noise)[:2]


def test_a_quarantined_order_that_stormcom_has_goes_back_to_the_acknowledgement() -> None:
    """Retrying asks StormCom nothing that it has answered."""
    assert S.IMPORTED == walk((H.TELL, H.TAKE, H.SPOIL, H.RETRY))[0]
    assert S.SEEN == walk((H.TELL, H.SPOIL, H.RETRY))[0]
