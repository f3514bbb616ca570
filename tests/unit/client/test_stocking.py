"""The commands of stock and holds as they are typed: what they send, what they print, how they end."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.inventory_pb2 import Hold, HoldLine, InventorySnapshot
from stormcom.facebook.v1.inventory_service_pb2 import (
    CompleteHoldRequest,
    CompleteHoldResponse,
    ExtendHoldRequest,
    ExtendHoldResponse,
    ListHoldsRequest,
    ListHoldsResponse,
    ListInventoryRequest,
    ListInventoryResponse,
    ReleaseHoldRequest,
    ReleaseHoldResponse,
    ReserveStockRequest,
    ReserveStockResponse,
)

Connector = Any
Type = Callable[..., Result]
HELD = Hold(
    hold_id="h1",
    state=Hold.STATE_ACTIVE,
    lines=[HoldLine(retailer_id="sc_p1.M", quantity=2)],
    expire_time=Timestamp(seconds=1_764_000_000),
)
TOLD = "h1: ACTIVE, 2 × sc_p1.M, until 2025-11-24 16:00:00Z\n"


@pytest.fixture
def type_in(connector: Connector) -> Type:
    """Type a command, as a person on a terminal would."""
    options = ["--address", connector.address, "--store", "store-1", "--token", "t", "--no-json"]
    return lambda *words: CliRunner().invoke(app, [*options, *words])


def test_inventory_lists_what_is_there_and_what_is_offered(connector: Connector, type_in: Type) -> None:
    """What is unset is told as such, and not as nothing."""
    counted = InventorySnapshot(retailer_id="sc_p1", track_inventory=True, quantity=9, reserved=2, offered=0)
    answer = ListInventoryResponse(
        snapshots=[counted, InventorySnapshot(retailer_id="sc_p2", last_error="No such item")]
    )
    connector.on("ListInventory", answer)
    done = type_in("inventory", "--product", "p1", "--unconfirmed", "--failed")
    [asked] = connector.asked_for(ListInventoryRequest)
    assert (0, "p1", True, True) == (done.exit_code, asked.product_id, asked.unconfirmed_only, asked.failed_only)
    [first, second] = [line.split() for line in done.output.splitlines() if line.startswith("sc_")]
    assert ["sc_p1", "│", "9", "│", "2", "│", "0", "│", "-"] == first[:9]
    assert ["uncounted", "No such item"] == [second[2], " ".join(second[-3:])]


def test_reserving(connector: Connector, type_in: Type) -> None:
    """Products and variants are named with their counts."""
    connector.on("ReserveStock", ReserveStockResponse(hold=HELD))
    done = type_in("holds", "reserve", "p1/M=2", "p2=1", "--minutes", "2", "--purpose", "order", "--reference", "7")
    [asked] = connector.asked_for(ReserveStockRequest)
    assert (TOLD, 120, "order", "7") == (done.output, asked.duration.seconds, asked.purpose, asked.reference)
    assert [("p1", "M", 2), ("p2", "", 1)] == [(one.product_id, one.variant_id, one.quantity) for one in asked.lines]


@pytest.mark.parametrize(
    "words", [("reserve", "p1"), ("reserve", "=2"), ("reserve", "p1=x"), ("complete", "h1", "p1=2")]
)
def test_what_cannot_be_meant_is_not_sent(connector: Connector, type_in: Type, words: tuple[str, ...]) -> None:
    """A word that names no count, and a count that names no version, end with 2."""
    assert (2, []) == (type_in("holds", *words).exit_code, connector.asked_for(ReserveStockRequest))


def test_extending_and_releasing(connector: Connector, type_in: Type) -> None:
    """A hold is named by its id."""
    connector.on("ExtendHold", ExtendHoldResponse(hold=HELD))
    connector.on("ReleaseHold", ReleaseHoldResponse(hold=HELD))
    assert (TOLD, TOLD) == (type_in("holds", "extend", "h1").output, type_in("holds", "release", "h1").output)
    [extended], [released] = connector.asked_for(ExtendHoldRequest), connector.asked_for(ReleaseHoldRequest)
    assert ("h1", 1_800, "h1") == (extended.hold_id, extended.duration.seconds, released.hold_id)


def test_completing(connector: Connector, type_in: Type) -> None:
    """What is left after the sale goes along, counted and under its version."""
    connector.on("CompleteHold", CompleteHoldResponse(hold=HELD))
    assert TOLD == type_in("holds", "complete", "h1", "p1/M=3", "--source-version", "8").output
    [asked] = connector.asked_for(CompleteHoldRequest)
    assert [("p1", "M", 3, 8, True)] == [
        (one.product_id, one.variant_id, one.quantity, one.source_version, one.track_inventory) for one in asked.lines
    ]


def test_holds_are_listed(connector: Connector, type_in: Type) -> None:
    """With their pieces and their end."""
    connector.on("ListHolds", ListHoldsResponse(holds=[HELD]))
    done = type_in("holds", "list", "--active", "--reference", "7")
    [asked] = connector.asked_for(ListHoldsRequest)
    assert (True, True, "7") == ("2 × sc_p1.M" in done.output, asked.active_only, asked.reference)
