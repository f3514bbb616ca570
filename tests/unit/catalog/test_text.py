"""Cleaning and cutting what people wrote."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.text import calm, clean, cut


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
    read.encode()


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
    ],
)
def test_calm(shouted: str, said: str) -> None:
    """Text in capitals only is lowered sentence by sentence; anything else stays."""
    assert said == calm(shouted, 100)


def test_calm_stays_within_the_limit() -> None:
    """Lowering may lengthen a text; it is cut again."""
    assert len(calm("İ" * 10, 10)) <= 10
