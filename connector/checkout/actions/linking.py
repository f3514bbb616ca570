"""Keeps where a store's checkout page is, writes links to it, and tries links as Meta's check does."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.checkout import db
from connector.checkout.actions.resolving import resolve_in
from connector.checkout.model.building import Origin, Trial, Wanted, trials, with_query, write_link
from connector.checkout.model.lines import GRANTING, Line, State
from connector.checkout.model.links import read_link
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.errors import FailedPrecondition, NotFound
from connector.registry.db.names import Name, look_up
from connector.runtime import Runtime

_SAMPLES = 5


async def set_url(runtime: Runtime, store_id: str, connection_id: str, url: str) -> str:
    """Keep where the checkout page is; an empty URL forgets it."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        await db.write_url(tx, connection.id, url, at=runtime.now())
    return url


async def read_url(runtime: Runtime, store_id: str, connection_id: str) -> str:
    """Tell where the checkout page is; empty when that is not known."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.read_url(tx, connection.id)


async def build_link(
    runtime: Runtime, store_id: str, connection_id: str, wanted: Sequence[tuple[Name, int]], origin: Origin
) -> str:
    """Write a link for items, each by its name of today.

    Raises:
        FailedPrecondition: CHECKOUT_URL_NOT_SET.
        NotFound: ITEM_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        url = await db.read_url(tx, connection.id)
        found = await look_up(tx, connection.id, [name for name, _ in wanted])
    if not url:
        message = "The store has no checkout URL yet: set the page that opens carts from links"
        raise FailedPrecondition("CHECKOUT_URL_NOT_SET", message, fix="SetCheckoutUrl")
    items = []
    for place, (known, (_, quantity)) in enumerate(zip(found, wanted, strict=True)):
        if known is None:
            raise NotFound("ITEM_NOT_FOUND", "No such item in this connection", field=f"items[{place}]")
        items.append(Wanted(known.retailer_id, known.product_id, known.variant_id, quantity))
    return write_link(url, items, origin)


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial, with the link that Meta would open, and what was wrong with the answer."""

    name: str
    link: str
    wrong: str


async def try_links(runtime: Runtime, store_id: str, connection_id: str) -> tuple[str, list[Tried]]:
    """Try links made of real items; tells the checkout URL, and how each link fared."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        url = await db.read_url(tx, connection.id)
        samples = await db.sample(tx, connection.id, limit=_SAMPLES)
        return url, [await _try(runtime, tx, connection, url, one) for one in trials(samples)]


async def _try(runtime: Runtime, tx: Tx, connection: Connection, url: str, trial: Trial) -> Tried:
    link = with_query(url, trial.query)
    answer = await resolve_in(tx, connection.store_id, connection.id, read_link(link), at=runtime.now())
    return Tried(trial.name, link, _wrong(trial, answer.resolved.lines, answer.link.coupon))


def _wrong(trial: Trial, lines: Sequence[Line], coupon: str) -> str:
    """Tell what keeps a buyer from what a link promises; an item that is sold out is no fault of the link."""
    found = {line.item.retailer_id: line for line in lines if line.item}
    if missing := trial.leads_to - found.keys():
        return f"The link does not lead to {', '.join(sorted(missing))}"
    if unsold := sorted(name for name in trial.leads_to if found[name].state not in {*GRANTING, State.OUT_OF_STOCK}):
        return f"These items are sold on Meta and cannot be bought: {', '.join(unsold)}"
    if trial.cut and any(found[name].state is State.AVAILABLE for name in trial.leads_to):
        return "More pieces are promised than are there"
    if len(lines) != len(trial.leads_to) + trial.unknown:
        return f"The link has {len(lines)} lines, and should have {len(trial.leads_to) + trial.unknown}"
    return "The coupon is lost" if "coupon=" in trial.query and not coupon else ""
