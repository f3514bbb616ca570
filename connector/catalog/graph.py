"""How Meta is asked about catalogs themselves; how items travel is `registry/graph.py`'s."""

from typing import Any

from connector.graph.call import Call, Effect


def create_catalog(business_id: str, name: str) -> Call[str]:
    """Create a catalog for goods in a business; answers its id."""
    # SDK 26.0.3, business.py, create_owned_product_catalog
    return Call(
        "POST",
        f"{business_id}/owned_product_catalogs",
        read=_read_id,
        body={"name": name, "vertical": "commerce"},
        bucket=f"catalog_management:{business_id}",
        effect=Effect.ONCE,
    )


def _read_id(answer: Any) -> str:
    return str(answer["id"])
