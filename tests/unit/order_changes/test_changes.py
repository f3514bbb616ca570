"""Cancellations and refunds: who did it, whether it was all, what each line lost; how Meta's answers are read."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.order_changes import graph
from connector.order_changes.model.changes import (
    Actor,
    Cancellation,
    Part,
    Payment,
    Refund,
    actor_of,
    in_order,
    is_full,
    totals,
)


@pytest.mark.parametrize(
    ("reason", "command", "expected"),
    [
        ("CUSTOMER_REQUESTED", None, Actor.BUYER),
        ("FACEBOOK_INITIATED", None, Actor.META),
        ("OUT_OF_STOCK", None, Actor.UNSPECIFIED),
        ("", None, Actor.UNSPECIFIED),
        ("CUSTOMER_REQUESTED", UUID(int=1), Actor.STORMCOM),
    ],
)
def test_who_it_was(reason: str, command: UUID | None, expected: Actor) -> None:
    """A command of ours counts first, then Meta's reason; otherwise nobody knows."""
    assert expected is actor_of(reason, command)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.permutations(range(6)))
def test_pieces_add_up_in_any_order(quantities: list[int], order: list[int]) -> None:
    """However cancellations are told, a line's pieces come to the same sum."""
    told = [Cancellation(str(place), (Part("1", quantity),), "", "") for place, quantity in enumerate(quantities)]
    shuffled = sorted(told, key=lambda one: order[int(one.external_id)])
    assert {"1": sum(quantities)} == totals(shuffled)


def test_all_is_paid_back_when_nothing_is_left() -> None:
    """What was captured counts, and what arrived at the buyer; a minor unit less is not all."""
    payments = [Payment("1", 600, 60, captured=True), Payment("2", 400, 40, captured=False)]
    refunds = [Refund("3", (), 300, 0, 0, 300, ""), Refund("4", (), 300, 0, 0, 300, "")]
    assert (True, False) == (
        is_full(payments, refunds),
        is_full(payments, [refunds[0], refunds[1]._replace(total=299)]),
    )
    assert not is_full([], [])


def test_ids_are_ordered_by_age() -> None:
    """Ids grow longer with time: they are texts, never numbers."""
    assert ["9", "10", "a0b"] == sorted(["a0b", "10", "9"], key=in_order)


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    """Write an amount as Meta does."""
    return {"amount": amount, "currency": currency}


def refund(**sums: Any) -> dict[str, Any]:
    """Write an answer with one refund."""
    told = {
        "subtotal": money("10.00"),
        "shipping": money("5.00"),
        "tax": money("-1.15"),
        "total": money("16.15"),
    } | sums
    items = {
        "data": [
            {"id": "1", "refund_subtotal": money("10.00"), "quantity": 2},
            {"id": "1", "refund_subtotal": money("0.00")},
        ]
    }
    return {
        "data": [{"id": "3", "items": items, "refund_reason": {"reason_code": "WRONG_ITEM"}, "refund_amount": told}]
    }


def test_a_refund_reads_exactly() -> None:
    """Decimal texts become minor units, the negative tax a positive one, two entries of a line one."""
    (one,) = graph.list_refunds("9", "1", "USD").read(refund()).entries
    assert Refund("3", (Part("1", 2, 1_000),), 1_000, 500, 115, 1_615, "WRONG_ITEM") == one


@pytest.mark.parametrize(
    "wrong",
    [
        {"total": money("16.15", "EUR")},
        {"total": money("16.155")},
        {"total": {"amount": 16.15, "currency": "USD"}},
        {"total": money("NaN")},
        {"total": None},
        {"subtotal": money("1e999")},
    ],
)
def test_what_cannot_be_read_exactly_is_no_answer(wrong: dict[str, Any]) -> None:
    """Another currency, too many decimals, binary fractions and no numbers are refused, never rounded."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        graph.list_refunds("9", "1", "USD").read(refund(**wrong))
