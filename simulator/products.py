"""The products edge and item nodes: the same items as items_batch writes, in the other spelling Graph has for them.

Writes take integer minor units and names such as `image_url`; reads give prices as localised text, as Meta does.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from simulator.batches import note_overlap, remove_item, settle, visible_item, visible_items, write_item
from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.errors import GraphError, invalid_parameter, missing_object
from simulator.filters import matching, named_items
from simulator.items import check, display_price, minor_units, write_price
from simulator.state import ProductCatalog, ProductGroup, ProductItem
from simulator.world import World

# SDK 26.0.3, productcatalog.py, create_product → the items_batch field of the same meaning
NAMES: Mapping[str, str] = {
    "name": "title",
    "url": "link",
    "image_url": "image_link",
    "additional_image_urls": "additional_image_link",
    "retailer_product_group_id": "item_group_id",
    "manufacturer_part_number": "mpn",
    "category": "google_product_category",
    **{
        name: name
        for name in (
            "description", "availability", "brand", "condition", "gtin", "color", "size", "pattern", "material",
            "gender", "age_group", "product_type", "visibility", "inventory", "quantity_to_sell_on_facebook",
            "rich_text_description", "short_description", "expiration_date", "fb_product_category", "checkout_url",
            "custom_label_0", "custom_label_1", "custom_label_2", "custom_label_3", "custom_label_4", "mobile_link",
        )
    },
}  # fmt: skip
STRUCTURED = {"additional_image_urls"}
NUMBERS = {"inventory", "quantity_to_sell_on_facebook"}
MINIMUM = ("title", "price", "link", "image_link", "description", "availability")


SCOPES = ("catalog_management",)


# --- reading ---------------------------------------------------------------------------------------------------------


def list_products(call: Call) -> Rows:
    """List the items of a catalog, filtered."""
    world, catalog = call.world, call.node
    items = find_items(world, catalog, call.structure("filter", dict, {}))
    if call.flag("return_only_approved_products"):
        items = [item for item in items if review_state(world, item, orjson.loads(item.data)) == "approved"]
    if wanted := (call.text("error_priority", ""), call.text("error_type", "")):
        items = [item for item in items if _has_error(call, item, *wanted)] if any(wanted) else items
    return Rows(items, key=lambda item: (item.sequence,))


def find_items(world: World, catalog: ProductCatalog, document: Json) -> list[ProductItem]:
    """Return the visible items that pass a filter; one that names its items costs only these."""
    named = named_items(document)
    return matching(_named(world, catalog, *named) if named else visible_items(world, catalog), document)


def _named(world: World, catalog: ProductCatalog, name: str, ids: list[str]) -> list[ProductItem]:
    if name == "product_item_id":
        nodes = (world.find(ProductItem, one) for one in ids)
        ids = [node.retailer_id for node in nodes if node is not None and node.catalog_id == catalog.id]
    found = (visible_item(world, catalog, one) for one in dict.fromkeys(ids))
    return sorted((item for item in found if item is not None), key=lambda item: item.sequence)


def _has_error(call: Call, item: ProductItem, priority: str, type_: str) -> bool:
    errors = _errors(call.world, item, orjson.loads(item.data))
    return any(priority in {"", e["error_priority"]} and type_ in {"", e["error_type"]} for e in errors)


def review_state(world: World, item: ProductItem, data: Mapping[str, Any]) -> str:
    """Return the review's verdict: pending, approved or rejected."""
    if world.clock.now() - item.update_time < world.switches.review_seconds:
        return "pending"
    pattern = world.switches.rejected_title_pattern
    return "rejected" if pattern and re.search(pattern, data.get("title", "")) else "approved"


def image_state(world: World, item: ProductItem, data: Mapping[str, Any]) -> str:
    """Return how far Meta is with fetching the image."""
    if world.clock.now() - item.update_time < world.switches.image_seconds:
        return "NO_STATUS"
    pattern = world.switches.broken_image_pattern
    return "FETCH_FAILED" if pattern and re.search(pattern, _image(data) or "") else "FETCHED"


def _image(data: Mapping[str, Any]) -> str | None:
    images = data.get("image")
    return images[0]["url"] if images else data.get("image_link")


def _errors(world: World, item: ProductItem, data: Mapping[str, Any]) -> list[dict[str, str]]:
    # SDK 26.0.3, productitem.py, ProductItem.ErrorType; the texts are ours.
    found = []
    if review_state(world, item, data) == "rejected":
        found.append(("PRODUCT_NOT_APPROVED", "The item did not pass review", "Change it or ask for another review"))
    if image_state(world, item, data) == "FETCH_FAILED":
        found.append(("IMAGE_FETCH_FAILED", "The image could not be fetched", "Make the image link public"))
    return [
        {"error_type": type_, "error_priority": "HIGH", "title": title, "description": title, "call_to_action": act}
        for type_, title, act in found
    ]


def _data(call: Call, item: ProductItem) -> dict[str, Any]:
    shown = visible_item(
        call.world, call.world.require(ProductCatalog, item.catalog_id, name="catalog_id"), item.retailer_id
    )
    loaded: dict[str, Any] = orjson.loads((shown or item).data)
    return loaded


def _field(name: str) -> Any:
    return lambda call, item: _data(call, item).get(name)


def _price_text(name: str) -> Any:
    def read(call: Call, item: ProductItem) -> str | None:
        price = _data(call, item).get(name)
        return display_price(price) if price else None

    return read


def _currency(call: Call, item: ProductItem) -> str | None:
    price = minor_units(_data(call, item).get("price", ""))
    return price[1] if price else None


def _group(call: Call, item: ProductItem) -> ProductGroup:
    """Return the item's group, made on demand; an item without one is a group of its own."""
    catalog = call.world.require(ProductCatalog, item.catalog_id, name="catalog_id")
    name = _data(call, item).get("item_group_id", item.retailer_id)
    if name not in catalog.groups:
        catalog.groups[name] = call.world.add(ProductGroup(call.world.new_id(), name, catalog.id))
    return catalog.groups[name]


def _capabilities(call: Call, item: ProductItem) -> Json:
    state = review_state(call.world, item, _data(call, item)).upper()
    return [{"key": surface, "value": state} for surface in ("shops", "marketplace", "whatsapp")]


def _visibility(call: Call, item: ProductItem) -> str:
    # SDK 26.0.3, productitem.py, ProductItem.Visibility: reads know no `hidden`, which writes call the same thing.
    return "published" if _data(call, item).get("visibility", "published") == "published" else "staging"


def _rejection_reasons(call: Call, item: ProductItem) -> Json:
    rejected = review_state(call.world, item, _data(call, item)) == "rejected"
    return ["Violates commerce policy"] if rejected else []


# --- writing ---------------------------------------------------------------------------------------------------------


def create_product(call: Call) -> Json:
    """Create one item; an existing retailer id is refused unless `allow_upsert`."""
    catalog, retailer_id = call.node, call.text("retailer_id")
    settle(call.world, catalog)
    if retailer_id in catalog.items and not call.flag("allow_upsert"):
        # Unverified: code 10800 is recalled.
        raise GraphError(f"(#10800) Duplicate retailer_id {retailer_id!r}", code=10800, title="Duplicate retailer ID")
    data = _read_params(call, {"condition": "new"})
    missing = [name for name in MINIMUM if name not in data]
    if missing or not ("brand" in data or "gtin" in data):
        names = ", ".join(missing or ["brand or gtin"])
        raise invalid_parameter(f"Missing required product fields: {names}")
    _refuse_problems(call, data)
    note_overlap(call.world, catalog, retailer_id, call.path)
    return {"id": write_item(call.world, catalog, retailer_id, data).id}


def update_item(call: Call) -> Json:
    """Change an item."""
    catalog = call.world.require(ProductCatalog, call.node.catalog_id, name="catalog_id")
    settle(call.world, catalog)
    old: dict[str, Any] = orjson.loads(call.node.data)
    data = _read_params(call, old)
    _refuse_problems(call, data)
    note_overlap(call.world, catalog, call.node.retailer_id, call.path)
    write_item(call.world, catalog, call.node.retailer_id, data)
    return SUCCESS


def delete_item(call: Call) -> Json:
    """Delete an item."""
    catalog = call.world.require(ProductCatalog, call.node.catalog_id, name="catalog_id")
    settle(call.world, catalog)
    if call.node.retailer_id not in catalog.items:
        raise missing_object(call.method, call.node.id)
    note_overlap(call.world, catalog, call.node.retailer_id, call.path)
    remove_item(call.world, catalog, call.node)
    return SUCCESS


def _read_params(call: Call, base: Mapping[str, Any]) -> dict[str, Any]:
    """Read the products edge's spelling into items_batch fields."""
    data = dict(base)
    for name, field in NAMES.items():
        if name not in call.params:
            continue
        if name in STRUCTURED:
            data[field] = call.structure(name, list)
        else:
            data[field] = call.number(name, 0) if name in NUMBERS else call.text(name, "")
    known = minor_units(base.get("price", ""))
    currency = call.text("currency", known[1] if known else "")
    for name in ("price", "sale_price"):
        if name in call.params:
            data[name] = write_price(call.number(name, 0), currency or call.text("currency"))
    return data


def _refuse_problems(call: Call, data: Mapping[str, Any]) -> None:
    if problems := check(data, creates=False, switches=call.world.switches):
        raise invalid_parameter("; ".join(problems))


def list_group_items(call: Call) -> Rows:
    """List the variants of a group."""
    catalog = call.world.require(ProductCatalog, call.node.catalog_id, name="catalog_id")
    name = call.node.retailer_id
    items = [
        item
        for item in visible_items(call.world, catalog)
        if orjson.loads(item.data).get("item_group_id", item.retailer_id) == name
    ]
    return Rows(items, key=lambda item: (item.sequence,))


NODES = {
    "ProductItem": NodeType(
        {
            "id": attribute("id"),
            "retailer_id": attribute("retailer_id"),
            **{name: _field(field) for name, field in NAMES.items()},
            "price": _price_text("price"),
            "sale_price": _price_text("sale_price"),
            "currency": _currency,
            "image_url": lambda call, item: _image(_data(call, item)),
            "tags": _field("internal_label"),
            "additional_variant_attributes": _field("additional_variant_attribute"),
            "product_group": _group,
            "product_catalog": lambda call, item: call.world.find(ProductCatalog, item.catalog_id),
            "visibility": _visibility,
            "status": lambda call, item: "STAGING" if _data(call, item).get("status") == "archived" else "PUBLISHED",
            "review_status": lambda call, item: review_state(call.world, item, _data(call, item)),
            "review_rejection_reasons": _rejection_reasons,
            "capability_to_review_status": _capabilities,
            "image_fetch_status": lambda call, item: image_state(call.world, item, _data(call, item)),
            "product_feed": lambda *_: None,
            "image_cdn_urls": lambda *_: [],
            "video_fetch_status": lambda *_: "NO_STATUS",
            "errors": lambda call, item: _errors(call.world, item, _data(call, item)),
            "invalidation_errors": lambda *_: [],
        },
        default=("id", "retailer_id", "name"),
        scopes=SCOPES,
    ),
    "ProductGroup": NodeType(
        {
            "id": attribute("id"),
            "retailer_id": attribute("retailer_id"),
            "product_catalog": lambda call, group: call.world.find(ProductCatalog, group.catalog_id),
        },
        default=("id", "retailer_id"),
        scopes=SCOPES,
    ),
}
ROUTES = {
    ("ProductItem", "POST", ""): Route(update_item, SCOPES),
    ("ProductItem", "DELETE", ""): Route(delete_item, SCOPES),
    ("ProductGroup", "GET", "products"): Route(list_group_items, SCOPES),
}
