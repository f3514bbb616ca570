"""Money and ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.values import Money, decimals_of, new_id


@pytest.mark.parametrize(
    ("money", "written"),
    [
        (Money("USD", 1250), "12.50 USD"),
        (Money("USD", 5), "0.05 USD"),
        (Money("JPY", 1200), "1200 JPY"),
        (Money("KWD", 1250), "1.250 KWD"),
        (Money("KWD", 7), "0.007 KWD"),
        (Money("BDT", 0), "0.00 BDT"),
        (Money("EUR", -199), "-1.99 EUR"),
    ],
)
def test_money_is_written_as_meta_reads_prices(money: Money, written: str) -> None:
    """A price has exactly the decimals of its currency, whatever the amount."""
    assert written == str(money)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["USD", "JPY", "KWD", "VND", "TND"]))
def test_money_loses_nothing(minor_units: int, currency: str) -> None:
    """Reading the written amount back gives the same minor units."""
    amount, code = str(Money(currency, minor_units)).split()
    assert (currency, minor_units) == (code, int(amount.replace(".", "")))


def test_an_unknown_currency_is_not_written() -> None:
    """Nothing is invented for a code that ISO 4217 does not have."""
    assert decimals_of("XXQ") is None
    with pytest.raises(ValueError, match="XXQ"):
        str(Money("XXQ", 1))


def test_ids_sort_by_time_and_never_repeat() -> None:
    """Ids made later never sort before a millisecond's older ones, and carry version 7."""
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == len(ids)
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)
    assert {7} == {one.version for one in ids}
