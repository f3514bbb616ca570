"""Items are counted as they change: the counts are those of the items at every moment, and nobody waits for a counter."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import delete, func, select, update

from connector.db.schema import Tx
from connector.registry.db import counts
from connector.registry.db.catalogue import items
from connector.runtime import Runtime
from tests.integration.catalog.shop import Shop, product, shirt

_Change = Callable[[Shop], Awaitable[object]]
_CHANGES: dict[str, _Change] = {
    "sent": lambda shop: shop.sync(),
    "confirmed": lambda shop: shop.settle(),
    "changed": lambda shop: shop.upsert(product("a", version=2, title="New"), shirt("b", "M", version=2)),
    "refused": lambda shop: shop.upsert(product("c", version=2, link="nonsense")),
    "removed": lambda shop: shop.delete("a"),
    "gone": lambda shop: shop.settle(minutes=1),
    "replaced": lambda shop: shop.snapshot(product("c", version=3)),
}


async def _grouped(tx: Tx) -> Counter[str]:
    rows = await tx.execute(select(items.c.state, func.count()).group_by(items.c.state))
    return Counter({row[0]: row[1] for row in rows})


async def _counted(tx: Tx) -> Counter[str]:
    return await counts.count(tx, (await tx.execute(select(items.c.connection_id).limit(1))).scalar_one())


async def test_counts_follow_items_through_their_lives(shop: Shop, runtime: Runtime) -> None:
    """Whatever happens to items, they are counted where they stand."""
    await shop.upsert(product("a"), shirt("b", "S", "M"), product("c"))
    for name, change in _CHANGES.items():
        await change(shop)
        async with runtime.db.begin() as tx:
            assert await _grouped(tx) == await _counted(tx), name


async def test_forgotten_items_are_not_counted(shop: Shop, runtime: Runtime) -> None:
    """An item whose row goes leaves its count."""
    await shop.upsert(product("a"), product("b"))
    async with runtime.db.begin() as tx:
        await tx.execute(delete(items).where(items.c.retailer_id == "sc_a"))
        assert {"PENDING": 1} == await _counted(tx)


async def test_what_is_rolled_back_is_not_counted(shop: Shop, runtime: Runtime) -> None:
    """Counts change with the transaction that changes the items, or not at all."""
    await shop.upsert(product("a"))
    async with runtime.db.connect() as tx:
        await tx.execute(update(items).values(held=True, wanted=False))
        assert {"REMOVED": 1} == await _counted(tx)
        await tx.rollback()
    async with runtime.db.begin() as tx:
        assert {"PENDING": 1} == await _counted(tx)


@pytest.mark.parametrize("name", ["sc_a", "sc_b"])
async def test_transactions_at_once_do_not_wait_for_a_counter(shop: Shop, runtime: Runtime, name: str) -> None:
    """While one transaction has changed an item, another changes the next one, and both are counted."""
    await shop.upsert(product("a"), product("b"))
    gone = update(items).values(wanted=False)
    async with runtime.db.begin() as one, runtime.db.begin() as other:
        await one.execute(gone.where(items.c.retailer_id == name))
        await asyncio.wait_for(other.execute(gone.where(items.c.retailer_id != name)), 30)
    async with runtime.db.begin() as tx:
        assert {"REMOVED": 2} == await _counted(tx)
