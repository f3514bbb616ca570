"""Cleaning and cutting what people wrote."""

import re
import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.text import calm, clean, cut, enrich, visible


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        ("  a \t b\n c ", "a b c"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("Salt &amp;amp; pepper", "Salt & pepper"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("<b>bo</b>ld", "bold"),
        ("a<br/>b", "a b"),
        ("<style>p{}</style>seen<script>x()</script>", "seen"),
        ("<!-- hidden -->seen", "seen"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("I <3 you", "I <3 you"),
        ("<a href='x'>link</a>", "link"),
        ("<p>open", "open"),
        ("zero\u200bwidth \ufeffmark", "zero\u200bwidth mark"),
        ("nul\x00 bell\x07", "nul bell"),
        ("\u202eevil\u202c", "evil"),
        ("non\u00a0breaking", "non breaking"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("&lt;b&gt;twice&lt;/b&gt;", "twice"),
        ("", ""),
        ("&amp;lt;b&amp;gt;thrice&amp;lt;/b&amp;gt;", "thrice"),
        ("<\x00b>hidden</b>", "hidden"),
        ('<img alt="a > b">seen', "seen"),
        ("<a title=it's>seen", "seen"),
        ("<!-- open seen", ""),
        ("<?xml version='1.0'?><!DOCTYPE html>seen", "seen"),
        ("<svg><title>no</title></svg>seen", "seen"),
        ("<p>বাংলা</p><p>শাড়ি</p>", "বাংলা শাড়ি"),
        ("<div>קנייה</div>", "קנייה"),
    ],
)
def test_clean(written: str, read: str) -> None:
    """HTML becomes text, entities characters, white space one space; what nobody sees goes, what scripts need stays."""
    assert read == clean(written)


def test_clean_keeps_lines_where_blocks_end() -> None:
    """With lines, a block ends a line and empty lines fold."""
    assert "One\nTwo\nThree" == clean("<p>One</p>\n\n<ul><li>Two</li></ul> Three", lines=True)


@given(text=st.text(), lines=st.booleans())
def test_clean_never_fails_and_settles(text: str, *, lines: bool) -> None:
    """Any text is cleaned to something storable without leading or trailing space."""
    read = clean(text, lines=lines)
    assert read == read.strip()
    assert "\x00" not in read
    assert read == clean(read, lines=lines)
    read.encode()


PIECES = st.sampled_from(
    [
        "<",
        ">",
        "&",
        ";",
        "amp;",
        "#38;",
        "lt",
        "gt",
        "b",
        "/",
        "!--",
        "-->",
        "<p>",
        "</p>",
        "<script>",
        "\x00",
        " ",
        "\n",
        "'",
        '"',
        "ক",
        "é",
    ]
)


@given(pieces=st.lists(PIECES, max_size=30), lines=st.booleans())
def test_clean_settles_whatever_is_hidden_in_what(pieces: list[str], *, lines: bool) -> None:
    """Markup in entities in markup is cleaned to the end: cleaning once more changes nothing."""
    read = clean("".join(pieces), lines=lines)
    assert read == clean(read, lines=lines)


@pytest.mark.parametrize(
    "hostile",
    [
        "<!--",
        "<svg>",
        '<a "',
        "<a '\"",
        "<a ",
        "&amp;",
        "amp;",
        "<b>",
        "</i>",
        "<script>",
        " x='",
        "</style ",
        "<!",
        "&#38;",
    ],
)
def test_no_text_takes_long(hostile: str) -> None:
    """Cleaning takes time in proportion to the text, however broken it is: thirty thousand repetitions are done at once."""
    began = time.process_time()
    text = "<p>" + hostile * 30_000
    assert len(clean(text)) <= len(text)
    assert len(enrich(text)) <= 10 * len(text)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ("<p>Soft <b>wool</b></p>", "<p>Soft <b>wool</b></p>"),
        ("<P CLASS='x' onclick=\"a()\">Soft</P>", "<p>Soft</p>"),
        ("<script>x()</script><style>p{}</style>Soft", "Soft"),
        ("<a href='https://x.example'>Soft</a><img src=x onerror=y>", "Soft"),
        ("<b>Soft", "<b>Soft</b>"),
        ("<ul><li>One<li>Two</ul>", "<ul><li>One<li>Two</li></li></ul>"),
        ("Soft</b></p>", "Soft"),
        ("<b><i>Soft</b> wool", "<b><i>Soft</i></b> wool"),
        ("One<br/>Two<hr>", "One<br>Two<hr>"),
        ("2 < 3 & 5 > 4", "2 &lt; 3 &amp; 5 &gt; 4"),
        ("&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;"),
        ("<p> </p><b></b>", ""),
        ("<scr<script>x</script>ipt>Soft", "&lt;script&gt;Soft"),
        ("<p>নরম</p>", "<p>নরম</p>"),
    ],
)
def test_enrich(markup: str, kept: str) -> None:
    """What Meta shows stays, without attributes and well nested; scripts, styles and everything else goes; text is text."""
    assert kept == enrich(markup)


@given(
    st.lists(
        st.sampled_from(
            [
                "<b>",
                "</b>",
                "<p>",
                "</p>",
                "<ul>",
                "<li>",
                "<script>",
                "</script>",
                "<br>",
                "<a href='x'>",
                "&lt;",
                "<",
                ">",
                "&",
                "x",
                "ক ",
            ]
        )
    )
)
def test_enrich_settles_and_nests(pieces: list[str]) -> None:
    """Whatever comes in, what goes out is stable, well nested, and holds nothing but known tags without attributes."""
    rich = enrich("".join(pieces))
    assert rich == enrich(rich)
    opened: list[str] = []
    for end, tag in re.findall(r"<(/?)([^>]*)>", rich):
        assert tag in {"b", "p", "ul", "li", "br"}
        if end:
            assert tag == opened.pop()
        elif tag != "br":
            opened.append(tag)
    assert [] == opened


@pytest.mark.parametrize(
    ("text", "seen"), [("a", True), ("", False), ("\u200b", False), ("\u3164", False), ("👩", True), ("ক", True)]
)
def test_visible(text: str, *, seen: bool) -> None:
    """Characters that fonts leave empty are nothing to see."""
    assert seen == visible(text)


@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("é👩\u200d👧🏽\u0301नि")), max_size=40),
    st.integers(1, 30),
)
def test_cut_keeps_graphemes_whole(text: str, limit: int) -> None:
    """A cut text is a beginning of the text, within the limit, ending between two graphemes unless one alone is too long."""
    short = cut(text, limit)
    assert len(short) <= limit
    assert text.startswith(short)
    first = regex.match(r"\X", text)
    if len(text) > limit and first and first.end() <= limit:
        assert short in {text[: found.end()].rstrip() for found in regex.finditer(r"\X", text)} | {""}


@pytest.mark.parametrize(
    ("shouted", "said"),
    [
        ("BUY NOW. ONLY TODAY!", "Buy now. Only today!"),
        ("Buy NOW", "Buy NOW"),
        ("123", "123"),
        ("ÉTÉ\nHIVER", "Été\nHiver"),
        ("দ্রুত USB চার্জার", "দ্রুত USB চার্জার"),
        ("快速 USB 充电器 LED", "快速 USB 充电器 LED"),
        ("COTTON SHIRT শার্ট", "Cotton shirt শার্ট"),
    ],
)
def test_calm(shouted: str, said: str) -> None:
    """Text in capitals only is lowered sentence by sentence; anything else stays."""
    assert said == calm(shouted, 100)


def test_calm_stays_within_the_limit() -> None:
    """Lowering may lengthen a text; it is cut again."""
    assert len(calm("İ" * 10, 10)) <= 10
