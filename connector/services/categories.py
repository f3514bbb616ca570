"""FacebookCategories: every RPC and the function that answers it."""

from typing import Any

from connector.categories import rpc as categories
from connector.runtime import Runtime
from stormcom.facebook.v1 import category_service_pb2 as category_pb
from stormcom.facebook.v1 import category_service_pb2_grpc as category_grpc


class Categories(category_grpc.FacebookCategoriesServicer):
    """FacebookCategories."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SetCategories(
        self, request: category_pb.SetCategoriesRequest, _: Any
    ) -> category_pb.SetCategoriesResponse:
        return await categories.set_categories(self._runtime, request)

    async def DeleteCategories(
        self, request: category_pb.DeleteCategoriesRequest, _: Any
    ) -> category_pb.DeleteCategoriesResponse:
        return await categories.delete_categories(self._runtime, request)

    async def ListCategories(
        self, request: category_pb.ListCategoriesRequest, _: Any
    ) -> category_pb.ListCategoriesResponse:
        return await categories.list_categories(self._runtime, request)

    async def SearchTaxonomy(
        self, request: category_pb.SearchTaxonomyRequest, _: Any
    ) -> category_pb.SearchTaxonomyResponse:
        return await categories.search_taxonomy(self._runtime, request)

    async def ListProductSets(
        self, request: category_pb.ListProductSetsRequest, _: Any
    ) -> category_pb.ListProductSetsResponse:
        return await categories.list_product_sets(self._runtime, request)
