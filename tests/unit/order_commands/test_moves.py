"""What may be asked for, carriers, codes, and what Meta shows."""

from datetime import timedelta

import pytest

from connector.errors import ConnectorError
from connector.order_commands.model.carriers import CARRIERS, Tracking, tracking
from connector.order_commands.model.commands import Kind, Pieces, State
from connector.order_commands.model.faults import FAULTS
from connector.order_commands.model.moves import require_state
from connector.order_commands.model.shown import Shown, compare
from connector.order_commands.model.wishes import Asking, Cancel, Fulfill, UpdateShipment
from connector.orders.model.states import ImportState
from connector.orders.model.states import State as OrderState
from simulator.orders.carriers import CARRIERS as METAS_CARRIERS
from simulator.orders.refusals import CODES as METAS_CODES
from tests.unit.order_commands.subjects import NOW, command, line, order

S = OrderState
ALLOWED = {
    Kind.ACKNOWLEDGE: {S.CREATED, S.IN_PROGRESS},
    Kind.FULFILL: {S.IN_PROGRESS},
    Kind.UPDATE_SHIPMENT: {S.IN_PROGRESS, S.COMPLETED},
    Kind.CANCEL: {S.CREATED, S.IN_PROGRESS},
    Kind.REFUND: {S.IN_PROGRESS, S.COMPLETED},
    Kind.RESOLVE_RETURN: {S.IN_PROGRESS, S.COMPLETED},
    Kind.RESTATE: {S.IN_PROGRESS, S.COMPLETED},
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", OrderState)
def test_each_state_allows_what_the_table_says(kind: Kind, state: OrderState) -> None:
    """An order that is not acknowledged cannot be shipped, one that ended cannot be cancelled, and so on."""
    bought = order(line(), state=state, import_state=ImportState.IMPORTED)
    reasons = []
    try:
        require_state(kind, bought, now=NOW)
    except ConnectorError as refused:
        reasons.append(refused.reason)
    assert ([] if state in ALLOWED[kind] else ["ORDER_STATE_INVALID"]) == reasons


@pytest.mark.parametrize(("hours", "allowed"), [(23, False), (24, True)])
def test_an_order_that_meta_processes_can_be_cancelled_after_a_day(hours: int, allowed: bool) -> None:  # noqa: FBT001 – a column
    """Meta lets nobody cancel an order that it still processes before a day has passed."""
    bought = order(line(), state=S.FB_PROCESSING, import_state=ImportState.RESERVED)
    try:
        require_state(Kind.CANCEL, bought, now=NOW + timedelta(hours=hours))
        let = True
    except ConnectorError:
        let = False
    assert allowed == let


WAITING = command(Kind.FULFILL, Pieces("1", 1), shipment_id="s1", tracking_number="T-1")


@pytest.mark.parametrize(
    ("asking", "reason"),
    [
        (Fulfill("s2", (Pieces("9", 1),)), "ORDER_LINE_UNKNOWN"),
        (Fulfill("s2", (Pieces("1", 2),)), "QUANTITY_EXCEEDED"),
        (Cancel((Pieces("1", 2),)), "QUANTITY_EXCEEDED"),
        (Fulfill("s1", (Pieces("1", 1),)), "SHIPMENT_EXISTS"),
        (Fulfill("s2", (Pieces("1", 1),), Tracking("DHL", "T-1")), "TRACKING_REPEATED"),
        (UpdateShipment("s2", Tracking("DHL", "T-2")), "SHIPMENT_NOT_FOUND"),
    ],
)
def test_what_cannot_be_is_refused_by_name(asking: Asking, reason: str) -> None:
    """Of three pieces one is shipped and one waits to be: one is left, for shipping and cancelling alike."""
    with pytest.raises(ConnectorError) as refused:
        asking.wish(order(line(shipped=1)), [WAITING])
    assert reason == refused.value.reason


def test_nothing_named_is_all_that_is_left() -> None:
    """What is left is chosen when it is asked for, line by line."""
    wish = Fulfill("s2").wish(order(line("1", shipped=1), line("2"), line("3", cancelled=3)), [WAITING])
    assert (Pieces("1", 1), Pieces("2", 3)) == wish.lines


@pytest.mark.parametrize(
    ("carrier", "expected"),
    [
        ("dhl", Tracking("DHL", "1", "Express")),
        ("Deutsche Post DHL", Tracking("DEUTSCHE_POST_DHL", "1", "Express")),
        ("india-post domestic", Tracking("INDIA_POST_DOMESTIC", "1", "Express")),
        ("Pathao", Tracking("OTHER", "1", "Pathao Express")),
    ],
)
def test_carriers_are_metas_or_other(carrier: str, expected: Tracking) -> None:
    """A carrier is found however it is written; one that Meta does not know is OTHER, and keeps its name."""
    assert expected == tracking(carrier, "1", "Express")


def test_the_carriers_are_those_that_meta_takes() -> None:
    """Every carrier that is told as itself is one that Meta takes, and none is missing."""
    assert METAS_CARRIERS == CARRIERS


def test_every_code_of_metas_list_has_a_row() -> None:
    """What Meta documents as an order's refusal has a meaning here."""
    assert METAS_CODES.keys() <= FAULTS.keys()


def test_a_thing_is_claimed_once() -> None:
    """Two equal cancellations belong to two commands; a third has none."""
    shown = [Shown("1", (Pieces("1", 1),)), Shown("2", (Pieces("1", 1),))]
    bought, wanted = order(line()), command(Kind.CANCEL, Pieces("1", 1))
    assert shown[1] == compare(wanted, bought, shown, set()).thing
    assert shown[0] == compare(wanted, bought, shown, {"2"}).thing
    assert not compare(wanted, bought, shown, {"1", "2"}).done


@pytest.mark.parametrize(("pieces", "done"), [(2, True), (3, True), (1, False)])
def test_others_may_have_cancelled_it(pieces: int, done: bool) -> None:  # noqa: FBT001 – a column
    """A cancellation is done when at least its pieces were cancelled by others; then it has no thing of its own."""
    wanted = command(Kind.CANCEL, Pieces("1", 2), state=State.SENT)
    match = compare(wanted, order(line(quantity=5)), [Shown("1", (Pieces("1", pieces),))], set())
    assert done == match.done


@pytest.mark.parametrize(
    ("shown", "done"),
    [
        (Shown("1", (Pieces("1", 0, 500),)), True),
        (Shown("1", (Pieces("1", 0, 400),)), False),
        (Shown("1", (Pieces("1", 0, 500),), shipping=100), False),
    ],
)
def test_money_is_never_guessed(shown: Shown, done: bool) -> None:  # noqa: FBT001 – a column
    """A refund is there only when it is the same one, to the minor unit."""
    wanted = command(Kind.REFUND, Pieces("1", 0, 500))
    match = compare(wanted, order(line(shipped=1)), [shown], set())
    assert done == match.done
    assert done or "wanted: 500 of 1" in match.difference
