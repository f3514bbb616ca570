"""What must not be found where it does not belong, and the places that are searched."""

import base64
import traceback
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from sqlalchemy import text

from connector.db.schema import load_tables
from connector.privacy.model.classes import SENSITIVE
from connector.privacy.model.data_map import DATA_MAP
from connector.runtime import Runtime


@dataclass(slots=True)
class Canaries:
    """Texts to look for: secrets belong nowhere, people only where the data map says so."""

    secrets: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)

    def person(self, words: str) -> str:
        """Watch for something that is a person's."""
        self.people.add(words)
        return words

    def secret(self, words: str) -> str:
        """Watch for a secret."""
        self.secrets.add(words)
        return words

    def __len__(self) -> int:
        return len(self.secrets) + len(self.people)


@dataclass(slots=True)
class Harvest:
    """Everything that left the code, by where it was seen."""

    seen: dict[str, list[str]] = field(default_factory=dict)

    def add(self, place: str, *words: object) -> None:
        """Keep what was seen somewhere."""
        self.seen.setdefault(place, []).extend(map(str, words))

    def add_events(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Keep lines of the log as they are before the second wall cleans them, with the tracebacks that belong to them."""
        for event in events:
            self.add("log", dict(event))
            error = event.get("exc_info")
            if isinstance(error, BaseException):
                self.add("log", *traceback.format_exception(error))

    def add_refusal(self, error: grpc.aio.AioRpcError) -> None:
        """Keep all that a caller is told of a failure."""
        trailers = [value for _, value in error.trailing_metadata() or ()]
        shown = [one.decode("latin-1") if isinstance(one, bytes) else one for one in trailers]
        self.add("grpc error", error.details(), error.debug_error_string(), *shown)

    def hits(self, canaries: Iterable[str]) -> list[tuple[str, str]]:
        """Tell which canary was seen where."""
        return [
            (place, canary)
            for place, words in sorted(self.seen.items())
            for canary in sorted(canaries)
            if any(canary in one for one in words)
        ]


def spellings(secrets: Iterable[str]) -> set[str]:
    """Add how a secret looks in base64, and as Python prints bytes."""
    plain = set(secrets)
    return plain | {base64.b64encode(one.encode()).decode().rstrip("=")[:-1] for one in plain}


async def search_tables(runtime: Runtime, canaries: Iterable[str]) -> set[tuple[str, str]]:
    """Tell in which columns of which tables canaries stand."""
    found, wanted = set(), list(canaries)
    async with runtime.db.connect() as tx:
        for table in load_tables().sorted_tables:
            for row in await tx.execute(table.select()):
                for column, value in zip(table.columns, row, strict=True):
                    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    if any(canary in shown for canary in wanted):
                        found.add((table.name, column.name))
    return found


def may_hold_people() -> set[tuple[str, str]]:
    """Tell the columns that the data map gives to people."""
    return {
        (table, column) for table, one in DATA_MAP.items() for column, kind in one.columns.items() if kind in SENSITIVE
    }


@asynccontextmanager
async def broken_table(runtime: Runtime, name: str) -> AsyncIterator[None]:
    """Let every write to a table fail, with what it writes in the words of PostgreSQL and of the driver."""
    async with runtime.db.begin() as tx:
        await tx.execute(text(f'ALTER TABLE "{name}" ADD CONSTRAINT canary CHECK (false) NOT VALID'))
    yield
    async with runtime.db.begin() as tx:
        await tx.execute(text(f'ALTER TABLE "{name}" DROP CONSTRAINT canary'))
