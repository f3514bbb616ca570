"""Product sets: subsets of a catalog, each kept as its filter, with what a shop shows of it.

It refuses a second set of a retailer id, metadata that it does not know, and to delete a set that is live unless told to. A cover
image that cannot be fetched is answered with an error although the set is there.
"""

import re
from typing import Any

import orjson

from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.errors import invalid_parameter
from simulator.filters import compile_filter
from simulator.products import find_items
from simulator.state import ProductCatalog, ProductItem, ProductSet

# Sources: facebook-for-woocommerce and meta-for-magento2. Unverified: that others are refused, and the length.
METADATA = {"cover_image_url", "external_url", "description", "external_url_handle"}
LONGEST_DESCRIPTION = 200


def list_sets(call: Call) -> Rows:
    """List the product sets of a catalog, or the one of a retailer id."""
    wanted = call.text("retailer_id", "")
    sets = [one for one in call.node.sets.values() if wanted in {"", one.retailer_id}]
    return Rows(sets, key=lambda one: (int(one.id),))


def create_set(call: Call) -> Json:
    """Create a product set; its filter must be valid."""
    catalog, one = call.node, ProductSet("", call.node.id, call.text("name"), {})
    _change(call, one, catalog)
    one.id = call.world.new_id()
    catalog.sets[one.id] = call.world.add(one)
    _fetch_cover(call, one)
    return {"id": one.id}


def update_set(call: Call) -> Json:
    """Change a product set."""
    _change(call, call.node, _catalog(call, call.node))
    _fetch_cover(call, call.node)
    return SUCCESS


def _change(call: Call, one: ProductSet, catalog: ProductCatalog) -> None:
    """Take over what is given, once all of it is found right."""
    retailer_id, document = call.text("retailer_id", one.retailer_id), call.structure("filter", dict, one.filter)
    twins = (other for other in catalog.sets.values() if other is not one and other.retailer_id == retailer_id)
    if retailer_id and any(twins):
        raise invalid_parameter(f"A product set with retailer_id {retailer_id!r} exists already")
    compile_filter(document)
    metadata = _metadata(call)
    ordering_info = call.structure("ordering_info", list, one.ordering_info)
    if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in ordering_info):
        raise invalid_parameter("Param ordering_info must be an array of unsigned integers")
    if "publish_to_shops" in call.params:
        one.shop_ids = [str(shop["shop_id"]) for shop in call.structure("publish_to_shops", list)]
    one.name, one.filter, one.retailer_id = call.text("name", one.name), document, retailer_id
    one.ordering_info = ordering_info
    one.metadata |= metadata


def _metadata(call: Call) -> dict[str, Any]:
    metadata: dict[str, Any] = call.structure("metadata", dict, {})
    if unknown := metadata.keys() - METADATA:
        raise invalid_parameter(f"Param metadata: {min(unknown)!r} is not known")
    if len(str(metadata.get("description", ""))) > LONGEST_DESCRIPTION:
        raise invalid_parameter(f"Param metadata: description has more than {LONGEST_DESCRIPTION} characters")
    return metadata


def _fetch_cover(call: Call, one: ProductSet) -> None:
    pattern, url = call.world.switches.broken_image_pattern, one.metadata.get("cover_image_url", "")
    if pattern and re.search(pattern, url):
        raise invalid_parameter("The cover image could not be fetched")


def delete_set(call: Call) -> Json:
    """Delete a product set; its items stay."""
    # SDK 26.0.3, productset.py, api_delete. Unverified: the words of the refusal.
    if call.node.shop_ids and not call.flag("allow_live_product_set_deletion"):
        raise invalid_parameter("The product set is live; set allow_live_product_set_deletion to delete it anyway")
    del _catalog(call, call.node).sets[call.node.id]
    call.world.forget(call.node)
    return SUCCESS


def _catalog(call: Call, node: Any) -> ProductCatalog:
    return call.world.require(ProductCatalog, node.catalog_id, name="catalog_id")


def _items(call: Call, one: ProductSet) -> list[ProductItem]:
    return find_items(call.world, _catalog(call, one), one.filter)


def list_set_items(call: Call) -> Rows:
    """List the items of a product set."""
    return Rows(_items(call, call.node), key=lambda item: (item.sequence,))


SCOPES = ("catalog_management",)
NODES = {
    "ProductSet": NodeType(
        {
            "id": attribute("id"),
            "name": attribute("name"),
            "retailer_id": attribute("retailer_id"),
            "filter": lambda _, one: orjson.dumps(one.filter).decode(),
            "ordering_info": attribute("ordering_info"),
            "product_count": lambda call, one: len(_items(call, one)),
            "product_catalog": _catalog,
            "latest_metadata": attribute("metadata"),
            "live_metadata": lambda _, one: one.metadata if one.shop_ids else None,
        },
        scopes=SCOPES,
    ),
}
ROUTES = {
    ("ProductCatalog", "GET", "product_sets"): Route(list_sets, SCOPES),
    ("ProductCatalog", "POST", "product_sets"): Route(create_set, SCOPES),
    ("ProductSet", "POST", ""): Route(update_set, SCOPES),
    ("ProductSet", "DELETE", ""): Route(delete_set, SCOPES),
    ("ProductSet", "GET", "products"): Route(list_set_items, SCOPES),
}
