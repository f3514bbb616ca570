"""Cleans what people wrote: HTML to text, stray characters, shouting; cuts between graphemes, never inside one.

Cleaning what is clean changes nothing. HTML is taken apart in one pass, so that no text, however broken, takes long.
"""

import re
from collections.abc import Iterator
from html import escape, unescape

import regex

_SILENT = "script|style|template|noscript|iframe|svg|head"
_MARKUP = re.compile(
    rf"""<!--(?:.*?-->|.*)
      | <({_SILENT})\b[^<>]*>(?:.*?</\1\s*>|.*)
      | <[!?][^<>]*>
      | <(/?)([a-z][a-z0-9-]*)(?:(?:[^<>"']|"[^"]*"|'[^']*')*+|[^<>]*+)>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
# Controls, byte order marks and direction overrides; joiners stay, for emoji and for scripts that need them.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
_NOT_PLAIN = bytes([*range(0x20), 0x7F, *b"<&"])
_SENTENCE = re.compile(r"(^|[.!?…]\s+|\n)(\w)")
_GRAPHEME = regex.compile(r"\X")
_VISIBLE = regex.compile(r"[^\s\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]")
_PASSES = 8
_BLOCK_TAGS = """
    p br div li ul ol tr table h1 h2 h3 h4 h5 h6 section article blockquote hr dd dt header footer pre
"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
# https://developers.facebook.com/docs/commerce-platform/catalog/fields (read 2026-11-21): rich text knows formatting, lists and
# tables. Unverified: these tags in full; all without attributes.
_RICH_TAGS = """
    b br dd del div dl dt em h1 h2 h3 h4 h5 h6 header hr i li ol p q s section small span strong sub sup table
    tbody td tfoot th thead tr u ul
"""
_RICH = frozenset(_RICH_TAGS.split())
_EMPTY = frozenset({"br", "hr"})


def clean(text: str, *, lines: bool = False) -> str:
    """Turn plain text or HTML into plain text on one line, or on several with `lines`."""
    if _plain(text):  # as most texts are, and there is nothing to do for most of them
        return text if "  " not in text and text[:1] != " " != text[-1:] else " ".join(text.split())
    text = _strip(text)
    if not lines:
        return " ".join(text.split())
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


def _plain(text: str) -> bool:
    """Tell whether a text is on one line, all to be seen, and no HTML."""
    if text.isascii():  # bytes are looked through in half the time
        return len(text.encode().translate(None, _NOT_PLAIN)) == len(text)
    return text.isprintable() and "<" not in text and "&" not in text


def _strip(text: str) -> str:
    """Take markup, entities and unseen characters away until there are none: shops escape twice, and some three times."""
    for _ in range(_PASSES):
        before, text = text, _UNSEEN.sub("", text)
        if "<" in text:
            text = _MARKUP.sub(_gap, text)
        if "&" in text:
            text = unescape(text)
        if text == before:
            return text
    return text.replace("<", " ").replace("&", " ")  # nobody writes so by mistake


def _gap(found: re.Match[str]) -> str:
    return "\n" if (found[3] or "").lower() in _BLOCKS else ""


def visible(text: str) -> bool:
    """Tell whether there is anything to see in a text."""
    return (text.isascii() and bool(text)) or _VISIBLE.search(text) is not None


def cut(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters without breaking a grapheme; one that is longer than all of it is broken."""
    if len(text) <= limit:
        return text
    end = 0
    for grapheme in _GRAPHEME.finditer(text):
        if grapheme.end() > limit:
            break
        end = grapheme.end()
    return text[: end or limit].rstrip()


def calm(text: str, limit: int) -> str:
    """Lower a text written in capitals only, keeping the first letter of each sentence; then cut it again.

    Among many letters that have no case, capitals are abbreviations, as `USB` in a Bengali or Chinese text.
    """
    if not text.isupper() or sum(map(str.isupper, text)) * 3 < sum(map(str.isalpha, text)) * 2:
        return text
    return cut(_SENTENCE.sub(lambda found: found[1] + found[2].upper(), text.lower()), limit)


def enrich(markup: str) -> str:
    """Keep of HTML what Meta shows: known tags without their attributes, well nested, and text. Empty when nothing is to be seen."""
    markup = _UNSEEN.sub("", markup)
    opened: list[str] = []
    written = "".join(_rich(markup, opened)) + "".join(f"</{tag}>" for tag in reversed(opened))
    return written.strip() if visible(unescape(_MARKUP.sub("", written)).strip()) else ""


def _rich(markup: str, opened: list[str]) -> Iterator[str]:
    end = 0
    for found in _MARKUP.finditer(markup):
        yield _text(markup[end : found.start()])
        end = found.end()
        tag = (found[3] or "").lower()
        if tag not in _RICH:
            continue
        if tag in _EMPTY:
            yield f"<{tag}>"
        elif not found[2]:
            opened.append(tag)
            yield f"<{tag}>"
        elif tag in opened[-_DEEPEST:]:
            yield from _close(tag, opened)
    yield _text(markup[end:])


_DEEPEST = 100
"""So many open tags are looked through for the one that ends."""


def _close(tag: str, opened: list[str]) -> Iterator[str]:
    while True:
        last = opened.pop()
        yield f"</{last}>"
        if last == tag:
            return


def _text(text: str) -> str:
    return escape(unescape(text), quote=False) if "&" in text or "<" in text or ">" in text else text
