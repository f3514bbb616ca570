"""Refunds, as callers ask for them: every amount in one currency."""

from connector.errors import InvalidInput
from connector.order_commands.model.commands import Pieces
from connector.order_commands.model.refunds import Asked
from connector.order_commands.model.wishes import Refund
from connector.order_commands.rpc.asking import LONGEST_DESCRIPTION, MOST_LINES, read_line_id, read_quantity
from connector.order_commands.rpc.following import ask
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import money_pb2, order_command_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb

_LARGEST_AMOUNT, _LONGEST_ID = 10**15, 100
# graph-api.md 6.2 (documentation, Feb 2026)
REFUND_REASONS = {
    order_command_pb2.REFUND_REASON_BUYERS_REMORSE: "BUYERS_REMORSE",
    order_command_pb2.REFUND_REASON_DAMAGED_GOODS: "DAMAGED_GOODS",
    order_command_pb2.REFUND_REASON_NOT_AS_DESCRIBED: "NOT_AS_DESCRIBED",
    order_command_pb2.REFUND_REASON_QUALITY_ISSUE: "QUALITY_ISSUE",
    order_command_pb2.REFUND_REASON_WRONG_ITEM: "WRONG_ITEM",
    order_command_pb2.REFUND_REASON_OTHER: "REFUND_REASON_OTHER",
}


async def refund_order(runtime: Runtime, request: pb.RefundOrderRequest) -> pb.RefundOrderResponse:
    """Pay back."""
    if request.reason not in REFUND_REASONS:
        raise InvalidInput.of("reason", "FIELD_REQUIRED", "is required: one of the values of RefundReason")
    asking = Refund(
        _read(request),
        REFUND_REASONS[request.reason],
        read.within(request.description, "description", limit=LONGEST_DESCRIPTION),
        read.within(request.return_id, "return_id", limit=_LONGEST_ID),
    )
    return pb.RefundOrderResponse(command=await ask(runtime, request, asking))


def _read(request: pb.RefundOrderRequest) -> Asked:
    amounts = _Amounts()
    read.distinct([one.line_id for one in request.lines], "lines")
    if request.lines:
        read.entries(request.lines, "lines", limit=MOST_LINES)
    lines = tuple(amounts.line(one, place) for place, one in enumerate(request.lines))
    asked = Asked(
        lines,
        shipping=amounts.of(request, "shipping_amount"),
        shipping_tax=amounts.of(request, "shipping_tax_amount"),
        deduction=amounts.of(request, "return_shipping_deduction"),
        everything=request.everything,
        currency_code=amounts.code,
        currency_field=amounts.field,
    )
    something = bool(lines or asked.shipping)
    if asked.everything and (something or asked.deduction):
        raise InvalidInput.of("everything", "FIELD_INVALID", "stands alone: leave lines and amounts out")
    if not asked.everything and not something:
        raise InvalidInput.of("lines", "FIELD_REQUIRED", "say what is paid back: lines, shipping_amount or everything")
    return asked


class _Amounts:
    """Reads amounts that must all be in one currency."""

    def __init__(self) -> None:
        self.code = self.field = ""

    def line(self, line: order_command_pb2.RefundLine, place: int) -> Pieces:
        """Read what is paid back for a line."""
        line_id, how = read_line_id(line.line_id, place), line.WhichOneof("how_much")
        if how == "quantity":
            return Pieces(line_id, read_quantity(line.quantity, place))
        if how is None:
            raise InvalidInput.of(f"lines[{place}].quantity", "FIELD_REQUIRED", "or amount is required")
        amount = self._read(line.amount, f"lines[{place}].amount")
        if not amount:
            raise InvalidInput.of(f"lines[{place}].amount.minor_units", "FIELD_INVALID", "must be more than nothing")
        return Pieces(line_id, 0, amount)

    def of(self, request: pb.RefundOrderRequest, name: str) -> int:
        """Read an amount of the request; what need not be said is nothing."""
        given = request.HasField(name)  # type: ignore[arg-type] # one of three names of ours
        return self._read(getattr(request, name), name) if given else 0

    def _read(self, money: money_pb2.Money, field: str) -> int:
        read.money(money, field)
        self.field = self.field or f"{field}.currency_code"
        if self.code not in {"", money.currency_code}:
            message = f"is {money.currency_code}, and {self.field} {self.code}"
            raise InvalidInput.of(f"{field}.currency_code", "CURRENCY_MISMATCH", message)
        self.code = money.currency_code
        if money.minor_units > _LARGEST_AMOUNT:
            raise InvalidInput.of(field, "FIELD_TOO_LARGE", f"must be at most {_LARGEST_AMOUNT} minor units")
        return money.minor_units
