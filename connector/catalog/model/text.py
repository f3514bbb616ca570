"""Cleans what people wrote: HTML to text, stray characters, shouting; cuts between graphemes, never inside one."""

import re
from html import unescape
from html.parser import HTMLParser

import regex

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--.*?--)>", re.DOTALL)
# Controls, byte order marks and direction overrides; joiners stay, for emoji and for scripts that need them.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
_NOT_PLAIN = bytes([*range(0x20), 0x7F, *b"<&"])
_SENTENCE = re.compile(r"(^|[.!?…]\s+|\n)(\w)")
_GRAPHEME = regex.compile(r"\X")
_BLOCKS = frozenset(
    [
        "p",
        "br",
        "div",
        "li",
        "ul",
        "ol",
        "tr",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "section",
        "article",
        "blockquote",
        "hr",
        "dd",
        "dt",
    ]
)
_SILENT = frozenset({"style", "script", "template", "noscript"})


class _Stripper(HTMLParser):
    """Keeps the text of HTML and a line break where a block ends; drops what a browser would not show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 – HTMLParser's signature
        self._silent += tag in _SILENT
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.kept.append(data)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.kept.append("\n")


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
    if _TAG.search(text):
        stripper = _Stripper()
        stripper.feed(text)
        stripper.close()
        text = "".join(stripper.kept)
    # Shops escape twice often enough that both big plug-ins decode again.
    return _UNSEEN.sub("", unescape(text) if "&" in text else text)


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
    """Lower a text written in capitals only, keeping the first letter of each sentence; then cut it again."""
    if not text.isupper():
        return text
    return cut(_SENTENCE.sub(lambda found: found[1] + found[2].upper(), text.lower()), limit)
