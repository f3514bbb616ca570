"""What a store may see of what Meta posted: its own Pages' deliveries and signals, never another's, never a token."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.connections import db as connections
from connector.connections.db import Asset
from connector.db import walls
from connector.db.schema import Tx
from connector.errors import NotFound
from connector.runtime import Runtime
from connector.webhooks.actions.kinds import shown_kind
from connector.webhooks.db import setting_aside, showing, unknown_pages
from connector.webhooks.graph import read_signals
from connector.webhooks.model import Aside, Brought, Signal, UnknownPage


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery, and whether it waits to be worked off again."""

    id: int
    receive_time: datetime
    pages: Mapping[str, Mapping[str, int]]
    environment: str
    waiting: bool

    @property
    def signal_counts(self) -> Mapping[str, int]:
        """How many signals of each kind it brought, over its Pages."""
        counts: Counter[str] = Counter()
        for kinds in self.pages.values():
            counts.update(kinds)
        return counts


@dataclass(frozen=True, slots=True)
class Raw:
    """A signal as it came, in an envelope of its own."""

    page_id: str
    kind: str
    raw: bytes


async def list_deliveries(
    runtime: Runtime, wanted: showing.Wanted, *, before: int | None, size: int
) -> tuple[list[Shown], int | None]:
    """List a store's deliveries, the newest first; tells where it goes on, if there are more. Those whose bytes are gone are left out."""
    async with runtime.db.begin() as tx:
        await require_own(tx, wanted.store_id, wanted.connection_id)
        found = await showing.list_page(tx, wanted, before=before, limit=size + 1)
    bodies = await _bodies(runtime, found[:size])
    told = [
        Shown(one.id, one.receive_time, one.pages, bodies[one.id].environment, bodies[one.id].waiting)
        for one in found[:size]
        if one.id in bodies
    ]
    return told, found[size - 1].id if len(found) > size else None


async def get_delivery(runtime: Runtime, store_id: str, delivery_id: int) -> tuple[Shown, list[Raw]]:
    """Tell a delivery, and the store's own signals in it as they came.

    Raises:
        NotFound: DELIVERY_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        found = await showing.get(tx, store_id, [delivery_id])
    bodies = await _bodies(runtime, found)
    if not bodies:
        raise missing_delivery(str(delivery_id))
    (one,), body = found, bodies[delivery_id]
    told = Shown(one.id, one.receive_time, one.pages, body.environment, body.waiting)
    return told, [_raw(signal) for signal in read_signals(body.body) if signal.page_id in one.pages]


async def list_signals(
    runtime: Runtime, wanted: setting_aside.Wanted, *, before: int | None, size: int
) -> tuple[list[Aside], bool]:
    """List a store's signals that were set aside, the newest first; tells whether there are more."""
    async with runtime.db.begin() as tx:
        await require_own(tx, wanted.store_id, wanted.connection_id)
        found = await setting_aside.list_page(tx, wanted, before=before, limit=size + 1)
    return found[:size], len(found) > size


async def get_signal(runtime: Runtime, store_id: str, signal_id: int) -> tuple[Aside, bytes]:
    """Tell a signal, and how it came.

    Raises:
        NotFound: SIGNAL_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        found = await setting_aside.get(tx, store_id, [signal_id])
        raw = await setting_aside.raw_of(tx, store_id, signal_id)
    if not found or raw is None:
        raise missing_signal(str(signal_id))
    return found[0], raw


async def list_unknown_pages(runtime: Runtime, *, after: Asset | None, size: int) -> tuple[list[UnknownPage], bool]:
    """List Pages and accounts that nobody connected; tells whether there are more."""
    with walls.beyond():  # they are no store's
        async with runtime.db.begin() as tx:
            found = await unknown_pages(tx, after=after, limit=size + 1)
    return found[:size], len(found) > size


async def require_own(tx: Tx, store_id: str, connection_id: str) -> None:
    """Make sure that a connection, if one is named, is the store's.

    Raises:
        NotFound: CONNECTION_NOT_FOUND, also for malformed ids and another store's.

    """
    if connection_id:
        await connections.require(tx, store_id, connection_id)


def missing_delivery(delivery_id: str) -> NotFound:
    """Say that a store has no such delivery, alike for malformed, foreign and absent ids."""
    return NotFound("DELIVERY_NOT_FOUND", "No such delivery of this store's Pages", delivery_id=delivery_id)


def missing_signal(signal_id: str) -> NotFound:
    """Say that a store has no such signal, alike for malformed, foreign and absent ids."""
    return NotFound("SIGNAL_NOT_FOUND", "No such signal of this store's Pages", signal_id=signal_id)


async def _bodies(runtime: Runtime, found: Sequence[Brought]) -> dict[int, showing.Body]:
    """Read bodies beyond the wall: nobody's rows, whose ids were found behind it."""
    with walls.beyond():
        async with runtime.db.begin() as tx:
            return await showing.bodies(tx, found)


def _raw(signal: Signal) -> Raw:
    return Raw(signal.page_id, shown_kind(signal), signal.raw)
