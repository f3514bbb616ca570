"""What comes next for a command, and when it is tried again. Pure.

    no answer, or Meta failed        after 10 min, then every 20 min, five tries
    another change is under way      after 30 s, 1, 2, 4 min, five tries
    the buyer is not charged yet     after 10 min, 20, 40 … at most 4 h apart, ten tries

What comes next is decided in `next_step`. What Meta never heard of, and pauses that Meta asks for, are not counted: they wait as any work does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from connector.order_commands.model.commands import SAME_KEY, Attempt, Command, Kind, Outcome


class Ladder(NamedTuple):
    """Pauses that double from the first to the longest, between so many tries."""

    first: timedelta
    longest: timedelta
    tries: int
    counted: frozenset[Outcome]


# Meta's order guide (graph-api.md 6.2): the first repetition after 10 minutes, the second after 20. The cap is ours.
_SILENT = Ladder(
    timedelta(minutes=10), timedelta(minutes=20), 5, frozenset({Outcome.LOST, Outcome.ABSENT, Outcome.FAILED})
)
# woocommerce/facebook-for-woocommerce 2.6.30: 2361081 is tried again five times. The pauses are ours.
_BUSY = Ladder(timedelta(seconds=30), timedelta(minutes=4), 5, frozenset({Outcome.BUSY}))
# Unverified: how long Meta takes to charge; ours.
_EARLY = Ladder(timedelta(minutes=10), timedelta(hours=4), 10, frozenset({Outcome.EARLY}))
LADDERS = {outcome: ladder for ladder in (_SILENT, _BUSY, _EARLY) for outcome in ladder.counted}

# Meta's order guide (graph-api.md 6.2): a request may take 10 seconds, a repeated one 20.
FIRST_TIMEOUT, LATER_TIMEOUT = timedelta(seconds=10), timedelta(seconds=20)


def timeout(attempts: Sequence[Attempt]) -> timedelta:
    """Tell how long to wait for the answer of the last of these attempts."""
    return FIRST_TIMEOUT if len(attempts) <= 1 else LATER_TIMEOUT


def pause(attempts: Sequence[Attempt]) -> timedelta | None:
    """Tell how long to wait after the last of these attempts; None when it was the last try."""
    ladder = LADDERS[attempts[-1].outcome]
    tries = sum(one.outcome in ladder.counted for one in attempts)
    return None if tries >= ladder.tries else min(ladder.first * 2 ** (tries - 1), ladder.longest)


class Step(StrEnum):
    """What comes next."""

    WAIT = "WAIT"  # its time has not come
    CUT_OFF = "CUT_OFF"  # the last attempt's turn ended before its answer came
    LOOK = "LOOK"  # see what Meta shows of it
    REPEAT = "REPEAT"  # tell Meta under the last key
    TELL = "TELL"  # tell Meta under a new key


COUNTED = frozenset({Kind.FULFILL, Kind.CANCEL, Kind.REFUND})
"""Of these Meta shows what came of them, by an id and in pieces."""
LOOKED_AT = COUNTED | {Kind.RESTATE}
"""Once Meta did them, it is looked at how many pieces of each line met their fate."""
# facebook-business-sdk-codegen 1338eb3, CommerceOrder.json: no idempotency_key among the parameters of POST returns; graph-api.md 6.2
# (documentation, Feb 2026): nor among those of POST item_updates.
KEYLESS = frozenset({Kind.RESOLVE_RETURN, Kind.RESTATE})
"""These have no key: before they are told again it is seen whether the first time counted."""


def next_step(command: Command, *, now: datetime) -> Step:
    """Tell what comes next for a command that is not over."""
    last = command.attempts[-1].outcome if command.attempts else None
    if command.answered or last is Outcome.BEFORE:
        return Step.LOOK
    if last is Outcome.BEGUN:
        return Step.CUT_OFF
    if command.retry_time is not None and command.retry_time > now:
        return Step.WAIT
    if last is Outcome.LOST and command.round and pause(command.round) is None:
        return Step.LOOK
    if last in SAME_KEY and command.wish.kind not in KEYLESS:
        return Step.REPEAT
    return Step.LOOK if command.uncertain else Step.TELL
