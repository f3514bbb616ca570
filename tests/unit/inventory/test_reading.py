"""A wish to keep pieces aside, read from a call: what is wrong is named."""

from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from connector.errors import InvalidInput
from connector.inventory.model.holds import Want
from connector.inventory.rpc.holds import read_wish
from stormcom.facebook.v1.inventory_pb2 import HoldLine
from stormcom.facebook.v1.inventory_service_pb2 import ReserveStockRequest


def wish(*wants: tuple[str, str, int], hours: float = 1, **fields: Any) -> ReserveStockRequest:
    """Ask for pieces."""
    duration = Duration()
    duration.FromTimedelta(timedelta(hours=hours))
    lines = [HoldLine(product_id=product, variant_id=variant, quantity=count) for product, variant, count in wants]
    return ReserveStockRequest(store_id="s", lines=lines, duration=duration, **fields)


def test_a_wish_is_read() -> None:
    """All of it, to the fraction of a second."""
    read = read_wish(wish(("p1", "", 1), ("p2", "M", 1_000_000), hours=26, purpose="order", reference="7"))
    assert (Want("p1", "", 1), Want("p2", "M", 1_000_000)) == read.wants
    assert (timedelta(hours=26), "order", "7") == (read.duration, read.purpose, read.reference)
    assert timedelta(seconds=1.5) == read_wish(wish(("p1", "", 1), hours=1.5 / 3600)).duration


@pytest.mark.parametrize(
    ("wants", "fields", "field"),
    [
        ([], {}, "lines"),
        ([("p1", "", 1)] * 2, {}, "lines[1]"),
        ([("p1", "", 0)], {}, "lines[0].quantity"),
        ([("p1", "", 1_000_001)], {}, "lines[0].quantity"),
        ([("a b", "", 1)], {}, "lines[0].product_id"),
        ([("p2", "?", 1)], {}, "lines[0].variant_id"),
        ([("p1", "", 1)], {"hours": 0}, "duration"),
        ([("p1", "", 1)], {"hours": 0.9 / 3600}, "duration"),
        ([("p1", "", 1)], {"hours": 26.01}, "duration"),
        ([("p1", "", 1)], {"hours": -1}, "duration"),
        ([("p1", "", 1)], {"purpose": "x" * 65}, "purpose"),
        ([("p1", "", 1)], {"reference": "x" * 129}, "reference"),
        ([(f"p{number}", "", 1) for number in range(101)], {}, "lines"),
    ],
)
def test_what_is_wrong_is_named(wants: list[tuple[str, str, int]], fields: dict[str, Any], field: str) -> None:
    """The field that is wrong is named."""
    with pytest.raises(InvalidInput) as refused:
        read_wish(wish(*wants, **fields))
    assert field == refused.value.metadata["field"]
