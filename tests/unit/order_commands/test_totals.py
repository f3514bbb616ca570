"""Totals of lines, in Meta's words and by their rules."""

import pytest

from connector.errors import FailedPrecondition
from connector.order_commands.model.carriers import Tracking
from connector.order_commands.model.commands import Pieces
from connector.order_commands.model.totals import Restate, Totals, read_totals
from connector.order_commands.model.wishes import make_wish
from tests.unit.order_commands.subjects import NOW, OFF_THE_WHOLE, line, order


def test_totals_in_metas_words() -> None:
    """What is not said stays as it is; reasons and tracking stand only beside what becomes more."""
    subject = order(line("1", quantity=5, shipped=2, cancelled=1), line("2", quantity=2, shipped=2))
    totals = Totals("1", shipped=3), Totals("2", refunded=1)
    wish = Restate(totals, Tracking("DHL", "T-1"), "OUT_OF_STOCK", "DAMAGED_GOODS").wish(subject, [])
    assert {
        "merchant_order_reference": "sc-1",
        "items": [
            {
                "item_id": "1",
                "fulfill_quantity": 3,
                "cancel_quantity": 1,
                "refund_quantity": 0,
                "tracking_info": [{"carrier": "DHL", "tracking_number": "T-1"}],
            },
            {
                "item_id": "2",
                "fulfill_quantity": 2,
                "cancel_quantity": 0,
                "refund_quantity": 1,
                "refund_reason": {"reason_code": "DAMAGED_GOODS"},
            },
        ],
    } == wish.body
    assert (Pieces("1", 1),) == wish.lines
    assert (Totals("1", 3, 1, 0), Totals("2", 2, 0, 1)) == read_totals(wish.body)


def test_orders_with_offers_are_refunded_by_amount() -> None:
    """Where something was taken off the whole order Meta refunds no pieces: shipping them by totals is all right."""
    subject = order(line(shipped=2), discounts=(OFF_THE_WHOLE,))
    Restate((Totals("1", shipped=3),)).wish(subject, [])
    with pytest.raises(FailedPrecondition) as refused:
        Restate((Totals("1", refunded=1),)).wish(subject, [])
    assert "REFUND_BY_AMOUNT_ONLY" == refused.value.reason


def test_an_order_that_stormcom_refused_has_no_totals() -> None:
    """Meta wants StormCom's id beside the totals: without one they are refused before Meta is asked."""
    with pytest.raises(FailedPrecondition) as refused:
        make_wish(Restate((Totals("1", shipped=1),)), order(line(), local_order_id=""), [], now=NOW)
    assert "ORDER_STATE_INVALID" == refused.value.reason
