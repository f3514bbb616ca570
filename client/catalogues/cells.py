"""Text of a cell → value. Each raises ValueError with the cause and the fix; none guesses, rounds or repairs."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import Weight

T = TypeVar("T")

# ISO 4217:2015, active codes whose minor unit is not 2.
DECIMALS = {
    **dict.fromkeys(
        [
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
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
LARGEST_MINOR_UNITS = 2**63 - 1

AMOUNT = re.compile(r"(?P<before>[A-Za-z]{3})?\s*(?P<number>-?[0-9][0-9.,]*)\s*(?P<after>[A-Za-z]{3})?")
# Plain, or with commas between thousands where nothing else can be meant: `1,299` alone may be 1299 or 1.299.
NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,})")
WEIGHT_UNITS = {"g": Weight.UNIT_GRAM, "kg": Weight.UNIT_KILOGRAM, "oz": Weight.UNIT_OUNCE, "lb": Weight.UNIT_POUND}
TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


def read_money(text: str, *, currency: str) -> Money:
    """Read `9.99`, `9.99 USD` or `USD 9.99`, exactly; `currency` counts when the text names none."""
    parts = AMOUNT.fullmatch(text)
    if parts is None or not NUMBER.fullmatch(parts["number"]):
        raise ValueError(f"{text!r} is no price; write it like 1299.00 or 1299.00 USD")
    code = (parts["after"] or parts["before"] or currency).upper()
    if not code:
        raise ValueError(f"{text!r} names no currency; give --currency")
    places = DECIMALS.get(code, 2)
    units = Decimal(parts["number"].replace(",", "")).scaleb(places)
    if units != units.to_integral_value():
        raise ValueError(f"{text!r} is finer than {code}, which has {places} decimals")
    if abs(units) > LARGEST_MINOR_UNITS:
        raise ValueError(f"{text!r} is more than any price")
    return Money(currency_code=code, minor_units=int(units))


def read_quantity(text: str) -> int:
    """Read pieces on stock; oversold stock (below zero) is none."""
    if not re.fullmatch(r"-?[0-9]{1,18}(?:\.0+)?", text):
        raise ValueError(f"{text!r} is no whole number of pieces")
    return max(0, int(Decimal(text)))


def read_weight(text: str) -> Weight:
    """Read `1.5 kg`, exactly to a thousandth of the unit; g, kg, oz and lb are known."""
    parts = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?)\s*([a-z]+)", text.lower())
    if parts is None or parts[2] not in WEIGHT_UNITS:
        raise ValueError(f"{text!r} is no weight; write it like 1.5 kg, with one of {', '.join(WEIGHT_UNITS)}")
    milli_units = Decimal(parts[1]).scaleb(3)
    if milli_units != milli_units.to_integral_value():
        raise ValueError(f"{text!r} is finer than a thousandth of a {parts[2]}")
    return Weight(milli_units=int(milli_units), unit=WEIGHT_UNITS[parts[2]])


def read_labels(text: str) -> list[str]:
    """Read words from a JSON list, or apart by commas."""
    labels = read_list(text)
    return unique([part.strip() for part in text.split(",")] if labels is None else labels)


def read_truth(text: str) -> bool:
    """Read a yes or no."""
    word = text.lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return word in TRUE


def read_instant(text: str) -> Timestamp:
    """Read an ISO 8601 date or time; without an offset it is UTC. Hours of one digit, as some feeds have them, are taken."""
    padded = re.sub(r"T([0-9]):", r"T0\1:", text.strip())
    padded = re.sub(r"T([0-9]{1,2})(?=$|[+-])", lambda hour: f"T{int(hour[1]):02}:00", padded)
    try:
        moment = datetime.fromisoformat(padded)
    except ValueError as wrong:
        raise ValueError(f"{text!r} is no time; write it like 2026-11-21T09:00+06:00") from wrong
    stamp = Timestamp()
    stamp.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return stamp


def read_period(text: str) -> tuple[Timestamp, Timestamp]:
    """Read `<begin>/<end>`."""
    begin, slash, end = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is no period; write it like 2026-11-01T00:00Z/2026-12-01T00:00Z")
    return read_instant(begin), read_instant(end)


def read_list(text: str) -> list[str] | None:
    """Read a JSON list of texts; None when the text is none. Nulls and empty ones are left out."""
    if not text.startswith("["):
        return None
    try:
        values = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise ValueError(f"it begins like a JSON list but is none: {wrong}") from wrong
    if not all(value is None or isinstance(value, str) for value in values):
        raise ValueError("the JSON list holds something that is no text")
    return [value.strip() for value in values if value and value.strip()]


def read_links(text: str) -> list[str]:
    """Read links from a JSON list, or apart by `|`, `;`, line feeds or commas; a comma inside a URL does not part it."""
    links = read_list(text)
    return (
        links
        if links is not None
        else [part for part in re.split(r"\s*[|;\n]\s*|\s*,\s*(?=https?://|/)", text) if part]
    )


def read_categories(text: str) -> list[str]:
    """Read a category path, outermost first: `A >> B`, `A > B`, or a JSON list whose first entry is one."""
    paths = read_list(text)
    if paths is not None:
        text = paths[0] if paths else ""
    return [part.strip() for part in re.split(r">+", text) if part.strip()]


def read_choice(text: str, choices: Mapping[str, T]) -> T:
    """Read one word of a table; case, `_` and spaces do not matter."""
    word = text.lower().replace("_", " ").strip()
    if word not in choices:
        raise ValueError(f"{text!r} is none of {', '.join(choices)}")
    return choices[word]


def unique(texts: Sequence[str]) -> list[str]:
    """Drop repetitions and empty ones, keep the order."""
    return [text for text in dict.fromkeys(texts) if text]
