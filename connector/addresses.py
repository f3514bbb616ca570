"""E-mail addresses: which we take, and the place in one that a token fills."""

import re

import idna

# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address (recalled), with RFC 5321's lengths.
_FORM = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
TOKEN = "{token}"  # noqa: S105 – the place of one


def read(text: str) -> str:
    """Read an address the way it is sent; its domain may be of any script, the part before it is ASCII.

    Raises:
        ValueError: it is none.

    """
    local, at, domain = text.strip().rpartition("@")
    try:
        name = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as wrong:
        raise ValueError(text) from wrong
    address = f"{local}{at}{name}"
    if not _FORM.fullmatch(address):
        raise ValueError(text)
    return address


def valid(text: str) -> bool:
    """Tell whether a text is an address as it is sent."""
    return bool(_FORM.fullmatch(text))
