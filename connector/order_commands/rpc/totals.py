"""Totals of lines, as callers say them."""

from connector.errors import InvalidInput
from connector.order_commands.model.totals import Restate, Totals
from connector.order_commands.rpc.asking import CANCEL_REASONS, MOST_LINES, MOST_PIECES, read_line_id, read_tracking
from connector.order_commands.rpc.following import ask
from connector.order_commands.rpc.refunds import REFUND_REASONS
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb


async def restate_order(runtime: Runtime, request: pb.RestateOrderRequest) -> pb.RestateOrderResponse:
    """Say how far an order is."""
    read.entries(request.lines, "lines", limit=MOST_LINES)
    read.distinct([one.line_id for one in request.lines], "lines")
    if request.cancel_reason not in CANCEL_REASONS:
        raise InvalidInput.of("cancel_reason", "FIELD_INVALID", "must be one of the values of CancelReason")
    pays = any(one.HasField("refunded_quantity") for one in request.lines)
    if request.refund_reason not in REFUND_REASONS and (pays or request.refund_reason):
        raise InvalidInput.of("refund_reason", "FIELD_REQUIRED", "is required: one of the values of RefundReason")
    asking = Restate(
        tuple(_totals(one, place) for place, one in enumerate(request.lines)),
        read_tracking(request.tracking) if request.HasField("tracking") else None,
        CANCEL_REASONS[request.cancel_reason],
        REFUND_REASONS.get(request.refund_reason, ""),
    )
    return pb.RestateOrderResponse(command=await ask(runtime, request, asking))


def _totals(given: order_command_pb2.LineTotals, place: int) -> Totals:
    names = "shipped_quantity", "cancelled_quantity", "refunded_quantity"
    told = {name: getattr(given, name) for name in names if given.HasField(name)}  # type: ignore[arg-type] # names of ours
    if not told:
        raise InvalidInput.of(f"lines[{place}].shipped_quantity", "FIELD_REQUIRED", "or another total is required")
    for name, total in told.items():
        if not 0 <= total <= MOST_PIECES:
            raise InvalidInput.of(f"lines[{place}].{name}", "FIELD_INVALID", f"must be 0 to {MOST_PIECES}")
    return Totals(read_line_id(given.line_id, place), *(told.get(name) for name in names))
