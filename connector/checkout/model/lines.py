"""What can be had of a link: its entries against the catalog, the stock and the clock. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from connector.checkout.model.links import MOST_PIECES, Asked, Candidate, Link, Warned, WarningKind
from connector.values import Money

MOST_CHOICES = 100
_MOST_CHOICES_OF_LINK = 2_000
"""So an answer stays well below the four megabytes that callers take unless they ask for more."""
_MOST_WARNINGS = 50
_OURS = "sc_"


class State(StrEnum):
    """What can be had of a line."""

    AVAILABLE = "AVAILABLE"
    QUANTITY_CUT = "QUANTITY_CUT"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNAVAILABLE = "UNAVAILABLE"
    CHOICE_NEEDED = "CHOICE_NEEDED"
    UNKNOWN = "UNKNOWN"


GRANTING = frozenset({State.AVAILABLE, State.QUANTITY_CUT})
"""Something can be had."""


class Known(NamedTuple):
    """An item as the registry knows it; `whole` stands, or stood, for a product without variants."""

    retailer_id: str
    product_id: str
    variant_id: str
    whole: bool
    wanted: bool
    discontinued: bool
    title: str
    link: str
    image_link: str
    currency_code: str | None
    base_price: int | None
    compare_at_price: int | None
    sale_start_time: datetime | None
    sale_end_time: datetime | None
    track_inventory: bool
    quantity: int
    reserved: int
    offered: int | None

    @property
    def available(self) -> int:
        """Tell how many pieces can be had: those offered at Meta; any number where nobody counts."""
        if not self.wanted or self.discontinued:
            return 0
        if not self.track_inventory:
            return MOST_PIECES
        return max(0, self.quantity - self.reserved) if self.offered is None else self.offered

    def price(self, at: datetime) -> Money | None:
        """Tell what a piece costs at a moment: outside of a sale's time, what it costs without the sale."""
        if self.currency_code is None or self.base_price is None:
            return None
        early = self.sale_start_time is not None and at < self.sale_start_time
        late = self.sale_end_time is not None and at >= self.sale_end_time
        price = max(self.base_price, self.compare_at_price or 0) if early or late else self.base_price
        return Money(self.currency_code, price)

    def document(self, *, at: datetime, names: Iterable[str]) -> dict[str, Any]:
        """Write some of it, and what a piece costs at a moment."""
        price = self.price(at)
        return {name: getattr(self, name) for name in names} | {"price": price._asdict() if price else None}


@dataclass(frozen=True, slots=True)
class Line:
    """What was asked for that is one item today, and what can be had of it."""

    asked: tuple[str, ...]
    requested: int
    item: Known | None = None
    choices: tuple[Known, ...] = ()
    held: int | None = None

    @property
    def available(self) -> int:
        """Tell how many pieces can be had; those that are kept aside for this very buyer, once they are."""
        if self.item is None:
            return 0
        return self.item.available if self.held is None else self.held

    @property
    def state(self) -> State:
        """Tell what can be had."""
        if self.choices:
            return State.CHOICE_NEEDED
        if self.item is None:
            return State.UNKNOWN
        if not self.item.wanted or self.item.discontinued:
            return State.UNAVAILABLE
        if not self.available:
            return State.OUT_OF_STOCK
        return State.QUANTITY_CUT if self.available < self.requested else State.AVAILABLE

    @property
    def granted(self) -> int:
        """Tell how many pieces can be had."""
        return min(self.requested, self.available)

    def document(self, *, at: datetime) -> dict[str, Any]:
        """Write it as it is at a moment, with the contract's field names."""
        named = {} if self.item is None else self.item.document(at=at, names=_SHOWN_OF_LINES)
        return named | {
            "asked_ids": list(self.asked),
            "state": f"STATE_{self.state}",
            "requested_quantity": self.requested,
            "granted_quantity": self.granted,
            "choices": [one.document(at=at, names=_SHOWN_OF_CHOICES) for one in self.choices],
        }


_SHOWN_OF_LINES = ("retailer_id", "product_id", "variant_id", "title", "link", "image_link")
_SHOWN_OF_CHOICES = ("retailer_id", "variant_id", "title")


class Resolved(NamedTuple):
    """The lines of a link, and what had to be interpreted."""

    lines: tuple[Line, ...]
    warnings: tuple[Warned, ...]


Found = Mapping[str, Known]
"""Items by the names they were asked for by: today's, or a former one."""
Families = Mapping[str, Sequence[Known]]
"""The items of a product that are sold, by the product's id."""


def families_of(link: Link, found: Found) -> list[str]:
    """List the products whose items have to be known: of entries that name no item, or one that stood for a whole product."""
    wanted = (_products_of(entry, found) for entry in link.entries)
    return list(dict.fromkeys(product_id for some in wanted for product_id in some))


def _products_of(entry: Asked, found: Found) -> Iterable[str]:
    hit = _hit(entry, found)
    if hit is None:
        return (one for candidate in entry.candidates for one in _whole_names(candidate.name))
    return (hit[1].product_id,) if hit[1].whole and not hit[1].wanted else ()


def _whole_names(name: str) -> tuple[str, ...]:
    """Tell what a name may say of a whole product: StormCom's own id, or the group's that its variants share at Meta."""
    return (name, name.removeprefix(_OURS)) if name.startswith(_OURS) else (name,)


def _hit(entry: Asked, found: Found) -> tuple[Candidate, Known] | None:
    return next(((way, found[way.name]) for way in entry.candidates if way.name in found), None)


def resolve(link: Link, found: Found, families: Families) -> Resolved:
    """Read a link against the catalog: a line per item, in the order of the link."""
    lines: dict[tuple[str, str], Line] = {}
    warnings = [*link.warnings]
    most = min(MOST_CHOICES, _MOST_CHOICES_OF_LINK // max(len(link.entries), 1))
    for entry in link.entries:
        way, line = _read(entry, found, families, most)
        key = _key(line)
        lines[key] = _joined(lines[key], line) if key in lines else line
        warnings += _warned(entry, way, line)
    return Resolved(tuple(lines.values()), tuple(dict.fromkeys(warnings))[:_MOST_WARNINGS])


def _key(line: Line) -> tuple[str, str]:
    """Tell what makes two entries one line."""
    if line.item is not None:
        return "item", line.item.retailer_id
    return ("product", line.choices[0].product_id) if line.choices else ("unknown", line.asked[0])


def _warned(entry: Asked, way: Candidate, line: Line) -> Iterator[Warned]:
    if way.warning:
        yield Warned(way.warning, entry.text)
    if line.item is not None and line.item.retailer_id != entry.text:
        yield Warned(WarningKind.FORMER_ID, entry.text)


def _read(entry: Asked, found: Found, families: Families, most: int) -> tuple[Candidate, Line]:
    hit = _hit(entry, found)
    if hit is not None:
        way, item = hit
        family = () if item.wanted or not item.whole else families.get(item.product_id, ())
        return way, _of_family(entry, way, family, most) if family else Line((entry.text,), way.quantity, item)
    for way in entry.candidates:
        for product_id in _whole_names(way.name):
            if family := families.get(product_id, ()):
                return way, _of_family(entry, way, family, most)
    way = entry.candidates[0]
    return way, Line((entry.text,), way.quantity)


def _of_family(entry: Asked, way: Candidate, family: Sequence[Known], most: int) -> Line:
    """Take the only item of a product, or have the buyer choose."""
    if len(family) == 1:
        return Line((entry.text,), way.quantity, family[0])
    return Line((entry.text,), way.quantity, None, tuple(family[:most]))


def _joined(first: Line, second: Line) -> Line:
    asked = tuple(dict.fromkeys((*first.asked, *second.asked)))
    return replace(first, asked=asked, requested=min(MOST_PIECES, first.requested + second.requested))
