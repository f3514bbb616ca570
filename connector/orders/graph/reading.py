"""Reads what Meta tells of an order: exact amounts in one currency, times, words in any case. What cannot be read spoils the order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from connector.orders.model.states import State
from connector.orders.model.sums import Cost, Spoiled, Told, Whole, add_up
from connector.orders.model.values import Channel, Discount, Line, Option, Sums
from connector.values import decimals_of

Json = Mapping[str, Any]
_LONGEST_ID = 100
_LONGEST_TEXT = 1_000
_LARGEST_AMOUNT = 10**15
# https://developers.facebook.com/docs/commerce-platform/order-management/order-api (read 2026-11-21)
STATES = (State.FB_PROCESSING, State.CREATED, State.IN_PROGRESS, State.COMPLETED)


class Sighting(NamedTuple):
    """An order as a list tells it; without state or times where those cannot be read."""

    external_order_id: str
    state: State | None
    order_time: datetime | None
    update_time: datetime | None


@dataclass(frozen=True, slots=True)
class Reading:
    """An order as Meta tells it: lines are not mapped to products yet, and the buyer is unset while Meta processes it."""

    state: State
    channel: Channel
    currency_code: str
    order_time: datetime
    update_time: datetime
    ship_by_time: datetime | None
    test_order: bool
    buyer: Json | None
    address: Json | None
    shipping_option: Option | None
    sums: Sums
    tax_remitted: bool
    discounts: tuple[Discount, ...]
    lines: tuple[Line, ...]


def read_sighting(entry: Any) -> Sighting | None:
    """Read an entry of a list of orders; None when it names no order."""
    if not isinstance(entry, Mapping) or not (name := _text(entry.get("id"))) or len(name) > _LONGEST_ID:
        return None
    return Sighting(name, _state(entry), _moment(entry.get("created")), _moment(entry.get("last_updated")))


def needs_promotions(order: Json, items: Sequence[Json]) -> bool:
    """Tell whether an order's promotions must be read to understand its sums: most have none."""
    if any(_listed(item.get("promotion_details")) for item in items):
        return True
    details = _inner(order, "estimated_payment_details")
    paid = _inner(details, "facebook_paid_amount").get("amount")
    by_meta = bool(paid) and str(paid).strip("0.") != ""
    subtotal = _inner(details, "subtotal")
    asked = [_inner(_inner(one, "selected_shipping_option"), "price").get("amount") for one in items]
    whole = _inner(_inner(order, "selected_shipping_option"), "price").get("amount")
    return by_meta or whole != _inner(subtotal, "shipping").get("amount") or any(asked)


def read(order: Json, items: Sequence[Json], promotions: Sequence[Json]) -> Reading:
    """Read an order with all its lines and promotions.

    Raises:
        Spoiled: ORDER_UNREADABLE, CURRENCY_MISMATCH or ORDER_TOTAL_MISMATCH, naming what is wrong.

    """
    details = _required(order, "estimated_payment_details")
    amounts = _Amounts(_text(_inner(details, "total_amount").get("currency")))
    option = amounts.option(order.get("selected_shipping_option"), "selected_shipping_option")
    lines = [amounts.line(item, place) for place, item in enumerate(items)]
    if not lines or len({line.line_id for line in lines}) < len(lines):
        raise Spoiled("ORDER_UNREADABLE", "Facebook tells no lines of the order, or one of them twice")
    whole, discounts = _read_promotions(amounts, lines, items, promotions)
    costs = [Cost(line.subtotal, line.tax) for line in lines]
    sums, shares = add_up(costs, whole, _told(amounts, details, _shipping_tax(option, lines)))
    created = _moment(order.get("created"))
    state, updated = _state(order), _moment(order.get("last_updated"))
    if state is None or created is None or updated is None:
        raise Spoiled("ORDER_UNREADABLE", "Facebook tells the order's order_status, created or last_updated in a way we do not know")  # fmt: skip
    cancelled = state is State.COMPLETED and all(line.cancelled_quantity == line.quantity for line in lines)
    return Reading(
        state=State.CANCELLED if cancelled else state,
        channel=_channel(order),
        currency_code=amounts.currency_code,
        order_time=created,
        update_time=updated,
        ship_by_time=_moment(order.get("ship_by_date")),
        test_order=order.get("is_test_order") is True,
        buyer=_read_buyer(order.get("buyer_details"), _channel(order), created),
        address=_read_address(order.get("shipping_address")),
        shipping_option=option,
        sums=sums,
        tax_remitted=details.get("tax_remitted") is True,
        discounts=tuple(discounts),
        lines=tuple(_settled(line, share) for line, share in zip(lines, shares, strict=True)),
    )


def _settled(line: Line, share: int) -> Line:
    return replace(line, order_discount=share, total=line.subtotal - share + line.tax)


def _shipping_tax(option: Option | None, lines: Sequence[Line]) -> int | None:
    """Tell the tax on shipping: line by line where it is told so, else of the whole order."""
    own = [line.shipping_option.tax for line in lines if line.shipping_option]
    if own:
        return None if None in own else sum(tax or 0 for tax in own)
    return option.tax if option else None


def _told(amounts: "_Amounts", details: Json, shipping_tax: int | None) -> Told:
    subtotal = _required(details, "subtotal")
    items, shipping = (amounts.read(subtotal.get(name), f"subtotal.{name}") for name in ("items", "shipping"))
    tax, total = (amounts.read(details.get(name), name) for name in ("tax", "total_amount"))
    if items is None or total is None:
        raise Spoiled("ORDER_UNREADABLE", "Facebook tells no subtotal or total_amount of the order")
    payers = (amounts.read(details.get(name), name) for name in ("buyer_paid_amount", "facebook_paid_amount"))
    return Told(items, shipping or 0, shipping_tax, tax or 0, total, *payers)


class _Applied(NamedTuple):
    """One promotion, wherever it is told: its amount is of the whole order, or of the line `place`."""

    promotion_id: str
    amount: int
    by_meta: bool
    of_items: bool
    document: Json


def _read_promotions(
    amounts: "_Amounts", lines: Sequence[Line], items: Sequence[Json], told: Sequence[Json]
) -> tuple[list[Whole], list[Discount]]:
    """Read what was taken off: of single items as their lines tell it, of the whole order with each line's part."""
    by_line = [[amounts.applied(one) for one in _listed(item.get("promotion_details"))] for item in items]
    discounts = [
        _discount(one, one.amount, "ITEMS", line.line_id)
        for line, rows in zip(lines, by_line, strict=True)
        for one in rows
        if one.of_items
    ]
    whole: list[Whole] = []
    named: dict[str, list[_Applied]] = {}
    for one in map(amounts.applied, told):
        if not one.of_items:
            named.setdefault(one.promotion_id, []).append(one)
        elif one.promotion_id not in {known.promotion_id for known in discounts}:
            discounts.append(_discount(one, one.amount, "ITEMS", ""))
    for one in (row for rows in by_line for row in rows if not row.of_items):
        named.setdefault(one.promotion_id, [])
    for promotion_id, rows in named.items():
        parts = [[one for one in line if one.promotion_id == promotion_id and not one.of_items] for line in by_line]
        shares = tuple(sum(one.amount for one in line) for line in parts)
        first = next(iter([*rows, *(one for line in parts for one in line)]))
        taken = Whole(sum(one.amount for one in rows) if rows else sum(shares), first.by_meta, shares)
        whole.append(taken)
        discounts.append(_discount(first, taken.amount, "SHIPPING" if taken.off_shipping else "ORDER", ""))
    # Of single items only what Meta pays for matters to the sums: the merchant's is in the price.
    zeros = (0,) * len(lines)
    whole += [Whole(one.amount, True, zeros) for one in discounts if one.target == "ITEMS" and one.sponsor == "META"]
    return whole, discounts


def _discount(one: _Applied, amount: int, target: str, line_id: str) -> Discount:
    document = one.document
    name, coupon = _text(document.get("campaign_name")), _text(document.get("coupon_code"))
    after_tax = document.get("applied_after_tax") is True
    sponsor = "META" if one.by_meta else "MERCHANT"
    return Discount(one.promotion_id, name, coupon, amount, sponsor, target, after_tax, line_id)


class _Amounts:
    """Reads amounts that must all be in one currency."""

    def __init__(self, currency_code: str) -> None:
        self.currency_code = currency_code
        decimals = decimals_of(currency_code)
        if decimals is None:
            raise Spoiled("ORDER_UNREADABLE", f"total_amount: {currency_code or 'nothing'} is no currency that we know")
        self._decimals = decimals

    def read(self, told: Any, field: str) -> int | None:
        """Read an amount exactly; None when there is none."""
        if told is None:
            return None
        if not isinstance(told, Mapping) or not isinstance(told.get("amount"), str | int):
            raise Spoiled("ORDER_UNREADABLE", f"{field}: Facebook tells no amount that can be read exactly")
        if told.get("currency") != self.currency_code:
            message = f"{field}: is in {_text(told.get('currency'))}, and the order in {self.currency_code}"
            raise Spoiled("CURRENCY_MISMATCH", message)
        try:
            minor = Decimal(str(told["amount"])).scaleb(self._decimals)
        except ArithmeticError:
            raise Spoiled("ORDER_UNREADABLE", f"{field}: Facebook's amount is no decimal number") from None
        if not minor.is_finite() or abs(minor) > _LARGEST_AMOUNT or minor != int(minor):
            raise Spoiled("ORDER_UNREADABLE", f"{field}: Facebook's amount has more decimals than {self.currency_code}")
        return int(minor)

    def option(self, told: Any, field: str) -> Option | None:
        """Read how something travels; None when nothing is told."""
        if not isinstance(told, Mapping):
            return None
        days = _inner(told, "estimated_shipping_time")
        return Option(
            _text(told.get("name")),
            _text(told.get("reference_id")),
            self.read(told.get("price"), f"{field}.price"),
            self.read(told.get("calculated_tax"), f"{field}.calculated_tax"),
            _count(days.get("min_days")) or 0,
            _count(days.get("max_days")) or 0,
        )

    def line(self, item: Json, place: int) -> Line:
        """Read a line; its share of order discounts comes later."""
        field, status = f"items[{place}]", _inner(item, "status")
        line_id, quantity = _text(item.get("id")), _count(item.get("quantity"))
        price = self.read(item.get("price_per_unit"), f"{field}.price_per_unit")
        tax = self.read(_inner(item, "tax_details").get("estimated_tax"), f"{field}.estimated_tax") or 0
        if not line_id or not quantity or price is None or price < 0 or tax < 0:
            raise Spoiled("ORDER_UNREADABLE", f"{field}: Facebook tells no id, quantity or price_per_unit of the line")
        shipped = min(_count(status.get("fulfilled")) or 0, quantity)
        return Line(
            line_id=line_id,
            retailer_id=_text(item.get("retailer_id")),
            external_product_id=_text(item.get("product_id")),
            product_id="",
            variant_id="",
            mapped=False,
            name=_text(item.get("product_name")),
            quantity=quantity,
            unit_price=price,
            subtotal=price * quantity,
            order_discount=0,
            tax=tax,
            total=price * quantity + tax,
            customization=_text(item.get("customization")),
            shipping_option=self.option(item.get("selected_shipping_option"), f"{field}.selected_shipping_option"),
            shipped_quantity=shipped,
            cancelled_quantity=min(_count(status.get("cancelled")) or 0, quantity - shipped),
            refundable=self.read(item.get("amount_available_for_refund"), f"{field}.amount_available_for_refund"),
        )

    def applied(self, told: Json) -> _Applied:
        """Read a promotion."""
        amount = self.read(told.get("applied_amount"), "applied_amount")
        sponsor = _text(told.get("sponsor")).lower()
        level = _text(told.get("target_granularity")).lower()
        if amount is None or amount < 0 or sponsor not in {"merchant", "facebook"} or level not in {"item_level", "order_level"}:  # fmt: skip
            raise Spoiled("ORDER_UNREADABLE", "promotion_details: Facebook tells a promotion in a way we do not know")
        name = _text(told.get("promotion_id"))
        return _Applied(name, amount, sponsor == "facebook", level == "item_level", told)


def _channel(order: Json) -> Channel:
    # The documentation writes `facebook` and `Instagram`: case tells nothing.
    word = _text(order.get("channel")).upper()
    if word not in set(Channel):
        raise Spoiled("ORDER_UNREADABLE", f"channel: Facebook says {word[:40] or 'nothing'}, which we do not know")
    return Channel(word)


def _state(order: Json) -> State | None:
    word = _text(_inner(order, "order_status").get("state")).upper()
    return State(word) if word in set(STATES) else None


def _read_buyer(told: Any, channel: Channel, order_time: datetime) -> Json | None:
    if not isinstance(told, Mapping) or not told:
        return None
    wish = told.get("email_remarketing_option")
    opt_in = {True: "YES", False: "NO"}.get(wish, "UNSPECIFIED") if isinstance(wish, bool) else "UNSPECIFIED"
    names = {"name": "name", "first_name": "first_name", "last_name": "last_name", "relay_email": "email", "phone": "phone_number"}  # fmt: skip
    buyer = {ours: _text(told.get(metas)) for ours, metas in names.items()}
    said = {"marketing_opt_in": f"MARKETING_OPT_IN_{opt_in}", "marketing_opt_in_time": None}
    if opt_in != "UNSPECIFIED":  # said in the checkout, with the order
        said |= {"marketing_opt_in_time": order_time.isoformat(), "marketing_opt_in_source": f"ORDER_CHANNEL_{channel}"}
    return buyer | said


def _read_address(told: Any) -> Json | None:
    if not isinstance(told, Mapping) or not told:
        return None
    name = _text(told.get("name")) or " ".join(
        filter(None, (_text(told.get("first_name")), _text(told.get("last_name"))))
    )
    names = {
        "street1": "street1",
        "street2": "street2",
        "city": "city",
        "region": "state",
        "postal_code": "postal_code",
    }
    parts = {ours: _text(told.get(metas)) for ours, metas in names.items()}
    return {"name": name, **parts, "country_code": _text(told.get("country")).upper()}


def _text(value: Any) -> str:
    """Read a word; what is none is empty. PostgreSQL takes no NUL, and JSON that is read has no lone surrogates."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    return str(value).strip().replace("\0", "\ufffd")[:_LONGEST_TEXT]


def _count(value: Any) -> int | None:
    known = (
        isinstance(value, int | str) and not isinstance(value, bool) and str(value).isascii() and str(value).isdecimal()
    )
    return int(value) if known and len(str(value)) < 10 else None


def _moment(value: Any) -> datetime | None:
    """Read a time or a day; None when it is neither."""
    try:
        time = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _inner(entry: Any, name: str) -> Json:
    value = entry.get(name) if isinstance(entry, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _required(entry: Json, name: str) -> Json:
    if not (found := _inner(entry, name)):
        raise Spoiled("ORDER_UNREADABLE", f"{name}: Facebook does not tell it")
    return found


def _listed(value: Any) -> Sequence[Json]:
    rows: Iterable[Any] = value.get("data") or () if isinstance(value, Mapping) else ()
    return [one for one in rows if isinstance(one, Mapping)]
