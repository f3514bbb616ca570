"""What an item is called at Meta, what it costs and how many there are, and how items travel in batches. Pure.

A name (`retailer_id`) is a function of StormCom's immutable ids, never of a SKU; once written, the row is the truth.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from connector.values import Money, RetailerId

# https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21): id has at most 100 characters.
_LONGEST_ID = 100
OURS = ("sc_", "sch.")
"""How every name we give begins."""
# https://developers.facebook.com/docs/marketing-api/catalog-batch (read 2026-11-21): at most 5,000 items, better under 3,000, and 28 MB.
LARGEST_BATCH, LARGEST_BATCH_BYTES = 3_000, 20_000_000
ENVELOPE_BYTES = 80
"""What a record adds to its content and offer: method, braces, commas and an id of the longest kind for a removal."""
LARGEST_QUANTITY = 2**31 - 1
_FEWEST_FLIPS = 10


class Lane(StrEnum):
    """Which road a batch travels: everything about an item, or only its stock and price."""

    CONTENT = "CONTENT"
    STOCK = "STOCK"


class State(StrEnum):
    """Where an item stands; computed by the database from what is wanted, sent and confirmed."""

    PENDING = "PENDING"
    SENT = "SENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    REMOVAL_PENDING = "REMOVAL_PENDING"
    REMOVAL_SENT = "REMOVAL_SENT"
    REMOVED = "REMOVED"


class Severity(StrEnum):
    """How bad a fault is."""

    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class ItemFault:
    """Something wrong, or noteworthy, about one item; `reason` is a value of ErrorReason."""

    severity: Severity
    reason: str
    field: str
    message: str
    meta_message: str = ""


def retailer_id(product_id: str, variant_id: str = "") -> RetailerId:
    """Name an item. Different ids never share a name: StormCom's ids hold no dot, and digests have a prefix of their own."""
    name = f"{product_id}.{variant_id}" if variant_id else product_id
    if len(name) + 3 <= _LONGEST_ID:
        return RetailerId(f"sc_{name}")
    return RetailerId(f"sch.{hashlib.sha256(name.encode()).hexdigest()}")


def ours(name: str) -> bool:
    """Tell whether a name is of the kind we give: it belongs to its own product for ever, stored or still to come."""
    return name.startswith(OURS)


def item_group_id(product_id: str) -> str:
    """Name what the variants of a product share."""
    return retailer_id(product_id)


HIDDEN_MARK = '"visibility":"hidden"'
"""How the content of an item says that Meta shall not show it. No text can say it by accident: its quotes would be escaped."""


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
        # facebook-for-woocommerce a1e17a8, fbproduct.php: Meta wants both ends; these stand for an open one.
        start, end = (
            self.sale_start_time or datetime(1970, 1, 29, tzinfo=UTC),
            self.sale_end_time or datetime(2038, 1, 17, tzinfo=UTC),
        )
        return f"{_minute(start)}/{_minute(min(end, _LAST) + _ALMOST_A_MINUTE)}"


_LAST, _ALMOST_A_MINUTE = datetime(9999, 12, 31, 23, 59, tzinfo=UTC), timedelta(seconds=59, microseconds=999_999)


def _minute(moment: datetime) -> str:
    """Write an instant down to its minute, with its offset; a sale's end is rounded up before."""
    return f"{moment.astimezone(UTC).isoformat()[:16]}+0000"


def digest(wire: bytes) -> bytes:
    """Hash what is wanted, over its canonical form."""
    return hashlib.sha256(wire).digest()


def whole_hash(content_hash: bytes | None, offer_hash: bytes | None) -> str:
    """Join both hashes into the one that callers see, in hex; empty when a part is missing."""
    return hashlib.sha256(content_hash + offer_hash).hexdigest() if content_hash and offer_hash else ""


class Cargo(NamedTuple):
    """One item as a batch carries it: `content` and `offer` are JSON objects, None leaves one out; neither removes the item."""

    retailer_id: RetailerId
    content: str | None
    offer: str | None

    @property
    def size_bytes(self) -> int:
        """Tell at most how many bytes it takes on the wire; texts are stored as UTF-8 JSON."""
        parts = (self.content or "").encode(), (self.offer or "").encode(), self.retailer_id.encode()
        return ENVELOPE_BYTES + sum(map(len, parts))

    def record(self) -> bytes:
        """Write its line of the batch by joining what is stored, without reading it."""
        name = b'{"id":"' + self.retailer_id.encode() + b'"'
        if self.content is None and self.offer is None:
            return b'{"method":"DELETE","data":' + name + b"}}"
        parts = [name, *(part.encode()[1:-1] for part in (self.content, self.offer) if part is not None)]
        return b'{"method":"UPDATE","data":' + b",".join(parts) + b"}}"


# What Meta keeps of an item until told otherwise, that a merchant or another tool may have set, and that we do not always write.
# Unverified: that an empty text or list clears a field; facebook-for-woocommerce a1e17a8 relies on it.
_CLEARED: Mapping[str, Any] = {
    **dict.fromkeys(("item_group_id", "gender", "age_group", "mobile_link", "checkout_url", "expiration_date"), ""),
    **dict.fromkeys(
        ("short_description", "rich_text_description", "vendor_id", "origin_country", "shipping_weight"), ""
    ),
    **dict.fromkeys(("commerce_tax_category", "inventory", "quantity_to_sell_on_facebook"), ""),
    **{f"custom_{kind}_{place}": "" for kind in ("label", "number") for place in range(5)},
    **{name: [] for name in ("internal_label", "disabled_capabilities", "shipping", "video")},
    "visibility": "published",
}


def cleared(content: str, offer: str) -> str:
    """Write an item's content so that it leaves nothing of another wish standing: what neither part sets is cleared."""
    priced = orjson.loads(offer)
    return orjson.dumps({k: v for k, v in ({**_CLEARED, **orjson.loads(content)}).items() if k not in priced}).decode()


def fitting(sizes_bytes: Iterable[int], *, most_items: int, most_bytes: int = LARGEST_BATCH_BYTES) -> int:
    """Tell how many of these items, from the first, fit into one batch. An item too large on its own still goes, alone."""
    count = total = 0
    for size in sizes_bytes:
        if count == most_items or (count and total + size > most_bytes):
            break
        count, total = count + 1, total + size
    return count


# Unverified: how long Meta takes; two minutes are usual, so the checks begin quickly and slow down to one a minute.
_CHECKS = (1, 2, 3, 5, 8, 10, 15, 30, 60)
PATIENCE = timedelta(minutes=30)
"""After this long without a verdict a batch counts as lost, and its items are sent again."""
MOST_SENDS = 3
"""So often an item is sent without ever getting a verdict, or a stock change refused, before that is its verdict."""
REFUSED_STOCK_PAUSE, REFUSED_STOCK_FACTOR = timedelta(seconds=15), 4
"""How long a stock change that Meta refused rests before it is tried again, and how much longer after each further refusal."""


def gathering(item_count: int) -> timedelta:
    """Tell how long stock waits for company after a batch of so many items: the busier, the longer, but a full one not at all."""
    busy = timedelta(milliseconds=min(15 + item_count / 10, 300))
    return busy if item_count < LARGEST_BATCH else timedelta()


def check_delay(checks: int) -> timedelta:
    """Tell how long to wait before a batch is looked at, after so many looks."""
    return timedelta(seconds=_CHECKS[min(checks, len(_CHECKS) - 1)])


def narrower(item_count: int) -> int:
    """Tell how many items a batch may hold after one of so many was too large."""
    return max(1, item_count // 2)


def wider(item_count: int) -> int | None:
    """Tell how many items a batch may hold after one of so many, the most allowed, went well; None without limit."""
    grown = item_count + item_count // 4 + 1
    return grown if grown < LARGEST_BATCH else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Meta's answer to a batch: the handle, empty when nothing was taken in, and its words on what it refused or remarked on."""

    handle: str
    refused: dict[str, str]
    warned: dict[str, str]


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far Meta is with a batch, with its own word, empty when it does not know the handle; its words by item."""

    status: str
    refused: dict[str, str]
    warned: dict[str, str]

    @property
    def finished(self) -> bool:
        """Whether every item has its verdict."""
        return self.status == "finished"

    @property
    def lost(self) -> bool:
        """Whether there will never be a verdict."""
        return self.status in {"canceled", "error"}

    @property
    def unknown(self) -> bool:
        """Whether Meta does not know the handle, so that nobody knows whether it is at work on the batch."""
        return not self.status


@dataclass(frozen=True, slots=True)
class Observed:
    """What Meta showed of one item when it was read back; `verdict` compares it with what it confirmed.

    `mends` counts how often in a row it was sent again and still differed.
    """

    retailer_id: str
    verdict: str
    observe_time: datetime
    differences: Sequence[Mapping[str, str]]
    mends: int
    review_status: str
    review_rejection_reasons: Sequence[str]
    image_fetch_status: str
    faults: Sequence[Mapping[str, str]]

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = (
            "observe_time",
            "differences",
            "review_status",
            "review_rejection_reasons",
            "image_fetch_status",
            "faults",
        )
        return {name: getattr(self, name) for name in same} | {"verdict": f"VERDICT_{self.verdict}"}


@dataclass(frozen=True, slots=True)
class Tally:
    """What a pass over items came to: how many were seen, show another availability, or differ however often they are sent."""

    seen: int
    flipped: int
    drifted: int
    flipped_names: Sequence[str] = ()
    drifted_names: Sequence[str] = ()


def meta_fault(words: str) -> dict[str, Any]:
    """Keep Meta's refusal of an item, in its own words and with the part of the product it is about."""
    message = (
        "Meta refuses the item; mend what its words name and upsert the product, or mend it at Meta and call RetryItems"
    )
    return stored([ItemFault(Severity.ERROR, "META_REJECTED", "", message, words)])[0]


REMARKS = {
    Lane.CONTENT: "Meta takes the item and remarks on it; its words say what to mend",
    Lane.STOCK: "Meta takes the new stock and price and remarks on them; its words say what to mend",
}
"""What a warning says of its lane; so a lane's verdict replaces its own warnings only."""


def meta_warning(words: str, lane: Lane) -> dict[str, Any]:
    """Keep Meta's remark on an item it takes, in its own words."""
    return stored([ItemFault(Severity.WARNING, "META_WARNED", "", REMARKS[lane], words)])[0]


UNTOLD = ItemFault(
    Severity.ERROR,
    "META_OUTCOME_UNKNOWN",
    "",
    f"Meta was sent the item {MOST_SENDS} times and never said what became of it; call RetryItems to try again",
)


def stored(faults: Sequence[ItemFault]) -> list[dict[str, Any]]:
    """Write faults the way they are kept: with the contract's field and enum names."""
    texts = ("reason", "field", "message", "meta_message")
    return [
        {"severity": f"SEVERITY_{fault.severity}"} | {name: getattr(fault, name) for name in texts} for fault in faults
    ]


def worst(faults: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Pick the first error among kept faults."""
    return next(fault for fault in faults if fault["severity"] == f"SEVERITY_{Severity.ERROR}")
