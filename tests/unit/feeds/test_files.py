"""Feed files: whatever is written reads back as it was, by Python's CSV and by the simulator's own reader."""

import csv
import gzip
import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.feeds.model import navigation, products, reviews
from connector.feeds.model.files import FORMS, LARGEST_ROW_BYTES, address, new_token, pack, token_hash, write_rows
from connector.feeds.model.navigation import Entry, Menu
from connector.feeds.model.values import FeedKind
from connector.registry.model import Cargo
from connector.values import RetailerId
from simulator.feed_rows import read_item, read_navigation, read_rows

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
LINKS = st.lists(st.from_regex(r"https://[a-z]{1,9}\.example/[a-zA-Z0-9,?=&\"']{0,12}", fullmatch=True), max_size=4)
LABELS = st.lists(st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=9), max_size=3)


def _cargo(content: dict[str, Any], offer: dict[str, Any], name: str = "sc_1") -> Cargo:
    return Cargo(RetailerId(name), orjson.dumps(content).decode(), orjson.dumps(offer).decode())


def _file(*cargo: Cargo) -> bytes:
    rows = [products.write_row(one) for one in cargo]
    return write_rows([products.HEADER, *(row for row in rows if row is not None)])


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "title": TEXTS,
                "description": TEXTS,
                "color": TEXTS,
                "additional_image_link": LINKS,
                "internal_label": LABELS,
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_text_reads_back_as_it_was(contents: list[dict[str, Any]]) -> None:
    """Quotes, commas, line ends and any script survive writing, packing in pieces and reading, by both readers."""
    offer = {"availability": "in stock", "price": "9.99 USD", "quantity_to_sell_on_facebook": 3}
    cargo = [_cargo(content, offer, f"sc_{place}") for place, content in enumerate(contents)]
    whole = _file(*cargo).split(b"\r\n", 1)
    packed = b"".join(pack(part, FeedKind.PRODUCTS) for part in (whole[0] + b"\r\n", whole[1]))
    plain = gzip.decompress(packed).decode()
    read = list(csv.DictReader(io.StringIO(plain, newline="")))
    assert [content["title"] for content in contents] == [row["title"] for row in read]
    items = [read_item(row.cells or {}) for row in read_rows(io.BytesIO(packed), key="id")]
    for content, item in zip(contents, items, strict=True):
        escaped = [link.replace(",", "%2C") for link in content["additional_image_link"]]
        expected = content | {"additional_image_link": escaped}
        assert {name: value or "" for name, value in expected.items()} == {name: item[name] for name in content}
        assert ("in stock", "9.99 USD", 3) == tuple(item[name] for name in offer)


@pytest.mark.parametrize(
    "fields",
    [
        {"applink": {"ios_url": "https://a.example"}},
        {"video": [{"url": "https://a.example/v.mp4", "tag": ["front"]}]},
        {"video": [{"url": f"https://a.example/{number}.mp4"} for number in range(6)]},
        {"internal_label": ["Men's"]},
        {"shininess": "3"},
        {"description": "x" * LARGEST_ROW_BYTES},
        {"applink": {}},
        {"shipping": []},
        {"video": []},
        {"vendor_id": ""},
    ],
    ids=[
        "object",
        "tagged video",
        "six videos",
        "quoted label",
        "unknown",
        "too long",
        "cleared object",
        "cleared list",
        "cleared videos",
        "cleared unknown",
    ],
)
def test_what_no_row_can_carry_is_left_to_batches(fields: dict[str, Any]) -> None:
    """An item with a value that no column can hold has no row, rather than a row without it."""
    assert products.write_row(_cargo({"title": "A"} | fields, {})) is None


def test_videos_have_columns_of_their_own() -> None:
    """Videos without tags are written as numbered columns, which Meta reads as a list."""
    videos = [{"url": "https://a.example/1.mp4"}, {"url": "https://a.example/2.mp4"}]
    row = next(iter(read_rows(io.BytesIO(_file(_cargo({"video": videos}, {}))), key="id")))
    assert videos == read_item(row.cells or {})["video"]


def test_a_cleared_field_is_an_empty_cell() -> None:
    """Empty texts and lists are written as empty cells."""
    row = products.write_row(_cargo({"title": "A", "color": "", "additional_image_link": []}, {"sale_price": ""}))
    assert row is not None
    assert {"id": "sc_1", "title": "A"} == {name: cell for name, cell in zip(products.HEADER, row, strict=True) if cell}


def test_tokens_are_long_random_and_found_by_hash() -> None:
    """A token has 256 bits and makes the file's address; only its hash finds the file; what is no token has none."""
    token = new_token()
    assert (43, True, 32) == (len(token), token != new_token(), len(token_hash(token) or b""))
    assert f"https://c.example/feeds/{token}.csv.gz" == address("https://c.example", token, FeedKind.PRODUCTS)
    assert [None] * 4 == [token_hash(one) for one in ("", "short", token + "x", token[:-1] + "é")]


@pytest.mark.parametrize("kind", FeedKind)
def test_pieces_make_one_file(kind: FeedKind) -> None:
    """Packed pieces one after the other are one file."""
    joined = pack(b"one,", kind) + pack(b"two", kind)
    assert b"one,two" == (gzip.decompress(joined) if FORMS[kind].packed else joined)


def test_navigation_is_a_tree_of_collections() -> None:
    """Menus are written with their numbers and handles, entries with the sets they open."""
    menus = [Menu("main", "Shop", (Entry("Women", "set_1", (Entry("Shoes", "set_2"),)),))]
    shoes = {"title": "Shoes", "resourceType": "collection", "retailerID": "set_2"}
    women = {"title": "Women", "resourceType": "collection", "retailerID": "set_1", "items": [shoes]}
    expected = {"items": [women], "title": "Shop", "partner_menu_handle": "main", "partner_menu_id": "1"}
    assert [expected] == read_navigation(io.BytesIO(navigation.write_menus(menus)))


def test_the_header_of_reviews_has_a_column_for_each_cell() -> None:
    """Meta's documented columns, once each."""
    assert len(set(reviews.HEADER)) == len(reviews.HEADER)
