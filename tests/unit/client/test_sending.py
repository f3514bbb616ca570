"""Sending a catalogue: batches, tallies, snapshots."""

import hashlib
from typing import Any

import pytest

from client.call import Caller
from client.catalogues.terms import Listed, Problem
from client.sending import BATCH_BYTES, SnapshotRefused, make_batches, replace, upsert
from stormcom.facebook.v1.catalog_service_pb2 import (
    AbandonSnapshotRequest,
    AbandonSnapshotResponse,
    BeginSnapshotResponse,
    CommitSnapshotRequest,
    CommitSnapshotResponse,
    ProductResult,
    PutSnapshotProductsRequest,
    PutSnapshotProductsResponse,
    UpsertProductsRequest,
    UpsertProductsResponse,
)
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.product_pb2 import Product

Connector = Any


def products(count: int) -> list[Listed | Problem]:
    """Return that many products, as a reader lists them; the order of ids is not that of bytes."""
    return [Listed(f"line {number}", Product(product_id=f"p{count - number}")) for number in range(count)]


def accept(request: Any) -> list[ProductResult]:
    """Accept everything."""
    outcome = ProductResult.OUTCOME_ACCEPTED
    return [
        ProductResult(product_id=product.product_id, outcome=outcome, retailer_ids=[product.product_id])
        for product in request.products
    ]


@pytest.fixture
def snapshots(connector: Connector) -> Connector:
    """Let the scripted connector take snapshots."""
    connector.on("BeginSnapshot", BeginSnapshotResponse(snapshot_id="snap"))
    connector.on("PutSnapshotProducts", lambda request: PutSnapshotProductsResponse(results=accept(request)))
    connector.on("CommitSnapshot", CommitSnapshotResponse(operation=Operation(operation_id="op")))
    connector.on("AbandonSnapshot", AbandonSnapshotResponse())
    return connector


def test_batches_hold_at_most_500() -> None:
    """The contract's limit is used in full and never exceeded, and the order stays."""
    batches = list(make_batches(entry.product for entry in products(1_201) if isinstance(entry, Listed)))
    assert [500, 500, 201] == [len(batch) for batch in batches]
    assert [f"p{1_201 - number}" for number in range(1_201)] == [p.product_id for batch in batches for p in batch]


def test_batches_fit_a_message() -> None:
    """Long descriptions make smaller batches; one that is too long alone goes alone, for the connector to judge."""
    sizes = [BATCH_BYTES // 2, BATCH_BYTES // 2, BATCH_BYTES // 2, BATCH_BYTES * 2, 10]
    batches = list(make_batches(Product(product_id=str(i), description="x" * size) for i, size in enumerate(sizes)))
    assert [1, 1, 1, 1, 1] == [len(batch) for batch in batches]
    assert [3] == [len(batch) for batch in make_batches([Product(description="x" * 1000)] * 3)]


def test_everything_is_counted(connector: Connector, caller: Caller) -> None:
    """Every answer and every problem is told and counted, and refused products make the whole unclean."""
    connector.on(
        "UpsertProducts",
        lambda request: UpsertProductsResponse(
            results=[*accept(request)[:-1], ProductResult(outcome=ProductResult.OUTCOME_REJECTED)]
        ),
    )
    told: list[object] = []
    entries = [*products(501), Problem("line 502", "price", "it is none")]
    tally = upsert(caller, entries, connection_id="c", on_result=told.append, on_problem=told.append)
    assert "501 products (499 items): 499 accepted, 2 rejected, 1 not readable" == str(tally)
    assert (502, False) == (len(told), tally.clean)
    assert ["c", "c"] == [request.connection_id for request in connector.asked_for(UpsertProductsRequest)]


def test_a_snapshot_is_committed_with_count_and_digest(snapshots: Connector, caller: Caller) -> None:
    """What is committed is exactly what was put."""
    tally, operation = replace(caller, products(700), connection_id="", on_result=lambda _: 0, on_problem=lambda _: 0)
    commit = snapshots.asked_for(CommitSnapshotRequest)[0]
    put = [p.product_id for request in snapshots.asked_for(PutSnapshotProductsRequest) for p in request.products]
    digest = hashlib.sha256("".join(f"{name}\n" for name in sorted(put)).encode()).hexdigest()
    assert (700, digest, "snap") == (commit.product_count, commit.digest, commit.snapshot_id)
    assert ("op", True) == (operation.operation_id, tally.clean)


def test_a_snapshot_with_a_problem_is_thrown_away(snapshots: Connector, caller: Caller) -> None:
    """What could not be read would be removed from the catalog: nothing is committed."""
    entries = [*products(3), Problem("line 9", "price", "it is none")]
    with pytest.raises(SnapshotRefused, match="1 entries could not be read"):
        replace(caller, entries, connection_id="", on_result=lambda _: 0, on_problem=lambda _: 0)
    assert [] == snapshots.asked_for(CommitSnapshotRequest)
    assert ["snap"] == [request.snapshot_id for request in snapshots.asked_for(AbandonSnapshotRequest)]
