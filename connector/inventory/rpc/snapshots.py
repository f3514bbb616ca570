"""The stock of items, as callers see it."""

from connector.errors import InvalidInput
from connector.inventory import actions
from connector.inventory.model.snapshot import Snapshot
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import inventory_pb2
from stormcom.facebook.v1 import inventory_service_pb2 as pb


async def get_inventory(runtime: Runtime, request: pb.GetInventoryRequest) -> pb.GetInventoryResponse:
    """Tell the stock of one item."""
    if not request.retailer_id and not request.product_id:
        raise InvalidInput.of("retailer_id", "FIELD_REQUIRED", "or product_id is required")
    named = {"product_id": request.product_id, "variant_id": request.variant_id}
    if request.retailer_id:
        named = {"retailer_id": request.retailer_id}
    snapshot = await actions.find_snapshot(runtime, request.store_id, request.connection_id, named)
    return pb.GetInventoryResponse(snapshot=_write(snapshot))


async def list_inventory(runtime: Runtime, request: pb.ListInventoryRequest) -> pb.ListInventoryResponse:
    """List the stock of items."""
    size, only = read.page_size(request.page_size), (request.unconfirmed_only, request.failed_only)
    scope = "inventory", request.store_id, request.connection_id, request.product_id, *only
    key = read.page_token(request.page_token, *scope, parts=1)
    found = await actions.list_snapshots(
        runtime,
        request.store_id,
        request.connection_id,
        product_id=request.product_id,
        unconfirmed_only=request.unconfirmed_only,
        failed_only=request.failed_only,
        after=str(key[0]) if key else "",
        limit=size + 1,
    )
    shown = found[:size]
    token = read.write_page_token([shown[-1].retailer_id], *scope) if len(found) > size else ""
    return pb.ListInventoryResponse(snapshots=map(_write, shown), next_page_token=token)


def _write(snapshot: Snapshot) -> inventory_pb2.InventorySnapshot:
    return inventory_pb2.InventorySnapshot(**snapshot.document())
