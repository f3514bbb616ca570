"""What follows from a reading of an order at Meta. Pure; `states` draws where each step leads.

    Meta processes it            RESERVE, once, and again when the time of what is kept aside is over
    over before StormCom heard   END
    StormCom does not have it    TELL, unless it was told just so and its pieces are still kept aside
    otherwise                    CHANGED, when Meta came further

A reading that is older than what is kept says nothing. Whatever comes twice, late or in another order leads nowhere.
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


class Kept(NamedTuple):
    """What is kept of an order before a reading: how far we and Meta came, whether StormCom has it, and whether it was told."""

    import_state: ImportState
    state: State
    taken: bool
    told: bool


def next_step(kept: Kept, read: State, *, same: bool, lapsed: bool) -> tuple[Step, ImportState]:
    """Tell what follows when Meta shows an order in a state, and how far we come by it.

    `same`: it says what was told; `lapsed`: the time is over for which its pieces were kept aside.
    """
    if read is State.FB_PROCESSING:
        again = kept.import_state is ImportState.RESERVED and lapsed
        return _lead(kept, Step.RESERVE, kept.import_state if again else move(kept.import_state, Happening.RESERVE))
    if read in {State.CANCELLED, State.VANISHED} and not kept.told:
        return _lead(kept, Step.END, move(kept.import_state, Happening.END, taken=kept.taken))
    waits = kept.import_state is ImportState.IMPORTING and same and not lapsed
    if not (kept.taken or kept.import_state is ImportState.REJECTED or waits or read is State.VANISHED):
        return _lead(kept, Step.TELL, move(_retried(kept), Happening.TELL))
    if read is kept.state or kept.import_state is ImportState.REJECTED:
        return Step.NOTHING, kept.import_state
    return Step.CHANGED, kept.import_state


def _retried(kept: Kept) -> ImportState:
    """Tell where an order stands that can be read again: Meta mended it, or we learned to."""
    if kept.import_state is not ImportState.QUARANTINED:
        return kept.import_state
    return move(kept.import_state, Happening.RETRY, taken=kept.taken) or kept.import_state


def _lead(kept: Kept, step: Step, after: ImportState | None) -> tuple[Step, ImportState]:
    return (step, after) if after is not None else (Step.NOTHING, kept.import_state)
