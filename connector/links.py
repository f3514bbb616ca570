"""Addresses that Meta and buyers can open: absolute, https, public.

What only needs another notation (spaces, letters of other scripts, `http:`) is written so; whatever leads nowhere, to a private
network or with somebody's password is refused.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote

import idna

# https://www.rfc-editor.org/rfc/rfc9110#section-4.1 (recalled): what every server should take.
_LONGEST = 8_000
# https://www.iana.org/assignments/special-use-domain-names (recalled): names that nobody outside can look up.
_PRIVATE_NAMES = ("home.arpa", "internal", "invalid", "local", "localhost", "onion")
# https://www.iana.org/assignments/iana-ipv6-special-registry (recalled): what Python 3.11 still takes for public.
_NOT_PUBLIC: tuple[IPv4Network | IPv6Network, ...] = (
    *map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10")),
    *map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")),
)
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+$|0x){_LABEL}", re.ASCII)
# Hosts of up to 63 characters only, so that no part of them can be too long; without back-tracking.
plain = re.compile(
    rf"https://(?![^/?#]{{64}})(?:[a-z0-9_]++(?:-++[a-z0-9_]++)*+\.)++(?!(?:{'|'.join(_PRIVATE_NAMES)})(?:[/?#]|$))[a-z]{{2,63}}+"
    r"(?:[/?#][!#-;=?-\[\]_a-z~]{0,7900}+)?"
).fullmatch
"""Tells of most links at a glance that they are sent as they are."""
_PARTS = re.compile(r"(https?)://([^/?#]*)([/?#].*)?", re.IGNORECASE)
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?", re.ASCII)
# Everything else that a URL may hold is written as %XX.
_TO_ESCAPE = re.compile(r"[^!#-;=?-\[\]_a-z~]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def absolute(link: str) -> str:
    """Write an address the way it is sent.

    Raises:
        ValueError: it cannot be; the message says why and what to send.

    """
    if len(link) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} characters, has {len(link)}")
    if plain(link):
        return link
    parts = _PARTS.fullmatch(link.strip())
    if not parts or not parts[2] or _CONTROL.search(parts[0]):
        raise ValueError("must be an absolute https URL in one line, such as https://shop.example/products/1")
    if "@" in parts[2]:
        raise ValueError("must not carry a user or password; send the public address")
    place = _HOST.fullmatch(parts[2])
    if place is None or int(place[2] or 0) > 65_535:
        raise ValueError(f"has no valid host or port in {parts[2][:60]!r}; send the full public address")
    return f"https://{_public(place[1])}{_port(parts[1], place[2])}{_TO_ESCAPE.sub(_escape, parts[3] or '')}"


def upgraded(link: str) -> bool:
    """Tell whether an address was given without encryption."""
    return link[:8].strip().lower().startswith("http:")


def _escape(found: re.Match[str]) -> str:
    return quote(found[0], safe="")


def _port(scheme: str, port: str | None) -> str:
    unencrypted = scheme.lower() == "http"
    if not port or port == ("80" if unencrypted else "443"):
        return ""
    if unencrypted:
        raise ValueError(f"must be https; what answers http on port {port} does not answer https there")
    return f":{port}"


def _public(host: str) -> str:
    """Write a host in ASCII; refuse one that the public cannot reach."""
    if host.startswith("["):
        return f"[{_address(host[1:-1])}]"
    name = host.lower() if host.isascii() else _ascii(host)
    name = name.removesuffix(".")
    if name.rpartition(".")[2].isdecimal() or name.replace(".", "").isdecimal():
        return _address(name)
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError(f"has the host {host[:60]!r}, which is no public name; send the full public address")
    if name.endswith(tuple(f".{one}" for one in _PRIVATE_NAMES)):
        raise ValueError(f"has the host {host[:60]!r}, which only a private network knows; send the public address")
    return name


def _ascii(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as wrong:
        raise ValueError(f"has the host {host[:60]!r}, which is no valid name; send the full public address") from wrong


def _address(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    if inner is None or not _is_public(inner):
        raise ValueError(f"has the host {host[:60]!r}, which is no public address; send the public one")
    return str(address)


def is_public(address: str) -> bool:
    """Tell whether an address, as a name was resolved to it, can be reached by the public."""
    try:
        return bool(_address(address))
    except ValueError:
        return False


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    known = (network for network in _NOT_PUBLIC if network.version == address.version)
    return address.is_global and not address.is_multicast and not any(address in network for network in known)
