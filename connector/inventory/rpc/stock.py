"""Stock and prices, as callers say them."""

from collections.abc import Sequence
from itertools import count

from connector.errors import InvalidInput
from connector.inventory import actions
from connector.inventory.model.stock import Line, Outcome, Result
from connector.registry.model import LARGEST_QUANTITY
from connector.rpc import read
from connector.runtime import Runtime
from connector.values import Money, decimals_of
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import inventory_pb2, money_pb2

MOST_LINES = 1_000


async def update_inventory(runtime: Runtime, request: pb.UpdateInventoryRequest) -> pb.UpdateInventoryResponse:
    """Take new stock and prices."""
    read.entries(request.lines, "lines", limit=MOST_LINES)
    lines = read_lines(request.lines)
    results = await actions.update_inventory(runtime, request.store_id, request.connection_id, lines)
    return pb.UpdateInventoryResponse(results=map(write_result, results))


def read_lines(lines: Sequence[inventory_pb2.InventoryLine]) -> list[Line]:
    """Read lines, each for another product or variant."""
    wanted = list(map(_read_line, count(), lines))
    read.distinct((f"{line.product_id}/{line.variant_id}" for line in wanted), "lines")
    return wanted


def _read_line(place: int, line: inventory_pb2.InventoryLine) -> Line:
    product_id, variant_id, version = line.product_id, line.variant_id, line.source_version
    read.foreign_id(product_id, f"lines[{place}].product_id")
    if variant_id:
        read.foreign_id(variant_id, f"lines[{place}].variant_id")
    if version < 1:
        raise InvalidInput.of(f"lines[{place}].source_version", "FIELD_REQUIRED", "is required, at least 1")
    prices = _read_prices(line, f"lines[{place}]") if line.HasField("price") else (None, None)
    if line.price_only:
        if prices[0] is None:
            raise InvalidInput.of(f"lines[{place}].price", "FIELD_REQUIRED", "is required with `price_only`")
        return Line(product_id, variant_id, version, 0, False, *prices, True)
    quantity, tracked = line.quantity, line.track_inventory
    if tracked and not 0 <= quantity <= LARGEST_QUANTITY:
        raise InvalidInput.of(f"lines[{place}].quantity", "FIELD_INVALID", f"must be 0 to {LARGEST_QUANTITY}")
    return Line(product_id, variant_id, version, quantity, tracked, *prices)


def _read_prices(line: inventory_pb2.InventoryLine, path: str) -> tuple[Money, Money | None]:
    price = _read_money(line.price, f"{path}.price")
    if not line.HasField("compare_at_price"):
        return price, None
    compare_at = _read_money(line.compare_at_price, f"{path}.compare_at_price")
    if compare_at.currency_code != price.currency_code:
        message = "must be in the currency of the price"
        raise InvalidInput.of(f"{path}.compare_at_price", "CURRENCY_MISMATCH", message)
    return price, compare_at


def _read_money(amount: money_pb2.Money, path: str) -> Money:
    if decimals_of(amount.currency_code) is None:
        message = "must be an ISO 4217 currency such as USD"
        raise InvalidInput.of(
            f"{path}.currency_code", "CURRENCY_UNKNOWN", message, currency_code=amount.currency_code[:16]
        )
    if amount.minor_units <= 0:
        raise InvalidInput.of(path, "PRICE_NOT_POSITIVE", "must be above zero")
    return Money(amount.currency_code, amount.minor_units)


_OUTCOMES = {one: inventory_pb2.InventoryResult.Outcome.Value(f"OUTCOME_{one}") for one in Outcome}


def write_result(result: Result) -> inventory_pb2.InventoryResult:
    """Write what became of a line."""
    return inventory_pb2.InventoryResult(
        product_id=result.product_id,
        variant_id=result.variant_id,
        outcome=_OUTCOMES[result.outcome],
        retailer_id=result.retailer_id,
    )
