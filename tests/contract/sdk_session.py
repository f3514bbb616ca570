"""Meta's own SDK, pointed at the simulator, and what its tests share."""

from typing import Any

from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.session import FacebookSession

from tests.contract.simulator_server import APP_ID, APP_SECRET, Meta


class SimulatedSession(FacebookSession):  # type: ignore[misc]  # the SDK is published without types
    """The SDK's session, pointed at the simulator; `GRAPH` is the SDK's own hook for the host."""

    def __init__(self, url: str, token: str, *, secret: str | None = APP_SECRET) -> None:
        super().__init__(APP_ID, secret, token)
        self.GRAPH = url
        self.requests.trust_env = False


def update(retailer_id: str, **changes: Any) -> dict[str, Any]:
    """One items_batch record of a valid item."""
    data = {
        "id": retailer_id,
        "title": f"Title {retailer_id}",
        "description": "A fine thing",
        "availability": "in stock",
        "condition": "new",
        "price": "9.99 USD",
        "link": f"https://shop.test/{retailer_id}",
        "image_link": f"https://shop.test/{retailer_id}.jpg",
        "brand": "Mina",
    }
    return {"method": "UPDATE", "data": data | changes}


def push(catalog: ProductCatalog, records: list[dict[str, Any]], **params: Any) -> dict[str, Any]:
    """Send records by items_batch and return the SDK's reading of the answer."""
    document: dict[str, Any] = catalog.create_items_batch(
        params={"item_type": "PRODUCT_ITEM", "requests": records, **params}
    ).export_all_data()
    return document


def finished_status(meta: Meta, catalog: ProductCatalog, handle: str) -> dict[str, Any]:
    """Let the batch finish and return its status."""
    meta.advance(5)
    cursor = catalog.get_check_batch_request_status(params={"handle": handle, "load_ids_of_invalid_requests": True})
    status: dict[str, Any] = cursor[0].export_all_data()
    return status
