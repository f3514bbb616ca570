"""Rows of a delimited file, with their line numbers, in bounded memory.

Takes UTF-8 and UTF-16 (by its byte order mark), comma, tab, semicolon or bar. A row that is damaged keeps its place and its
`fault`, so that the product it belongs to is reported, not cut.
"""

import csv
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from client.catalogues.terms import CatalogueUnusable, Unreadable

T = TypeVar("T")
Wording = Callable[[str], str]

# Meta takes feed lines of up to 5 MB.
# https://developers.facebook.com/docs/marketing-api/catalog/guides/product-feeds (read 2026-11-21)
csv.field_size_limit(5_000_000)

LONE_SURROGATES = re.compile("[\ud800-\udfff]")
# Stands in the first cell of what the csv module could not take apart; no valid text is this.
BROKEN = "\udc00"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its cells by column, stripped, and where it stands."""

    place: str
    cells: Mapping[str, str]
    fault: str = ""

    def text(self, name: str) -> str:
        """Return a cell; empty when the column or the value is missing."""
        return self.cells.get(name, "")

    def read(self, name: str, convert: Callable[[str], T]) -> T | None:
        """Convert a cell; None when it is empty.

        Raises:
            Unreadable: `convert` refused it.

        """
        text = self.text(name)
        if not text:
            return None
        try:
            return convert(text)
        except ValueError as wrong:
            raise Unreadable(name, str(wrong)) from wrong


def read_header(path: Path) -> tuple[str, ...]:
    """Return the column names as they are written."""
    return _open(path)[0]


def read_rows(path: Path, wording: Wording = str) -> Iterator[Row]:
    """Read the rows; `wording` turns a column's written name into the one that readers use.

    Raises:
        CatalogueUnusable: two columns have one name.

    """
    written, records = _open(path)
    names = tuple(wording(name) for name in written)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise CatalogueUnusable(f"{path.name} has several columns named {', '.join(twice)}: rename or drop one.")
    for line, record in records:
        if any(cell.strip() for cell in record):
            yield _row(f"line {line}", names, record)


def group_rows(rows: Iterable[Row], key: Callable[[Row], str]) -> Iterator[list[Row]]:
    """Bring rows with the same key together, wherever they stand, in the order of each first one; an empty key stays alone.

    The rows wait in a private temporary file, not in memory.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as spool:
        _fill(spool, rows, key)
        kept = spool.execute("SELECT first, row FROM rows ORDER BY first, position")
        for _, group in groupby(kept, key=itemgetter(0)):
            yield [Row(*json.loads(text)) for _, text in group]


def _fill(spool: sqlite3.Connection, rows: Iterable[Row], key: Callable[[Row], str]) -> None:
    """Keep every row under the position of the first one with its key."""
    spool.execute("PRAGMA journal_mode = OFF")
    spool.execute("CREATE TABLE firsts (key TEXT PRIMARY KEY, first INTEGER) WITHOUT ROWID")
    spool.execute("CREATE TABLE rows (first, position, row, PRIMARY KEY (first, position)) WITHOUT ROWID")
    spool.execute("BEGIN")  # one transaction: a commit per row would take most of the time
    for position, row in enumerate(rows):
        name = key(row) or f"\0{position}"
        spool.execute("INSERT INTO firsts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, position))
        (first,) = spool.execute("SELECT first FROM firsts WHERE key = ?", (name,)).fetchone()
        text = json.dumps([row.place, dict(row.cells), row.fault])
        spool.execute("INSERT INTO rows VALUES (?, ?, ?)", (first, position, text))


def _open(path: Path) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    """Return the header and the records behind it. Meta's templates begin with lines of `#`: they are skipped."""
    records = _records(path)
    for _, record in records:
        if any(cell.strip() for cell in record) and not record[0].startswith("#"):
            return tuple(" ".join(cell.split()) for cell in record), records
    raise CatalogueUnusable(f"{path.name} is empty: it has no header row.")


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open("rb") as raw:
        start = raw.read(65_536)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    # What is no valid text becomes lone surrogates, which `_row` finds: one bad row does not end the file.
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=_delimiter(start.decode(encoding, "replace")))
        while True:
            line = reader.line_num + 1
            try:
                yield line, next(reader)
            except StopIteration:
                return
            except csv.Error as wrong:
                yield line, [BROKEN, str(wrong)]
            except UnicodeError as wrong:
                raise CatalogueUnusable(f"{path.name} is no {encoding} text: {wrong}. Save it as UTF-8.") from wrong


def _delimiter(start: str) -> str:
    header = next((line for line in start.splitlines() if line.strip() and not line.startswith("#")), "")
    return max(",\t;|", key=header.count)


def _row(place: str, names: Sequence[str], record: list[str]) -> Row:
    cells = {
        name: LONE_SURROGATES.sub("\ufffd", cell.strip()) for name, cell in zip(names, record, strict=False) if name
    }
    return Row(place, cells, _fault(names, record))


def _fault(names: Sequence[str], record: list[str]) -> str:
    if record[:1] == [BROKEN]:
        return f"it cannot be taken apart ({record[1]}); close every quote"
    if any(LONE_SURROGATES.search(cell) for cell in record):
        return "it is not UTF-8; save the file as UTF-8"
    if len(record) < len(names):
        return f"it has {len(record)} cells where the header has {len(names)}; look for an unclosed quote"
    if any(cell.strip() for cell in record[len(names) :]):
        return f"it has {len(record)} cells where the header has {len(names)}; quote cells that hold the delimiter"
    return ""
