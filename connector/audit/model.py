"""One thing that was done, its place in its store's chain, and whether the chain is whole. Decides; reads nothing."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

SEAL = "SealAudit"


class Fault(StrEnum):
    """What is wrong with an entry."""

    ALTERED = "ALTERED"
    MISSING = "MISSING"
    INSERTED = "INSERTED"
    UNSEALED = "UNSEALED"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands in the chain."""

    position: int
    create_time: datetime
    store_id: str
    action: str
    caller: str
    role: str
    actor: str
    connection_id: str
    objects: Sequence[str]
    request_id: str
    result: str
    call_count: int
    hash: bytes

    def hash_after(self, previous: bytes) -> bytes:
        """Tell the hash this entry must have behind another's; the same as `audit_hash` in PostgreSQL."""
        said = json.dumps([*self._told().values()], ensure_ascii=False)
        return hashlib.sha256(previous + said.encode()).digest()

    def line(self) -> str:
        """Write the entry as a line of an export."""
        return json.dumps(self._told() | {"hash": self.hash.hex()}, ensure_ascii=False)

    def _told(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in Entry.__slots__ if name != "hash"}
        time = self.create_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return told | {"create_time": time, "objects": list(self.objects)}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a chain, and the hash up to it."""

    position: int
    hash: bytes


BEGIN = Mark(0, b"")


@dataclass(frozen=True, slots=True)
class Chain:
    """What is kept of a chain besides its entries: where it ends, and up to where its oldest have left."""

    head: Mark
    sealed: Mark


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a check came, and what stopped it; `complete` when that is the end of the chain."""

    mark: Mark
    complete: bool = False
    fault: Fault | None = None
    fault_position: int = 0

    @classmethod
    def broken(cls, mark: Mark, fault: Fault, position: int) -> "Walk":
        """Stop at an entry."""
        return cls(mark, fault=fault, fault_position=position)


def step(chain: Chain, mark: Mark, entries: Sequence[Entry]) -> Walk:
    """Walk on over entries that follow a mark; without any, the chain must end there."""
    for one in entries:
        if fault := _fault(chain, mark, one):
            position = mark.position + 1 if fault is Fault.MISSING else one.position
            return Walk.broken(mark, fault, position)
        mark = Mark(one.position, one.hash)
    if entries or mark == chain.head:
        return Walk(mark, complete=not entries)
    if mark.position < chain.head.position:
        return Walk.broken(mark, Fault.MISSING, mark.position + 1)
    return Walk.broken(mark, Fault.ALTERED, mark.position)


def _fault(chain: Chain, mark: Mark, one: Entry) -> Fault | None:
    if one.position > chain.head.position:
        return Fault.INSERTED
    if one.position != mark.position + 1:
        return Fault.MISSING
    return None if one.hash == one.hash_after(mark.hash) else Fault.ALTERED
