"""Versions below which a dependency has a known hole, or lacks what our own defence is built on; nothing starts with one.

The lock pins what we install. This is for who installs in another way: an image with a distribution's packages, a forced downgrade.
"""

import re
from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType

FLOORS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "aiohttp": ("3.14.3", "CVE-2026-69243: requests are smuggled past its parser"),
        "grpcio": ("1.85.1", "the limits on streams, pings and connections are proven with it"),
        "protobuf": ("6.33.5", "CVE-2026-0994 and CVE-2025-4565: nesting without end"),
        "rq": ("3.0.0", "what a worker refuses to read from Redis is proven with it"),
    }
)
"""By distribution: the least version, and what is wrong below it."""

_RELEASE = re.compile(r"(\d+(?:\.\d+)*)(.*)")
_EARLY = re.compile(r"[._-]?(a|b|c|rc|alpha|beta|pre|preview|dev)", re.IGNORECASE)


class TooOldError(Exception):
    """A dependency is under its floor; the message names it and the remedy."""


def require() -> None:
    """Refuse to start on a dependency that is too old.

    Raises:
        TooOldError: naming every one of them.

    """
    installed = {name: version(name) for name in FLOORS}
    low = [name for name, (least, _) in FLOORS.items() if reading(installed[name]) < reading(least)]
    if low:
        told = ", ".join(f"{name} {installed[name]} is below {FLOORS[name][0]} ({FLOORS[name][1]})" for name in low)
        raise TooOldError(f"Too old to start with: {told}. Install what requirements.lock names")


def reading(text: str) -> tuple[tuple[int, ...], bool]:
    """Read a version into what can be compared; a version before a release is less than the release, zeros at the end do not count."""
    match = _RELEASE.match(text)
    if match is None:
        return (), False
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), not _EARLY.match(match[2])
