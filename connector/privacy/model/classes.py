"""The words of the data map: what a column holds, how long its row stays, and how a person's data leaves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class DataClass(StrEnum):
    """What a column holds."""

    TECHNICAL = "TECHNICAL"  # our own ids, states, times and counters
    BUSINESS = "BUSINESS"  # the merchant's catalog, assets and settings: no person
    HASH = "HASH"  # tells nobody what it is of
    SEALED = "SEALED"  # a token, sealed
    PERSONAL = "PERSONAL"  # identifies or describes a person
    CONTENT = "CONTENT"  # what people wrote, or what is told of it
    RAW = "RAW"  # as Meta sent it: may hold anything
    AUDIT = "AUDIT"  # who did what, when


SENSITIVE = frozenset({DataClass.PERSONAL, DataClass.CONTENT, DataClass.RAW})
"""What a deletion has to look at."""


@dataclass(frozen=True, slots=True)
class Aged:
    """Rows go so long after a moment of theirs; `only` is a condition in SQL for those that go at all."""

    column: str
    age: timedelta
    only: str = ""
    words: str = ""

    def __str__(self) -> str:
        span = f"{self.age.days} days" if self.age.days else f"{self.age.total_seconds() / 3600:g} hours"
        return f"{span} after {self.column}{f', {self.words}' if self.words else ''}"


@dataclass(frozen=True, slots=True)
class Ruled:
    """Rows go by a rule of their feature, carried out by the sweep's step of this name."""

    step: str
    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Held:
    """Rows stay until something else happens."""

    words: str

    def __str__(self) -> str:
        return self.words


Retention = Aged | Ruled | Held


@dataclass(frozen=True, slots=True)
class Entry:
    """A table: why its rows go, what its columns hold, and which step of a deletion takes a person out of it."""

    retention: tuple[Retention, ...]
    columns: Mapping[str, DataClass]
    erased_by: str = ""


def entry(*retention: Retention, erased_by: str = "", **classes: str) -> Entry:
    """Write an entry: the columns of each class, separated by spaces."""
    columns = {name: DataClass(kind.upper()) for kind, names in classes.items() for name in names.split()}
    assert len(columns) == sum(len(names.split()) for names in classes.values())  # noqa: S101 – no column stands twice
    return Entry(retention, columns, erased_by)
