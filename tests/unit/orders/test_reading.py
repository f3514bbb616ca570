"""What Meta tells of an order, read exactly or not at all."""

from decimal import Decimal
from typing import Any

import pytest

from connector.orders.graph.reading import read, read_sighting
from connector.orders.model.states import State
from connector.orders.model.sums import Spoiled


def money(amount: object, currency: str = "USD") -> dict[str, object]:
    return {"amount": amount, "currency": currency}


def order(**changes: Any) -> dict[str, Any]:
    paid = {
        "subtotal": {"items": money("40.00"), "shipping": money("10.00")},
        "tax": money("0.45"),
        "total_amount": money("50.45"),
    }
    return {
        "id": "3", "order_status": {"state": "CREATED"}, "channel": "Instagram", "created": "2026-01-14T19:17:31+00:00",
        "last_updated": "2026-01-14T19:17:31+0000", "estimated_payment_details": paid, **changes,
    }  # fmt: skip


def item(**changes: Any) -> dict[str, Any]:
    return {"id": "9", "retailer_id": "a", "quantity": 2, "price_per_unit": money("20.00"), **changes}


def test_an_order_of_the_documentation_is_read() -> None:
    """The documented sample reads to the cent, whatever the case of its words."""
    found = read(order(), [item(tax_details={"estimated_tax": money("0.45")})], [])
    assert ("INSTAGRAM", State.CREATED, 5045) == (found.channel, found.state, found.sums.total)
    assert (4045, 45) == (found.lines[0].total, found.lines[0].tax)


@pytest.mark.parametrize(
    ("currency", "price", "tax", "shipping", "total", "expected"),
    [
        ("JPY", "1500", "272", "500", "3772", (3000, 500, 272, 3772)),
        ("KWD", "1.005", "0.101", "0.250", "2.361", (2010, 250, 101, 2361)),
    ],
)
def test_a_currency_has_its_own_minor_units(  # noqa: PLR0917 – the columns of the table
    currency: str, price: str, tax: str, shipping: str, total: str, expected: tuple[int, ...]
) -> None:
    """Yen have no decimals and dinars have three: sums are exact in the currency's own minor units."""
    of = {name: money(value, currency) for name, value in {"tax": tax, "shipping": shipping, "total": total}.items()}
    items = money(str(2 * Decimal(price)), currency)
    paid = {"subtotal": {"items": items, "shipping": of["shipping"]}, "tax": of["tax"], "total_amount": of["total"]}
    line = item(price_per_unit=money(price, currency), tax_details={"estimated_tax": of["tax"]})
    found = read(order(estimated_payment_details=paid), [line], [])
    assert (currency, *expected) == (
        found.currency_code, found.sums.items, found.sums.shipping, found.sums.tax, found.sums.total,
    )  # fmt: skip


def test_a_currency_takes_no_more_decimals_than_it_has() -> None:
    """Yen written with a fraction of nothing are read; a fraction that is something is never rounded away."""
    yen = {
        "subtotal": {"items": money("40.00", "JPY"), "shipping": money("0", "JPY")},
        "total_amount": money("40", "JPY"),
    }
    assert 40 == read(order(estimated_payment_details=yen), [item(price_per_unit=money("20.00", "JPY"))], []).sums.total
    with pytest.raises(Spoiled, match="more decimals than JPY"):
        read(order(estimated_payment_details=yen), [item(price_per_unit=money("20.50", "JPY"))], [])


def test_taxes_inside_prices_are_not_guessed() -> None:
    """Meta documents prices without their tax only; an order whose total holds the tax already waits for a person."""
    paid = {
        "subtotal": {"items": money("40.00"), "shipping": money("0.00")},
        "tax": money("6.67"),
        "total_amount": money("40.00"),
    }
    with pytest.raises(Spoiled) as spoiled:
        read(order(estimated_payment_details=paid), [item(tax_details={"estimated_tax": money("6.67")})], [])
    assert "ORDER_TOTAL_MISMATCH" == spoiled.value.reason


@pytest.mark.parametrize(
    ("wish", "told"), [(True, "YES"), (False, "NO"), (None, "UNSPECIFIED"), ("true", "UNSPECIFIED")]
)
def test_a_wish_for_marketing_has_three_values(wish: object, told: str) -> None:
    """Only a plain yes is a yes, and silence is no answer; what was said was said in the order's own checkout, as it was placed."""
    found = read(order(buyer_details={"name": "B", "email_remarketing_option": wish}), [item()], [])
    assert found.buyer is not None
    assert f"MARKETING_OPT_IN_{told}" == found.buyer["marketing_opt_in"]
    said = ("ORDER_CHANNEL_INSTAGRAM", found.order_time.isoformat()) if told != "UNSPECIFIED" else (None, None)
    assert said == (found.buyer.get("marketing_opt_in_source"), found.buyer["marketing_opt_in_time"])


@pytest.mark.parametrize(
    ("changes", "line", "reason"),
    [
        ({"channel": "whatsapp"}, {}, "ORDER_UNREADABLE"),
        ({"order_status": {"state": "LOST"}}, {}, "ORDER_UNREADABLE"),
        ({"created": "yesterday"}, {}, "ORDER_UNREADABLE"),
        ({"estimated_payment_details": None}, {}, "ORDER_UNREADABLE"),
        ({}, {"price_per_unit": money("20.001")}, "ORDER_UNREADABLE"),
        ({}, {"price_per_unit": money(20.0)}, "ORDER_UNREADABLE"),
        ({}, {"price_per_unit": money("NaN")}, "ORDER_UNREADABLE"),
        ({}, {"price_per_unit": money("1e999999999")}, "ORDER_UNREADABLE"),
        ({}, {"price_per_unit": money("20.00", "EUR")}, "CURRENCY_MISMATCH"),
        ({}, {"quantity": 0}, "ORDER_UNREADABLE"),
        ({}, {"quantity": "-1"}, "ORDER_UNREADABLE"),
        ({}, {"id": ""}, "ORDER_UNREADABLE"),
        ({}, {"quantity": 3}, "ORDER_TOTAL_MISMATCH"),
        ({}, {"promotion_details": {"data": [{"sponsor": "nobody"}]}}, "ORDER_UNREADABLE"),
    ],
)
def test_what_cannot_be_read_spoils_the_order(changes: dict[str, Any], line: dict[str, Any], reason: str) -> None:
    """Nothing is guessed: a wrong amount, word or sum is named, and that is all."""
    with pytest.raises(Spoiled) as spoiled:
        read(order(**changes), [item(tax_details={"estimated_tax": money("0.45")}, **line)], [])
    assert reason == spoiled.value.reason


@pytest.mark.parametrize("entry", [None, "x", {}, {"id": ""}, {"id": True}, {"id": "9" * 101}])
def test_an_entry_that_names_no_order_is_none(entry: object) -> None:
    """Garbage in a list hides no order of the same list."""
    assert read_sighting(entry) is None


def test_an_order_whose_state_is_garbage_is_seen_all_the_same() -> None:
    """What a list garbles, reading the order itself tells, or puts it in quarantine."""
    seen = read_sighting({"id": 12, "order_status": 7, "created": {}, "last_updated": []})
    assert ("12", None, None, None) == seen
