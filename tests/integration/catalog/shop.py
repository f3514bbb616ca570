"""A store at work: products in over gRPC, tasks run in turns, and the simulator's catalog to compare with."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import orjson
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from sqlalchemy import func, select

from connector.db.outbox import tasks
from connector.runtime import Runtime
from simulator.state import ProductCatalog
from simulator.world import World
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1.catalog_service_pb2_grpc import FacebookCatalogStub
from stormcom.facebook.v1.connector_service_pb2 import SyncCatalogRequest, UpdateInventoryRequest
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.inventory_pb2 import InventoryLine, InventoryResult
from stormcom.facebook.v1.item_pb2 import Item
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import CancelOperationRequest, GetOperationRequest
from stormcom.facebook.v1.operation_service_pb2_grpc import FacebookOperationsStub
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product, Variant
from tests.integration.conftest import STORE, Clock

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.catalog_service_pb2_grpc import FacebookCatalogAsyncStub

Turn = Callable[[], Awaitable[int]]


def product(product_id: str, *, version: int = 1, **changes: Any) -> Product:
    """Make a product that nobody refuses, with some fields as told."""
    fields: dict[str, Any] = {
        "status": PRODUCT_STATUS_ACTIVE,
        "title": f"Scarf {product_id}",
        "description": "Woven by hand.",
        "link": f"https://shop.example/{product_id}",
        "image_links": [f"https://cdn.example/{product_id}.jpg"],
        "brand": "Nodi",
        "price": Money(currency_code="BDT", minor_units=125_000),
        "track_inventory": True,
        "quantity": 5,
    }
    return Product(product_id=product_id, source_version=version, **fields | changes)


def shirt(product_id: str, *sizes: str, version: int = 1, **changes: Any) -> Product:
    """Make a product with a variant per size."""
    variants = [
        Variant(variant_id=size, options={"Size": size}, track_inventory=True, quantity=place + 1)
        for place, size in enumerate(sizes)
    ]
    return product(product_id, version=version, variants=variants, **changes)


def digest(product_ids: Iterable[str]) -> str:
    """Hash the ids the way CommitSnapshot wants them."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(product_ids)).encode()).hexdigest()


def reason_of(error: grpc.aio.AioRpcError, *metadata: str) -> tuple[str, ...]:
    """Read the reason of a refused call, and some of its metadata."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # its stub knows synchronous calls only
    told = ErrorInfo()
    assert status is not None
    assert any(detail.Unpack(told) for detail in status.details)
    return told.reason, *(told.metadata[name] for name in metadata)


@dataclass(slots=True)
class Shop:
    """One store, as its caller and as Meta see it."""

    channel: grpc.aio.Channel
    world: World
    clock: Clock
    turn: Turn
    runtime: Runtime
    store_id: str = STORE
    seeded: int = 0

    @property
    def catalog(self) -> "FacebookCatalogAsyncStub":
        """The catalog service."""
        return FacebookCatalogStub(self.channel)

    @property
    def shelf(self) -> dict[str, dict[str, Any]]:
        """What stands in the store's catalog at Meta, by name."""
        catalog = list(self.world.all(ProductCatalog))[self.seeded]
        return {name: orjson.loads(item.data) for name, item in catalog.items.items()}

    async def upsert(self, *products: Product) -> list[pb.ProductResult]:
        """Upsert products."""
        answer = await self.catalog.UpsertProducts(pb.UpsertProductsRequest(store_id=self.store_id, products=products))
        return list(answer.results)

    async def delete(self, *product_ids: str) -> list[pb.ProductResult]:
        """Delete products."""
        wish = pb.DeleteProductsRequest(store_id=self.store_id, product_ids=product_ids)
        return list((await self.catalog.DeleteProducts(wish)).results)

    async def sync(self, *, full: bool = False, **fields: Any) -> Operation:
        """Begin a sync."""
        mode = SyncCatalogRequest.MODE_FULL if full else SyncCatalogRequest.MODE_DELTA
        request = SyncCatalogRequest(store_id=self.store_id, mode=mode, **fields)
        answer = await FacebookConnectorStub(self.channel).SyncCatalog(request)
        return answer.operation

    async def stock(self, *lines: InventoryLine) -> list[InventoryResult]:
        """Change stock."""
        request = UpdateInventoryRequest(store_id=self.store_id, lines=lines)
        return list((await FacebookConnectorStub(self.channel).UpdateInventory(request)).results)

    async def snapshot(self, *products: Product, seen: Iterable[str] | None = None) -> Operation:
        """Hand in a complete list and commit it."""
        began = await self.catalog.BeginSnapshot(pb.BeginSnapshotRequest(store_id=self.store_id))
        named = {"store_id": self.store_id, "snapshot_id": began.snapshot_id}
        for start in range(0, len(products), 500):
            some = products[start : start + 500]
            await self.catalog.PutSnapshotProducts(pb.PutSnapshotProductsRequest(**named, products=some))
        ids = [one.product_id for one in products]
        commit = pb.CommitSnapshotRequest(**named, product_count=len(ids), digest=digest(seen or ids))
        return (await self.catalog.CommitSnapshot(commit)).operation

    async def operation(self, operation: Operation) -> Operation:
        """Read an operation again."""
        stub, named = FacebookOperationsStub(self.channel), {"store_id": self.store_id}
        asked = GetOperationRequest(**named, operation_id=operation.operation_id)
        return (await stub.GetOperation(asked)).operation

    async def cancel(self, operation: Operation) -> None:
        """Cancel an operation."""
        wish = CancelOperationRequest(store_id=self.store_id, operation_id=operation.operation_id)
        await FacebookOperationsStub(self.channel).CancelOperation(wish)

    async def items(self, **fields: Any) -> dict[str, Item]:
        """List the items, by name."""
        asked = pb.ListItemsRequest(store_id=self.store_id, page_size=500, **fields)
        return {item.retailer_id: item for item in (await self.catalog.ListItems(asked)).items}

    async def states(self) -> dict[str, str]:
        """Tell where each item stands, also those that are gone."""
        every = [number for number in Item.State.values() if number]
        items = await self.items(states=every)
        return {name: Item.State.Name(item.state).removeprefix("STATE_") for name, item in items.items()}

    async def settle(self, *, minutes: float = 3) -> None:
        """Let the given time pass, or as much as there is work in, doing whatever becomes due on the way."""
        end = self.clock() + timedelta(minutes=minutes)
        while True:
            await self.turn()
            async with self.runtime.db.begin() as tx:
                due = await tx.scalar(select(func.min(tasks.c.due_time)))
            if due is None or due > end:
                break
            self.clock.advance(seconds=max(0.0, (due - self.clock()).total_seconds()) + 0.001)

    def break_calls(self, path: str, kind: str, *, times: int = 1, method: str = "", **action: Any) -> None:
        """Let the next calls to a path go wrong."""
        self.world.faults.order(
            {"match": {"path": path, "method": method}, "times": times, "action": {"kind": kind, **action}}
        )

    def batches(self) -> list[Mapping[str, Any]]:
        """List what was sent in batches, in order."""
        return [call.parameters for call in self.world.records.calls if call.path.endswith("items_batch")]
