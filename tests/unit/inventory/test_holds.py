"""What a hold keeps aside, all of it or nothing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from connector.errors import ConnectorError
from connector.inventory.model.holds import Hold, State, Want, reserve
from connector.inventory.model.stock import Shelf
from connector.registry.model import LARGEST_QUANTITY
from connector.values import ConnectionId
from tests.unit.inventory.test_stock import NOON, SHELF

TWO = {("p1", ""): SHELF, ("p2", "M"): SHELF._replace(product_id="p2", variant_id="M", quantity=2)}


def test_all_lines_are_kept_aside() -> None:
    """Every line's pieces are reserved of its item."""
    after = reserve([Want("p1", "", 5), Want("p2", "M", 1)], TWO)
    assert isinstance(after, dict)
    assert {("p1", ""): 5, ("p2", "M"): 1} == {key: shelf.reserved for key, shelf in after.items()}


@pytest.mark.parametrize(
    ("shelf", "quantity", "available"),
    [
        (SHELF, 6, 5),
        (SHELF._replace(reserved=3), 3, 2),
        (SHELF._replace(reserved=9), 1, 0),
        (SHELF._replace(track_inventory=False, reserved=LARGEST_QUANTITY - 1), 2, 1),
    ],
)
def test_what_is_not_there_is_refused(shelf: Shelf, quantity: int, available: int) -> None:
    """The refusal names the line and how many pieces can be had."""
    refused = reserve([Want("p2", "M", 1), Want("p1", "", quantity)], TWO | {("p1", ""): shelf})
    assert isinstance(refused, ConnectorError)
    assert ("STOCK_INSUFFICIENT", "lines[1]", str(available)) == (
        refused.reason,
        refused.metadata["line"],
        refused.metadata["available"],
    )


def test_uncounted_stock_is_there() -> None:
    """Nobody counts it, so as much as you like can be kept aside."""
    after = reserve([Want("p1", "", 1_000_000)], {("p1", ""): SHELF._replace(track_inventory=False, quantity=0)})
    assert isinstance(after, dict)


def test_an_unknown_item_is_named() -> None:
    """What is not known cannot be kept aside."""
    refused = reserve([Want("p1", "", 1), Want("p1", "XL", 1)], TWO)
    assert isinstance(refused, ConnectorError)
    assert ("ITEM_NOT_FOUND", "lines[1]", "XL") == (
        refused.reason, refused.metadata["line"], refused.metadata["variant_id"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "seconds", "seen"),
    [
        (State.ACTIVE, 1, State.ACTIVE), (State.ACTIVE, 0, State.EXPIRED), (State.RELEASED, 0, State.RELEASED),
        (State.COMPLETED, -9, State.COMPLETED),
    ],
)  # fmt: skip
def test_a_hold_is_expired_when_its_time_has_come(state: State, seconds: int, seen: State) -> None:
    """Whether or not its pieces were let go of already."""
    times = datetime(2026, 11, 21, 11, tzinfo=UTC), NOON + timedelta(seconds=seconds), None
    hold = Hold(UUID(int=1), "s", ConnectionId(UUID(int=2)), state, "", "", *times)
    assert seen == hold.seen(at=NOON)
