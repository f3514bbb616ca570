"""Google's and Meta's product categories: read from their published lists, looked up by id, path or words.

The lists are the publishers' and are not part of this project: operators download them and name the files (GOOGLE_TAXONOMY_FILE,
META_TAXONOMY_FILE). Without a list a category's form is checked, of Google's also its first word; `verified` says which it was.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

LONGEST = 250
_SUGGESTED = 3
_SEARCHED, _MISTYPED = 12, 2
"""So many words of a search count, and so much longer or shorter a mistyped word may be: looking for what is alike costs most."""
_COMMENT = re.compile(r"#\s*(.+)")
# https://www.google.com/basepages/producttype/taxonomy-with-ids.en-US.txt: `166 - Apparel & Accessories`.
# Unverified: https://www.facebook.com/products/categories/en_US.txt has the same lines, en_US.csv `id,path` with a header.
_LINE = re.compile(r"(\d{1,9})\s*(?:-|,)\s*\"?(.+?)\"?\s*")
_WORD = re.compile(r"\w+")

# Google's topmost categories; https://support.google.com/merchants/answer/6324436. Unverified: recalled.
_GOOGLE_TOP = """
1 Animals & Pet Supplies · 166 Apparel & Accessories · 8 Arts & Entertainment · 537 Baby & Toddler · 111 Business & Industrial ·
141 Cameras & Optics · 222 Electronics · 412 Food, Beverages & Tobacco · 436 Furniture · 632 Hardware · 469 Health & Beauty ·
536 Home & Garden · 5181 Luggage & Bags · 772 Mature · 783 Media · 922 Office Supplies · 5605 Religious & Ceremonial ·
2092 Software · 988 Sporting Goods · 1239 Toys & Games · 888 Vehicles & Parts
"""


class Kind(StrEnum):
    """Whose taxonomy."""

    GOOGLE = "GOOGLE"
    META = "META"


class Entry(NamedTuple):
    """A category of a taxonomy; the path's words are joined by ` > `."""

    id: str
    path: str


class Unknown(Exception):
    """No such category; `close` are the paths that come close."""

    def __init__(self, close: Sequence[str]) -> None:
        super().__init__(", ".join(close))
        self.close = tuple(close)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A list of categories. An empty `edition` means that it is not the full list, so that what it lacks may still exist."""

    edition: str
    tops_known: bool
    by_id: Mapping[str, Entry]
    by_path: Mapping[str, Entry]
    by_word: Mapping[str, Sequence[Entry]]

    @property
    def lacking(self) -> str:
        """Say what is wrong with a category that cannot be found."""
        full = f"not in the taxonomy ({self.edition})"
        return full if self.edition else "neither an id nor a path that leads down from a topmost category"

    def known(self, said: str) -> Entry | None:
        """Find the category of an id or path, if the list has it; case and blanks do not matter."""
        path = tidy(said)
        return self.by_id.get(path) or self.by_path.get(path.casefold())

    def find(self, said: str) -> Entry:
        """Find the category of an id or path. Without the full list, the best that is known of it.

        Raises:
            Unknown: there is none.

        """
        path = tidy(said)
        if entry := self.known(path):
            return entry
        words = path.split(" > ")
        top = self.by_path.get(words[0].casefold())
        if self.edition or len(path) > LONGEST or "" in words or (self.tops_known and not path.isdecimal() and not top):
            raise Unknown([entry.path for entry in self.search(path, limit=_SUGGESTED)])
        return Entry(path, "") if path.isdecimal() else Entry("", path)

    def search(self, words: str, *, limit: int) -> list[Entry]:
        """Find entries by the words of their paths, or the one of an id: most words in common first, then the shortest path."""
        if entry := self.by_id.get(words.strip()):
            return [entry]
        wanted = {self._nearest(word) for word in _split(words)[:_SEARCHED]}
        found = Counter(entry for word in wanted for entry in self.by_word.get(word, ()))
        last = {entry: len(wanted & set(_split(entry.path.rpartition(" > ")[2]))) for entry in found}
        return sorted(found, key=lambda entry: (-found[entry], -last[entry], len(entry.path), entry.path))[:limit]

    def _nearest(self, word: str) -> str:
        if word in self.by_word:
            return word
        alike = (known for known in self.by_word if known[0] == word[0] and abs(len(known) - len(word)) <= _MISTYPED)
        return next(iter(get_close_matches(word, alike, n=1, cutoff=0.75)), word)


def tidy(said: str) -> str:
    """Write an id or path with single blanks."""
    return " > ".join(" ".join(part.split()) for part in said.split(">"))


def make(entries: Iterable[Entry], *, edition: str, tops_known: bool) -> Taxonomy:
    """Make a taxonomy of its entries."""
    kept = list(entries)
    by_word: dict[str, list[Entry]] = {}
    for entry in kept:
        for word in set(_split(entry.path)):
            by_word.setdefault(word, []).append(entry)
    by_path = {entry.path.casefold(): entry for entry in kept}
    return Taxonomy(edition, tops_known, {entry.id: entry for entry in kept}, by_path, by_word)


def read(text: str) -> Taxonomy:
    """Read a list as its publisher writes it: one `id - path` or `id,path` a line, comments after `#`.

    Raises:
        ValueError: there is no category in it.

    """
    entries, edition = [], ""
    for line in text.removeprefix("\ufeff").splitlines():
        if comment := _COMMENT.fullmatch(line.strip()):
            edition = edition or comment[1]
        elif found := _LINE.fullmatch(line.strip()):
            entries.append(Entry(found[1], tidy(found[2])))
    if not entries:
        raise ValueError("holds no line such as `166 - Apparel & Accessories`")
    return make(entries, edition=edition or f"{len(entries)} categories", tops_known=True)


@cache
def load(kind: Kind, file: str) -> Taxonomy:
    """Read a list once per process; without a file, what is known without one."""
    if file:
        return read(Path(file).read_text(encoding="utf-8"))
    tops = [Entry(*top.split(maxsplit=1)) for top in _GOOGLE_TOP.split("·")] if kind is Kind.GOOGLE else []
    return make((Entry(top.id, tidy(top.path)) for top in tops), edition="", tops_known=bool(tops))


def _split(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
