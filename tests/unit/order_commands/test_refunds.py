"""What money may go back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConnectorError
from connector.order_commands.model.commands import Command, Kind, Pieces, State
from connector.order_commands.model.refunds import Asked, charged, refunded, require_refundable, write_body
from tests.unit.order_commands.subjects import OFF_THE_WHOLE, command, line, order

Wanted = tuple[str, int, bool]
WISHES = st.lists(st.tuples(st.sampled_from(["1", "2"]), st.integers(1, 9000), st.booleans()), max_size=25)


@given(WISHES, st.integers(1, 5), st.integers(1, 3000), st.integers(0, 2000))
def test_any_sequence_of_partial_refunds_is_exact_and_never_too_much(
    wanted: list[Wanted], quantity: int, price: int, off: int
) -> None:
    """Whatever is asked for in whatever order, what is let through adds up exactly, and never to more than was charged."""
    whole = off % (quantity * price + 1)
    lines = line("1", quantity=quantity, price=price, shipped=quantity, off=whole), line("2", shipped=2)
    bought, taken, sums = order(*lines), list[Command](), {"1": 0, "2": 0}
    for line_id, number, by_pieces in wanted:
        pieces = Pieces(line_id, number % 4 + 1) if by_pieces else Pieces(line_id, 0, number)
        try:
            require_refundable(bought, taken, Asked((pieces,)))
        except ConnectorError:
            continue
        taken.append(command(Kind.REFUND, pieces))
        sums[line_id] += pieces.amount or pieces.quantity * {"1": price, "2": 2000}[line_id]
    assert sums == {one.line_id: refunded(one, taken) for one in lines}
    assert all(sums[one.line_id] <= charged(one) for one in lines)


@given(st.integers(1, 9), st.integers(1, 3000), st.data())
def test_what_was_charged_is_the_exact_share_of_the_pieces_that_left(
    quantity: int, price: int, data: st.DataObject
) -> None:
    """Less than a minor unit above the exact fraction and never below it; exactly all of it once every piece has left, nothing before one has."""
    off, shipped = data.draw(st.integers(0, quantity * price)), data.draw(st.integers(0, quantity))
    one = line(quantity=quantity, price=price, shipped=shipped, off=off)
    exact = Fraction((quantity * price - off) * shipped, quantity)
    assert 0 <= charged(one) - exact < 1
    assert shipped not in {0, quantity} or charged(one) == exact


@given(st.integers(1, 6), st.integers(1, 3000), st.integers(0, 5000), st.data())
def test_refunds_between_shipments_come_to_no_more_than_left_the_house(
    quantity: int, price: int, off: int, data: st.DataObject
) -> None:
    """However shipments and refunds take turns, what went back is at every time covered by what was shipped; in the end all can go back, to the last minor unit."""
    off, taken = off % (quantity * price + 1), list[Command]()
    for shipped in [*sorted(data.draw(st.lists(st.integers(1, quantity), max_size=5))), quantity]:
        one = line(quantity=quantity, price=price, shipped=shipped, off=off)
        amount = data.draw(st.integers(1, quantity * price))
        try:
            require_refundable(order(one), taken, Asked((Pieces("1", 0, amount),)))
        except ConnectorError:
            assert amount > charged(one) - refunded(one, taken)
            continue
        taken.append(command(Kind.REFUND, Pieces("1", 0, amount)))
        assert refunded(one, taken) <= charged(one)
    if rest := charged(one) - refunded(one, taken):
        require_refundable(order(one), taken, Asked((Pieces("1", 0, rest),)))
    assert quantity * price - off == refunded(one, taken) + rest


@given(st.lists(st.integers(1, 400), max_size=12))
def test_shipping_goes_back_once(amounts: list[int]) -> None:
    """However shipping is refunded in parts, the parts come to no more than was paid for it."""
    bought, taken = order(line(shipped=1)), list[Command]()
    for amount in amounts:
        try:
            require_refundable(bought, taken, Asked(shipping=amount))
        except ConnectorError:
            continue
        taken.append(command(Kind.REFUND, shipping=amount))
    assert sum(one.wish.shipping for one in taken) <= 500


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (Asked((Pieces("9", 1),)), "ORDER_LINE_UNKNOWN"),
        (Asked((Pieces("1", 3),)), "QUANTITY_EXCEEDED"),
        (Asked((Pieces("1", 0, 4001),)), "REFUND_EXCEEDED"),
        (Asked(shipping=501), "REFUND_EXCEEDED"),
        (Asked((Pieces("1", 1),), deduction=2150), "REFUND_EMPTY"),
        (
            Asked((Pieces("1", 0, 100),), currency_code="EUR", currency_field="lines[0].amount.currency_code"),
            "CURRENCY_MISMATCH",
        ),
    ],
)
def test_what_cannot_be_refunded_is_refused_by_name(asked: Asked, reason: str) -> None:
    """More than was shipped or charged, unknown lines, nothing at all, another currency: each has its reason."""
    with pytest.raises(ConnectorError) as refused:
        require_refundable(order(line(shipped=2)), [], asked)
    assert reason == refused.value.reason


def test_nothing_is_refunded_of_what_was_not_shipped() -> None:
    """Before anything left, there is nothing to pay back."""
    with pytest.raises(ConnectorError) as refused:
        require_refundable(order(line()), [], Asked(everything=True))
    assert "QUANTITY_EXCEEDED" == refused.value.reason


def test_orders_with_offers_are_refunded_by_amount() -> None:
    """Where something was taken off the whole order, pieces are refused and amounts are not."""
    bought = order(line(shipped=2, off=1000), discounts=(OFF_THE_WHOLE,))
    with pytest.raises(ConnectorError) as refused:
        require_refundable(bought, [], Asked((Pieces("1", 1),)))
    assert "REFUND_BY_AMOUNT_ONLY" == refused.value.reason
    require_refundable(bought, [], Asked((Pieces("1", 0, 1500),)))


@pytest.mark.parametrize(
    ("state", "lets_more"), [(State.WAITING, False), (State.SUCCEEDED, False), (State.FAILED, True)]
)
def test_what_waits_counts(state: State, lets_more: bool) -> None:  # noqa: FBT001 – a column of the table
    """Money that another command will pay back, or has paid, is not there any more."""
    other = command(Kind.REFUND, Pieces("1", 0, 4000), state=state)
    try:
        require_refundable(order(line(shipped=2)), [other], Asked((Pieces("1", 0, 1),)))
        let = True
    except ConnectorError:
        let = False
    assert lets_more == let


@pytest.mark.parametrize(("currency", "told"), [("GBP", "5.40"), ("USD", "5.00")])
def test_in_pounds_shipping_holds_its_tax(currency: str, told: str) -> None:
    """Meta wants the tax on shipping inside the shipping that is refunded in pounds, and nowhere else."""
    asked = Asked((), 500, 40)
    body = write_body(asked, currency, reason="DAMAGED_GOODS", description="", return_id="")
    assert {"amount": told, "currency": currency} == body["shipping"]["shipping_refund"]


def test_a_refund_in_metas_words() -> None:
    """Lines go by id, amounts as decimal texts, what the buyer pays for the return as a deduction."""
    asked = Asked((Pieces("1", 2), Pieces("2", 0, 1050)), deduction=300)
    assert {
        "reason_code": "DAMAGED_GOODS",
        "reason_text": "Broken",
        "items": [
            {"item_id": "1", "item_refund_quantity": 2},
            {"item_id": "2", "item_refund_amount": {"amount": "10.50", "currency": "USD"}},
        ],
        "deductions": [
            {"deduction_type": "RETURN_SHIPPING", "deduction_amount": {"amount": "3.00", "currency": "USD"}}
        ],
    } == write_body(asked, "USD", reason="DAMAGED_GOODS", description="Broken", return_id="")
