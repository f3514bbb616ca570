"""Receipts as callers write them: one currency, exact amounts that add up."""

from typing import Any

from connector.errors import InvalidInput
from connector.messaging.model import Kind, Part
from connector.rpc import read
from connector.values import Money, decimals_of
from stormcom.facebook.v1 import message_pb2

_MOST_LINES, _MOST_DISCOUNTS, _MOST_PIECES = 100, 10, 100_000
_LONGEST_NAME, _LONGEST_TITLE, _LONGEST_LINK = 100, 80, 2000


def read_receipt(receipt: message_pb2.Receipt) -> Part:
    """Read a receipt.

    Raises:
        InvalidInput: naming the first wrong field, or the amount that does not add up.

    """
    amounts = _Amounts(receipt.total.currency_code)
    lines = [_line(one, f"receipt.lines[{at}]", amounts) for at, one in enumerate(_lines(receipt))]
    if len(receipt.discounts) > _MOST_DISCOUNTS:
        read.entries(receipt.discounts, "receipt.discounts", limit=_MOST_DISCOUNTS)
    discounts = [_discount(one, f"receipt.discounts[{at}]", amounts) for at, one in enumerate(receipt.discounts)]
    content: dict[str, Any] = {
        "order_number": read.required(receipt.order_number, "receipt.order_number", limit=_LONGEST_NAME),
        "recipient_name": read.required(receipt.recipient_name, "receipt.recipient_name", limit=_LONGEST_NAME),
        "payment_method": read.required(receipt.payment_method, "receipt.payment_method", limit=_LONGEST_TITLE),
        "currency": amounts.currency_code,
        "lines": lines,
        "discounts": discounts,
        **_totals(receipt, amounts),
        "order_url": read.within(receipt.order_url, "receipt.order_url", limit=_LONGEST_LINK),
        "order_time": _order_time(receipt),
    }
    return Part(Kind.RECEIPT, content=content)


def _lines(receipt: message_pb2.Receipt) -> Any:
    return read.entries(receipt.lines, "receipt.lines", limit=_MOST_LINES)


def _order_time(receipt: message_pb2.Receipt) -> str:
    if not receipt.HasField("order_time"):
        return ""
    return read.instant(receipt.order_time, "receipt.order_time").isoformat()


class _Amounts:
    """Reads amounts of one currency."""

    def __init__(self, currency_code: str) -> None:
        if decimals_of(currency_code) is None:
            words = "must be an ISO 4217 code in upper case, such as USD"
            raise InvalidInput.of("receipt.total.currency_code", "CURRENCY_UNKNOWN", words)
        self.currency_code = currency_code

    def units(self, money: Any, field: str, *, least: int = 0) -> int:
        """Read an amount in the currency's smallest unit."""
        if money.currency_code != self.currency_code:
            words = f"must be in {self.currency_code}, as the total is"
            raise InvalidInput.of(f"{field}.currency_code", "CURRENCY_MISMATCH", words)
        if money.minor_units < least:
            raise InvalidInput.of(f"{field}.minor_units", "FIELD_INVALID", f"must be at least {least}")
        return int(money.minor_units)

    def write(self, units: int) -> str:
        """Write an amount as a plain decimal number."""
        return str(Money(self.currency_code, units)).partition(" ")[0]


def _line(line: message_pb2.Receipt.Line, at: str, amounts: _Amounts) -> dict[str, Any]:
    if not 1 <= line.quantity <= _MOST_PIECES:
        raise InvalidInput.of(f"{at}.quantity", "FIELD_INVALID", f"must be 1 to {_MOST_PIECES}")
    return {
        "title": read.required(line.title, f"{at}.title", limit=_LONGEST_TITLE),
        "subtitle": read.within(line.subtitle, f"{at}.subtitle", limit=_LONGEST_TITLE),
        "quantity": line.quantity,
        "price": amounts.write(amounts.units(line.price, f"{at}.price")),
        "image_url": read.within(line.image_url, f"{at}.image_url", limit=_LONGEST_LINK),
    }


def _discount(discount: message_pb2.Receipt.Discount, at: str, amounts: _Amounts) -> dict[str, str]:
    return {
        "name": read.required(discount.name, f"{at}.name", limit=_LONGEST_TITLE),
        "amount": amounts.write(amounts.units(discount.amount, f"{at}.amount", least=1)),
    }


def _totals(receipt: message_pb2.Receipt, amounts: _Amounts) -> dict[str, str]:
    """Read the sums, and refuse those that do not add up."""
    units = {
        name: amounts.units(getattr(receipt, name), f"receipt.{name}")
        for name in ("subtotal", "shipping", "tax", "total")
        if receipt.HasField(name)
    }
    lines = sum(one.price.minor_units for one in receipt.lines)
    if units.get("subtotal") != lines:
        words = f"must be the sum of the lines, {amounts.write(lines)}"
        raise InvalidInput.of("receipt.subtotal", "FIELD_INVALID", words)
    taken_off = sum(one.amount.minor_units for one in receipt.discounts)
    expected = lines + units.get("shipping", 0) + units.get("tax", 0) - taken_off
    if units["total"] != expected:
        words = f"must be subtotal + shipping + tax - discounts, {amounts.write(expected)}"
        raise InvalidInput.of("receipt.total", "FIELD_INVALID", words)
    return {name: amounts.write(value) for name, value in units.items()}
