"""The product that the tour's buyers buy: how many StormCom has of it, what Meta offers, and what it costs there."""

import time
from dataclasses import dataclass

from client.tour.foresight import written
from client.tour.script import Tour
from client.tour.selling import read_items
from stormcom.facebook.v1.catalog_service_pb2 import GetItemRequest
from stormcom.facebook.v1.connector_service_pb2 import UpdateInventoryRequest
from stormcom.facebook.v1.inventory_pb2 import InventoryLine, InventoryResult
from stormcom.facebook.v1.item_pb2 import Item
from stormcom.facebook.v1.money_pb2 import Money

PIECES = 20


@dataclass(slots=True)
class Shelf:
    """One product with its pieces."""

    tour: Tour
    product_id: str
    variant_id: str
    retailer_id: str
    pieces: int = 0

    def line(self, pieces: int) -> InventoryLine:
        """Write StormCom's count."""
        version = time.time_ns() // 1_000_000
        return InventoryLine(
            product_id=self.product_id,
            variant_id=self.variant_id,
            source_version=version,
            quantity=pieces,
            track_inventory=True,
        )

    def count(self, pieces: int) -> None:
        """Tell the connector how many there are now."""
        self.pieces = pieces
        request = UpdateInventoryRequest(connection_id=self.tour.connection_id, lines=[self.line(pieces)])
        (result,) = self.tour.caller.call(self.tour.caller.connector.UpdateInventory, request).results
        self.tour.require(result.outcome == InventoryResult.OUTCOME_ACCEPTED, f"A stock of {pieces} is accepted")

    def offered(self) -> int:
        """Read how many pieces Meta offers."""
        held = self.tour.simulation.item(self.tour.catalog_id, self.retailer_id) or {}
        return int(held.get("quantity_to_sell_on_facebook") or 0)

    def wait_for(self, pieces: int, why: str) -> None:
        """Wait until Meta offers so many."""
        self.tour.wait_for(lambda: self.offered() == pieces or None, f"Meta offers {pieces} pieces: {why}")
        self.tour.expect(True, f"Meta offers {pieces} pieces: {why}")

    def settle(self) -> None:
        """Wait until Meta has confirmed what it was told last."""
        request = GetItemRequest(connection_id=self.tour.connection_id, retailer_id=self.retailer_id)

        def confirmed() -> bool | None:
            now = self.tour.caller.call(self.tour.caller.catalog.GetItem, request).item
            return now.state == Item.STATE_CONFIRMED or None

        self.tour.wait_for(confirmed, "The item is confirmed")

    def costs(self, price: Money) -> bool:
        """Tell whether the catalog names this price."""
        return written(price) == (self.tour.simulation.item(self.tour.catalog_id, self.retailer_id) or {}).get("price")

    def currency(self) -> str:
        """Tell in what Meta sells it."""
        held = self.tour.simulation.item(self.tour.catalog_id, self.retailer_id) or {}
        return str(held.get("price", "")).rpartition(" ")[2]


def stock_up(tour: Tour) -> Shelf:
    """Take the first confirmed item, and have enough of it for all buyers."""
    tour.step("Stock the shelf")
    confirmed = (item for item in read_items(tour).values() if item.state == Item.STATE_CONFIRMED)
    item = tour.require(next(confirmed, None), "There is a confirmed item to buy")
    shelf = Shelf(tour, item.product_id, item.variant_id, item.retailer_id)
    shelf.count(PIECES)
    shelf.wait_for(PIECES, "all there are")
    return shelf


def times(price: Money, pieces: int) -> Money:
    """Return what so many pieces cost."""
    return Money(currency_code=price.currency_code, minor_units=price.minor_units * pieces)
