"""Makes of what is known of a buyer what Meta recognises people by: normalised, then SHA-256. What cannot be normalised is left out.

A value that is a hash already is taken as it is.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters (recalled);
# SDK 26.0.3, serverside/normalize.py: hashes of 32 or 64 hex digits are left alone; how each field is normalised.
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}", re.ASCII)
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_NO_PLACE = re.compile(r"[0-9.\s\-()]")
_NO_PHONE = re.compile(r"[\s\-()]|^\+|^00")
_PHONE = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_COUNTRY = re.compile(r"[a-z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Buyer:
    """What is known of a buyer, as the caller said it. Never kept."""

    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    first_name: str = ""
    last_name: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country_code: str = ""
    birth_date: str = ""
    gender: str = ""
    external_id: str = ""
    client_ip_address: str = ""
    client_user_agent: str = ""
    fbc: str = ""
    fbp: str = ""

    def __repr__(self) -> str:
        """Say nothing of the person, wherever it ends up."""
        return "Buyer(…)"


def _email(value: str) -> str:
    return value if _ADDRESS.fullmatch(value) else ""


def _phone(value: str) -> str:
    digits = _NO_PHONE.sub("", re.sub(r"[\s\-()]", "", value))
    return digits if _PHONE.fullmatch(digits) else ""


def _place(value: str) -> str:
    return _NO_PLACE.sub("", value)


def _postal_code(value: str) -> str:
    return "".join(value.split()).partition("-")[0]


def _country(value: str) -> str:
    return value if _COUNTRY.fullmatch(value) else ""


def _birth_date(value: str) -> str:
    try:
        return value if value.isdecimal() and len(value) == 8 and datetime.strptime(value, "%Y%m%d") else ""  # noqa: DTZ007 – a date
    except ValueError:
        return ""


def _gender(value: str) -> str:
    return value[0] if value in {"f", "m", "female", "male"} else ""


def _as_it_is(value: str) -> str:
    return value


_HASHED: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "emails": ("em", _email),
    "phones": ("ph", _phone),
    "first_name": ("fn", _as_it_is),
    "last_name": ("ln", _as_it_is),
    "city": ("ct", _place),
    "region": ("st", _place),
    "postal_code": ("zp", _postal_code),
    "country_code": ("country", _country),
    "birth_date": ("db", _birth_date),
    "gender": ("ge", _gender),
    "external_id": ("external_id", _as_it_is),
}
"""By field of a Buyer, Meta's name for it and how it is normalised, once it is trimmed and in small letters."""
_PLAIN = ("client_ip_address", "client_user_agent", "fbc", "fbp")


def hashed(value: str, normalise: Callable[[str], str]) -> str:
    """Normalise and hash a value; empty when it cannot be normalised."""
    value = value.strip().lower()
    if _HASH.fullmatch(value):
        return value
    plain = normalise(value)
    return hashlib.sha256(plain.encode()).hexdigest() if plain else ""


def write_match(buyer: Buyer) -> dict[str, Any]:
    """Write what Meta may know of a buyer, as its `user_data`."""
    match: dict[str, Any] = {}
    for field, (name, normalise) in _HASHED.items():
        given = getattr(buyer, field)
        told = [one for value in ([given] if isinstance(given, str) else given) if (one := hashed(value, normalise))]
        match |= {name: list(dict.fromkeys(told))} if told else {}
    return match | {name: value.strip() for name in _PLAIN if (value := getattr(buyer, name)).strip()}
