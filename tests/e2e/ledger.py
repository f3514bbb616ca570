"""The five counts: what was lost, doubled, phantom, drifted or stuck after a disaster.

A book compares what must be (each key once, with its value) with what is (keys may come any number of times). Books know
nothing about where their two sides come from. A balance is good only when every count is zero.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

Value = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """Names of what is wrong, by kind; each as `book: key`, drifted ones with both values."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    phantom: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()

    def __add__(self, other: "Balance") -> "Balance":
        return Balance(*(getattr(self, kind.name) + getattr(other, kind.name) for kind in fields(Balance)))

    @property
    def counts(self) -> dict[str, int]:
        """Tell the five counts."""
        return {kind.name: len(getattr(self, kind.name)) for kind in fields(Balance)}


def compare(book: str, must_be: Mapping[str, Value], there_is: Iterable[tuple[str, Value]]) -> Balance:
    """Compare both sides of a book."""
    found: defaultdict[str, list[Value]] = defaultdict(list)
    for key, value in there_is:
        found[key].append(value)
    return Balance(
        lost=_named(book, must_be.keys() - found.keys()),
        doubled=_named(book, (key for key, values in found.items() if len(values) > 1 and key in must_be)),
        phantom=_named(book, found.keys() - must_be.keys()),
        drifted=_named(
            book,
            (
                f"{key} must be {must_be[key]}, is {values[0]}"
                for key, values in found.items()
                if _drifted(must_be, key, values)
            ),
        ),
    )


def waiting(book: str, states: Iterable[tuple[str, str]], *, settled: frozenset[str]) -> Balance:
    """Count as stuck whatever is not in a settled state."""
    return Balance(stuck=_named(book, (f"{key} is {state}" for key, state in states if state not in settled)))


def remaining(book: str, counts: Mapping[str, int]) -> Balance:
    """Count as stuck whatever a counter that must be zero still holds."""
    names = Counter({name: count for name, count in counts.items() if count})
    return Balance(stuck=_named(book, names.elements()))


def _drifted(must_be: Mapping[str, Value], key: str, values: list[Value]) -> bool:
    return key in must_be and any(value != must_be[key] for value in values)


def _named(book: str, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{book}: {key}" for key in sorted(keys))
