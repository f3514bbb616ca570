"""Option names, barcodes and category paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.options import sort_options
from connector.catalog.model.terms import barcode, category_path


@pytest.mark.parametrize(
    ("options", "known", "rest"),
    [
        ({"Color": "red"}, {"color": "red"}, ""),
        ({"COLOUR": "red", "Größe": "M"}, {"color": "red", "size": "M"}, ""),
        ({"রঙ": "লাল", "সাইজ": "বড়"}, {"color": "লাল", "size": "বড়"}, ""),
        ({"Material": "wool", "Muster": "dots"}, {"material": "wool", "pattern": "dots"}, ""),
        ({"Scent": "rose", "Flavour": "mint"}, {}, "Flavour:mint,Scent:rose"),
        ({"Color": "red", "Colour": "blue"}, {"color": "red"}, "Colour:blue"),
        ({"Fit": "a,b:c"}, {}, "Fit:a b c"),
        ({"Size": "  "}, {}, ""),
        ({"Title": "Default"}, {}, "Title:Default"),
    ],
)
def test_axes(options: dict[str, str], known: dict[str, str], rest: str) -> None:
    """Names are recognised in many languages and cases; the rest travels as name and value, free of separators."""
    assert (known, rest) == sort_options(options)[:2]


@pytest.mark.parametrize(
    ("gtin", "read"),
    [
        ("4006381333931", "4006381333931"),
        ("036000291452", "036000291452"),
        ("96385074", "96385074"),
        ("10012345678902", "10012345678902"),
        ("400-6381 333931", "4006381333931"),
        ("4006381333932", None),
        ("400638133393", None),
        ("0000000000000", None),
        ("abc", None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", None),
    ],
)
def test_barcode(gtin: str, read: str | None) -> None:
    """Only the four lengths with a right check digit are barcodes."""
    assert read == barcode(gtin)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_every_number_has_exactly_one_check_digit(digits: str) -> None:
    """Of the ten numbers that begin alike, one is a GTIN-13."""
    right = [last for last in "0123456789" if barcode(digits + last)]
    assert (0 if not digits.strip("0") else 1) == len(right)


def test_a_long_category_path_keeps_the_innermost() -> None:
    """Outer categories go first; a single one that is too long is cut."""
    assert "Apparel > Shirts" == category_path(("Apparel", " Shirts ", ""))
    assert "c" * 400 == category_path(("a" * 400, "c" * 400))
    assert 750 == len(category_path(("x" * 900,)))
    assert "a/b" == category_path(("a>b",))
