"""Which key has how many tokens, and what that means for whoever wants to remove it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What an operator may do with a key."""

    SEALS = "seals"
    IN_USE = "in use"
    UNUSED = "may be removed"
    MISSING = "missing: put it back"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key, and how many tokens need it."""

    key_id: int
    token_count: int
    standing: Standing


def judge(counts: Mapping[int, int], *, ring: Collection[int], sealing_key_id: int) -> list[KeyUse]:
    """Tell of every key, in the ring or only in use, what may be done with it."""

    def standing(key_id: int) -> Standing:
        if key_id not in ring:
            return Standing.MISSING
        if key_id == sealing_key_id:
            return Standing.SEALS
        return Standing.IN_USE if counts.get(key_id) else Standing.UNUSED

    return [KeyUse(key_id, counts.get(key_id, 0), standing(key_id)) for key_id in sorted({*ring, *counts})]
