"""Shopify exports: variants and images as follow-up rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.catalogues.ids import fit_id
from stormcom.facebook.v1 import product_pb2
from stormcom.facebook.v1.product_pb2 import Product

Read = Callable[..., tuple[dict[str, Product], list[str]]]


@pytest.fixture
def shirt(read: Read, files: Path) -> Product:
    """Return the product with variants."""
    return read(files / "shopify.csv", currency="USD", link_template="https://s.example/p/{handle}")[0]["shirt"]


@pytest.fixture
def lamp(read: Read, files: Path) -> Product:
    """Return the product without variants."""
    return read(files / "shopify.csv", currency="USD", brand="House")[0]["lamp"]


def test_products_come_from_their_first_row(shirt: Product) -> None:
    """Title, body, vendor and type are the first row's; the link comes from the template."""
    told = (shirt.title, shirt.description, shirt.brand, list(shirt.categories), shirt.link)
    assert ("Shirt", "<p>Soft,\nand long.</p>", "Acme", ["Tops"], "https://s.example/p/shirt") == told


def test_variants_are_named_by_their_options(shirt: Product) -> None:
    """A variant's id comes from its option values: SKUs may be missing or change."""
    assert [fit_id("S / Navy Blue"), fit_id("M / Navy Blue"), fit_id("M / Red")] == [
        v.variant_id for v in shirt.variants
    ]
    assert [{"Size": "S", "Color": "Navy Blue"}, {"Size": "M", "Color": "Red"}] == [
        dict(shirt.variants[0].options),
        dict(shirt.variants[2].options),
    ]


def test_prices_are_each_variants_own(shirt: Product) -> None:
    """Price and price before a reduction are exact, the latter only where there is one."""
    assert [2000, 2150, 2150] == [v.price.minor_units for v in shirt.variants]
    assert [True, False, False] == [v.HasField("compare_at_price") for v in shirt.variants]


def test_stock_counts_where_it_is_tracked(shirt: Product) -> None:
    """An untracked variant has no stock; oversold stock is none."""
    assert [(True, 4), (True, 0), (False, 9)] == [(v.track_inventory, v.quantity) for v in shirt.variants]


def test_images_stand_in_their_order(shirt: Product) -> None:
    """The image position decides, and a variant's own image leads the product's."""
    ordered = ["https://i.example/1.jpg", "https://i.example/2.jpg", "https://i.example/navy.jpg"]
    assert ordered == list(shirt.image_links)
    assert [ordered[2], ordered[0], ordered[1]] == list(shirt.variants[0].image_links)
    assert [] == list(shirt.variants[1].image_links)


def test_the_apostrophe_of_spreadsheets_is_no_barcode(shirt: Product) -> None:
    """Exports protect leading zeros with an apostrophe; the barcode is what follows it."""
    assert "0012345600012" == shirt.variants[0].gtin


def test_default_title_is_no_variant(lamp: Product) -> None:
    """A product without options has its price itself."""
    assert (0, 7500, "House") == (len(lamp.variants), lamp.price.minor_units, lamp.brand)


def test_sold_on_without_stock_is_not_counted(lamp: Product) -> None:
    """What may be sold when none is left is always in stock."""
    assert not lamp.track_inventory


def test_unpublished_is_a_draft(lamp: Product) -> None:
    """What the shop does not show is not for sale here either."""
    assert product_pb2.PRODUCT_STATUS_DRAFT == lamp.status


def test_every_unreadable_row_is_told(read: Read, files: Path) -> None:
    """Line, field and cause of each, and the product is not sent by half."""
    products, problems = read(files / "shopify.csv", currency="USD")
    assert {"shirt", "lamp"} == products.keys()
    assert [
        "line 7: variant price: 'sixteen' is no price; write it like 1299.00 or 1299.00 USD",
        "line 8: product_id: 'shirt' stood further up already; that one counts",
        "line 9: handle: it is empty, so nobody can say whose row this is",
        "line 11: option1 value: the product has 'Big' already",
        "line 12: it has 8 cells where the header has 21; look for an unclosed quote",
    ] == problems


def test_newer_column_names(read: Read, tmp_path: Path) -> None:
    """The newer template's names mean the same."""
    file = tmp_path / "new.csv"
    header = "Title,URL handle,Description,Vendor,Published on online store,Status,Option1 name,Option1 value,Price"
    file.write_text(f"{header}\nMug,mug,Clay,Acme,TRUE,Active,Title,Default Title,9.99\n", encoding="utf-8")
    mug = read(file, currency="USD")[0]["mug"]
    told: tuple[Any, ...] = (mug.title, mug.description, mug.price.minor_units, mug.status)
    assert ("Mug", "Clay", 999, product_pb2.PRODUCT_STATUS_ACTIVE) == told


def test_a_price_of_nothing_before_is_none(read: Read, tmp_path: Path) -> None:
    """Some exports write 0.00 where there was no reduction: that is no price, and no reason to refuse the product."""
    file = tmp_path / "zero.csv"
    header = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Variant Compare At Price"
    file.write_text(f"{header}\nmug,Mug,Title,Default Title,9.99,0.00\n", encoding="utf-8")
    assert not read(file, currency="USD")[0]["mug"].HasField("compare_at_price")


def test_no_option_at_all_is_no_variant(read: Read, tmp_path: Path) -> None:
    """A product whose row names no option is one without variants too."""
    file = tmp_path / "bare.csv"
    file.write_text("Handle,Title,Option1 Value,Variant Price\nmug,Mug,,9.99\n", encoding="utf-8")
    mug = read(file, currency="USD")[0]["mug"]
    assert (0, 999) == (len(mug.variants), mug.price.minor_units)


def test_sku_weight_tags_and_formatting_travel(read: Read, tmp_path: Path) -> None:
    """What Shopify knows beside the usual is kept: its SKU, grams (0 means none), tags, labels, and the body's HTML."""
    file = tmp_path / "more.csv"
    header = "Handle,Title,Body (HTML),Vendor,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Price"
    rows = 'cup,Cup,<b>Soft</b>,Acme,"new, men",Title,Default Title,\'007,250,3', "pot,Pot,Plain,Acme,,Size,S,P-S,0,3"
    file.write_text(
        "\n".join([f"{header},Google Shopping / Custom Label 1", *(f"{row},b" for row in rows)]), encoding="utf-8"
    )
    cup, pot = read(file, currency="USD")[0].values()
    assert ("007", 250_000, ["new", "men"], ["", "b", "", "", ""], "<b>Soft</b>") == (
        cup.sku,
        cup.shipping_weight.milli_units,
        list(cup.internal_labels),
        list(cup.custom_labels),
        cup.rich_text_description,
    )
    assert ("P-S", False, "") == (
        pot.variants[0].sku,
        pot.variants[0].HasField("shipping_weight"),
        pot.rich_text_description,
    )
