"""Stock and prices, as callers say them."""

from connector.errors import InvalidInput
from connector.inventory import actions
from connector.inventory.model import Line, Result
from connector.registry.model import LARGEST_QUANTITY
from connector.rpc import read
from connector.runtime import Runtime
from connector.values import Money, decimals_of
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import inventory_pb2, money_pb2

_MOST_LINES = 1_000


async def update_inventory(runtime: Runtime, request: pb.UpdateInventoryRequest) -> pb.UpdateInventoryResponse:
    """Take new stock and prices."""
    read.entries(request.lines, "lines", limit=_MOST_LINES)
    lines = [_read_line(line, f"lines[{place}]") for place, line in enumerate(request.lines)]
    read.distinct((f"{line.product_id}/{line.variant_id}" for line in lines), "lines")
    results = await actions.update_inventory(runtime, request.store_id, request.connection_id, lines)
    return pb.UpdateInventoryResponse(results=map(_write_result, results))


def _read_line(line: inventory_pb2.InventoryLine, path: str) -> Line:
    read.foreign_id(line.product_id, f"{path}.product_id")
    if line.variant_id:
        read.foreign_id(line.variant_id, f"{path}.variant_id")
    if line.source_version < 1:
        raise InvalidInput.of(f"{path}.source_version", "FIELD_REQUIRED", "is required, at least 1")
    if line.track_inventory and not 0 <= line.quantity <= LARGEST_QUANTITY:
        raise InvalidInput.of(f"{path}.quantity", "FIELD_INVALID", f"must be 0 to {LARGEST_QUANTITY}")
    price = _read_money(line.price, f"{path}.price") if line.HasField("price") else None
    compare_at = None
    if price and line.HasField("compare_at_price"):
        compare_at = _read_money(line.compare_at_price, f"{path}.compare_at_price")
        if compare_at.currency_code != price.currency_code:
            message = "must be in the currency of the price"
            raise InvalidInput.of(f"{path}.compare_at_price", "CURRENCY_MISMATCH", message)
    return Line(
        line.product_id, line.variant_id, line.source_version, line.quantity, line.track_inventory, price, compare_at
    )


def _read_money(amount: money_pb2.Money, path: str) -> Money:
    if decimals_of(amount.currency_code) is None:
        message = "must be an ISO 4217 currency such as USD"
        raise InvalidInput.of(
            f"{path}.currency_code", "CURRENCY_UNKNOWN", message, currency_code=amount.currency_code[:16]
        )
    if amount.minor_units <= 0:
        raise InvalidInput.of(path, "PRICE_NOT_POSITIVE", "must be above zero")
    return Money(amount.currency_code, amount.minor_units)


def _write_result(result: Result) -> inventory_pb2.InventoryResult:
    return inventory_pb2.InventoryResult(
        product_id=result.product_id,
        variant_id=result.variant_id,
        outcome=getattr(inventory_pb2.InventoryResult, f"OUTCOME_{result.outcome}"),
        retailer_id=result.retailer_id,
    )
