"""Categories in, what they come to and their product sets out, as callers say them.

A category's own faults are answered with the category; only what makes the call unreadable refuses it whole.
"""

from collections.abc import Mapping
from datetime import datetime

from connector.categories import actions
from connector.categories.model.sets import ProductSet
from connector.categories.model.tree import Category, Mapped, Resolved, Result, spell
from connector.errors import InvalidInput
from connector.registry.model import stored
from connector.rpc import read, write
from connector.runtime import Runtime
from connector.taxonomy import LONGEST, Kind, Taxonomy
from stormcom.facebook.v1 import category_pb2, item_pb2
from stormcom.facebook.v1 import category_service_pb2 as pb

_MOST, _MOST_ENTRIES, _USUAL_ENTRIES = 500, 50, 10
_KINDS = {
    category_pb2.TAXONOMY_KIND_UNSPECIFIED: Kind.GOOGLE,
    category_pb2.TAXONOMY_KIND_GOOGLE: Kind.GOOGLE,
    category_pb2.TAXONOMY_KIND_META: Kind.META,
}


async def set_categories(runtime: Runtime, request: pb.SetCategoriesRequest) -> pb.SetCategoriesResponse:
    """Store categories."""
    read.entries(request.categories, "categories", limit=_MOST)
    wanted = [_read_category(one, f"categories[{place}]") for place, one in enumerate(request.categories)]
    read.distinct((one.category_id for one in wanted), "categories")
    allow_live = request.allow_live_product_set_deletion
    results = await actions.set_categories(
        runtime, request.store_id, request.connection_id, wanted, allow_live=allow_live
    )
    return pb.SetCategoriesResponse(
        results=[_write_result(one, f"categories[{place}].") for place, one in enumerate(results)]
    )


async def delete_categories(runtime: Runtime, request: pb.DeleteCategoriesRequest) -> pb.DeleteCategoriesResponse:
    """Forget categories."""
    ids = read.entries(request.category_ids, "category_ids", limit=_MOST)
    for place, one in enumerate(ids):
        read.foreign_id(one, f"category_ids[{place}]")
    read.distinct(ids, "category_ids")
    allow_live = request.allow_live_product_set_deletion
    results = await actions.delete_categories(
        runtime, request.store_id, request.connection_id, list(ids), allow_live=allow_live
    )
    return pb.DeleteCategoriesResponse(results=[_write_result(one, "") for one in results])


async def list_categories(runtime: Runtime, request: pb.ListCategoriesRequest) -> pb.ListCategoriesResponse:
    """List categories."""
    size, scope = read.page_size(request.page_size), ("categories", request.store_id, request.connection_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    after = str(key[0]) if key else ""
    found = await actions.list_categories(runtime, request.store_id, request.connection_id, after=after, limit=size + 1)
    shown = found[:size]
    token = read.write_page_token([shown[-1][0].category_id], *scope) if len(found) > size else ""
    placed = [_write_placed(*one, runtime.taxonomies) for one in shown]
    return pb.ListCategoriesResponse(categories=placed, next_page_token=token)


async def search_taxonomy(runtime: Runtime, request: pb.SearchTaxonomyRequest) -> pb.SearchTaxonomyResponse:
    """Find entries of a taxonomy."""
    words = read.required(request.words, "words", limit=LONGEST)
    if request.kind not in _KINDS:
        raise InvalidInput.of("kind", "FIELD_INVALID", "must be GOOGLE or META")
    if not 0 <= request.limit <= _MOST_ENTRIES:
        raise InvalidInput.of("limit", "FIELD_INVALID", f"must be 1 to {_MOST_ENTRIES}, or 0 for {_USUAL_ENTRIES}")
    taxonomy = runtime.taxonomies[_KINDS[request.kind]]
    found = taxonomy.search(words, limit=request.limit or _USUAL_ENTRIES)
    entries = [category_pb2.TaxonomyEntry(id=one.id, path=one.path) for one in found]
    return pb.SearchTaxonomyResponse(entries=entries, edition=taxonomy.edition)


async def list_product_sets(runtime: Runtime, request: pb.ListProductSetsRequest) -> pb.ListProductSetsResponse:
    """List product sets."""
    size, scope = read.page_size(request.page_size), ("product_sets", request.store_id, request.connection_id)
    key = read.page_token(request.page_token, *scope, parts=1)
    after = str(key[0]) if key else ""
    found = await actions.list_sets(runtime, request.store_id, request.connection_id, after=after, limit=size + 1)
    shown = found[:size]
    token = read.write_page_token([shown[-1].category_id], *scope) if len(found) > size else ""
    return pb.ListProductSetsResponse(product_sets=map(_write_set, shown), next_page_token=token)


def _read_category(said: category_pb2.Category, path: str) -> Category:
    """Read a category; without a usable id or version the call is refused."""
    read.storable(said, f"{path}.")
    read.storable(said, f"{path}.")
    read.foreign_id(said.category_id, f"{path}.category_id")
    if said.source_version < 1:
        raise InvalidInput.of(f"{path}.source_version", "FIELD_REQUIRED", "is required, at least 1")
    if said.parent_id:
        read.foreign_id(said.parent_id, f"{path}.parent_id")
    category = Category(
        category_id=said.category_id,
        source_version=said.source_version,
        parent_id=said.parent_id,
        name=" ".join(said.name.split()),
        position=said.position if said.HasField("position") else None,
        google=said.google_product_category.strip(),
        facebook=said.fb_product_category.strip(),
        product_set=said.product_set,
        cover_image_link=said.cover_image_link.strip(),
        description=said.description.strip(),
        link=said.link.strip(),
    )
    return spell(category)


def _write_result(result: Result, path: str) -> pb.CategoryResult:
    """Write what became of a category; its faults name the fields of the request."""
    faults = [item_pb2.ItemFault(**one) for one in stored(result.faults)]
    for fault in faults:
        fault.field = f"{path}{fault.field}"
    outcome = getattr(pb.CategoryResult, f"OUTCOME_{result.outcome}")
    return pb.CategoryResult(category_id=result.category_id, outcome=outcome, faults=faults)


def _write_placed(
    category: Category, time: datetime, resolved: Resolved, taxonomies: Mapping[Kind, Taxonomy]
) -> category_pb2.PlacedCategory:
    return category_pb2.PlacedCategory(
        category=category_pb2.Category(
            category_id=category.category_id,
            source_version=category.source_version,
            parent_id=category.parent_id,
            name=category.name,
            position=category.position,
            google_product_category=category.google,
            fb_product_category=category.facebook,
            product_set=category.product_set,
            cover_image_link=category.cover_image_link,
            description=category.description,
            link=category.link,
        ),
        path=resolved.path,
        google=_write_mapped(resolved.google, taxonomies[Kind.GOOGLE]),
        meta=_write_mapped(resolved.facebook, taxonomies[Kind.META]),
        parent_missing=resolved.parent_missing,
        update_time=write.instant(time),
    )


def _write_mapped(mapped: Mapped, taxonomy: Taxonomy) -> category_pb2.EffectiveCategory:
    """Write a mapping with what the taxonomy says now, which may be another edition than the one it was checked by."""
    known = taxonomy.known(mapped.value)
    return category_pb2.EffectiveCategory(
        value=mapped.value,
        path=known.path if known else "",
        category_id=mapped.category_id,
        verified=bool(known and taxonomy.edition),
    )


def _write_set(one: ProductSet) -> category_pb2.ProductSet:
    return category_pb2.ProductSet(
        category_id=one.category_id,
        retailer_id=one.retailer_id,
        product_set_id=one.set_id,
        state=getattr(category_pb2.ProductSet, f"STATE_{one.state}"),
        name=one.name,
        product_count=one.product_count,
        reason=one.reason,
        message=one.message,
        confirm_time=write.instant(one.confirm_time),
        check_time=write.instant(one.check_time),
    )
