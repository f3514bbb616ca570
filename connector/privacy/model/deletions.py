"""A deletion of personal data: who it is about, who asked, how far it is, and what it removed.

Who it is about is known only while it is at work; afterwards a hash is left.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

TARGET = timedelta(hours=24)
"""In which time a deletion has to be through."""


class Origin(StrEnum):
    """Who asked."""

    CALLER = "CALLER"
    META = "META"


class State(StrEnum):
    """How far it is."""

    RUNNING = "RUNNING"
    DONE = "DONE"


class SubjectKind(StrEnum):
    """By what a person is named."""

    PSID = "PSID"
    META_USER = "META_USER"
    EMAIL = "EMAIL"


@dataclass(frozen=True, slots=True)
class Subject:
    """A person: by which word they are known, and where to look. `pages` are (environment, Page) pairs of the stores."""

    kind: SubjectKind
    word: str = field(repr=False)
    stores: tuple[str, ...]
    connection_ids: tuple[UUID, ...]
    pages: tuple[tuple[str, str], ...]

    def document(self) -> dict[str, Any]:
        """Write it the way it is stored while the deletion is at work."""
        return {
            "kind": self.kind,
            "word": self.word,
            "stores": list(self.stores),
            "connection_ids": [str(one) for one in self.connection_ids],
            "pages": [list(page) for page in self.pages],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Subject":
        """Read what `document` wrote."""
        return cls(
            SubjectKind(document["kind"]),
            document["word"],
            tuple(document["stores"]),
            tuple(UUID(one) for one in document["connection_ids"]),
            tuple((environment, page_id) for environment, page_id in document["pages"]),
        )

    @property
    def traces(self) -> tuple[str, ...]:
        r"""How the word may stand in texts, small letters; Meta writes `@` as `\u0040` in older deliveries."""
        word = self.word.lower()
        return tuple(dict.fromkeys((word, word.replace("@", "\\u0040"))))


@dataclass(frozen=True, slots=True)
class Deletion:
    """A line of the ledger."""

    id: UUID
    store_id: str | None
    origin: Origin
    caller: str
    state: State
    code: str | None
    removed: Mapping[str, int]
    create_time: datetime
    due_time: datetime
    finish_time: datetime | None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        times = {name: getattr(self, name) for name in ("create_time", "due_time", "finish_time")}
        facts = {"deletion_id": str(self.id), "state": f"STATE_{self.state}", "caller": self.caller}
        return facts | times | {"removed": dict(self.removed)}


def new_code() -> str:
    """Make a confirmation code: 128 bits that nobody guesses."""
    return secrets.token_hex(16)
