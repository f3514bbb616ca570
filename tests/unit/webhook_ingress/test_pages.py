"""Pages that people see."""

from html.parser import HTMLParser

import pytest

from webhook_ingress.pages import page

HARMLESS = page("Title", "A sentence.")


class _Tags(HTMLParser):
    """Lists what a browser would make of a page: elements with their attributes, and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str | None) -> _Tags:
    tags = _Tags()
    tags.feed(text or "")
    tags.close()
    return tags


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert(1)</script>",
        "</title><svg onload=alert(1)>",
        "\"' onmouseover='alert(1)",
        "<!-- -->",
        "<style>*{display:none}</style>",
        "&lt;img src=x onerror=alert(1)&gt;",
        "</p></body><base href=//evil.example>",
    ],
)
def test_words_stay_words(words: str) -> None:
    """Whatever a title or a sentence says, the page has the same elements, and shows it as it is."""
    found = read(page(words, words).text)
    assert read(HARMLESS.text).found == found.found
    assert found.texts.count(words) == 3


def test_a_page_runs_nothing() -> None:
    """No script, frame, form or foreign source is allowed on a page, and no search engine keeps it."""
    policy = HARMLESS.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert ("noindex, nofollow", "no-store") == (HARMLESS.headers["X-Robots-Tag"], HARMLESS.headers["Cache-Control"])
