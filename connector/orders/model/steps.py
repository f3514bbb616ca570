"""What follows from a reading of an order at Meta. Pure; `states` draws where each step leads.

    Meta processes it            RESERVE, once, and again when the time of what is kept aside is over
    over before StormCom heard   END
    StormCom does not have it    TELL, unless it was told just so and its pieces are still kept aside
    otherwise                    CHANGED, when Meta came further

One that ended because Meta had it no more, and has it again, begins anew. A reading that is older than what is
kept says nothing. Whatever comes twice, late or in another order leads nowhere.
"""

from enum import StrEnum
from typing import NamedTuple

from connector.orders.model.states import Happening, ImportState, State, move


class Step(StrEnum):
    """What is done about a reading."""

    NOTHING = "NOTHING"
    RESERVE = "RESERVE"
    TELL = "TELL"
    CHANGED = "CHANGED"
    END = "END"


class Standing(NamedTuple):
    """How an order stands before a reading: how far we and Meta came, whether StormCom has it, and whether it was told."""

    import_state: ImportState
    state: State
    taken: bool
    told: bool


def next_step(order: Standing, read: State, *, same: bool, lapsed: bool) -> tuple[Step, ImportState]:
    """Tell what follows when Meta shows an order in a state, and how far we come by it.

    `same`: it says what was told; `lapsed`: the time is over for which its pieces were kept aside.
    """
    begin = _begin(order, read)
    if read is State.FB_PROCESSING:
        again = begin is ImportState.RESERVED and lapsed
        return _lead(order, Step.RESERVE, begin if again else move(begin, Happening.RESERVE))
    if read in {State.CANCELLED, State.VANISHED} and not order.told:
        return _lead(order, Step.END, move(begin, Happening.END, taken=order.taken))
    waits = begin is ImportState.IMPORTING and same and not lapsed
    if not (order.taken or begin is ImportState.REJECTED or waits or read is State.VANISHED):
        return _lead(order, Step.TELL, move(begin, Happening.TELL))
    if read is order.state or begin is ImportState.REJECTED:
        return Step.NOTHING, order.import_state
    return Step.CHANGED, order.import_state


def _begin(order: Standing, read: State) -> ImportState:
    """Tell where an order stands that can be read: one in quarantine can again, Meta mended it or we learned to; one may be back."""
    back = order.state is State.VANISHED and read is not State.VANISHED
    if back and (anew := move(order.import_state, Happening.RETURN)) is not None:
        return anew
    if order.import_state is not ImportState.QUARANTINED or order.taken:
        return order.import_state
    return move(order.import_state, Happening.RETRY) or order.import_state


def _lead(order: Standing, step: Step, after: ImportState | None) -> tuple[Step, ImportState]:
    return (step, after) if after is not None else (Step.NOTHING, order.import_state)
