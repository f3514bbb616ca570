"""Barcodes, category paths, days, weights."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalog.model.terms import barcode, category_path, day, thousandths


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


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-12-31", "2026-12-31"),
        ("2026-13-01", None),
        ("2027-02-29", None),
        ("20261231", None),
        ("2026-12-31T00", None),
        ("", None),
    ],
)
def test_day(text: str, read: str | None) -> None:
    """A day that exists, written as Meta reads it, is a day."""
    assert read == day(text)


@given(st.integers(0, 10**15))
def test_thousandths_are_exact(amount: int) -> None:
    """A weight is written without losing anything, and without a zero too many."""
    written = thousandths(amount)
    assert Decimal(amount) / 1000 == Decimal(written)
    assert not re.search(r"\.\d*0$|\.$", written)
