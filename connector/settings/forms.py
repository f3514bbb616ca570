"""Reads single settings from their text; each raises ValueError for what has not the form."""

import base64
import binascii
import json
from ipaddress import IPv4Network, IPv6Network, ip_network

from connector.values import OPTIONAL, CapabilityKind
from connector.vault.services import Place

Network = IPv4Network | IPv6Network


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


KEYS = "`id:base64 of 32 bytes`, ids from 1 to 255, comma separated"


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


PLACES = "`id:service:key`, ids from 1 to 255, comma separated, services aws, gcp, transit"


def places(value: str) -> dict[int, Place]:
    """Read where keys of the vault live, by their ids."""
    ring: dict[int, Place] = {}
    for part in value.split(","):
        number, _, place = part.strip().partition(":")
        if not 0 < int(number) < 256 or int(number) in ring:
            raise ValueError(value)
        ring[int(number)] = Place.read(place)
    return ring


def jwks(value: str) -> str:
    """Read a JSON Web Key Set, as text."""
    parsed = json.loads(value)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError(value)
    return value


def networks(value: str) -> tuple[Network, ...]:
    """Read networks such as 10.0.0.0/8, comma separated."""
    return tuple(ip_network(part.strip()) for part in value.split(","))
