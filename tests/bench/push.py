"""The catalogue push: this process's CPU per product, ours and that of Meta's own SDK, for the same items into the same sink.

`wire` begins at stored rows, as the database returns them; `mapped` begins at products, which it checks and maps first.
"""

import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from connector.catalog.model.mapping import write_items
from connector.catalog.model.merge import merge
from connector.catalog.model.values import Listing, Product
from connector.catalog.rpc import read_product
from connector.graph.client import Access, GraphClient, open_graph
from connector.registry.graph import items_batch
from connector.registry.model import LARGEST_BATCH, Cargo, Rules, fitting
from connector.values import RetailerId
from connector.vault import Secret
from tests.bench import goods
from tests.bench.measure import Better, Effort, Row, compare, in_turns
from tests.bench.rig import bare

CATALOG_ID = "5000000000000001"
ACCESS = Access(Secret("EAAbenchbenchbenchbench"), Secret("0123456789abcdef0123456789abcdef"), "1")
CREATED_ONE_BY_ONE = 100
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGEST = bytes(32)  # of what the caller said; nothing compares it here

Stored = tuple[RetailerId, str | None, str | None]


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Measure in turns; each turn pushes one batch of the size we send."""
    products = [read_product(product, "products[0]") for product in goods.products(range(LARGEST_BATCH))]
    rows = _stored(products)
    documents = [
        {**orjson.loads(content or ""), **orjson.loads(offer or ""), "id": name} for name, content, offer in rows
    ]
    async with (
        bare(folder, "http") as address,
        open_graph(f"http://{address}", "v26.0", now=lambda: datetime.now(UTC)) as meta,
    ):
        catalog = ProductCatalog(CATALOG_ID, api=FacebookAdsApi(_Session(f"http://{address}")))

        async def wire() -> float:
            begin = time.process_time()
            await _send(meta, rows)
            return _microseconds(begin, len(rows))

        async def mapped() -> float:
            begin = time.process_time()
            await _send(meta, _stored(products))
            return _microseconds(begin, len(products))

        async def sdk_batch() -> float:
            begin = time.process_time()
            requests = [{"method": "UPDATE", "data": document} for document in documents]
            _call(catalog.create_items_batch, {"item_type": "PRODUCT_ITEM", "allow_upsert": True, "requests": requests})
            return _microseconds(begin, len(documents))

        async def sdk_products() -> float:
            begin = time.process_time()
            for document in documents[:CREATED_ONE_BY_ONE]:
                _call(catalog.create_product, {**document, "retailer_id": document["id"]})
            return _microseconds(begin, CREATED_ONE_BY_ONE)

        for warm_up in (wire, mapped, sdk_batch, sdk_products):
            await warm_up()
        on_wire, with_mapping, batch, one_by_one = await in_turns(effort.rounds, wire, mapped, sdk_batch, sdk_products)
    return [
        _row("push: stored rows sent / facebook-business create_items_batch", on_wire, batch, goal=1 / 8),
        _row("push: mapped, checked, sent / facebook-business create_items_batch", with_mapping, batch, goal=1 / 4),
        _row("push: stored rows sent / facebook-business create_product", on_wire, one_by_one, goal=1 / 100),
    ]


async def _send(meta: GraphClient, rows: Sequence[Stored]) -> None:
    cargo = [Cargo(*row) for row in rows]
    fit = cargo[: fitting((one.size_bytes for one in cargo), most_items=LARGEST_BATCH)]
    await meta.send(items_batch(CATALOG_ID, (one.record() for one in fit), allow_upsert=True), ACCESS)


def _stored(products: Sequence[Product]) -> list[Stored]:
    """Check and map products; what would be stored of each item."""
    rows: list[Stored] = []
    for product in products:
        listing = Listing(product.product_id, 1, DIGEST, write_items(product))
        rows += [
            (RetailerId(merged.wish.retailer_id), merged.wish.content, merged.wish.offer)
            for merged in merge(listing, (), Rules(), at=NOON)
        ]
    return rows


class _Session(FacebookSession):  # type: ignore[misc] # the SDK is published without types
    """The SDK's session, pointed at the sink; `GRAPH` is the SDK's own hook for the host."""

    def __init__(self, url: str) -> None:
        super().__init__("1", ACCESS.app_secret.reveal(), ACCESS.token.reveal())
        self.GRAPH = url
        self.requests.trust_env = False


def _call(method: Any, params: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK warns of its own tables
        method(params=params)


def _microseconds(begin: float, count: int) -> float:
    return (time.process_time() - begin) / count * 1e6


def _row(name: str, ours: Sequence[float], theirs: Sequence[float], *, goal: float) -> Row:
    return compare(name, ours, theirs, goal=goal, better=Better.LOWER, unit="µs CPU per product")
