"""What Meta tells of an order, read exactly or not at all."""

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
    ("wish", "told"), [(True, "YES"), (False, "NO"), (None, "UNSPECIFIED"), ("true", "UNSPECIFIED")]
)
def test_a_wish_for_marketing_has_three_values(wish: object, told: str) -> None:
    """Only a plain yes is a yes, and silence is no answer."""
    found = read(order(buyer_details={"name": "B", "email_remarketing_option": wish}), [item()], [])
    assert found.buyer is not None
    assert f"MARKETING_OPT_IN_{told}" == found.buyer["marketing_opt_in"]
    assert (told != "UNSPECIFIED") == (found.buyer["marketing_opt_in_time"] is not None)


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
