"""A connected store whose catalog another tool has filled."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import orjson
import pytest

from connector.db.outbox import Task, tasks
from connector.runtime import Runtime
from simulator.batches import write_item
from simulator.state import ProductCatalog
from simulator.world import World
from stormcom.facebook.v1 import adoption_service_pb2 as pb
from stormcom.facebook.v1.adoption_pb2 import AdoptionPlan, ScannedItem
from stormcom.facebook.v1.adoption_service_pb2_grpc import FacebookAdoptionStub
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, Turn
from tests.integration.conftest import Clock

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.adoption_service_pb2_grpc import FacebookAdoptionAsyncStub

Row = tuple[str, str, str, str]


@dataclass(slots=True)
class Takeover(Shop):
    """A store that takes over a catalog."""

    @property
    def adoption(self) -> "FacebookAdoptionAsyncStub":
        """The adoption service."""
        return FacebookAdoptionStub(self.channel)

    def seed(self, retailer_id: str, **fields: Any) -> None:
        """Put an item into the catalog as another tool would."""
        usual = {
            "title": f"Theirs {retailer_id}", "description": "Another tool's words.", "availability": "in stock",
            "condition": "new", "price": "5.00 BDT", "link": f"https://other.example/{retailer_id}",
            "image_link": "https://other.example/image.jpg", "brand": "Other",
        }  # fmt: skip
        [catalog] = self.world.all(ProductCatalog)
        write_item(self.world, catalog, retailer_id, usual | fields)

    def writes(self) -> dict[str, int]:
        """Tell how often each item of the catalog was written."""
        [catalog] = self.world.all(ProductCatalog)
        return {name: item.writes for name, item in catalog.items.items()}

    async def rest(self) -> None:
        """Let nothing of what waits be sent for now, as before the go."""
        async with self.runtime.db.begin() as tx:
            await tx.execute(tasks.delete().where(tasks.c.name == Task.SEND_ITEMS))

    async def scan(self) -> Operation:
        """Scan the catalog to the end."""
        began = (await self.adoption.ScanCatalog(pb.ScanCatalogRequest(store_id=self.store_id))).operation
        await self.settle(minutes=1)
        return await self.operation(began)

    async def found(self, **fields: Any) -> dict[str, ScannedItem]:
        """List what the scan found."""
        asked = pb.ListScannedItemsRequest(store_id=self.store_id, page_size=500, **fields)
        return {item.retailer_id: item for item in (await self.adoption.ListScannedItems(asked)).items}

    async def rows(self) -> set[Row]:
        """Tell what was found in short: id, rule, our item, plan."""
        return {
            (
                name,
                ScannedItem.Rule.Name(item.rule).removeprefix("RULE_"),
                item.own_retailer_id,
                AdoptionPlan.Name(item.plan).removeprefix("ADOPTION_PLAN_"),
            )
            for name, item in (await self.found()).items()
        }

    async def decide(self, *decisions: pb.AdoptionDecision) -> list[ScannedItem]:
        """Decide about scanned items."""
        wish = pb.PlanAdoptionRequest(store_id=self.store_id, decisions=decisions)
        return list((await self.adoption.PlanAdoption(wish)).items)

    async def apply(self, **fields: Any) -> pb.ApplyAdoptionResponse:
        """Begin to do what is planned."""
        return await self.adoption.ApplyAdoption(pb.ApplyAdoptionRequest(store_id=self.store_id, **fields))

    async def applied(self) -> Operation:
        """Do what is planned, to the end."""
        began = await self.apply()
        await self.settle(minutes=2)
        return await self.operation(began.operation)

    def titles(self) -> dict[str, str]:
        """Tell what stands in the catalog, by title."""
        [catalog] = self.world.all(ProductCatalog)
        return {name: orjson.loads(item.data)["title"] for name, item in catalog.items.items()}


@pytest.fixture
def shop(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel, world: World, clock: Clock, turn: Turn, runtime: Runtime, connected: str
) -> Takeover:
    """The store of `connected`, at work."""
    return Takeover(channel, world, clock, turn, runtime)
