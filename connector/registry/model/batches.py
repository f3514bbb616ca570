"""How items travel: what fits into a batch, how long its verdict is waited for, and what Meta says of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from connector.values import RetailerId

# https://developers.facebook.com/docs/marketing-api/catalog-batch (read 2026-11-21): at most 5,000 items, better under 3,000, and 28 MB.
LARGEST_BATCH, LARGEST_BATCH_BYTES = 3_000, 20_000_000

ENVELOPE_BYTES = 80
"""What a record adds to its content and offer: method, braces, commas and an id of the longest kind for a removal."""


class Lane(StrEnum):
    """Which road a batch travels: everything about an item, only its stock and price, or its end when the store leaves."""

    CONTENT = "CONTENT"
    STOCK = "STOCK"
    LEAVING = "LEAVING"


class Cargo(NamedTuple):
    """One item as a batch carries it: `content` and `offer` are JSON objects, None leaves one out; neither removes the item."""

    retailer_id: RetailerId
    content: str | None
    offer: str | None

    @property
    def size_bytes(self) -> int:
        """Tell at most how many bytes it takes on the wire; texts are stored as UTF-8 JSON."""
        parts = (self.content or "").encode(), (self.offer or "").encode(), self.retailer_id.encode()
        return ENVELOPE_BYTES + sum(map(len, parts))

    def record(self) -> bytes:
        """Write its line of the batch by joining what is stored, without reading it."""
        name = b'{"id":"' + self.retailer_id.encode() + b'"'
        if self.content is None and self.offer is None:
            return b'{"method":"DELETE","data":' + name + b"}}"
        parts = [name, *(part.encode()[1:-1] for part in (self.content, self.offer) if part is not None)]
        return b'{"method":"UPDATE","data":' + b",".join(parts) + b"}}"


def fitting(sizes_bytes: Iterable[int], *, most_items: int, most_bytes: int = LARGEST_BATCH_BYTES) -> int:
    """Tell how many of these items, from the first, fit into one batch. An item too large on its own still goes, alone."""
    count = total = 0
    for size in sizes_bytes:
        if count == most_items or (count and total + size > most_bytes):
            break
        count, total = count + 1, total + size
    return count


# Unverified: how long Meta takes; two minutes are usual, so the checks begin quickly and slow down to one a minute.
_CHECKS = (1, 2, 3, 5, 8, 10, 15, 30, 60)

PATIENCE = timedelta(minutes=30)
"""After this long without a verdict a batch counts as lost, and its items are sent again."""
FEWEST_CHECKS = 10
"""So often it was looked at before: after an outage of ours, or with a clock that jumped, Meta still gets its minutes."""

MOST_SENDS = 3
"""So often an item is sent without ever getting a verdict, or a stock change refused, before that is its verdict."""

REFUSED_STOCK_PAUSE, REFUSED_STOCK_FACTOR = timedelta(seconds=15), 4
"""How long a stock change that Meta refused rests before it is tried again, and how much longer after each further refusal."""


def gathering(item_count: int) -> timedelta:
    """Tell how long stock waits for company after a batch of so many items: the busier, the longer, but a full one not at all."""
    busy = timedelta(milliseconds=min(15 + item_count / 10, 300))
    return busy if item_count < LARGEST_BATCH else timedelta()


def check_delay(checks: int) -> timedelta:
    """Tell how long to wait before a batch is looked at, after so many looks."""
    return timedelta(seconds=_CHECKS[min(checks, len(_CHECKS) - 1)])


def narrower(item_count: int) -> int:
    """Tell how many items a batch may hold after one of so many was too large."""
    return max(1, item_count // 2)


def wider(item_count: int) -> int | None:
    """Tell how many items a batch may hold after one of so many, the most allowed, went well; None without limit."""
    grown = item_count + item_count // 4 + 1
    return grown if grown < LARGEST_BATCH else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Meta's answer to a batch: the handle, empty when nothing was taken in, and its words on what it refused or remarked on."""

    handle: str
    refused: dict[str, str]
    warned: dict[str, str]


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far Meta is with a batch, with its own word, empty when it does not know the handle; its words by item."""

    status: str
    refused: dict[str, str]
    warned: dict[str, str]

    @property
    def finished(self) -> bool:
        """Whether every item has its verdict."""
        return self.status == "finished"

    @property
    def lost(self) -> bool:
        """Whether there will never be a verdict."""
        return self.status in {"canceled", "error"}

    @property
    def unknown(self) -> bool:
        """Whether Meta does not know the handle, so that nobody knows whether it is at work on the batch."""
        return not self.status
