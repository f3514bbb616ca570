"""Reads the JSON of the control API about orders: a member at a time, naming the place of whatever is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from simulator.orders.money import read_amount

# Ten years.
MAX_SECONDS = 315_360_000.0
Value = TypeVar("Value", str, int, float, bool)


class Document:
    """One JSON object at a known place, with the members it may have."""

    def __init__(self, value: Any, known: str, *, place: str = "") -> None:
        if not isinstance(value, Mapping):
            raise ValueError(f"{place or 'body'}: expected an object")
        if unknown := value.keys() - known.split():
            raise ValueError(f"{place or 'body'}: unknown member {min(unknown)}; known are {known}")
        self._value, self._place = value, place

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def read(self, name: str, default: Value) -> Value:
        """Read a member of the default's type."""
        value = self._value.get(name, default)
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(default):
            raise ValueError(f"{self.at(name)}: expected {type(default).__name__}, got {value!r}")
        return value

    def count(self, name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
        """Read a whole number between two bounds."""
        value = self.read(name, default)
        if not least <= value <= most:
            raise ValueError(f"{self.at(name)}: expected {least} to {most}, got {value}")
        return value

    def seconds(self, name: str, default: float) -> float:
        """Read a time span."""
        value = self.read(name, default)
        if not 0 <= value <= MAX_SECONDS:
            raise ValueError(f"{self.at(name)}: expected 0 to {MAX_SECONDS:.0f} seconds, got {value}")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Read one of some words."""
        value = self.read(name, default)
        if value not in allowed:
            raise ValueError(f"{self.at(name)}: expected one of {', '.join(allowed)}, got {value!r}")
        return value

    def amount(self, name: str, currency: str, default: str) -> int:
        """Read money as minor units."""
        return read_amount(self._value.get(name, default), currency, place=self.at(name))

    def inner(self, name: str, known: str) -> "Document":
        """Read an object; without one it is empty."""
        return Document(self._value.get(name, {}), known, place=self.at(name))

    def each(self, name: str, known: str, default: Iterable[Mapping[str, Any]] = ()) -> list["Document"]:
        """Read a list of objects."""
        value = self._value.get(name, list(default))
        if not isinstance(value, list):
            raise ValueError(f"{self.at(name)}: expected a list")
        return [Document(one, known, place=f"{self.at(name)}[{place}]") for place, one in enumerate(value)]

    def at(self, name: str) -> str:
        """Return where a member stands."""
        return f"{self._place}.{name}" if self._place else name
