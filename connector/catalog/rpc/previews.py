"""What a sync would do, as callers are told."""

from collections.abc import AsyncIterator

from connector.catalog import actions
from connector.catalog.actions import Counts, Wish
from connector.catalog.db import snapshots
from connector.catalog.db.previews import Previewed
from connector.catalog.rpc.syncs import read_scope
from connector.errors import InvalidInput
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1 import item_pb2

_SCOPES = {
    pb.PREVIEW_MODE_UNSPECIFIED: "delta",
    pb.PREVIEW_MODE_DELTA: "delta",
    pb.PREVIEW_MODE_FULL: "full",
    pb.PREVIEW_MODE_ITEMS: "items",
}


async def preview_sync(runtime: Runtime, request: pb.PreviewSyncRequest) -> AsyncIterator[pb.PreviewSyncResponse]:
    """Tell the counts, then the items."""
    told = actions.preview(
        runtime, request.store_id, request.connection_id, _read_wish(request), counts_only=request.counts_only
    )
    async for some in told:
        if isinstance(some, Counts):
            yield pb.PreviewSyncResponse(counts=_write_counts(some))
        else:
            yield pb.PreviewSyncResponse(items=map(_write_item, some))


def _read_wish(request: pb.PreviewSyncRequest) -> Wish:
    scope, product_ids = read_scope(_SCOPES.get(request.mode), request.product_ids)
    if not request.snapshot_id:
        return Wish(scope, product_ids, None)
    if request.mode:
        raise InvalidInput.of("mode", "FIELD_INVALID", "must not be given with snapshot_id")
    missing = snapshots.missing(request.snapshot_id)
    return Wish(scope, product_ids, read.own_id(request.snapshot_id, "snapshot_id", missing))


def _write_counts(counts: Counts) -> pb.PreviewCounts:
    return pb.PreviewCounts(
        create_count=counts.create,
        change_count=counts.change,
        removal_count=counts.removal,
        rejected_count=counts.rejected,
        unchanged_count=counts.unchanged,
        needs_confirmation=counts.needs_confirmation,
    )


def _write_item(item: Previewed) -> pb.PreviewedItem:
    return pb.PreviewedItem(
        retailer_id=item.retailer_id,
        product_id=item.product_id,
        variant_id=item.variant_id,
        change=getattr(pb.PreviewedItem, f"CHANGE_{item.change}"),
        title=item.title,
        faults=[item_pb2.ItemFault(**fault) for fault in item.faults],
    )
