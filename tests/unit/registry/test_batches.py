"""What Meta says of a batch, and how large the next one may be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.graph.call import Effect
from connector.registry.graph import batch_status, items_batch
from connector.registry.model import LARGEST_BATCH, BatchStatus, Lane, Receipt, meta_warning, narrower, wider

SEND, CHECK = items_batch("1", [], allow_upsert=True), batch_status("1", "h")


def _words(*messages: str) -> list[dict[str, str]]:
    return [{"message": message} for message in messages]


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        ({"handles": ["h"]}, Receipt("h", {}, {})),
        ({"handles": []}, Receipt("", {}, {})),
        ({"handles": ["h"], "validation_status": None}, Receipt("h", {}, {})),
        (
            {"handles": ["h"], "validation_status": [{"retailer_id": "a", "warnings": _words("One", "One", "Two")}]},
            Receipt("h", {}, {"a": "One; Two"}),
        ),
        (
            {"handles": [], "validation_status": [{"retailer_id": 5, "errors": _words("No"), "warnings": _words("Hm")}]},
            Receipt("", {"5": "No"}, {}),
        ),
        ({"handles": ["h"], "validation_status": [{"retailer_id": "a", "errors": []}]}, Receipt("h", {}, {})),
    ],
)  # fmt: skip
def test_the_answer_to_a_batch(answer: Any, receipt: Receipt) -> None:
    """The handle, what was refused at once, and what Meta remarks on; a refused item has no remarks."""
    assert receipt == SEND.read(answer)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"status": "STARTED"}, BatchStatus("started", {}, {})),
        ({"status": "finished"}, BatchStatus("finished", {}, {})),
        (
            {"status": "finished", "ids_of_invalid_requests": ["a", 7], "errors": [{"id": "a", "message": "No"}]},
            BatchStatus("finished", {"a": "No", "7": "Meta gave no further words."}, {}),
        ),
        (
            {"status": "finished", "warnings": [{"id": "a", "message": "Hm"}, {"message": "about nobody"}]},
            BatchStatus("finished", {}, {"a": "Hm"}),
        ),
        ({"status": "finished", "errors": None, "warnings": None}, BatchStatus("finished", {}, {})),
    ],
)  # fmt: skip
def test_the_status_of_a_batch(entry: Any, status: BatchStatus) -> None:
    """Every item that Meta names counts, with its words, also those it gives no words for."""
    assert status == CHECK.read({"data": [entry]})


def test_a_handle_without_a_status_is_unknown() -> None:
    """An empty answer is neither a verdict nor an end."""
    status = CHECK.read({"data": []})
    assert (True, False, False) == (status.unknown, status.finished, status.lost)


def test_a_lost_batch_may_have_arrived() -> None:
    """A call that writes is not repeated as if nothing had happened; one that asks is."""
    assert (Effect.ONCE, Effect.NONE) == (SEND.effect, CHECK.effect)


def test_a_remark_is_a_warning_of_its_lane() -> None:
    """Meta's words stay as they are; what it says of stock is told apart from what it says of the item."""
    content, stock = (meta_warning("Hm", lane) for lane in (Lane.CONTENT, Lane.STOCK))
    assert ("SEVERITY_WARNING", "META_WARNED", "Hm") == tuple(
        content[name] for name in ("severity", "reason", "meta_message")
    )
    assert content["message"] != stock["message"]


@given(st.integers(1, LARGEST_BATCH))
def test_a_size_halves_and_grows_back(count: int) -> None:
    """It never falls below one and never stands still: from any size it is without limit after some good batches."""
    assert 1 <= narrower(count) <= max(1, count // 2)
    sizes, grown = 0, wider(narrower(count))
    while grown is not None:
        assert grown < LARGEST_BATCH
        sizes, grown = sizes + 1, wider(grown)
    assert sizes < 40
