"""Money as Meta writes it: decimal strings outside, whole minor units inside, and splits whose parts add up again.

It refuses amounts with more decimals than the currency has, negative ones and other currencies, naming the place.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "XAF"), 0),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
AMOUNT = re.compile(r"\d{1,12}(\.\d{1,4})?", re.ASCII)
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def write_amount(minor: int, currency: str) -> str:
    """Write minor units as a decimal string with all the currency's decimals: `10.00`, `1000`, `-0.15`."""
    return str(Decimal(minor).scaleb(-_exponent(currency)))


def write_money(minor: int, currency: str) -> dict[str, str]:
    """Write an amount with its currency."""
    return {"amount": write_amount(minor, currency), "currency": currency}


def read_amount(value: Any, currency: str, *, place: str) -> int:
    """Read a decimal string (or a number, as JSON bodies may hold) as minor units."""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if not AMOUNT.fullmatch(text):
        raise ValueError(f"{place}: expected an amount such as 10.00, got {value!r}")
    minor = Decimal(text).scaleb(_exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{place}: {currency} has {_exponent(currency)} decimals, got {value!r}")
    return int(minor)


def read_money(value: Any, currency: str, *, place: str) -> int:
    """Read `{amount, currency}` in the order's own currency."""
    if not isinstance(value, Mapping) or value.get("currency") != currency:
        raise ValueError(f"{place}: expected an amount and the currency {currency}, got {value!r}")
    return read_amount(value.get("amount"), currency, place=f"{place}.amount")


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split by weight with cumulative rounding: the parts always add up to the total."""
    whole, seen, given, parts = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        reached = share(total, seen, whole)
        parts.append(reached - given)
        given = reached
    return parts


def share(total: int, part: int, whole: int) -> int:
    """Return the part of a total, rounded half up; the whole part is the total, and no part of nothing is nothing."""
    return (2 * total * part + whole) // (2 * whole) if whole else 0


def between(total: int, before: int, after: int, *, whole: int) -> int:
    """Return what is due for the steps from `before` to `after`, so that all steps together are the total."""
    # graph-api.md 6.1 (documentation, Feb 2026): order-level discounts are split with cumulative rounding.
    return share(total, after, whole) - share(total, before, whole)


def _exponent(currency: str) -> int:
    return EXPONENTS.get(currency, 2)
