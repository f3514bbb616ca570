"""How far we came with an order that was placed at Meta, and what moves it on. Pure.

    SEEN ──reserve──▶ RESERVED            Meta processes it: its pieces are kept aside
     │                   │
     ├───────tell────────┴──▶ IMPORTING ──take──▶ IMPORTED ──acknowledge──▶ ACKNOWLEDGED
     │                          │  ▲  │               │ ▲
     │                     tell └──┘  └─reject─▶ REJECTED │
     │  (its content changed)                  │      │ │
     ├─spoil (from RESERVED, IMPORTING, IMPORTED too)─▶ QUARANTINED ──retry──▶ SEEN, or IMPORTED once StormCom has it
     └─end (from RESERVED, QUARANTINED too)──▶ ENDED    └─retry of REJECTED──▶ SEEN
                                                 └─return (it was gone, and is there again)──▶ SEEN

What happens twice, late or in another order than it should moves nothing: StormCom's first answer counts, and what it has is
never taken from it again.
"""

from enum import StrEnum


class State(StrEnum):
    """How far Meta came with an order. CANCELLED and VANISHED are ours: Meta says COMPLETED, or nothing any more."""

    FB_PROCESSING = "FB_PROCESSING"
    CREATED = "CREATED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    VANISHED = "VANISHED"


OVER = frozenset({State.COMPLETED, State.CANCELLED, State.VANISHED})
"""Nothing is left to ship."""


class ImportState(StrEnum):
    """How far we came with an order."""

    SEEN = "SEEN"
    RESERVED = "RESERVED"
    IMPORTING = "IMPORTING"
    IMPORTED = "IMPORTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"
    QUARANTINED = "QUARANTINED"
    ENDED = "ENDED"


class Happening(StrEnum):
    """What moves an order on."""

    RESERVE = "RESERVE"
    TELL = "TELL"
    TAKE = "TAKE"
    REJECT = "REJECT"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    SPOIL = "SPOIL"
    RETRY = "RETRY"
    END = "END"
    RETURN = "RETURN"


_S, _H = ImportState, Happening
_MOVES = {
    (_S.SEEN, _H.RESERVE): _S.RESERVED,
    (_S.SEEN, _H.TELL): _S.IMPORTING,
    (_S.RESERVED, _H.TELL): _S.IMPORTING,
    (_S.IMPORTING, _H.TELL): _S.IMPORTING,
    (_S.IMPORTING, _H.TAKE): _S.IMPORTED,
    (_S.IMPORTING, _H.REJECT): _S.REJECTED,
    (_S.IMPORTED, _H.ACKNOWLEDGE): _S.ACKNOWLEDGED,
    **{(state, _H.SPOIL): _S.QUARANTINED for state in (_S.SEEN, _S.RESERVED, _S.IMPORTING, _S.IMPORTED)},
    **{(state, _H.END): _S.ENDED for state in (_S.SEEN, _S.RESERVED, _S.QUARANTINED)},
    (_S.REJECTED, _H.RETRY): _S.SEEN,
    (_S.ENDED, _H.RETURN): _S.SEEN,
}


def move(state: ImportState, happening: Happening, *, taken: bool = False) -> ImportState | None:
    """Tell where an order stands after something happened; None when that moves nothing. `taken`: StormCom has it."""
    if (state, happening) == (ImportState.QUARANTINED, Happening.RETRY):
        return ImportState.IMPORTED if taken else ImportState.SEEN
    if taken and (state, happening) == (ImportState.QUARANTINED, Happening.END):
        return None
    return _MOVES.get((state, happening))
