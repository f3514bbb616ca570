"""One field at a time: texts that are cut, texts that are not worth cutting, links."""

from collections.abc import Sequence

from connector.catalog.model.mapping.findings import Findings
from connector.catalog.model.text import clean, cut, visible
from connector.links import absolute, plain, upgraded

_UPGRADED = "is sent with https; where it answers http only, Meta cannot open it: give the https address"


def long_text(raw: str, name: str, limit: int, findings: Findings) -> str:
    """Clean a text and cut it to what Meta takes."""
    whole = clean(raw, lines=name == "description")
    short = cut(whole, limit)
    if short != whole:
        findings.warn(name, "TEXT_TRUNCATED", f"was cut to {limit} of {len(whole)} characters; shorten it", whole)
    return short


def short_text(raw: str, path: str, limit: int, findings: Findings, *, required: bool = False) -> str:
    """Clean a text that is not worth cutting: too long is wrong."""
    if not raw and not required:
        return ""
    text = clean(raw)
    if not visible(text):
        if required:
            findings.refuse(path, "FIELD_REQUIRED", "is required")
        return ""
    if len(text) > limit:
        rule = f"has {len(text)} characters, {limit} are allowed; shorten it"
        findings.refuse(path, "FIELD_TOO_LONG", rule, text)
    return text


def link(raw: str, path: str, findings: Findings, *, reason: str = "LINK_NOT_ABSOLUTE") -> str:
    """Write a link as it is sent; empty when it is refused."""
    if plain(raw):
        return raw
    try:
        written = absolute(raw)
    except ValueError as wrong:
        findings.refuse(path, reason, str(wrong), raw)
        return ""
    if upgraded(raw):
        findings.warn(path, "LINK_UPGRADED", _UPGRADED, raw)
    return written


def image_links(raw: Sequence[str], path: str, most: int, findings: Findings) -> list[str]:
    """Write images, each once, the first ones; one warning tells of all that were mended alike."""
    if len(raw) <= most and all(map(plain, raw)):
        return list(dict.fromkeys(raw))
    written: dict[str, None] = {}
    for place, one in enumerate(raw):
        try:
            written[absolute(one)] = None
        except ValueError as wrong:
            findings.refuse(f"{path}[{place}]", "IMAGE_LINK_NOT_ABSOLUTE", str(wrong), one)
    if unsafe := [one for one in raw if one[:8] != "https://" and upgraded(one)]:
        findings.warn(path, "LINK_UPGRADED", _UPGRADED, unsafe[0])
    if len(written) > most:
        findings.warn(path, "IMAGES_DROPPED", f"has {len(written)} images; the first {most} are sent")
    return list(written)[:most]
