"""Meta and Google feeds, delimited and as XML."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.catalogues.terms import CatalogueUnusable
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.product_pb2 import Product

Read = Callable[..., tuple[dict[str, Product], list[str]]]


@pytest.fixture
def feed(read: Read, files: Path) -> dict[str, Product]:
    """Return the products of the small feed."""
    return read(files / "feed.csv")[0]


def test_a_group_is_one_product(feed: dict[str, Product]) -> None:
    """Items that share a group become variants, wherever they stand; the order is that of the first ones."""
    assert ["tee", "pot", "solo"] == list(feed)
    assert ["tee-s", "tee-m"] == [variant.variant_id for variant in feed["tee"].variants]


def test_a_group_of_oneself_is_none(feed: dict[str, Product]) -> None:
    """A product whose group is its own id has no variants."""
    assert (0, "solo") == (len(feed["solo"].variants), feed["solo"].product_id)


def test_the_sale_price_is_what_is_paid(feed: dict[str, Product]) -> None:
    """A feed's price becomes the price before the reduction."""
    variant = feed["tee"].variants[0]
    assert (1500, 2000) == (variant.price.minor_units, variant.compare_at_price.minor_units)


def test_the_sale_period_is_the_products(feed: dict[str, Product]) -> None:
    """Begin and end are instants, also in Google's sloppy spelling."""
    begin = feed["tee"].sale_start_time.ToDatetime(UTC)
    assert datetime(2026, 11, 1, 23, 59, tzinfo=UTC) == begin
    assert datetime(2026, 11, 30, 18, tzinfo=UTC) == feed["tee"].sale_end_time.ToDatetime(UTC)


def test_options_of_variants(feed: dict[str, Product]) -> None:
    """Colour and further attributes tell variants apart."""
    assert {"color": "Red", "Sleeve": "Long", "Neck": "V"} == dict(feed["tee"].variants[0].options)


def test_images_of_variants(feed: dict[str, Product]) -> None:
    """Main and further images come in order; a comma inside a URL stays."""
    links = ["https://i.example/s.jpg", "https://i.example/a,b.jpg", "https://i.example/c.jpg"]
    assert links == list(feed["tee"].variants[0].image_links)


@pytest.mark.parametrize(
    ("product_id", "counted", "quantity", "discontinued"), [("pot", True, 0, False), ("solo", False, 0, True)]
)
def test_availability(
    feed: dict[str, Product], product_id: str, quantity: int, *, counted: bool, discontinued: bool
) -> None:
    """Out of stock is a stock of none, whatever number stands beside it; discontinued is told as such."""
    product = feed[product_id]
    assert (counted, quantity, discontinued) == (product.track_inventory, product.quantity, product.discontinued)


def test_condition_and_currency(feed: dict[str, Product]) -> None:
    """A currency without decimals is exact too."""
    assert (product_pb2.CONDITION_USED, 1500, "JPY") == (
        feed["pot"].condition,
        feed["pot"].price.minor_units,
        feed["pot"].price.currency_code,
    )


def test_what_cannot_be_read_is_told(read: Read, files: Path) -> None:
    """A sale price above the price and an unknown availability are problems, not products."""
    assert [
        "line 7: sale_price: it is above price",
        "line 8: availability: 'perhaps' is none of in stock, available for order, preorder, backorder, out of stock, discontinued",
    ] == read(files / "feed.csv")[1]


def test_tab_separated(read: Read, files: Path) -> None:
    """Google's spelling of columns, tabs and three decimals work alike."""
    mug = read(files / "feed.tsv")[0]["mug"]
    assert ("Mug – 350 ml", 9990, ["Home", "Kitchen", "Mugs"]) == (
        mug.title,
        mug.price.minor_units,
        list(mug.categories),
    )


def test_rss(read: Read, files: Path) -> None:
    """An item's tags are its columns; a tag that repeats is a list; the wrong item is named by its number."""
    products, problems = read(files / "rss.xml")
    mug = products["mug"]
    assert ("Mug & saucer", "https://s.example/mug", 999) == (mug.title, mug.link, mug.price.minor_units)
    assert ["mug.jpg", "mug2.jpg", "mug,3.jpg"] == [link.rpartition("/")[2] for link in mug.image_links]
    assert ["item 2: price: 'cheap' is no price; write it like 1299.00 or 1299.00 USD"] == problems


def test_atom(read: Read, files: Path) -> None:
    """Atom's link stands in an attribute."""
    assert "https://s.example/mug" == read(files / "atom.xml")[0]["mug"].link


def test_entities_are_refused(read: Read, files: Path) -> None:
    """A feed that declares entities is refused before they grow."""
    with pytest.raises(CatalogueUnusable, match="declares entities"):
        read(files / "entities.xml")


def test_broken_xml_names_the_place(read: Read, tmp_path: Path) -> None:
    """A file that ends in the middle is not taken for a short one."""
    file = tmp_path / "cut.xml"
    file.write_text("<rss><channel><item><id>1</id><title>One</title></item><item>", encoding="utf-8")
    with pytest.raises(CatalogueUnusable, match="behind item 1"):
        read(file)


def test_a_sale_period_is_shared(read: Read, tmp_path: Path) -> None:
    """Variants with different sale periods cannot be one product, and that is said."""
    file = tmp_path / "feed.csv"
    file.write_text(
        "id,title,price,item_group_id,sale_price_effective_date\n"
        "a,A,1 USD,g,2026-11-01T00:00Z/2026-12-01T00:00Z\n"
        "b,B,1 USD,g,2026-11-01T00:00Z/2026-12-24T00:00Z\n",
        encoding="utf-8",
    )
    products, problems = read(file)
    assert ({}, 1) == (products, len(problems))
    assert problems[0].startswith("line 3: sale_price_effective_date: it differs")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("additional_variant_attribute", "Scent", "'Scent' is no `name:value`"),
        ("condition", "mint", "'mint' is none of new, refurbished, used"),
        ("status", "gone", "'gone' is none of active"),
        ("id", "", "it is empty"),
    ],
)
def test_wrong_values_are_named(read: Read, tmp_path: Path, column: str, value: str, words: str) -> None:
    """A value that the reference does not know is told with those it does."""
    file = tmp_path / "feed.csv"
    cells = {"id": "1", "title": "A", "price": "1 USD", column: value}
    file.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", encoding="utf-8")
    products, problems = read(file)
    assert {} == products
    assert f"line 2: {column}: {words}" in problems[0]


@pytest.mark.parametrize(
    ("status", "visibility", "expected"),
    [
        ("", "", 2),
        ("active", "hidden", 4),
        ("archived", "published", 3),
        ("", "published", 2),
        ("archived", "hidden", 3),
    ],
)
def test_the_stricter_status_counts(read: Read, tmp_path: Path, status: str, visibility: str, expected: int) -> None:
    """What is archived stays archived, what is staged is not for sale, and what is hidden is not shown."""
    file = tmp_path / "feed.csv"
    file.write_text(f"id,title,price,status,visibility\n1,A,1 USD,{status},{visibility}\n", encoding="utf-8")
    assert expected == read(file)[0]["1"].status


def test_a_variant_that_stands_twice_is_told(read: Read, tmp_path: Path) -> None:
    """Two items of one id cannot be two variants."""
    file = tmp_path / "feed.csv"
    file.write_text("id,title,price,item_group_id\na,A,1 USD,g\na,B,1 USD,g\n", encoding="utf-8")
    assert ({}, ["line 3: id: 'a' stands twice in its group"]) == read(file)


def test_what_few_feeds_say(read: Read, tmp_path: Path) -> None:
    """Labels, numbers, films, weight, links and rich text are read under Meta's names."""
    cells = {
        "id": "1", "title": "A", "price": "1 USD", "rich_text_description": "<b>Soft</b>", "internal_label": '"new,summer"',
        "custom_label_1": "b", "custom_number_0": "7", "video[0].url": "https://c.example/1.mp4", "shipping_weight": "1.5 kg",
        "mobile_link": "https://m.example/1", "expiration_date": "2030-01-01", "origin_country": "BD", "vendor_id": "v",
    }  # fmt: skip
    file = tmp_path / "feed.csv"
    file.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", encoding="utf-8")
    product = read(file)[0]["1"]
    assert (["new", "summer"], ["", "b", "", "", ""], [7, -1, -1, -1, -1]) == (
        list(product.internal_labels),
        list(product.custom_labels),
        list(product.custom_numbers),
    )
    assert ("<b>Soft</b>", "<b>Soft</b>", 1_500, "https://c.example/1.mp4") == (
        product.description,
        product.rich_text_description,
        product.shipping_weight.milli_units,
        product.videos[0].url,
    )
    assert ("https://m.example/1", "2030-01-01", "BD", "v") == (
        product.mobile_link,
        product.expiration_date,
        product.origin_country,
        product.vendor_id,
    )
