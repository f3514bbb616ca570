"""What is wrong, or noteworthy, about one item, and how it is kept: ours and Meta's own words beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from connector.registry.model.batches import MOST_SENDS, Lane


class Severity(StrEnum):
    """How bad a fault is."""

    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class ItemFault:
    """Something wrong, or noteworthy, about one item; `reason` is a value of ErrorReason."""

    severity: Severity
    reason: str
    field: str
    message: str
    meta_message: str = ""


def meta_fault(words: str) -> dict[str, Any]:
    """Keep Meta's refusal of an item, in its own words and with the part of the product it is about."""
    message = (
        "Meta refuses the item; mend what its words name and upsert the product, or mend it at Meta and call RetryItems"
    )
    return stored([ItemFault(Severity.ERROR, "META_REJECTED", "", message, words)])[0]


REMARKS = {
    Lane.CONTENT: "Meta takes the item and remarks on it; its words say what to mend",
    Lane.LEAVING: "Meta hides or deletes the item and remarks on it",
    Lane.STOCK: "Meta takes the new stock and price and remarks on them; its words say what to mend",
}
"""What a warning says of its lane; so a lane's verdict replaces its own warnings only."""


def meta_warning(words: str, lane: Lane) -> dict[str, Any]:
    """Keep Meta's remark on an item it takes, in its own words."""
    return stored([ItemFault(Severity.WARNING, "META_WARNED", "", REMARKS[lane], words)])[0]


UNTOLD = ItemFault(
    Severity.ERROR,
    "META_OUTCOME_UNKNOWN",
    "",
    f"Meta was sent the item {MOST_SENDS} times and never said what became of it; call RetryItems to try again",
)


def stored(faults: Sequence[ItemFault]) -> list[dict[str, Any]]:
    """Write faults the way they are kept: with the contract's field and enum names."""
    texts = ("reason", "field", "message", "meta_message")
    return [
        {"severity": f"SEVERITY_{fault.severity}"} | {name: getattr(fault, name) for name in texts} for fault in faults
    ]


def worst(faults: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Pick the first error among kept faults."""
    return next(fault for fault in faults if fault["severity"] == f"SEVERITY_{Severity.ERROR}")
