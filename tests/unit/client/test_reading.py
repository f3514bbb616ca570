"""Any file: its format found out, its rows in any encoding, mapped columns, JSON lines, nothing lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from client.catalogues.reading import find_format, read_catalogue
from client.catalogues.terms import CatalogueUnusable, Terms
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.product_pb2 import Product

Read = Callable[..., tuple[dict[str, Product], list[str]]]
PAIRS = (
    "product_id=sku", "title=naam", "price=prijs", "compare_at_price=van", "images=fotos", "categories=groep",
    "quantity=stuks", "options.Colour=kleur", "sale_end_time=jaar",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("shopify.csv", "shopify"),
        ("feed.csv", "feed"),
        ("feed.tsv", "feed"),
        ("rss.xml", "xml"),
        ("products.jsonl", "jsonlines"),
    ],
)
def test_formats_are_found_out(files: Path, name: str, format: str) -> None:
    """Suffix and columns tell the format."""
    assert format == find_format(files / name)


def test_unknown_columns_say_what_to_do(files: Path) -> None:
    """A file nobody knows is answered with its columns and the option that helps."""
    with pytest.raises(CatalogueUnusable, match=r"--map product_id=<column>.*sku, naam"):
        find_format(files / "columns.csv")


def test_mapped_columns(read: Read, files: Path) -> None:
    """Each field is converted as its kind wants it."""
    mug = read(files / "columns.csv", *PAIRS, currency="EUR", link_template="https://s.example/{id}")[0]
    product = next(iter(mug.values()))
    assert ("Mok", 999, 1250, "EUR") == (
        product.title,
        product.price.minor_units,
        product.compare_at_price.minor_units,
        product.price.currency_code,
    )
    assert ["https://i.example/1.jpg", "https://i.example/2.jpg"] == list(product.image_links)
    assert ["Huis", "Keuken", "Mokken"] == list(product.categories)
    assert (True, 4, {"Colour": "rood"}) == (product.track_inventory, product.quantity, dict(product.options))
    assert ("https://s.example/1%2Fa", 7, product_pb2.PRODUCT_STATUS_ACTIVE) == (
        product.link,
        product.source_version,
        product.status,
    )


def test_mapped_ids_do_not_meet(read: Read, files: Path) -> None:
    """`1/a` and `1-a` are two products."""
    products, _ = read(files / "columns.csv", *PAIRS, currency="EUR")
    assert ["Mok", "Kop"] == [product.title for product in products.values()]


def test_mapped_problems(read: Read, files: Path) -> None:
    """Each wrong row names line, column and cause."""
    _, problems = read(files / "columns.csv", *PAIRS, currency="EUR")
    assert ["line 4: sku", "line 5: prijs", "line 6: prijs", "line 7: fotos", "line 8: stuks"] == [
        ": ".join(problem.split(": ")[:2]) for problem in problems
    ]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("title=naam",), "product_id=<column>"),
        (("product_id=sku", "titel=naam"), "--map titel=naam"),
        (("product_id=sku", "title=name"), "no such column; it has sku, naam"),
        (("product_id=sku", "title=naam", "title=groep"), "mapped to naam already"),
        (("product_id",), "<field>=<column>"),
    ],
)
def test_wrong_mappings(read: Read, files: Path, pairs: tuple[str, ...], words: str) -> None:
    """A wrong mapping is refused before the first row, with what would be right."""
    with pytest.raises(CatalogueUnusable, match=words):
        read(files / "columns.csv", *pairs)


def test_json_lines(read: Read, files: Path) -> None:
    """A line is a Product; its own version counts before the file's."""
    products, problems = read(files / "products.jsonl", brand="House")
    assert {"mug": 7, "cup": 7} == {name: product.source_version for name, product in products.items()}
    assert "House" == products["cup"].brand
    assert ["line 4", "line 5"] == [problem.split(":")[0] for problem in problems]
    assert "colour" in problems[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(read: Read, tmp_path: Path, encoding: str) -> None:
    """Byte order marks are understood, and letters of any script survive."""
    file = tmp_path / "feed.csv"
    file.write_text("id,title,price\n1,পাঞ্জাবি – Größe,9.99 USD\n", encoding=encoding)
    assert "পাঞ্জাবি – Größe" == read(file)[0]["1"].title


def test_a_row_in_another_encoding_is_told(read: Read, tmp_path: Path) -> None:
    """One row that is no UTF-8 does not take the others with it, and does not come through garbled."""
    file = tmp_path / "feed.csv"
    file.write_bytes(b"id,title,price\n1,Gr\xf6\xdfe,1 USD\n2,Good,1 USD\n")
    products, problems = read(file)
    assert (["2"], ["line 2: it is not UTF-8; save the file as UTF-8"]) == (list(products), problems)


def test_an_unclosed_quote_is_told(read: Read, tmp_path: Path) -> None:
    """A quote that swallows the rest of the file is a problem, not a short catalogue."""
    file = tmp_path / "feed.csv"
    file.write_text('id,title,price\n1,"Open,1 USD\n2,Lost,1 USD\n', encoding="utf-8")
    products, problems = read(file)
    assert ({}, 1) == (products, len(problems))
    assert "unclosed quote" in problems[0]


def test_a_cell_beyond_the_limit_is_told(read: Read, tmp_path: Path) -> None:
    """A cell larger than any feed may have is a problem of its row; the next row is read."""
    file = tmp_path / "feed.csv"
    file.write_text(f'id,title,price\n1,"{"x" * 5_000_001}",1 USD\n2,Good,1 USD\n', encoding="utf-8")
    products, problems = read(file)
    assert "2" in products
    assert "cannot be taken apart" in problems[0]


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("id,title,price,Title\n1,a,1,b\n", "several columns")])
def test_files_that_cannot_be_read_at_all(read: Read, tmp_path: Path, text: str, words: str) -> None:
    """What concerns the whole file stops it at once."""
    file = tmp_path / "feed.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueUnusable, match=words):
        read(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """There is a sentence for it, not a traceback."""
    with pytest.raises(CatalogueUnusable, match="There is no file"):
        read_catalogue(tmp_path / "none.csv", Terms(source_version=1))


@pytest.mark.parametrize(
    "terms", [{"currency": "dollars"}, {"link_template": "https://s.example/"}, {"link_template": "https://{shop}/"}]
)
def test_wrong_terms(terms: dict[str, str]) -> None:
    """Terms that could only fail row by row are refused at once."""
    with pytest.raises(CatalogueUnusable, match=r"--currency USD|must hold \{handle\}"):
        Terms(source_version=1, **terms)


def test_readers_are_lazy(tmp_path: Path) -> None:
    """The first product comes before the file is read to its end."""
    file = tmp_path / "large.jsonl"
    file.write_text('{"productId": "1"}\n' + '{"productId": "broken\n' * 100_000, encoding="utf-8")
    entries = read_catalogue(file, Terms(source_version=1))
    assert "line 1" == next(iter(entries)).place


def test_wrong_terms_and_formats_say_what_there_is(tmp_path: Path) -> None:
    """A version below one, a broken template and an unknown format are refused with the option that mends them."""
    with pytest.raises(CatalogueUnusable, match="--source-version"):
        Terms(source_version=0)
    with pytest.raises(CatalogueUnusable, match="cannot be read"):
        Terms(source_version=1, link_template="https://s.example/{handle")
    file = tmp_path / "feed.csv"
    file.write_text("id,title,price\n", encoding="utf-8")
    with pytest.raises(CatalogueUnusable, match="there are shopify, feed"):
        list(read_catalogue(file, Terms(source_version=1), format="excel"))


def test_templates_are_skipped_and_cells_counted(read: Read, tmp_path: Path) -> None:
    """Lines of explanations and empty lines are no products; a row with too many cells is told."""
    file = tmp_path / "sheet.csv"
    file.write_text("# Required | what it means\n\nsku,name\n\n1,One\n2,Two,three\n", encoding="utf-8")
    products, problems = read(file, "product_id=sku", "title=name")
    assert ["1"] == list(products)
    assert ["line 6: it has 3 cells where the header has 2; quote cells that hold the delimiter"] == problems


def test_a_cut_utf16_file_is_told(read: Read, tmp_path: Path) -> None:
    """Half a letter at the end is no text of that encoding."""
    file = tmp_path / "feed.csv"
    file.write_bytes("id,title,price\n1,A,1 USD\n".encode("utf-16")[:-1])
    with pytest.raises(CatalogueUnusable, match="no utf-16 text"):
        read(file)
