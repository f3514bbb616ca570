"""Where an item stands, what of it is hashed, and what Meta showed of it when it was read back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where an item stands; computed by the database from what is wanted, sent and confirmed."""

    PENDING = "PENDING"
    SENT = "SENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    REMOVAL_PENDING = "REMOVAL_PENDING"
    REMOVAL_SENT = "REMOVAL_SENT"
    REMOVED = "REMOVED"


def digest(wire: bytes) -> bytes:
    """Hash what is wanted, over its canonical form."""
    return hashlib.sha256(wire).digest()


def whole_hash(content_hash: bytes | None, offer_hash: bytes | None) -> str:
    """Join both hashes into the one that callers see, in hex; empty when a part is missing."""
    return hashlib.sha256(content_hash + offer_hash).hexdigest() if content_hash and offer_hash else ""


@dataclass(frozen=True, slots=True)
class Observed:
    """What Meta showed of one item when it was read back; `verdict` compares it with what it confirmed.

    `mends` counts how often in a row it was sent again and still differed.
    """

    retailer_id: str
    verdict: str
    observe_time: datetime
    differences: Sequence[Mapping[str, str]]
    mends: int
    review_status: str
    review_rejection_reasons: Sequence[str]
    image_fetch_status: str
    faults: Sequence[Mapping[str, str]]

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = (
            "observe_time",
            "differences",
            "review_status",
            "review_rejection_reasons",
            "image_fetch_status",
            "faults",
        )
        return {name: getattr(self, name) for name in same} | {"verdict": f"VERDICT_{self.verdict}"}
