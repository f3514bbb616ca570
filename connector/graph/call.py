"""One Graph request as a value, and how to read its answer.

A new endpoint is a new function in a feature's `graph.py` that returns a Call; nothing here or in the client grows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Effect(StrEnum):
    """What a lost answer means for a call."""

    NONE = "NONE"  # a read: repeat it
    REPEATABLE = "REPEATABLE"  # a write whose second run changes nothing: repeat it
    ONCE = "ONCE"  # a write that must not run twice: a lost answer is an unknown outcome


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes along with a call; `part` is Meta's name for it."""

    part: str
    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request to the Graph API: `method` and version-less `path`, and `read`, which turns the parsed answer into a value.

    `params` travel in the query, `body` as JSON; with a `file` as a form of both. `bucket` names the rate limit it counts against, as `family:asset`
    (`catalog_batch:123`); a throttling answer pauses that bucket. `read` may raise KeyError, TypeError or ValueError on an
    answer of the wrong shape: the client makes it a typed error.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    params: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a token, or what somebody wrote
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    file: File | None = None
    bucket: str = "app"
    effect: Effect = Effect.NONE
    timeout: timedelta = timedelta(seconds=10)
    versioned: bool = True


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page of a list: its entries, and the cursor to go on with; empty at the end."""

    entries: tuple[T, ...]
    after: str


def read_list(answer: Any, entries: Iterable[T]) -> Listed[T]:
    """Read where a list goes on, beside its entries."""
    # https://developers.facebook.com/docs/graph-api/results (read 2026-11-21): only a missing `next` means the end. Its URL
    # holds the token: only the cursor is taken.
    paging = answer.get("paging") or {}
    return Listed(tuple(entries), str(paging["cursors"]["after"]) if paging.get("next") else "")


def read_success(answer: Any) -> bool:
    """Read the answer of a write that says only whether it worked."""
    if answer["success"] is not True:
        raise ValueError("Meta did not say that it worked")
    return True
