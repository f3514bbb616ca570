"""What an item costs and how many there are, by the merchant's rules, in Meta's words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from connector.values import Money

LARGEST_QUANTITY = 2**31 - 1

_FEWEST_FLIPS = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """How a connection's catalog is treated, as the merchant set it.

    The guard asks back before a plan removes or hides more than the larger of both limits. A period of zero means never. Of every
    counted stock `safety_stock` pieces are held back; what is left counts as nothing from `last_units` down.
    """

    guard_percent: int = 5
    guard_items: int = 50
    full_sync_period: timedelta = timedelta(hours=24)
    delta_sync_period: timedelta = timedelta(hours=1)
    safety_stock: int = 0
    last_units: int = 0
    hide_unconfirmed: bool = False
    flip_alarm_percent: int = 20

    def most_removals(self, standing: int) -> int:
        """Tell how many of so many standing items a plan may remove or hide without being asked back."""
        return max(self.guard_items, standing * self.guard_percent // 100)

    def offered(self, quantity: int, *, reserved: int = 0) -> int:
        """Tell how many of so many counted pieces are offered at Meta: what is reserved or held back is not for sale there."""
        left = max(0, quantity - reserved - self.safety_stock)
        return left if left > self.last_units else 0

    def too_many_flips(self, flipped: int, looked_at: int) -> bool:
        """Tell whether so many changes of availability among the items looked at are worth an alarm; a handful never is."""
        return flipped >= _FEWEST_FLIPS and flipped * 100 > looked_at * self.flip_alarm_percent


class Offer(NamedTuple):
    """What an item costs and how many there are: all that changes by the minute.

    `counted` tells that its stock is or was counted: then a stock that no longer is must clear the quantity at Meta.
    `hidden` shows it as out of stock, whatever there is.
    """

    price: Money
    compare_at_price: Money | None = None
    sale_start_time: datetime | None = None
    sale_end_time: datetime | None = None
    track_inventory: bool = False
    quantity: int = 0
    discontinued: bool = False
    counted: bool = False
    reserved: int = 0
    hidden: bool = False

    def wire(self, rules: Rules, *, at: datetime) -> bytes:
        """Write it as Meta's fields, a JSON object. Availability always travels with the quantity; an empty text clears a field."""
        offered = None
        if self.track_inventory:
            offered = 0 if self.hidden else rules.offered(self.quantity, reserved=self.reserved)
        price, sale, window = str(self.price), "", ""
        if self.compare_at_price is not None and self.compare_at_price.minor_units > self.price.minor_units:
            price = str(self.compare_at_price)
            if self.sale_end_time is None or at < self.sale_end_time:
                sale, window = str(self.price), self._window()
        fields: dict[str, str | int] = {
            "availability": self._availability(offered),
            "price": price,
            # facebook-for-woocommerce a1e17a8, fbproduct.php: an empty text ends a sale.
            "sale_price": sale,
            "sale_price_effective_date": window,
        }
        # https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21): at least 1 to be buyable.
        # Unverified: that an empty text clears it; sent only when a quantity may stand there.
        if self.track_inventory or self.counted:
            fields["quantity_to_sell_on_facebook"] = "" if offered is None else offered
        return orjson.dumps(fields)

    def _availability(self, offered: int | None) -> str:
        if self.discontinued:
            return "discontinued"
        return "out of stock" if self.hidden or offered == 0 else "in stock"

    def _window(self) -> str:
        if self.sale_start_time is None and self.sale_end_time is None:
            return ""
        start = self.sale_start_time or _OPEN_START
        end = self.sale_end_time or (_OPEN_END if start < _OPEN_END else _LAST)
        return f"{_minute(start)}/{_minute(min(end, _LAST) + _ALMOST_A_MINUTE)}"


# facebook-for-woocommerce a1e17a8, fbproduct.php: Meta wants both ends; these stand for an open one.
_OPEN_START, _OPEN_END = datetime(1970, 1, 29, tzinfo=UTC), datetime(2038, 1, 17, tzinfo=UTC)
_LAST, _ALMOST_A_MINUTE = datetime(9999, 12, 31, 23, 59, tzinfo=UTC), timedelta(seconds=59, microseconds=999_999)


def _minute(moment: datetime) -> str:
    """Write an instant down to its minute, with its offset; a sale's end is rounded up before."""
    return f"{moment.astimezone(UTC).isoformat()[:16]}+0000"
