"""The fields of items, ours and the simulator's, beside the tables of Meta's own SDK."""

import inspect
from typing import Any

import pytest
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.adobjects.productitem import ProductItem
from facebook_business.adobjects.productitemimporteraddress import ProductItemImporterAddress

from connector.catalog.model.options import AGE_GROUPS, GENDERS
from connector.catalog.model.terms import COUNTRIES
from simulator.items import ADDRESS, APP_LINKS, FIELDS
from simulator.products import NAMES

BATCH_ONLY = {
    # https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21)
    "additional_variant_attribute", "applink", "disabled_capabilities", "image", "internal_label", "previous_id", "sale_price_effective_date", "shipping", "shipping_weight",
    "status", "tax", "user_rating", "rating_count", "video",
    # facebook-for-woocommerce a1e17a8, fbproduct.php
    "external_update_time", "external_variant_id",
}  # fmt: skip


def enum(table: type) -> set[str]:
    """List the values of one of the SDK's enums."""
    return {value for name, value in vars(table).items() if not name.startswith("_")}


def written() -> set[str]:
    """List what the SDK lets a caller write of an item, by any edge, and read of it."""
    source = inspect.getsource(ProductCatalog.create_product) + inspect.getsource(ProductItem.api_update)
    fields: set[str] = enum(ProductItem.Field)
    return fields | {name for name in FIELDS if f"'{name}'" in source} | set(NAMES.values())


def test_the_simulator_knows_no_field_that_meta_has_not() -> None:
    """Every field the simulator takes stands in the SDK, or on Meta's page of items_batch."""
    assert set() == FIELDS.keys() - written() - BATCH_ONLY


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (set(COUNTRIES), enum(ProductItem.OriginCountry)),
        (set(ADDRESS), enum(ProductItemImporterAddress.Field)),
        (set(GENDERS), enum(ProductItem.Gender)),
        (set(AGE_GROUPS), enum(ProductItem.AgeGroup)),
    ],
)
def test_our_words_are_metas(ours: set[str], theirs: set[str]) -> None:
    """Countries, parts of an address, genders and age groups are the SDK's, neither more nor fewer."""
    assert theirs == ours


def test_app_links_are_metas() -> None:
    """Each part of an app link is a field of the SDK's create_product."""
    source: Any = inspect.getsource(ProductCatalog.create_product)
    assert [] == [name for name in sorted(APP_LINKS) if f"'{name}'" not in source]
