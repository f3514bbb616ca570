"""Snapshots, as callers say them."""

from connector.catalog import actions
from connector.catalog.db import snapshots
from connector.catalog.rpc.products import read_products, write_result
from connector.catalog.rpc.syncs import write_operation
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb


async def begin_snapshot(runtime: Runtime, request: pb.BeginSnapshotRequest) -> pb.BeginSnapshotResponse:
    """Begin a snapshot."""
    begun = await actions.begin_snapshot(
        runtime, request.store_id, request.connection_id, request_id=request.request_id
    )
    return pb.BeginSnapshotResponse(snapshot_id=str(begun.id), expire_time=write.instant(begun.expire_time))


async def put_snapshot_products(
    runtime: Runtime, request: pb.PutSnapshotProductsRequest
) -> pb.PutSnapshotProductsResponse:
    """Keep a piece of a snapshot."""
    snapshot_id = read.own_id(request.snapshot_id, "snapshot_id", snapshots.missing(request.snapshot_id))
    results = await actions.put_products(runtime, request.store_id, snapshot_id, read_products(request.products))
    return pb.PutSnapshotProductsResponse(results=map(write_result, results))


async def commit_snapshot(runtime: Runtime, request: pb.CommitSnapshotRequest) -> pb.CommitSnapshotResponse:
    """Make a snapshot what is wanted."""
    operation = await actions.commit_snapshot(
        runtime,
        request.store_id,
        read.own_id(request.snapshot_id, "snapshot_id", snapshots.missing(request.snapshot_id)),
        product_count=request.product_count,
        digest=read.required(request.digest, "digest"),
        request_id=request.request_id,
    )
    return pb.CommitSnapshotResponse(operation=write_operation(operation))


async def abandon_snapshot(runtime: Runtime, request: pb.AbandonSnapshotRequest) -> pb.AbandonSnapshotResponse:
    """Throw a snapshot away."""
    snapshot_id = read.own_id(request.snapshot_id, "snapshot_id", snapshots.missing(request.snapshot_id))
    await actions.abandon_snapshot(runtime, request.store_id, snapshot_id)
    return pb.AbandonSnapshotResponse()
