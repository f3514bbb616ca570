"""Products in, items out, as callers say them.

A product's own faults are answered with the product; only what makes the call unreadable (ids, versions, sizes) refuses it whole.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from connector.catalog import actions
from connector.catalog.actions import Offered
from connector.catalog.db import snapshots
from connector.catalog.db.listing import Item
from connector.catalog.model.mapping import MAPPING, write_items
from connector.catalog.model.values import Draft, Product, ProductStatus, Result, Variant
from connector.connections.rpc import write_connection
from connector.errors import InvalidInput
from connector.operations import db as operations
from connector.operations.model import Operation
from connector.registry.model import State, item_group_id, stored, whole_hash
from connector.rpc import read, write
from connector.runtime import Runtime
from connector.values import Money
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1 import connection_pb2, connector_service_pb2, item_pb2, money_pb2, operation_pb2, product_pb2

_MOST_PRODUCTS, _MOST_VARIANTS, _MOST_ITEMS = 500, 100, 1_000
_CONDITIONS = {product_pb2.CONDITION_REFURBISHED: "refurbished", product_pb2.CONDITION_USED: "used"}
_STATUSES = {
    product_pb2.PRODUCT_STATUS_DRAFT: ProductStatus.DRAFT,
    product_pb2.PRODUCT_STATUS_ACTIVE: ProductStatus.ACTIVE,
    product_pb2.PRODUCT_STATUS_ARCHIVED: ProductStatus.ARCHIVED,
}


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


async def upsert_products(runtime: Runtime, request: pb.UpsertProductsRequest) -> pb.UpsertProductsResponse:
    """Store what is wanted of products."""
    offered = _read_products(request.products)
    results = await actions.upsert_products(runtime, request.store_id, request.connection_id, offered)
    return pb.UpsertProductsResponse(results=map(_write_result, results))


async def delete_products(runtime: Runtime, request: pb.DeleteProductsRequest) -> pb.DeleteProductsResponse:
    """Let go of products."""
    ids = read.entries(request.product_ids, "product_ids", limit=_MOST_PRODUCTS)
    for place, one in enumerate(ids):
        read.foreign_id(one, f"product_ids[{place}]")
    read.distinct(ids, "product_ids")
    results = await actions.delete_products(runtime, request.store_id, request.connection_id, list(ids))
    return pb.DeleteProductsResponse(results=map(_write_result, results))


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
    results = await actions.put_products(runtime, request.store_id, snapshot_id, _read_products(request.products))
    return pb.PutSnapshotProductsResponse(results=map(_write_result, results))


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
    return pb.CommitSnapshotResponse(operation=_write_operation(operation))


async def abandon_snapshot(runtime: Runtime, request: pb.AbandonSnapshotRequest) -> pb.AbandonSnapshotResponse:
    """Throw a snapshot away."""
    snapshot_id = read.own_id(request.snapshot_id, "snapshot_id", snapshots.missing(request.snapshot_id))
    await actions.abandon_snapshot(runtime, request.store_id, snapshot_id)
    return pb.AbandonSnapshotResponse()


async def confirm_change(runtime: Runtime, request: pb.ConfirmChangeRequest) -> pb.ConfirmChangeResponse:
    """Let a held-back plan go on."""
    operation_id = read.own_id(request.operation_id, "operation_id", operations.missing(request.operation_id))
    operation = await actions.confirm_change(
        runtime, request.store_id, operation_id, removal_count=request.removal_count
    )
    return pb.ConfirmChangeResponse(operation=_write_operation(operation))


async def get_item(runtime: Runtime, request: pb.GetItemRequest) -> pb.GetItemResponse:
    """Tell one item."""
    if not request.retailer_id and not request.product_id:
        raise InvalidInput.of("retailer_id", "FIELD_REQUIRED", "or product_id is required")
    named = {"product_id": request.product_id, "variant_id": request.variant_id}
    if request.retailer_id:
        named = {"retailer_id": request.retailer_id}
    item = await actions.find_item(runtime, request.store_id, request.connection_id, named)
    return pb.GetItemResponse(item=_write_item(item))


async def list_items(runtime: Runtime, request: pb.ListItemsRequest) -> pb.ListItemsResponse:
    """List items."""
    size, states = read.page_size(request.page_size), [_read_state(state) for state in request.states]
    scope = "items", request.store_id, request.connection_id, sorted(states), request.product_id, request.reason
    key = read.page_token(request.page_token, *scope, parts=1)
    found = await actions.list_items(
        runtime,
        request.store_id,
        request.connection_id,
        after=str(key[0]) if key else "",
        limit=size + 1,
        states=states,
        product_id=request.product_id,
        reason=request.reason,
    )
    shown = found[:size]
    token = read.write_page_token([shown[-1].retailer_id], *scope) if len(found) > size else ""
    return pb.ListItemsResponse(items=map(_write_item, shown), next_page_token=token)


async def retry_items(runtime: Runtime, request: pb.RetryItemsRequest) -> pb.RetryItemsResponse:
    """Send refused items again."""
    if len(request.retailer_ids) > _MOST_ITEMS:
        read.entries(request.retailer_ids, "retailer_ids", limit=_MOST_ITEMS)
    read.distinct(request.retailer_ids, "retailer_ids")
    operation, skipped = await actions.retry_items(
        runtime, request.store_id, request.connection_id, request.retailer_ids, request_id=request.request_id
    )
    return pb.RetryItemsResponse(operation=_write_operation(operation), skipped_count=skipped)


async def sync_catalog(
    runtime: Runtime, request: connector_service_pb2.SyncCatalogRequest
) -> connector_service_pb2.SyncCatalogResponse:
    """Bring the catalog up to date."""
    modes = connector_service_pb2.SyncCatalogRequest
    if request.mode not in {modes.MODE_UNSPECIFIED, modes.MODE_DELTA, modes.MODE_FULL}:
        raise InvalidInput.of("mode", "FIELD_INVALID", "must be DELTA or FULL")
    operation, plan = await actions.sync_catalog(
        runtime,
        request.store_id,
        request.connection_id,
        full=request.mode == modes.MODE_FULL,
        dry_run=request.dry_run,
        request_id=request.request_id,
    )
    return connector_service_pb2.SyncCatalogResponse(
        operation=_write_operation(operation) if operation else None,
        send_count=plan.send_count,
        removal_count=plan.removal_count,
        rejected_count=plan.rejected_count,
        unchanged_count=plan.unchanged_count,
    )


def _read_products(products: Sequence[product_pb2.Product]) -> list[Offered]:
    read.entries(products, "products", limit=_MOST_PRODUCTS)
    offered = [_read_offered(product, f"products[{place}]") for place, product in enumerate(products)]
    read.distinct((one.product_id for one in offered), "products")
    return offered


def _read_offered(product: product_pb2.Product, path: str) -> Offered:
    """Read as much of a product as telling a change takes: the rest is read when there is one."""
    read.foreign_id(product.product_id, f"{path}.product_id")
    if product.source_version < 1:
        raise InvalidInput.of(f"{path}.source_version", "FIELD_REQUIRED", "is required, at least 1")
    if len(product.variants) > _MOST_VARIANTS:
        read.entries(product.variants, f"{path}.variants", limit=_MOST_VARIANTS)
    variant_ids = [variant.variant_id for variant in product.variants]
    for place, one in enumerate(variant_ids):
        read.foreign_id(one, f"{path}.variants[{place}].variant_id")
    read.distinct(variant_ids, f"{path}.variants")
    version, product.source_version = product.source_version, 0  # what is the same under a new version is the same
    said = product.SerializeToString(deterministic=True)
    product.source_version = version
    digest = hashlib.sha256(MAPPING + said).digest()
    return Offered(
        product.product_id, tuple(variant_ids) or ("",), version, digest, partial(_write_drafts, product, path)
    )


def _write_drafts(product: product_pb2.Product, path: str, currency_code: str) -> tuple[Draft, ...]:
    return write_items(read_product(product, path), currency_code=currency_code)


def read_product(product: product_pb2.Product, path: str) -> Product:
    """Read a product that stands at `path` of the request.

    The values are given in the order of their class: naming them would take as long as reading them.
    """
    grouped = bool(product.variants)
    return Product(
        product.product_id,
        _STATUSES.get(product.status, ProductStatus.UNSPECIFIED),
        product.title,
        product.description,
        product.link,
        tuple(product.image_links[:]),  # cut first: that copies at once what a loop fetches one by one
        product.brand,
        _read_money(product.price) if product.HasField("price") else None,
        _read_money(product.compare_at_price) if product.HasField("compare_at_price") else None,
        read.instant(product.sale_start_time, f"{path}.sale_start_time")
        if product.HasField("sale_start_time")
        else None,
        read.instant(product.sale_end_time, f"{path}.sale_end_time") if product.HasField("sale_end_time") else None,
        _CONDITIONS.get(product.condition, "new"),
        tuple(product.categories[:]),
        product.google_product_category,
        product.fb_product_category,
        product.discontinued,
        product.gender,
        product.age_group,
        grouped,
        tuple(map(_read_variant, count(), product.variants)) if grouped else (_read_only_form(product),),
    )


def _read_variant(place: int, variant: product_pb2.Variant) -> Variant:
    return Variant(
        variant.variant_id,
        f"variants[{place}].",
        variant.options,
        _read_money(variant.price) if variant.HasField("price") else None,
        _read_money(variant.compare_at_price) if variant.HasField("compare_at_price") else None,
        tuple(variant.image_links[:]),
        variant.gtin,
        variant.mpn,
        variant.link,
        variant.track_inventory,
        variant.quantity,
    )


def _read_only_form(product: product_pb2.Product) -> Variant:
    """Read a product without variants as its own only form; price, images and link are the product's."""
    options, gtin, mpn = product.options, product.gtin, product.mpn
    return Variant("", "", options, None, None, (), gtin, mpn, "", product.track_inventory, product.quantity)


def _read_money(amount: money_pb2.Money) -> Money:
    return Money(amount.currency_code, amount.minor_units)


_STATES = {state: getattr(item_pb2.Item, f"STATE_{state}") for state in State}
_NAMES = {number: state for state, number in _STATES.items()}


def _read_state(number: int) -> str:
    if number not in _NAMES:
        raise InvalidInput.of("states", "FIELD_INVALID", f"must be of {', '.join(State)}")
    return _NAMES[number]


def _write_result(result: Result) -> pb.ProductResult:
    outcome = getattr(pb.ProductResult, f"OUTCOME_{result.outcome}")
    return pb.ProductResult(
        product_id=result.product_id,
        outcome=outcome,
        retailer_ids=result.retailer_ids,
        faults=[item_pb2.ItemFault(**fault) for fault in stored(result.faults)],
    )


def _write_item(item: Item) -> item_pb2.Item:
    faults: list[Mapping[str, Any]] = [*item.faults, *item.meta_faults]
    return item_pb2.Item(
        retailer_id=item.retailer_id,
        product_id=item.product_id,
        variant_id=item.variant_id,
        item_group_id=item_group_id(item.product_id) if item.variant_id else "",
        state=_STATES[State(item.state)],
        title=item.title,
        desired_hash=whole_hash(item.content_hash, item.offer_hash),
        sent_hash=whole_hash(item.sent_content, item.sent_offer),
        confirmed_hash=whole_hash(item.confirmed_content, item.confirmed_offer),
        faults=[item_pb2.ItemFault(**fault) for fault in faults],
        desire_time=write.instant(item.desire_time),
        send_time=write.instant(item.send_time),
        confirm_time=write.instant(item.confirm_time),
    )


def _write_operation(operation: Operation) -> operation_pb2.Operation:
    return operation_pb2.Operation(**operation.document())
