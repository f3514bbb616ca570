"""Products in, as callers say them.

A product's own faults are answered with the product; only what makes the call unreadable (ids, versions, sizes) refuses it whole.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from itertools import count

from connector.catalog import actions
from connector.catalog.actions import Offered
from connector.catalog.model.mapping import MAPPING, write_items
from connector.catalog.model.placing import Placement
from connector.catalog.model.values import Draft, Outcome, Product, ProductStatus, Result, Variant
from connector.catalog.rpc.details import read_details, read_weight
from connector.errors import InvalidInput
from connector.registry.model import stored
from connector.rpc import read
from connector.runtime import Runtime
from connector.values import Money
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1 import item_pb2, money_pb2, product_pb2

_MOST_PRODUCTS, _MOST_VARIANTS, _MOST_CATEGORIES = 500, 100, 50
_CONDITIONS = {
    product_pb2.CONDITION_UNSPECIFIED: "new",
    product_pb2.CONDITION_NEW: "new",
    product_pb2.CONDITION_REFURBISHED: "refurbished",
    product_pb2.CONDITION_USED: "used",
}
_OUTCOMES = {outcome: pb.ProductResult.Outcome.Value(f"OUTCOME_{outcome}") for outcome in Outcome}
_STATUSES = {
    product_pb2.PRODUCT_STATUS_DRAFT: ProductStatus.DRAFT,
    product_pb2.PRODUCT_STATUS_ACTIVE: ProductStatus.ACTIVE,
    product_pb2.PRODUCT_STATUS_ARCHIVED: ProductStatus.ARCHIVED,
    product_pb2.PRODUCT_STATUS_HIDDEN: ProductStatus.HIDDEN,
}


async def upsert_products(runtime: Runtime, request: pb.UpsertProductsRequest) -> pb.UpsertProductsResponse:
    """Store what is wanted of products."""
    offered = read_products(request.products)
    results = await actions.upsert_products(runtime, request.store_id, request.connection_id, offered)
    return pb.UpsertProductsResponse(results=map(write_result, results))


async def delete_products(runtime: Runtime, request: pb.DeleteProductsRequest) -> pb.DeleteProductsResponse:
    """Let go of products."""
    ids = read_product_ids(request.product_ids)
    results = await actions.delete_products(runtime, request.store_id, request.connection_id, ids)
    return pb.DeleteProductsResponse(results=map(write_result, results))


def read_product_ids(product_ids: Sequence[str]) -> list[str]:
    """Read the ids of a call's products."""
    ids = read.entries(product_ids, "product_ids", limit=_MOST_PRODUCTS)
    for place, one in enumerate(ids):
        read.foreign_id(one, f"product_ids[{place}]")
    read.distinct(ids, "product_ids")
    return list(ids)


def read_products(products: Sequence[product_pb2.Product]) -> list[Offered]:
    """Read the products of a call."""
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
    if product.category_ids:
        _check_categories(product.category_ids, f"{path}.category_ids")
    version, product.source_version = product.source_version, 0  # what is the same under a new version is the same
    said = product.SerializeToString(deterministic=True)
    product.source_version = version
    digest = hashlib.sha256(MAPPING + said).digest()
    return Offered(
        product.product_id, tuple(variant_ids) or ("",), version, digest, partial(_write_drafts, product, path)
    )


def _check_categories(category_ids: Sequence[str], path: str) -> None:
    for place, one in enumerate(read.entries(category_ids, path, limit=_MOST_CATEGORIES)):
        read.foreign_id(one, f"{path}[{place}]")
    read.distinct(category_ids, path)


def _write_drafts(product: product_pb2.Product, path: str, currency_code: str) -> tuple[Draft, ...]:
    drafts = write_items(read_product(product, path), currency_code=currency_code)
    if not product.category_ids:
        return drafts
    placement = read_placement(product)
    return tuple(draft._replace(placement=placement) for draft in drafts)


def read_placement(product: product_pb2.Product) -> Placement:
    """Read which categories a product is in, and what it says of them itself."""
    said = {
        "product_type": product.categories,
        "google_product_category": product.google_product_category,
        "fb_product_category": product.fb_product_category,
    }
    return Placement(tuple(product.category_ids), tuple(name for name, value in said.items() if value))


def read_product(product: product_pb2.Product, path: str) -> Product:
    """Read a product that stands at `path` of the request.

    The values are given in the order of their class: naming them would take as long as reading them.
    """
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
        _CONDITIONS.get(product.condition, ""),
        tuple(product.categories[:]),
        product.google_product_category,
        product.fb_product_category,
        product.discontinued,
        product.gender,
        product.age_group,
        tuple(map(_read_variant, count(), product.variants)) if product.variants else (_read_only_form(product),),
        tuple(product.category_ids[:]),
        read_details(product),
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
        variant.sku,
        read_weight(variant.shipping_weight) if variant.HasField("shipping_weight") else None,
        variant.previous_id,
    )


def _read_only_form(product: product_pb2.Product) -> Variant:
    """Read a product without variants as its own only form; price, images, link and weight are the product's."""
    track, quantity, sku, previous_id = product.track_inventory, product.quantity, product.sku, product.previous_id
    own = product.options, None, None, (), product.gtin, product.mpn, "", track, quantity, sku, None, previous_id
    return Variant("", "", *own)


def _read_money(amount: money_pb2.Money) -> Money:
    return Money(amount.currency_code, amount.minor_units)


def write_result(result: Result) -> pb.ProductResult:
    """Tell what became of a product."""
    faults = [item_pb2.ItemFault(**fault) for fault in stored(result.faults)] if result.faults else None
    outcome = _OUTCOMES[result.outcome]
    return pb.ProductResult(
        product_id=result.product_id, outcome=outcome, retailer_ids=result.retailer_ids, faults=faults
    )
