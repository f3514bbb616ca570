"""Catalog nodes and their diagnostics.

It refuses to delete a catalog that still has live product sets unless told to.
"""

from collections import Counter

import orjson

from simulator.batches import count_items, read_status, receive, visible_items
from simulator.call import SUCCESS, Call, Json, NodeType, Route, attribute
from simulator.errors import invalid_parameter
from simulator.products import create_product, image_state, list_products, review_state
from simulator.state import Business, ProductCatalog

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
}
ROUTES = {
    ("ProductCatalog", "POST", ""): Route(update_catalog, SCOPES),
    ("ProductCatalog", "DELETE", ""): Route(delete_catalog, SCOPES),
    ("ProductCatalog", "POST", "items_batch"): Route(receive, SCOPES, bucket="catalog_batch"),
    ("ProductCatalog", "GET", "check_batch_request_status"): Route(read_status, SCOPES),
    ("ProductCatalog", "GET", "products"): Route(list_products, SCOPES),
    ("ProductCatalog", "POST", "products"): Route(create_product, SCOPES),
    ("ProductCatalog", "GET", "diagnostics"): Route(diagnose, SCOPES),
}
