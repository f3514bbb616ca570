"""Catalog nodes, their product sets and diagnostics.

It refuses to delete a catalog that still has live product sets unless told to.
"""

from collections import Counter
from typing import Any

import orjson

from simulator.batches import count_items, read_status, receive, visible_items
from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.errors import invalid_parameter
from simulator.filters import compile_filter
from simulator.products import create_product, find_items, image_state, list_products, review_state
from simulator.state import Business, ProductCatalog, ProductItem, ProductSet

# SDK 26.0.3, productcatalog.py, ProductCatalog.api_update
SETTINGS = (
    "additional_vertical_option", "checkout_country", "checkout_url", "da_display_settings", "default_image_url",
    "destination_catalog_settings", "fallback_image_url", "flight_catalog_settings", "partner_integration",
    "store_catalog_settings",
)  # fmt: skip


def update_catalog(call: Call) -> Json:
    """Change the name or settings of a catalog."""
    call.node.name = call.text("name", call.node.name)
    call.node.settings |= {name: call.params[name] for name in SETTINGS if name in call.params}
    return SUCCESS


def delete_catalog(call: Call) -> Json:
    """Delete a catalog with all it holds."""
    catalog = call.node
    if catalog.sets and not call.flag("allow_delete_catalog_with_live_product_set"):
        raise invalid_parameter(
            "The catalog has live product sets; set allow_delete_catalog_with_live_product_set to delete it anyway"
        )
    world = call.world
    for node in [
        *catalog.items.values(),
        *catalog.groups.values(),
        *catalog.sets.values(),
        *catalog.feeds.values(),
        catalog,
    ]:
        world.forget(node)
    for business in world.all(Business):
        for owned in (business.catalogs, business.client_catalogs):
            if catalog.id in owned:
                owned.remove(catalog.id)
    return SUCCESS


# --- product sets ----------------------------------------------------------------------------------------------------


def list_sets(call: Call) -> Rows:
    """List the product sets of a catalog, or the one of a retailer id."""
    wanted = call.text("retailer_id", "")
    sets = [one for one in call.node.sets.values() if wanted in {"", one.retailer_id}]
    return Rows(sets, key=lambda one: (int(one.id),))


def create_set(call: Call) -> Json:
    """Create a product set; its filter must be valid."""
    catalog, retailer_id = call.node, call.text("retailer_id", "")
    if retailer_id and any(one.retailer_id == retailer_id for one in catalog.sets.values()):
        raise invalid_parameter(f"A product set with retailer_id {retailer_id!r} exists already")
    document = call.structure("filter", dict, {})
    compile_filter(document)
    one = ProductSet(
        call.world.new_id(), catalog.id, call.text("name"), document, retailer_id, call.structure("metadata", dict, {})
    )
    catalog.sets[one.id] = call.world.add(one)
    return {"id": one.id}


def update_set(call: Call) -> Json:
    """Change a product set."""
    document = call.structure("filter", dict, call.node.filter)
    compile_filter(document)
    call.node.filter, call.node.name = document, call.text("name", call.node.name)
    call.node.retailer_id = call.text("retailer_id", call.node.retailer_id)
    call.node.metadata |= call.structure("metadata", dict, {})
    return SUCCESS


def delete_set(call: Call) -> Json:
    """Delete a product set; its items stay."""
    del _catalog(call, call.node).sets[call.node.id]
    call.world.forget(call.node)
    return SUCCESS


def _catalog(call: Call, node: Any) -> ProductCatalog:
    return call.world.require(ProductCatalog, node.catalog_id, name="catalog_id")


def _set_items(call: Call, one: ProductSet) -> list[ProductItem]:
    return find_items(call.world, _catalog(call, one), one.filter)


def list_set_items(call: Call) -> Rows:
    """List the items of a product set."""
    return Rows(_set_items(call, call.node), key=lambda item: (item.sequence,))


# --- diagnostics -----------------------------------------------------------------------------------------------------

# kind of trouble → SDK 26.0.3, productcatalogdiagnosticgroup.py: type, severity; title and advice are ours
DIAGNOSES = {
    "rejected": ("POLICY_VIOLATION", "MUST_FIX", "Items rejected by review", "Change or remove them"),
    "broken_image": ("IMAGE_QUALITY", "MUST_FIX", "Images could not be fetched", "Make the image links public"),
    "no_gtin": ("ATTRIBUTES_MISSING", "OPPORTUNITY", "Items without a GTIN", "Add the gtin field"),
}


def diagnose(call: Call) -> Json:
    """Summarise what is wrong with the items of a catalog."""
    counts: Counter[str] = Counter()
    for item in visible_items(call.world, call.node):
        data = orjson.loads(item.data)
        counts["rejected"] += review_state(call.world, item, data) == "rejected"
        counts["broken_image"] += image_state(call.world, item, data) == "FETCH_FAILED"
        counts["no_gtin"] += "gtin" not in data
    types, severities = call.names("types", []), call.names("severities", [])
    return {
        "data": [
            {
                "type": type_,
                "severity": severity,
                "title": title,
                "subtitle": advice,
                "number_of_affected_items": counts[key],
                "number_of_affected_entities": counts[key],
                "affected_entity": "product_item",
                "affected_channels": ["shops"],
                "affected_features": [],
                "diagnostics": [],
            }
            for key, (type_, severity, title, advice) in DIAGNOSES.items()
            if counts[key] and (not types or type_ in types) and (not severities or severity in severities)
        ]
    }


def _business(call: Call, catalog: ProductCatalog) -> Json:
    business = call.world.find(Business, catalog.business_id)
    return {"id": business.id, "name": business.name} if business else None


SCOPES = ("catalog_management",)
NODES = {
    "ProductCatalog": NodeType(
        {
            "id": attribute("id"),
            "name": attribute("name"),
            "vertical": attribute("vertical"),
            "product_count": lambda call, catalog: count_items(call.world, catalog),
            "feed_count": lambda _, catalog: len(catalog.feeds),
            "business": _business,
            "owner_business": _business,
            "is_catalog_segment": lambda *_: False,
            "commerce_merchant_settings": lambda *_: None,
            "default_image_url": lambda _, catalog: catalog.settings.get("default_image_url"),
            "fallback_image_url": lambda _, catalog: catalog.settings.get("fallback_image_url"),
            "store_catalog_settings": lambda _, catalog: catalog.settings.get("store_catalog_settings"),
        },
        scopes=SCOPES,
    ),
    "ProductSet": NodeType(
        {
            "id": attribute("id"),
            "name": attribute("name"),
            "retailer_id": attribute("retailer_id"),
            "filter": lambda _, one: orjson.dumps(one.filter).decode(),
            "product_count": lambda call, one: len(_set_items(call, one)),
            "product_catalog": _catalog,
            "latest_metadata": attribute("metadata"),
            "live_metadata": attribute("metadata"),
        },
        scopes=SCOPES,
    ),
}
ROUTES = {
    ("ProductCatalog", "POST", ""): Route(update_catalog, SCOPES),
    ("ProductCatalog", "DELETE", ""): Route(delete_catalog, SCOPES),
    ("ProductCatalog", "POST", "items_batch"): Route(receive, SCOPES, bucket="catalog_batch"),
    ("ProductCatalog", "GET", "check_batch_request_status"): Route(read_status, SCOPES),
    ("ProductCatalog", "GET", "products"): Route(list_products, SCOPES),
    ("ProductCatalog", "POST", "products"): Route(create_product, SCOPES),
    ("ProductCatalog", "GET", "product_sets"): Route(list_sets, SCOPES),
    ("ProductCatalog", "POST", "product_sets"): Route(create_set, SCOPES),
    ("ProductCatalog", "GET", "diagnostics"): Route(diagnose, SCOPES),
    ("ProductSet", "POST", ""): Route(update_set, SCOPES),
    ("ProductSet", "DELETE", ""): Route(delete_set, SCOPES),
    ("ProductSet", "GET", "products"): Route(list_set_items, SCOPES),
}
