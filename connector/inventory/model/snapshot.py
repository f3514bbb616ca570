"""The stock of one item as callers see it: wanted, offered, sent and confirmed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.values import Money


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An item's stock and price as they are kept, as far as callers see them."""

    retailer_id: str
    product_id: str
    variant_id: str
    track_inventory: bool
    quantity: int
    reserved: int
    offered: int | None
    sent_quantity: int | None
    confirmed_quantity: int | None
    discontinued: bool
    hidden: bool
    currency_code: str | None
    price: int | None
    compare_at_price: int | None
    stock_version: int
    price_version: int
    offer_hash: bytes | None
    confirmed_offer: bytes | None
    unconfirmed: bool
    unconfirmed_time: datetime | None
    desire_time: datetime
    send_time: datetime | None
    confirm_time: datetime | None
    stock_error: str | None
    offer_tries: int

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = (
            "retailer_id", "product_id", "variant_id", "track_inventory", "quantity", "reserved", "offered", "sent_quantity",
            "confirmed_quantity", "hidden", "stock_version", "price_version", "desire_time", "send_time",
        )  # fmt: skip
        return {name: getattr(self, name) for name in same} | {
            "availability": f"AVAILABILITY_{self._availability()}",
            "price": self._money(self.price),
            "compare_at_price": self._money(self.compare_at_price),
            "confirmed": self.offer_hash is not None and self.offer_hash == self.confirmed_offer,
            "unconfirmed_time": self.unconfirmed_time if self.unconfirmed else None,
            "last_sync_time": self.confirm_time,
            "last_error": self.stock_error or "",
            "tries": self.offer_tries,
        }

    def _availability(self) -> str:
        if self.discontinued:
            return "DISCONTINUED"
        return "OUT_OF_STOCK" if self.hidden or self.offered == 0 else "IN_STOCK"

    def _money(self, minor_units: int | None) -> dict[str, Any] | None:
        if minor_units is None or self.currency_code is None:
            return None
        money = Money(self.currency_code, minor_units)
        return {"currency_code": money.currency_code, "minor_units": money.minor_units}
