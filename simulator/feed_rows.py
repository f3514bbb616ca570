"""Reads a feed file: packed or plain, in the feed's encoding and delimiter, its rows as items, reviews or offers.

It refuses a file without its key column or that is no text; of a row too long it tells no more than its number.
"""

import csv
import gzip
import io
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import orjson

# graph-api.md 4.9: a line has at most 5 MB.
MAX_LINE_BYTES = 5_000_000
csv.field_size_limit(MAX_LINE_BYTES)
GZIP_MAGIC = b"\x1f\x8b"
# SDK 26.0.3, productfeed.py, ProductFeed.Delimiter and Encoding
DELIMITERS = {"BAR": "|", "COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "TILDE": "~"}
ENCODINGS = {
    "AUTODETECT": "utf-8-sig", "UTF8": "utf-8-sig", "LATIN1": "latin-1", "UTF16BE": "utf-16-be",
    "UTF16LE": "utf-16-le", "UTF32BE": "utf-32-be", "UTF32LE": "utf-32-le",
}  # fmt: skip
NUMBERS = {"quantity_to_sell_on_facebook", "inventory", *(f"custom_number_{number}" for number in range(5))}
# Unverified: how a feed spells lists; comma-joined links as facebook-for-woocommerce writes them, labels in brackets and
# nested members as columns such as `video[0].url`.
LINKS = {"additional_image_link"}
BRACKETED = {"internal_label", "disabled_capabilities"}
MEMBER = re.compile(r"(\w+)\[(\d{1,2})\]\.(\w+)(?:\[(\d{1,2})\])?")


class FileUnusable(Exception):
    """Nothing of the file can be taken; the message is Meta's fatal error."""


class Row(NamedTuple):
    """A row by its number in the file, counting the header as 1; `cells` is None when it is too long."""

    number: int
    cells: dict[str, str] | None


def read_rows(
    file: BinaryIO, *, key: str, delimiter: str = "AUTODETECT", encoding: str = "AUTODETECT"
) -> Iterator[Row]:
    """Read the rows of a file, one after the other; the file stays open."""
    text = io.TextIOWrapper(unpack(file), encoding=ENCODINGS[encoding], newline="")
    try:
        first = text.readline()
        header = next(csv.reader([first], delimiter=_delimiter(first, delimiter)), [])
        names = [name.strip() for name in header]
        if key not in names:
            raise FileUnusable(f"A required column is missing: {key}")
        reader = csv.reader(text, delimiter=_delimiter(first, delimiter))
        for number in itertools.count(2):
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error:  # a cell beyond the limit; the reader goes on behind it
                yield Row(number, None)
                continue
            if cells:
                yield Row(number, _named(names, cells))
    except (UnicodeDecodeError, OSError, EOFError, csv.Error) as problem:
        raise FileUnusable(f"The file cannot be read: {type(problem).__name__}") from None
    finally:
        text.detach()


def unpack(file: BinaryIO) -> BinaryIO:
    """Open a file at its beginning, packed or not."""
    file.seek(0)
    magic = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if magic == GZIP_MAGIC else file  # type: ignore[return-value] # it reads bytes


def _delimiter(header: str, wanted: str) -> str:
    if wanted in DELIMITERS:
        return DELIMITERS[wanted]
    return max(DELIMITERS.values(), key=header.count)


def _named(names: list[str], cells: list[str]) -> dict[str, str] | None:
    if sum(len(cell.encode()) + 3 for cell in cells) > MAX_LINE_BYTES:
        return None
    return dict(zip(names, cells, strict=False))


def read_item(cells: Mapping[str, str]) -> dict[str, Any]:
    """Read a row as items_batch would spell it. An empty cell clears, as an empty text does in a batch."""
    # Unverified: that an empty cell clears a field instead of leaving it.
    data: dict[str, Any] = {}
    for name, cell in cells.items():
        if found := MEMBER.fullmatch(name):
            _place(data.setdefault(found[1], []), cell, found)
        else:
            data[name] = _value(name, cell)
    return {name: value for name, value in data.items() if value != [] or name in LINKS}


def _value(name: str, cell: str) -> Any:
    if cell == "":
        return ""
    if name in LINKS:
        return [link.strip() for link in cell.split(",") if link.strip()]
    if name in BRACKETED:
        return re.findall(r"'((?:[^'\\]|\\.)*)'", cell) or [cell]
    if name in NUMBERS and cell.isdecimal():
        return int(cell)
    return cell


def _place(entries: Any, cell: str, found: re.Match[str]) -> None:
    """Put `video[0].url` and `video[0].tag[1]` where they belong."""
    if not cell or not isinstance(entries, list):
        return
    _, place, member, inner = found.groups()
    while len(entries) <= int(place):
        entries.append({})
    if inner is None:
        entries[int(place)][member] = cell
    else:
        entries[int(place)].setdefault(member, []).append(cell)


# facebook-for-woocommerce 0ca45a8, RatingsAndReviewsFeed.php: the header. Unverified: which of them Meta requires.
REVIEW_REQUIRED = (
    "review_id", "rating", "content", "created_at", "reviewer.name", "store.name", "product.name", "product.url",
)  # fmt: skip


def review_problems(cells: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a row of reviews."""
    problems = [f"A required field is missing: {name}" for name in REVIEW_REQUIRED if not cells.get(name)]
    if cells.get("rating") and cells["rating"] not in {"1", "2", "3", "4", "5"}:
        problems.append("Invalid value for rating: it must be an integer from 1 to 5")
    return problems


# graph-api.md 7, facebook-for-woocommerce, PromotionsFeed: the words. Unverified: what Meta requires, and how it writes lists and amounts.
OFFER_VALUES = {"PERCENTAGE": "percent_off", "FIXED_AMOUNT": "fixed_amount_off"}
OFFER_WORDS = {
    "value_type": OFFER_VALUES.keys(),
    "application_type": {"SALE", "AUTOMATIC_AT_CHECKOUT", "BUYER_APPLIED"},
    "target_type": {"LINE_ITEM", "SHIPPING"},
    "target_granularity": {"ORDER_LEVEL", "ITEM_LEVEL"},
    "target_selection": {"ALL_CATALOG_PRODUCTS", "SPECIFIC_PRODUCTS"},
}
OFFER_TARGETS = (
    "target_product_retailer_ids",
    "target_product_group_retailer_ids",
    "target_product_set_retailer_ids",
    "target_filter",
)
_AMOUNT, _UNIX_SECONDS = re.compile(r"\d+(\.\d+)? [A-Z]{3}", re.ASCII), re.compile(r"\d{1,12}", re.ASCII)
OFFER_FORMS = {
    "fixed_amount_off": _AMOUNT,
    "min_subtotal": _AMOUNT,
    "percent_off": re.compile("[1-9][0-9]?|100"),
    "start_date_time": _UNIX_SECONDS,
    "end_date_time": _UNIX_SECONDS,
}


def offer_problems(cells: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a row of offers."""
    required = ("offer_id", "title", "start_date_time", *OFFER_WORDS)
    problems = [f"A required field is missing: {name}" for name in required if not cells.get(name)]
    for name, words in OFFER_WORDS.items():
        if cells.get(name) and cells[name] not in words:
            problems.append(f"Invalid value for {name}: it must be one of {', '.join(sorted(words))}")
    for name, form in OFFER_FORMS.items():
        if cells.get(name) and not form.fullmatch(cells[name]):
            problems.append(f"Invalid value for {name}: {cells[name]}")
    given = [word for word, name in OFFER_VALUES.items() if cells.get(name)]
    if given != [cells.get("value_type")]:
        problems.append(
            "Invalid value for value_type: percent_off or fixed_amount_off is required, as it says, and not both"
        )
    if (cells.get("application_type") == "BUYER_APPLIED") != bool(cells.get("coupon_codes")):
        problems.append("Invalid value for coupon_codes: they belong to BUYER_APPLIED, which needs some")
    if (cells.get("target_selection") == "SPECIFIC_PRODUCTS") != any(cells.get(name) for name in OFFER_TARGETS):
        problems.append("Invalid value for target_selection: SPECIFIC_PRODUCTS needs targets, and only that has any")
    return problems


def read_navigation(file: BinaryIO) -> list[dict[str, Any]]:
    """Read the menus of a navigation file."""
    # facebook-for-woocommerce, FeedUploadUtils.php: `{"navigation": [{title, partner_menu_handle, partner_menu_id, items}]}`.
    try:
        document = orjson.loads(unpack(file).read())
    except (orjson.JSONDecodeError, OSError, EOFError):
        raise FileUnusable("The file is not valid JSON") from None
    menus = document.get("navigation") if isinstance(document, dict) else None
    wanted = {"title", "partner_menu_handle", "partner_menu_id", "items"}
    if not isinstance(menus, list) or not all(isinstance(menu, dict) and wanted <= menu.keys() for menu in menus):
        raise FileUnusable("The file must be an object with `navigation`, a list of menus")
    return menus
