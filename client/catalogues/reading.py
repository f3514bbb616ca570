"""A file of products, whatever its format, as one stream of products and problems; no id comes twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from client.catalogues import feed, shopify
from client.catalogues.columns import read_columns, read_mapping
from client.catalogues.ids import SeenIds
from client.catalogues.jsonlines import read_json_lines
from client.catalogues.rows import read_header, read_rows
from client.catalogues.terms import CatalogueUnusable, Listed, Problem, Terms
from client.catalogues.xml import read_items

BY_SUFFIX = {".jsonl": "jsonlines", ".ndjson": "jsonlines", ".xml": "xml", ".rss": "xml", ".atom": "xml"}
# A delimited file is the first of these whose columns it has.
BY_COLUMNS = (
    ("shopify", shopify.name_column, frozenset({"handle", "option1 value", "variant price"})),
    ("feed", feed.name_column, frozenset({"id", "title", "price"})),
)
FORMATS = ("shopify", "feed", "xml", "jsonlines", "columns")


def read_catalogue(
    path: Path, terms: Terms, *, pairs: Sequence[str] = (), format: str = ""
) -> Iterator[Listed | Problem]:
    """Read a file's products in its order. An id that comes again is a problem: the first one counts.

    `pairs` map columns, `format` is one of `FORMATS`; without both, suffix and columns tell the format.

    Raises:
        CatalogueUnusable: the file as a whole cannot be read, now or from some place on.

    """
    if not path.is_file():
        raise CatalogueUnusable(f"There is no file {path}.")
    return _refuse_repeats(_read(path, format or ("columns" if pairs else find_format(path)), terms, pairs))


def find_format(path: Path) -> str:
    """Tell the format of a file by its suffix, or by its columns."""
    if known := BY_SUFFIX.get(path.suffix.lower()):
        return known
    columns = read_header(path)
    for name, wording, needed in BY_COLUMNS:
        if needed <= {wording(column) for column in columns}:
            return name
    raise CatalogueUnusable(
        f"{path.name} is neither a Shopify export nor a feed. Say what its columns mean: --map product_id=<column>"
        f" --map title=<column> --map price=<column> … It has {', '.join(columns)}."
    )


def _read(path: Path, format: str, terms: Terms, pairs: Sequence[str]) -> Iterator[Listed | Problem]:
    match format:
        case "shopify":
            return shopify.read_shopify(read_rows(path, shopify.name_column), terms)
        case "feed":
            return feed.read_feed(read_rows(path, feed.name_column), terms)
        case "xml":
            return feed.read_feed(read_items(path), terms)
        case "jsonlines":
            return read_json_lines(path, terms)
        case "columns":
            return read_columns(read_rows(path), read_mapping(pairs, read_header(path)), terms)
    raise CatalogueUnusable(f"There is no format {format!r}; there are {', '.join(FORMATS)}.")


def _refuse_repeats(entries: Iterator[Listed | Problem]) -> Iterator[Listed | Problem]:
    seen = SeenIds()
    try:
        for entry in entries:
            if isinstance(entry, Listed) and not seen.add(entry.product.product_id):
                yield Problem(
                    entry.place, "product_id", f"{entry.product.product_id!r} stood further up already; that one counts"
                )
            else:
                yield entry
    finally:
        seen.close()
