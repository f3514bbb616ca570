"""Creates, lists and attaches the catalog a connection works on."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from connector.catalog import graph
from connector.connections import actions as connections
from connector.connections import db
from connector.connections import graph as connections_graph
from connector.connections.model import Business, Catalog, Connection
from connector.db import walls
from connector.errors import FailedPrecondition, OutcomeUnknown
from connector.graph.client import Access
from connector.runtime import Runtime


async def list_catalogs(runtime: Runtime, store_id: str, connection_id: str) -> list[Catalog]:
    """List the catalogs within the merchant's reach, as Meta tells them now, in the order of their ids.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED, META_TOKEN_INVALID.

    """
    async with runtime.db.begin() as tx:
        connection = await db.require_live(tx, store_id, connection_id)
        await connections.require_open(runtime, tx, connection.environment)
    return await _reachable(runtime, connection)


async def create_catalog(
    runtime: Runtime, store_id: str, connection_id: str, *, business_id: str, name: str
) -> Catalog:
    """Create a catalog in a business the merchant granted, and attach it.

    The wish is kept before Meta is asked. Asked again after a lost answer, or a call that was cut off, a new and empty catalog of
    this name in the business is the one that was wished for.

    Raises:
        FailedPrecondition: CATALOG_ATTACHED, BUSINESS_NOT_GRANTED, META_TOKEN_INVALID, META_PERMISSION_MISSING.
        OutcomeUnknown: the answer was lost and no such catalog is to be seen yet; ask again later.

    """
    async with runtime.db.begin() as tx:
        connection = await db.require_live(tx, store_id, connection_id)
        await connections.require_open(runtime, tx, connection.environment)
        asked = await db.read_catalog_wish(tx, connection.id)
    if connection.catalog_id:
        raise _attached(connection)
    access = await connections.access(runtime, connection, kind="user")
    if business_id not in {business.id for business in await _businesses(runtime, access)}:
        message = "The business is not among those the merchant granted"
        raise FailedPrecondition("BUSINESS_NOT_GRANTED", message, business_id=business_id)
    there = await _catalogs(runtime, access, business_id)
    wish = {"business_id": business_id, "name": name, "before": [catalog.id for catalog in there]}
    if (asked.get("business_id"), asked.get("name")) == (business_id, name):
        wish = asked
    catalog = _wished(there, wish) or await _create(runtime, connection, access, wish)
    await _attach(runtime, connection, catalog)
    return catalog


async def _create(runtime: Runtime, connection: Connection, access: Access, wish: Mapping[str, Any]) -> Catalog:
    business_id, name = wish["business_id"], wish["name"]
    async with runtime.db.begin() as tx:
        await db.change(tx, connection.id, at=runtime.now(), catalog_wish=wish)
    try:
        return Catalog(await runtime.graph.send(graph.create_catalog(business_id, name), access), name, business_id)
    except OutcomeUnknown:
        catalog = _wished(await _catalogs(runtime, access, business_id), wish)
        if catalog is None:
            raise
        return catalog


def _wished(there: Sequence[Catalog], wish: Mapping[str, Any]) -> Catalog | None:
    """Find the catalog that Meta may have created for a wish: of its name, empty, and not there before."""
    new = [one for one in there if one.name == wish["name"] and one.id not in wish["before"] and not one.product_count]
    return new[0] if len(new) == 1 else None


async def attach_catalog(runtime: Runtime, store_id: str, connection_id: str, *, catalog_id: str) -> Connection:
    """Attach an existing catalog. Repeating it changes nothing.

    Raises:
        FailedPrecondition: CATALOG_NOT_GRANTED, CATALOG_ATTACHED when it has another one, ASSET_IN_OTHER_ENVIRONMENT,
            META_TOKEN_INVALID.

    """
    async with runtime.db.begin() as tx:
        connection = await db.require_live(tx, store_id, connection_id)
        await connections.require_open(runtime, tx, connection.environment)
    if connection.catalog_id == catalog_id:
        return connection
    catalog = next((one for one in await _reachable(runtime, connection) if one.id == catalog_id), None)
    if catalog is None:
        message = "The catalog is not among those the merchant granted"
        raise FailedPrecondition("CATALOG_NOT_GRANTED", message, catalog_id=catalog_id)
    return await _attach(runtime, connection, catalog)


async def _attach(runtime: Runtime, connection: Connection, catalog: Catalog) -> Connection:
    at = runtime.now()
    with walls.beyond():  # whether the other environment has the catalog
        async with runtime.db.begin() as tx:
            current = await db.require_live(tx, connection.store_id, connection.id, lock=True)
            if current.catalog_id == catalog.id:
                return current
            if current.catalog_id:
                raise _attached(current)
            await db.require_own_world(tx, current.environment, catalog_id=catalog.id)
            attached = await db.change(
                tx,
                current.id,
                at=at,
                catalog_id=catalog.id,
                catalog_name=catalog.name,
                catalog_product_count=catalog.product_count,
                business_id=catalog.business_id,
                catalog_attach_time=at,
                catalog_wish=None,
            )
            attached = await connections.weigh_anew(runtime, tx, attached)
            await connections.tell(tx, attached, at=at)
    return attached


def _attached(connection: Connection) -> FailedPrecondition:
    message = "The connection has a catalog already: its items would be left behind"
    return FailedPrecondition("CATALOG_ATTACHED", message, catalog_id=connection.catalog_id)


async def _reachable(runtime: Runtime, connection: Connection) -> list[Catalog]:
    access = await connections.access(runtime, connection, kind="user")
    _, found = await connections.list_catalogs(runtime, access, connection.token_kind)
    return sorted({one.id: one for one in found}.values(), key=lambda catalog: (len(catalog.id), catalog.id))


async def _businesses(runtime: Runtime, access: Access) -> list[Business]:
    listed = await connections.read_all(runtime, access, connections_graph.businesses)
    return [connections_graph.read_business(entry) for entry in listed]


async def _catalogs(runtime: Runtime, access: Access, business_id: str) -> list[Catalog]:
    listed = await connections.read_all(runtime, access, partial(connections_graph.catalogs, business_id))
    return [connections_graph.read_catalog(entry, business_id) for entry in listed]
