"""Reads single settings from their text; each raises ValueError for what has not the form."""

import base64
import binascii
import json
from datetime import timedelta

from connector.values import OPTIONAL, CapabilityKind


def version(value: str) -> str:
    """Read a version such as v26.0."""
    major, _, minor = value.removeprefix("v").partition(".")
    if not value.startswith("v") or not (major.isdecimal() and minor.isdecimal()):
        raise ValueError(value)
    return value


def optional(value: str) -> frozenset[CapabilityKind]:
    """Read names of optional capabilities."""
    kinds = frozenset(CapabilityKind(part.strip()) for part in value.split(",") if part.strip())
    if not kinds <= set(OPTIONAL):
        raise ValueError(value)
    return kinds


def seconds(value: str) -> timedelta:
    """Read a number of seconds, up to an hour."""
    seconds = int(value)
    if not 1 <= seconds <= 3600:
        raise ValueError(value)
    return timedelta(seconds=seconds)


def keys(value: str) -> dict[int, bytes]:
    """Read keys of the vault, by their ids."""
    ring: dict[int, bytes] = {}
    for part in value.split(","):
        number, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError(value) from None
        if len(key) != 32 or not 0 < int(number) < 256 or int(number) in ring:
            raise ValueError(value)
        ring[int(number)] = key
    return ring


def jwks(value: str) -> str:
    """Read a JSON Web Key Set, as text."""
    parsed = json.loads(value)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError(value)
    return value
