"""Text of a cell → value: exact, or a cause."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.catalogues.cells import (
    DECIMALS,
    read_categories,
    read_instant,
    read_labels,
    read_links,
    read_money,
    read_period,
    read_quantity,
    read_truth,
    read_weight,
)
from stormcom.facebook.v1.product_pb2 import Weight

CURRENCIES = st.sampled_from(["USD", "BDT", "INR", *DECIMALS])


@given(CURRENCIES, st.integers(-(2**63) + 1, 2**63 - 1))
def test_money_is_exact(currency: str, minor_units: int) -> None:
    """Every amount a currency can express comes back to the last unit."""
    written = f"{Decimal(minor_units).scaleb(-DECIMALS.get(currency, 2)):f}"
    money = read_money(f"{written} {currency}", currency="XXX")
    assert (currency, minor_units) == (money.currency_code, money.minor_units)


@given(CURRENCIES, st.integers(0, 10**9), st.integers(1, 9))
def test_money_is_never_rounded(currency: str, whole: int, rest: int) -> None:
    """An amount finer than the currency is refused."""
    places = DECIMALS.get(currency, 2)
    with pytest.raises(ValueError, match=f"{places} decimals"):
        read_money(f"{whole}.{'0' * places}{rest}", currency=currency)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        *[("9.99", 999), ("9.990", 999), ("12", 1200), ("1,299.00", 129_900), ("1,234,567", 123_456_700)],
        *[(text, None) for text in ("1,299", "1.299,00", "$9.99", "9,99", "1e3", "nan", "৯", "$")],
    ],
)
def test_money_takes_only_what_can_mean_one_thing(text: str, units: int | None) -> None:
    """A text that could mean two amounts, or none, is refused."""
    if units is None:
        with pytest.raises(ValueError, match="no price"):
            read_money(text, currency="USD")
    else:
        assert units == read_money(text, currency="USD").minor_units


@pytest.mark.parametrize("text", ["9.99 eur", "EUR 9.99", "EUR9.99"])
def test_money_prefers_its_own_currency(text: str) -> None:
    """A currency beside the number counts, before or behind it, not the file's."""
    assert "EUR" == read_money(text, currency="USD").currency_code


def test_money_without_currency_says_what_to_give() -> None:
    """Nothing is assumed about the currency."""
    with pytest.raises(ValueError, match="--currency"):
        read_money("9.99", currency="")


def test_money_beyond_the_contract_is_refused() -> None:
    """What does not fit 64 bits is no price."""
    with pytest.raises(ValueError, match="more than any price"):
        read_money("92233720368547758.08", currency="USD")


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("12", 12), ("3.0", 3), ("-4", 0)])
def test_quantities(text: str, count: int) -> None:
    """Whole pieces; oversold stock is none."""
    assert count == read_quantity(text)


@pytest.mark.parametrize("text", ["1.5", "many", "1e3", ""])
def test_quantities_that_are_none(text: str) -> None:
    """Parts of pieces and words are refused."""
    with pytest.raises(ValueError, match="no whole number"):
        read_quantity(text)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://a.example/1.jpg", ["https://a.example/1.jpg"]),
        ("https://a.example/1,2.jpg,https://a.example/3.jpg", ["https://a.example/1,2.jpg", "https://a.example/3.jpg"]),
        ("https://a.example/1.jpg | https://a.example/2.jpg", ["https://a.example/1.jpg", "https://a.example/2.jpg"]),
        ('["https://a.example/1.jpg", null, ""]', ["https://a.example/1.jpg"]),
        ("/images/1.jpg", ["/images/1.jpg"]),
        ("[]", []),
    ],
)
def test_links(text: str, links: list[str]) -> None:
    """Links come apart at separators, never inside a URL; what is no URL is kept for the connector to judge."""
    assert links == read_links(text)


@pytest.mark.parametrize("text", ['["https://a.example', "[1]", '[{"url": "x"}]'])
def test_broken_lists(text: str) -> None:
    """What begins like a JSON list must be one, of texts."""
    with pytest.raises(ValueError, match="JSON list"):
        read_links(text)


@pytest.mark.parametrize("text", ["A >> B & C >> D", "A > B & C > D", '["A >> B & C >> D"]', '["A > B & C > D", "E"]'])
def test_categories(text: str) -> None:
    """A path is read outermost first, however it is written."""
    assert ["A", "B & C", "D"] == read_categories(text)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-11-01T09:00+06:00", 3), ("2026-11-01T09:00+0600", 3), ("2026-11-01T9:00Z", 9), ("2026-11-01", 0)],
)
def test_instants(text: str, hour: int) -> None:
    """Offsets count; without one it is UTC."""
    assert datetime(2026, 11, 1, hour, tzinfo=UTC) == read_instant(text).ToDatetime(UTC)


def test_periods_need_two_ends() -> None:
    """A begin without an end is refused."""
    with pytest.raises(ValueError, match="no period"):
        read_period("2026-11-01T00:00Z")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "01/11/2026"])
def test_times_that_are_none(text: str) -> None:
    """Only ISO 8601 is a time: what else is meant would be a guess."""
    with pytest.raises(ValueError, match="no time"):
        read_instant(text)


def test_truth_is_not_guessed() -> None:
    """Yes and no are taken in few spellings, the rest is refused."""
    assert (True, False) == (read_truth("TRUE"), read_truth("no"))
    with pytest.raises(ValueError, match="neither"):
        read_truth("maybe")


@pytest.mark.parametrize(
    ("text", "milli_units", "unit"),
    [("1.5 kg", 1_500, Weight.UNIT_KILOGRAM), ("250g", 250_000, Weight.UNIT_GRAM), ("0.001 LB", 1, Weight.UNIT_POUND)],
)
def test_weights_are_exact(text: str, milli_units: int, unit: Weight.Unit.ValueType) -> None:
    """A weight is read to the thousandth of its unit."""
    assert Weight(milli_units=milli_units, unit=unit) == read_weight(text)


@pytest.mark.parametrize("text", ["", "heavy", "1.5", "1.5 stone", "-1 kg", "0.0001 g", "1,5 kg"])
def test_what_is_no_weight_is_told(text: str) -> None:
    """A number without a unit, or finer than can be sent, is no weight."""
    with pytest.raises(ValueError, match=r"weight|finer"):
        read_weight(text)


@pytest.mark.parametrize(
    ("text", "labels"), [("new, summer , new", ["new", "summer"]), ('["a, b", "c"]', ["a, b", "c"]), ("", [])]
)
def test_labels_are_words(text: str, labels: list[str]) -> None:
    """Labels stand apart by commas, or in a JSON list."""
    assert labels == read_labels(text)
