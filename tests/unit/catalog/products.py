"""A product that nobody refuses, and what is written and found of it."""

from typing import Any

import orjson

from connector.catalog.model.mapping import write_items
from connector.catalog.model.values import Product, ProductStatus, Variant
from connector.values import Money

TAKA = Money("BDT", 125_000)
FORM = Variant("", "", {}, None, None, (), "", "", "", track_inventory=True, quantity=5)
SCARF = Product(
    product_id="p1",
    status=ProductStatus.ACTIVE,
    title="Scarf",
    description="Woven by hand.",
    link="https://shop.example/p1",
    image_links=("https://cdn.example/1.jpg", "https://cdn.example/2.jpg"),
    brand="Nodi",
    price=TAKA,
    compare_at_price=None,
    sale_start_time=None,
    sale_end_time=None,
    condition="new",
    categories=("Apparel", "Scarves"),
    google_product_category="",
    fb_product_category="",
    discontinued=False,
    gender="",
    age_group="",
    variants=(FORM,),
)


def variant(variant_id: str, place: int = 0, **changes: Any) -> Variant:
    """Make a variant that differs from its siblings by size."""
    same = FORM._replace(variant_id=variant_id, path=f"variants[{place}].", options={"Size": variant_id})
    return same._replace(**changes)


def written(product: Product) -> dict[str, Any]:
    """Write the one item of a product."""
    [draft] = write_items(product)
    assert draft.content is not None, draft.faults
    return dict(orjson.loads(draft.content))


def found(product: Product, **kwargs: Any) -> list[tuple[str, str]]:
    """List what is wrong with a product."""
    drafts = write_items(product, **kwargs)
    return [(fault.field, fault.reason) for draft in drafts for fault in draft.faults]
