"""Catalogs, as callers say them."""

from connector.catalog import actions
from connector.connections.rpc import write_connection
from connector.errors import InvalidInput
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1 import connection_pb2


async def create_catalog(runtime: Runtime, request: pb.CreateCatalogRequest) -> pb.CreateCatalogResponse:
    """Create a catalog at Meta and attach it."""
    catalog = await actions.create_catalog(
        runtime,
        request.store_id,
        request.connection_id,
        business_id=read.required(request.business_id, "business_id", limit=64),
        name=read.required(request.name, "name", limit=100),
    )
    return pb.CreateCatalogResponse(catalog=connection_pb2.Catalog(**catalog.document()))


async def list_catalogs(runtime: Runtime, request: pb.ListCatalogsRequest) -> pb.ListCatalogsResponse:
    """List the catalogs within reach."""
    size, scope = read.page_size(request.page_size), ("catalogs", request.store_id, request.connection_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    start = key[0] if key else 0
    if not isinstance(start, int) or start < 0:
        raise InvalidInput.of("page_token", "PAGE_TOKEN_INVALID", "is not one of ours: begin again without it")
    found = await actions.list_catalogs(runtime, request.store_id, request.connection_id)
    shown, end = found[start : start + size], start + size
    token = read.write_page_token([end], *scope) if end < len(found) else ""
    catalogs = [connection_pb2.Catalog(**one.document()) for one in shown]
    return pb.ListCatalogsResponse(catalogs=catalogs, next_page_token=token)


async def attach_catalog(runtime: Runtime, request: pb.AttachCatalogRequest) -> pb.AttachCatalogResponse:
    """Attach an existing catalog."""
    catalog_id = read.required(request.catalog_id, "catalog_id", limit=64)
    connection = await actions.attach_catalog(runtime, request.store_id, request.connection_id, catalog_id=catalog_id)
    return pb.AttachCatalogResponse(connection=write_connection(connection))
