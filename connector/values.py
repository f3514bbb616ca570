"""The small values everything is made of: ids, money, pages of results.

They refuse to exist in a wrong form and do no I/O.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, NewType, TypeVar
from uuid import UUID

T = TypeVar("T")

StoreId = NewType("StoreId", str)
ConnectionId = NewType("ConnectionId", UUID)
RetailerId = NewType("RetailerId", str)
Psid = NewType("Psid", str)


class Environment(StrEnum):
    """Which of Meta's worlds something lives in. The two never mix."""

    TEST = "TEST"
    PRODUCTION = "PRODUCTION"


class CapabilityKind(StrEnum):
    """What a store may do at Meta."""

    CATALOG_SYNC = "CATALOG_SYNC"
    INVENTORY = "INVENTORY"
    MESSAGING = "MESSAGING"
    ORDER_MANAGEMENT = "ORDER_MANAGEMENT"
    PROMOTIONS = "PROMOTIONS"
    CONVERSIONS = "CONVERSIONS"
    INSIGHTS = "INSIGHTS"
    INSTAGRAM_MESSAGING = "INSTAGRAM_MESSAGING"


OPTIONAL = (
    CapabilityKind.ORDER_MANAGEMENT,
    CapabilityKind.PROMOTIONS,
    CapabilityKind.CONVERSIONS,
    CapabilityKind.INSIGHTS,
    CapabilityKind.INSTAGRAM_MESSAGING,
)
"""What only an app that is set to it asks merchants for; nobody can do without the others."""


# ISO 4217 list one, by decimals; everything else that is known has two.
_NO_DECIMALS = [
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
]
_THREE_DECIMALS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
_TWO_DECIMALS = [
    "AED",
    "AFN",
    "ALL",
    "AMD",
    "AOA",
    "ARS",
    "AUD",
    "AWG",
    "AZN",
    "BAM",
    "BBD",
    "BDT",
    "BMD",
    "BND",
    "BOB",
    "BRL",
    "BSD",
    "BTN",
    "BWP",
    "BYN",
    "BZD",
    "CAD",
    "CDF",
    "CHF",
    "CNY",
    "COP",
    "CRC",
    "CUP",
    "CVE",
    "CZK",
    "DKK",
    "DOP",
    "DZD",
    "EGP",
    "ERN",
    "ETB",
    "EUR",
    "FJD",
    "FKP",
    "GBP",
    "GEL",
    "GHS",
    "GIP",
    "GMD",
    "GTQ",
    "GYD",
    "HKD",
    "HNL",
    "HTG",
    "HUF",
    "IDR",
    "ILS",
    "INR",
    "IRR",
    "JMD",
    "KES",
    "KGS",
    "KHR",
    "KPW",
    "KYD",
    "KZT",
    "LAK",
    "LBP",
    "LKR",
    "LRD",
    "LSL",
    "MAD",
    "MDL",
    "MGA",
    "MKD",
    "MMK",
    "MNT",
    "MOP",
    "MRU",
    "MUR",
    "MVR",
    "MWK",
    "MXN",
    "MYR",
    "MZN",
    "NAD",
    "NGN",
    "NIO",
    "NOK",
    "NPR",
    "NZD",
    "PAB",
    "PEN",
    "PGK",
    "PHP",
    "PKR",
    "PLN",
    "QAR",
    "RON",
    "RSD",
    "RUB",
    "SAR",
    "SBD",
    "SCR",
    "SDG",
    "SEK",
    "SGD",
    "SHP",
    "SLE",
    "SOS",
    "SRD",
    "SSP",
    "STN",
    "SVC",
    "SYP",
    "SZL",
    "THB",
    "TJS",
    "TMT",
    "TOP",
    "TRY",
    "TTD",
    "TWD",
    "TZS",
    "UAH",
    "USD",
    "UYU",
    "UZS",
    "VED",
    "VES",
    "WST",
    "XCD",
    "XCG",
    "YER",
    "ZAR",
    "ZMW",
    "ZWG",
]
_DECIMALS = dict.fromkeys(_NO_DECIMALS, 0) | dict.fromkeys(_TWO_DECIMALS, 2) | dict.fromkeys(_THREE_DECIMALS, 3)


def decimals_of(currency_code: str) -> int | None:
    """Tell how many decimals an ISO 4217 currency has; None when there is no such currency."""
    return _DECIMALS.get(currency_code)


class Money(NamedTuple):
    """An exact amount: `minor_units` of an ISO 4217 currency. 1250 USD-minor is 12.50 USD, 1200 JPY-minor is 1200 JPY."""

    currency_code: str
    minor_units: int

    def __str__(self) -> str:
        """Write it the way Meta reads prices: `12.50 USD`, `1200 JPY`, `1.250 KWD`."""
        decimals = decimals_of(self.currency_code)
        if decimals is None:
            raise ValueError(f"{self.currency_code} is not an ISO 4217 currency")
        sign, digits = "-" if self.minor_units < 0 else "", str(abs(self.minor_units)).rjust(decimals + 1, "0")
        amount = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
        return f"{sign}{amount} {self.currency_code}"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of results and where to go on; `next_token` is None at the end."""

    entries: tuple[T, ...]
    next_token: str | None = None


NewId = Callable[[], UUID]


def new_id() -> UUID:
    """Make an id that sorts by time (UUID version 7, RFC 9562 §5.7): inserts stay local in every index."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    return UUID(int=milliseconds << 80 | 7 << 76 | (random >> 62 & 0xFFF) << 64 | 2 << 62 | random & (1 << 62) - 1)
