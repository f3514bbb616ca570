"""A store's category tree over gRPC, and the product sets Meta has of it."""

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from simulator.state import ProductCatalog, ProductSet
from stormcom.facebook.v1 import category_pb2
from stormcom.facebook.v1 import category_service_pb2 as pb
from stormcom.facebook.v1.category_service_pb2_grpc import FacebookCategoriesStub
from tests.integration.catalog.shop import Shop

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.category_service_pb2_grpc import FacebookCategoriesAsyncStub

_VERSIONS = count(1)


def category(category_id: str, parent_id: str = "", **changes: Any) -> category_pb2.Category:
    """Make a category that nobody refuses, newer than every one before."""
    fields: dict[str, Any] = {"name": category_id.title(), "source_version": next(_VERSIONS)}
    return category_pb2.Category(category_id=category_id, parent_id=parent_id, **fields | changes)


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree of one store, as its caller and as Meta see it."""

    shop: Shop

    @property
    def stub(self) -> "FacebookCategoriesAsyncStub":
        """The service."""
        return FacebookCategoriesStub(self.shop.channel)

    async def set(self, *categories: category_pb2.Category, allow_live: bool = False) -> list[pb.CategoryResult]:
        """Set categories."""
        named: dict[str, Any] = {"store_id": self.shop.store_id, "allow_live_product_set_deletion": allow_live}
        answer = await self.stub.SetCategories(pb.SetCategoriesRequest(**named, categories=categories))
        return list(answer.results)

    async def delete(self, *category_ids: str, allow_live: bool = False) -> list[str]:
        """Delete categories; tells the outcomes."""
        named: dict[str, Any] = {"store_id": self.shop.store_id, "allow_live_product_set_deletion": allow_live}
        answer = await self.stub.DeleteCategories(pb.DeleteCategoriesRequest(**named, category_ids=category_ids))
        return outcomes(list(answer.results))

    async def list(self, **fields: Any) -> dict[str, category_pb2.PlacedCategory]:
        """List the categories by id."""
        asked = pb.ListCategoriesRequest(store_id=self.shop.store_id, page_size=500, **fields)
        return {one.category.category_id: one for one in (await self.stub.ListCategories(asked)).categories}

    async def count(self) -> int:
        """Count the categories, page by page."""
        found, asked = 0, pb.ListCategoriesRequest(store_id=self.shop.store_id, page_size=500)
        while True:
            page = await self.stub.ListCategories(asked)
            found, asked.page_token = found + len(page.categories), page.next_page_token
            if not asked.page_token:
                return found

    async def sleep_a_day(self) -> None:
        """Let a day and an hour pass at once, and do what became due meanwhile."""
        self.shop.clock.advance(hours=25)
        await self.shop.settle()

    async def sets(self, **fields: Any) -> dict[str, category_pb2.ProductSet]:
        """List the product sets by category."""
        asked = pb.ListProductSetsRequest(store_id=self.shop.store_id, page_size=500, **fields)
        return {one.category_id: one for one in (await self.stub.ListProductSets(asked)).product_sets}

    async def states(self) -> dict[str, str]:
        """Tell where each set stands."""
        names = category_pb2.ProductSet.State
        return {one: names.Name(found.state).removeprefix("STATE_") for one, found in (await self.sets()).items()}

    @property
    def at_meta(self) -> dict[str, ProductSet]:
        """The sets Meta has, by name."""
        catalog = list(self.shop.world.all(ProductCatalog))[self.shop.seeded]
        return {one.name: one for one in catalog.sets.values()}

    def calls(self, method: str, path: str) -> int:
        """Count the calls Meta got."""
        made = self.shop.world.records.calls
        return sum(call.method == method and call.path.endswith(path) for call in made)


def outcomes(results: list[pb.CategoryResult]) -> list[str]:
    """Name the outcomes."""
    return [pb.CategoryResult.Outcome.Name(one.outcome).removeprefix("OUTCOME_") for one in results]
