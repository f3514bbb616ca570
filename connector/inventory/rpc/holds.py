"""Holds, as callers say them."""

from datetime import timedelta
from itertools import count
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from connector.errors import InvalidInput
from connector.inventory import actions
from connector.inventory.model.holds import LONGEST, SHORTEST, Hold, Want, Wish, missing
from connector.inventory.rpc.stock import MOST_LINES, read_lines, write_result
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import inventory_pb2
from stormcom.facebook.v1 import inventory_service_pb2 as pb

_MOST_LINES = 100
_MOST_PIECES = 1_000_000


async def reserve_stock(runtime: Runtime, request: pb.ReserveStockRequest) -> pb.ReserveStockResponse:
    """Keep pieces aside."""
    wish = read_wish(request)
    hold = await actions.reserve(runtime, request.store_id, request.connection_id, wish)
    return pb.ReserveStockResponse(hold=write_hold(runtime, hold))


async def extend_hold(runtime: Runtime, request: pb.ExtendHoldRequest) -> pb.ExtendHoldResponse:
    """Let a hold last longer."""
    duration = read_duration(request.duration)
    hold = await actions.extend(runtime, request.store_id, _id(request.hold_id), duration)
    return pb.ExtendHoldResponse(hold=write_hold(runtime, hold))


async def release_hold(runtime: Runtime, request: pb.ReleaseHoldRequest) -> pb.ReleaseHoldResponse:
    """End a hold without a sale."""
    hold = await actions.release(runtime, request.store_id, _id(request.hold_id))
    return pb.ReleaseHoldResponse(hold=write_hold(runtime, hold))


async def complete_hold(runtime: Runtime, request: pb.CompleteHoldRequest) -> pb.CompleteHoldResponse:
    """End a hold after a sale."""
    if request.lines:
        read.entries(request.lines, "lines", limit=MOST_LINES)
    lines = read_lines(request.lines)
    hold, results = await actions.complete(runtime, request.store_id, _id(request.hold_id), lines)
    return pb.CompleteHoldResponse(hold=write_hold(runtime, hold), results=map(write_result, results))


async def get_hold(runtime: Runtime, request: pb.GetHoldRequest) -> pb.GetHoldResponse:
    """Tell one hold."""
    hold = await actions.find_hold(runtime, request.store_id, _id(request.hold_id))
    return pb.GetHoldResponse(hold=write_hold(runtime, hold))


async def list_holds(runtime: Runtime, request: pb.ListHoldsRequest) -> pb.ListHoldsResponse:
    """List holds, newest first."""
    size = read.page_size(request.page_size)
    scope = "holds", request.store_id, request.connection_id, request.active_only, request.reference
    after = read_place(request.page_token, *scope)
    found = await actions.list_holds(
        runtime,
        request.store_id,
        request.connection_id,
        reference=request.reference,
        active_only=request.active_only,
        after=after,
        limit=size + 1,
    )
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    token = write_place(last.create_time, last.id, *scope) if last else ""
    return pb.ListHoldsResponse(holds=[write_hold(runtime, hold) for hold in shown], next_page_token=token)


def read_wish(request: pb.ReserveStockRequest) -> Wish:
    """Read what is to be kept aside."""
    read.entries(request.lines, "lines", limit=_MOST_LINES)
    wants = tuple(map(_read_want, count(), request.lines))
    read.distinct((f"{want.product_id}/{want.variant_id}" for want in wants), "lines")
    purpose = read.within(request.purpose, "purpose", limit=64)
    reference = read.within(request.reference, "reference", limit=128)
    return Wish(wants, read_duration(request.duration), purpose, reference, request.request_id)


def _id(text: str) -> UUID:
    return read.own_id(text, "hold_id", missing(text))


def _read_want(place: int, line: inventory_pb2.HoldLine) -> Want:
    read.foreign_id(line.product_id, f"lines[{place}].product_id")
    if line.variant_id:
        read.foreign_id(line.variant_id, f"lines[{place}].variant_id")
    if not 1 <= line.quantity <= _MOST_PIECES:
        raise InvalidInput.of(f"lines[{place}].quantity", "FIELD_INVALID", f"must be 1 to {_MOST_PIECES}")
    return Want(line.product_id, line.variant_id, line.quantity)


def read_duration(given: Duration, field: str = "duration") -> timedelta:
    """Read for how long to keep something aside."""
    if not SHORTEST.total_seconds() <= given.seconds <= LONGEST.total_seconds():
        raise InvalidInput.of(field, "FIELD_INVALID", "must be 1 second to 26 hours")
    return min(LONGEST, timedelta(seconds=given.seconds, microseconds=given.nanos // 1000))


def write_hold(runtime: Runtime, hold: Hold) -> inventory_pb2.Hold:
    """Write a hold as it is now."""
    return inventory_pb2.Hold(**hold.document(at=runtime.now()))
