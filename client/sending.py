"""Sends a catalogue: batches that fit a call, one tally of what became of every product."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from client.call import Caller
from client.catalogues.ids import SeenIds
from client.catalogues.terms import Listed, Problem
from client.output import word
from stormcom.facebook.v1.catalog_service_pb2 import (
    AbandonSnapshotRequest,
    BeginSnapshotRequest,
    CommitSnapshotRequest,
    ProductResult,
    PutSnapshotProductsRequest,
    UpsertProductsRequest,
)
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.product_pb2 import Product

# The contract's limit for one call, and a size that stays below gRPC's usual message limit of 4 MiB.
BATCH_COUNT = 500
BATCH_BYTES = 3 * 1024 * 1024

OnResult = Callable[[ProductResult], object]
OnProblem = Callable[[Problem], object]


class SnapshotRefused(Exception):
    """A snapshot was not committed, for it would have removed what could not be read."""


@dataclass(slots=True)
class Tally:
    """How many products became what, and how many could not be read."""

    outcomes: dict[str, int] = field(default_factory=dict)
    item_count: int = 0
    problem_count: int = 0

    @property
    def product_count(self) -> int:
        """Return how many products the connector answered."""
        return sum(self.outcomes.values())

    @property
    def clean(self) -> bool:
        """Tell whether everything in the file is stored as it stands there, or stood there already."""
        return not self.problem_count and not self.outcomes.keys() - {"ACCEPTED", "UNCHANGED"}

    def __str__(self) -> str:
        """Tell it in one line."""
        parts = [f"{count} {outcome.lower()}" for outcome, count in sorted(self.outcomes.items())]
        parts += [f"{self.problem_count} not readable"] if self.problem_count else []
        return f"{self.product_count} products ({self.item_count} items): {', '.join(parts) or 'nothing'}"


def make_batches(products: Iterable[Product]) -> Iterator[list[Product]]:
    """Cut products into batches within both limits; a product that alone exceeds the size goes alone."""
    batch: list[Product] = []
    size_bytes = 0
    for product in products:
        weight = product.ByteSize()
        if batch and (len(batch) == BATCH_COUNT or size_bytes + weight > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(product)
        size_bytes += weight
    if batch:
        yield batch


def upsert(
    caller: Caller,
    entries: Iterable[Listed | Problem],
    *,
    connection_id: str,
    on_result: OnResult,
    on_problem: OnProblem,
) -> Tally:
    """Hand in what a file lists, and tell every answer and every problem as it comes."""
    tally = Tally()
    for batch in make_batches(_products(entries, tally, on_problem)):
        request = UpsertProductsRequest(connection_id=connection_id, products=batch)
        _count(caller.call(caller.catalog.UpsertProducts, request).results, tally, on_result)
    return tally


def replace(
    caller: Caller,
    entries: Iterable[Listed | Problem],
    *,
    connection_id: str,
    on_result: OnResult,
    on_problem: OnProblem,
) -> tuple[Tally, Operation]:
    """Make the catalog what a file lists, and nothing else: begin, put and commit a snapshot.

    Raises:
        SnapshotRefused: something could not be read. The snapshot is thrown away; nothing changed.

    """
    tally, ids = Tally(), SeenIds()
    snapshot_id = caller.call(
        caller.catalog.BeginSnapshot, BeginSnapshotRequest(connection_id=connection_id)
    ).snapshot_id
    try:
        for batch in make_batches(_products(entries, tally, on_problem)):
            request = PutSnapshotProductsRequest(snapshot_id=snapshot_id, products=batch)
            _count(caller.call(caller.catalog.PutSnapshotProducts, request).results, tally, on_result)
            for product in batch:
                ids.add(product.product_id)
        if tally.problem_count:
            caller.call(caller.catalog.AbandonSnapshot, AbandonSnapshotRequest(snapshot_id=snapshot_id))
            raise SnapshotRefused(
                f"{tally.problem_count} entries could not be read, and a snapshot would remove them from the catalog."
                " Mend the file, or import it without --snapshot."
            )
        commit = CommitSnapshotRequest(snapshot_id=snapshot_id, product_count=len(ids), digest=ids.digest())
        return tally, caller.call(caller.catalog.CommitSnapshot, commit).operation
    finally:
        ids.close()


def _products(entries: Iterable[Listed | Problem], tally: Tally, on_problem: OnProblem) -> Iterator[Product]:
    for entry in entries:
        if isinstance(entry, Problem):
            tally.problem_count += 1
            on_problem(entry)
        else:
            yield entry.product


def _count(results: Iterable[ProductResult], tally: Tally, on_result: OnResult) -> None:
    for result in results:
        outcome = word(result, "outcome")
        tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
        tally.item_count += len(result.retailer_ids)
        on_result(result)
