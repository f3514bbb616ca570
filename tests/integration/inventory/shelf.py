"""Words of the inventory tests: lines, holds, rules, and the tasks that the clock asks for."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from google.protobuf.duration_pb2 import Duration
from sqlalchemy import select

from connector.connections.db import connections
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.registry.db import rules as rules_db
from connector.registry.model import Rules
from stormcom.facebook.v1 import inventory_service_pb2 as pb
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import PullEventsRequest
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.inventory_pb2 import Hold, HoldLine, InventoryLine, InventorySnapshot
from stormcom.facebook.v1.inventory_service_pb2_grpc import FacebookInventoryStub
from tests.integration.catalog.shop import Shop

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.inventory_service_pb2_grpc import FacebookInventoryAsyncStub


def line(product_id: str, version: int, quantity: int, variant_id: str = "", **fields: Any) -> InventoryLine:
    """Write a line that counts."""
    named = {"product_id": product_id, "variant_id": variant_id, "source_version": version}
    return InventoryLine(**{**named, "quantity": quantity, "track_inventory": True, **fields})


def inventory(shop: Shop) -> "FacebookInventoryAsyncStub":
    """Speak to the inventory service."""
    return FacebookInventoryStub(shop.channel)


def quantity(shop: Shop, name: str) -> tuple[str, object]:
    """Read an item's stock at Meta."""
    item = shop.shelf[name]
    return item["availability"], item.get("quantity_to_sell_on_facebook")


async def hold(shop: Shop, *wants: tuple[str, int], hours: float = 1, **fields: Any) -> Hold:
    """Reserve so many pieces of products, `p1` or `p2/S`."""
    names = [(name.partition("/"), pieces) for name, pieces in wants]
    lines = [HoldLine(product_id=name[0], variant_id=name[2], quantity=pieces) for name, pieces in names]
    duration = Duration()
    duration.FromTimedelta(timedelta(hours=hours))
    request = pb.ReserveStockRequest(store_id=shop.store_id, lines=lines, duration=duration, **fields)
    return (await inventory(shop).ReserveStock(request)).hold


async def seen(shop: Shop, retailer_id: str) -> InventorySnapshot:
    """Read an item's stock as callers see it."""
    request = pb.GetInventoryRequest(store_id=shop.store_id, retailer_id=retailer_id)
    return (await inventory(shop).GetInventory(request)).snapshot


async def connection_of(shop: Shop, tx: Tx) -> UUID:
    """Tell the store's connection."""
    found: UUID = (
        await tx.execute(select(connections.c.id).where(connections.c.store_id == shop.store_id))
    ).scalar_one()
    return found


async def rule(shop: Shop, **changes: Any) -> None:
    """Set the rules of the store's connection, and have its stock reckoned by them."""
    at = shop.clock()
    async with shop.runtime.db.begin() as tx:
        connection_id = await connection_of(shop, tx)
        await rules_db.write(tx, connection_id, Rules(**changes), at=at)
        key = f"{Task.OFFER_AGAIN}:{connection_id}"
        await outbox.add(tx, Task.OFFER_AGAIN, due=at, connection_id=connection_id, key=key)


async def perform(shop: Shop, task: Task) -> None:
    """Have a periodic task done now, and all that follows from it."""
    async with shop.runtime.db.begin() as tx:
        await outbox.add(tx, task, due=shop.clock(), key=f"every:{task}")
    await shop.turn()


async def events(shop: Shop) -> list[Event]:
    """Read all that was told."""
    fresh = PullEventsRequest(store_id=shop.store_id, consumer=uuid4().hex)  # a new consumer is told everything
    return list((await FacebookEventsStub(shop.channel).PullEvents(fresh)).events)


async def alerts(shop: Shop) -> list[tuple[str, bool, int]]:
    """Tell all that was told of alerts: reason, whether it is over, and how many items it is about."""
    raised = [one.alert_raised for one in await events(shop) if one.HasField("alert_raised")]
    return [(one.alert.reason, one.resolved, one.alert.item_count) for one in raised]
