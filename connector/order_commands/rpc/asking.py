"""What callers want done with orders, but for money."""

import re
from collections.abc import Iterable

from connector.errors import InvalidInput
from connector.order_commands import actions
from connector.order_commands.model.carriers import Tracking, tracking
from connector.order_commands.model.commands import Pieces
from connector.order_commands.model.wishes import Acknowledge, Cancel, Fulfill, UpdateShipment
from connector.order_commands.rpc.following import ask, read_order_id, read_request_id, write
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_command_pb2, order_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb

_MOST_ORDERS, MOST_LINES, MOST_PIECES = 100, 500, 1_000_000
_LONGEST_TEXT, _LONGEST_NUMBER, _LONGEST_METHOD, LONGEST_DESCRIPTION = 200, 100, 100, 500
# graph-api.md 6.2 (documentation, Feb 2026): letters, digits and _.
_SHIPMENT_ID = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
# graph-api.md 6.2 (documentation, Feb 2026)
CANCEL_REASONS = {
    order_command_pb2.CANCEL_REASON_UNSPECIFIED: "CANCEL_REASON_OTHER",
    order_command_pb2.CANCEL_REASON_CUSTOMER_REQUESTED: "CUSTOMER_REQUESTED",
    order_command_pb2.CANCEL_REASON_OUT_OF_STOCK: "OUT_OF_STOCK",
    order_command_pb2.CANCEL_REASON_INVALID_ADDRESS: "INVALID_ADDRESS",
    order_command_pb2.CANCEL_REASON_SUSPICIOUS_ORDER: "SUSPICIOUS_ORDER",
    order_command_pb2.CANCEL_REASON_OTHER: "CANCEL_REASON_OTHER",
}
_ORIGIN = {
    "street1": "street_1",
    "street2": "street_2",
    "city": "city",
    "region": "state",
    "postal_code": "postal_code",
    "country_code": "country",
}
_NEEDED = frozenset({"street1", "city", "postal_code", "country_code"})


async def acknowledge_orders(runtime: Runtime, request: pb.AcknowledgeOrdersRequest) -> pb.AcknowledgeOrdersResponse:
    """Acknowledge orders once more."""
    read.entries(request.order_ids, "order_ids", limit=_MOST_ORDERS)
    read.distinct(request.order_ids, "order_ids")
    ids = [read_order_id(one, f"order_ids[{place}]") for place, one in enumerate(request.order_ids)]
    known = read_request_id(request.request_id)
    told = await actions.ask(runtime, request.store_id, ids, Acknowledge(), request_id=known)
    return pb.AcknowledgeOrdersResponse(commands=map(write, told))


async def fulfill_order(runtime: Runtime, request: pb.FulfillOrderRequest) -> pb.FulfillOrderResponse:
    """Ship pieces."""
    asking = Fulfill(
        shipment_id=_shipment_id(request.shipment_id),
        lines=read_pieces(request.lines),
        tracking=read_tracking(request.tracking) if request.HasField("tracking") else Tracking(),
        origin=_origin(request.origin) if request.HasField("origin") else {},
    )
    return pb.FulfillOrderResponse(command=await ask(runtime, request, asking))


async def update_shipment(runtime: Runtime, request: pb.UpdateShipmentRequest) -> pb.UpdateShipmentResponse:
    """Tell another tracking."""
    if not request.HasField("tracking"):
        raise InvalidInput.of("tracking", "FIELD_REQUIRED", "is required")
    asking = UpdateShipment(_shipment_id(request.shipment_id), read_tracking(request.tracking))
    return pb.UpdateShipmentResponse(command=await ask(runtime, request, asking))


async def cancel_order(runtime: Runtime, request: pb.CancelOrderRequest) -> pb.CancelOrderResponse:
    """Cancel pieces."""
    if request.reason not in CANCEL_REASONS:
        raise InvalidInput.of("reason", "FIELD_INVALID", "must be one of the values of CancelReason")
    asking = Cancel(
        read_pieces(request.lines),
        CANCEL_REASONS[request.reason],
        read.within(request.description, "description", limit=LONGEST_DESCRIPTION),
        restock=request.restock,
    )
    return pb.CancelOrderResponse(command=await ask(runtime, request, asking))


def read_pieces(lines: Iterable[order_pb2.LineQuantity]) -> tuple[Pieces, ...]:
    """Read pieces of lines, each line once."""
    given = list(lines)
    if given:
        read.entries(given, "lines", limit=MOST_LINES)
    read.distinct([one.line_id for one in given], "lines")
    return tuple(
        Pieces(read_line_id(one.line_id, place), read_quantity(one.quantity, place)) for place, one in enumerate(given)
    )


def read_line_id(value: str, place: int) -> str:
    """Read Meta's id of a line."""
    return read.required(value, f"lines[{place}].line_id", limit=_LONGEST_NUMBER)


def read_quantity(value: int, place: int) -> int:
    """Read how many pieces."""
    if not 1 <= value <= MOST_PIECES:
        raise InvalidInput.of(f"lines[{place}].quantity", "FIELD_INVALID", f"must be 1 to {MOST_PIECES}")
    return value


def _shipment_id(value: str) -> str:
    if not _SHIPMENT_ID.fullmatch(read.required(value, "shipment_id")):
        raise InvalidInput.of("shipment_id", "FIELD_INVALID", "must be 1 to 64 of A-Z a-z 0-9 _")
    return value


def read_tracking(given: order_command_pb2.Tracking) -> Tracking:
    """Read how a shipment can be followed."""
    return tracking(
        read.required(given.carrier.strip(), "tracking.carrier", limit=_LONGEST_METHOD),
        read.within(given.tracking_number.strip(), "tracking.tracking_number", limit=_LONGEST_NUMBER),
        read.within(given.shipping_method.strip(), "tracking.shipping_method", limit=_LONGEST_METHOD),
    )


def _origin(given: order_pb2.PostalAddress) -> dict[str, str]:
    """Read where a shipment starts, in Meta's words."""
    for name in sorted(_NEEDED):
        read.required(getattr(given, name), f"origin.{name}")
    if not _COUNTRY.fullmatch(given.country_code):
        raise InvalidInput.of(
            "origin.country_code", "FIELD_INVALID", "must be two capital letters, as ISO 3166-1 has them"
        )
    said = {
        theirs: read.within(getattr(given, ours), f"origin.{ours}", limit=_LONGEST_TEXT)
        for ours, theirs in _ORIGIN.items()
    }
    return {name: value for name, value in said.items() if value}
