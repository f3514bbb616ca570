"""Reads a link against the catalog, and keeps what it asks for aside.

Needs PostgreSQL only, and no live connection: buyers come also while Meta is down, and while the merchant has to log in again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from connector.checkout import db
from connector.checkout.db import Shelf
from connector.checkout.model.lines import GRANTING, Found, Line, Resolved, State, families_of
from connector.checkout.model.lines import resolve as read_lines
from connector.checkout.model.links import DRAFT_ORDER, Link
from connector.connections import db as connections
from connector.db.schema import Tx, at_once
from connector.errors import ConnectorError
from connector.inventory import actions as inventory
from connector.inventory.db import holds
from connector.inventory.model.holds import Hold, Want, Wish
from connector.links import absolute
from connector.runtime import Runtime

_PURPOSE = "checkout_link"
_SHORT = frozenset({State.QUANTITY_CUT, State.OUT_OF_STOCK})
_MOST_CALLS = 64  # in one statement
_MOST_TURNS = 3
"""Of holding: the first reads without a lock; what it wants is locked by then, so the second knows for sure, but for products taken away meanwhile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a link means; the connection is None for a store that never had one."""

    link: Link
    resolved: Resolved
    connection_id: UUID | None
    fallback_link: str
    read_time: datetime
    hold: Hold | None = None


async def resolve(
    runtime: Runtime, store_id: str, connection_id: str, link: Link, *, duration: timedelta | None, request_id: str
) -> Answer:
    """Read a link against the catalog; with a duration, keep what is granted aside in the same transaction.

    Raises:
        NotFound: CONNECTION_NOT_FOUND, for a connection that is named.

    """
    named = _named(connection_id)
    if duration is None:
        act = partial(_resolve_together, runtime, store_id, named)
        return await runtime.gather.ask(("checkout", store_id, named), link, act, most=_MOST_CALLS)
    async with runtime.db.begin() as tx:
        wish = Wish((), duration, _PURPOSE, link.value(DRAFT_ORDER)[:128], request_id)
        return await _hold(runtime, tx, store_id, named, link=link, wish=wish)


def _named(connection_id: str) -> UUID | None:
    try:
        return UUID(connection_id) if connection_id else None
    except ValueError:
        raise connections.missing(connection_id) from None


async def _resolve_together(
    runtime: Runtime, store_id: str, connection_id: UUID | None, links: Sequence[Link]
) -> list[Answer]:
    """Read the links of several buyers of one store, who came while others were being served, by one look at the catalog."""
    names = dict.fromkeys(name for link in links for name in link.first_names)
    async with at_once(runtime.db) as tx:
        shelves = await db.look_up(tx, store_id, connection_id, list(names))
        return [await _read(tx, store_id, connection_id, link, shelves, at=runtime.now()) for link in links]


async def resolve_in(tx: Tx, store_id: str, connection_id: UUID | None, link: Link, *, at: datetime) -> Answer:
    """Read a link in the caller's transaction: in one statement when it holds today's names, in up to three otherwise."""
    shelves = await db.look_up(tx, store_id, connection_id, link.first_names)
    return await _read(tx, store_id, connection_id, link, shelves, at=at)


async def _read(
    tx: Tx, store_id: str, connection_id: UUID | None, link: Link, shelves: Sequence[Shelf], *, at: datetime
) -> Answer:
    if connection_id is not None and not shelves:
        raise connections.missing(str(connection_id))
    if not shelves:
        return Answer(link, read_lines(link, {}, {}), None, "", at)
    if not any(all(name in shelf.found for name in link.first_names) for shelf in shelves):
        shelves = await db.look_up(tx, store_id, connection_id, link.names)
    products = [(shelf, families_of(link, shelf.found)) for shelf in shelves]
    shelf, wanted = max(products, key=lambda one: _hits(link, one[0].found))  # the first of those that know most
    families = await db.families(tx, shelf.connection_id, wanted) if wanted else {}
    resolved = read_lines(link, shelf.found, families)
    return Answer(link, resolved, shelf.connection_id, _fallback(shelf, resolved.lines), at)


def _hits(link: Link, found: Found) -> int:
    return sum(any(way.name in found for way in entry.candidates) for entry in link.entries)


def _fallback(shelf: Shelf, lines: Sequence[Line]) -> str:
    """Tell where a buyer goes who can have nothing: to an item of the link, which the store shows or explains, or to the store."""
    if any(line.state in GRANTING for line in lines):
        return ""
    known = (item.link for line in lines for item in (line.item, *line.choices) if item and item.link)
    return next(known, _site(shelf.checkout_url))


def _site(checkout_url: str) -> str:
    return absolute("/".join(checkout_url.split("/")[:3]).partition("?")[0]) + "/" if checkout_url else ""


async def _hold(runtime: Runtime, tx: Tx, store_id: str, named: UUID | None, *, link: Link, wish: Wish) -> Answer:
    known = await holds.by_request(tx, store_id, [wish.request_id])
    answer, refusal = await resolve_in(tx, store_id, named, link, at=runtime.now()), None
    if wish.request_id in known:
        return _held(answer, known[wish.request_id])
    if answer.connection_id is not None and any(line.state in _SHORT for line in answer.resolved.lines):
        # What is missing may be in holds whose time is over, and that nobody has let go of yet.
        await inventory.expire_in(tx, answer.connection_id, at=runtime.now())
        answer = await resolve_in(tx, store_id, answer.connection_id, link, at=runtime.now())
    for _ in range(_MOST_TURNS):
        wants = tuple(_wants(answer.resolved.lines))
        if not wants or answer.connection_id is None:
            return answer
        kept = await _reserve(runtime, tx, store_id, answer.connection_id, replace(wish, wants=wants))
        if isinstance(kept, Hold):
            return _held(answer, kept)
        answer, refusal = await resolve_in(tx, store_id, answer.connection_id, link, at=runtime.now()), kept
    raise refusal or AssertionError("a turn without a refusal returns")


async def _reserve(runtime: Runtime, tx: Tx, store_id: str, connection_id: UUID, wish: Wish) -> Hold | ConnectorError:
    connection = await connections.require(tx, store_id, connection_id)
    (kept,) = await inventory.reserve_in(tx, connection, [wish], at=runtime.now(), new_id=runtime.new_id)
    return kept


def _wants(lines: Sequence[Line]) -> list[Want]:
    return [
        Want(line.item.product_id, line.item.variant_id, line.granted) for line in lines if line.item and line.granted
    ]


def _held(answer: Answer, hold: Hold) -> Answer:
    """Grant what is kept aside, no more: the rest of an item may be gone by the time it is paid for."""
    pieces = {line.retailer_id: line.quantity for line in hold.lines}
    lines = (
        replace(line, held=pieces.get(line.item.retailer_id, 0)) if line.item else line
        for line in answer.resolved.lines
    )
    return replace(answer, resolved=answer.resolved._replace(lines=tuple(lines)), hold=hold)
