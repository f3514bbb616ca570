"""Reads Meta's amounts exactly: decimal texts with a currency, never a binary fraction."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.values import Money, decimals_of

_LARGEST_AMOUNT = 10**15


def read_amount(told: Any, field: str) -> Money:
    """Read an amount in whatever currency.

    Raises:
        ValueError: it cannot be read exactly; the message names the field.

    """
    amount = told.get("amount") if isinstance(told, Mapping) else None
    currency = str(told.get("currency")) if isinstance(told, Mapping) else ""
    decimals = decimals_of(currency)
    if not isinstance(amount, str | int) or decimals is None:
        raise ValueError(f"{field}: no amount with a currency that we know")
    try:
        minor = Decimal(str(amount)).scaleb(decimals)
    except InvalidOperation:
        raise ValueError(f"{field}: the amount is no decimal number") from None
    if not minor.is_finite() or abs(minor) > _LARGEST_AMOUNT or minor != int(minor):
        raise ValueError(f"{field}: the amount has more decimals than {currency}")
    return Money(currency, int(minor))


def read_minor_units(told: Any, field: str, currency_code: str) -> int:
    """Read an amount in a known currency; one that is not told is nothing.

    Raises:
        ValueError: it cannot be read exactly, or is in another currency; the message names the field.

    """
    if told is None:
        return 0
    amount = read_amount(told, field)
    if amount.currency_code != currency_code:
        raise ValueError(f"{field}: the amount is in {amount.currency_code}, and the order in {currency_code}")
    return amount.minor_units
