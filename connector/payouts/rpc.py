"""FacebookPayouts: payouts, transactions, their CSV, and how orders' money compares."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from connector.errors import InvalidInput
from connector.orders.model.values import missing
from connector.payouts import actions
from connector.payouts.db.transactions import Filter
from connector.payouts.model.balances import State
from connector.payouts.model.values import Kept
from connector.rpc import read, write
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import payout_service_pb2 as pb

_STATES: Mapping[int, State | None] = {
    pb.OrderBalance.STATE_UNSPECIFIED: None,
    **{pb.OrderBalance.State.Value(f"STATE_{one}"): one for one in State},
}


async def list_payouts(runtime: Runtime, request: pb.ListPayoutsRequest) -> pb.ListPayoutsResponse:
    """List payouts, newest first."""
    size, (first, last) = read.page_size(request.page_size), _window(request)
    scope = "payouts", request.store_id, request.connection_id, first, last
    key = read.page_token(request.page_token, *scope, parts=3)
    after = (_moment(key[0]), str(key[1]), str(key[2])) if key else None
    found = await actions.list_payouts(
        runtime, request.store_id, request.connection_id, from_time=first, until_time=last, after=after, limit=size + 1
    )
    end = found[size - 1] if len(found) > size else None
    place = [end.payout_time.isoformat() if end.payout_time else "", end.name, end.currency_code] if end else []
    token = read.write_page_token(place, *scope) if end else ""
    told = [pb.Payout(**one.document()) for one in found[:size]]
    return pb.ListPayoutsResponse(payouts=told, next_page_token=token)


async def list_transactions(runtime: Runtime, request: pb.ListTransactionsRequest) -> pb.ListTransactionsResponse:
    """List transactions, newest first."""
    size, window = read.page_size(request.page_size), _window(request)
    order = request.order_id
    order_id = read.own_id(order, "order_id", missing(order)) if order else None
    payout = read.within(request.payout_reference_id, "payout_reference_id", limit=200)
    which = Filter(payout, order_id, *window)
    scope = "transactions", request.store_id, request.connection_id, *which
    key = read.page_token(request.page_token, *scope, parts=3)
    after = (datetime.fromisoformat(str(key[0])), bytes.fromhex(str(key[1])), int(key[2])) if key else None
    found = await actions.list_transactions(
        runtime, request.store_id, request.connection_id, which, after=after, limit=size + 1
    )
    end = found[size - 1] if len(found) > size else None
    token = read.write_page_token(_place(end), *scope) if end else ""
    told = [pb.Transaction(**one.document()) for one in found[:size]]
    return pb.ListTransactionsResponse(transactions=told, next_page_token=token)


async def export_transactions(
    runtime: Runtime, request: pb.ExportTransactionsRequest
) -> AsyncIterator[pb.ExportTransactionsResponse]:
    """Write transactions as CSV."""
    first, last = _window(request)
    which = Filter(from_time=first, until_time=last)
    async for piece in actions.export(runtime, request.store_id, request.connection_id, which):
        yield pb.ExportTransactionsResponse(chunk=piece)


async def list_order_balances(runtime: Runtime, request: pb.ListOrderBalancesRequest) -> pb.ListOrderBalancesResponse:
    """List how orders' money compares."""
    size = read.page_size(request.page_size)
    if request.state not in _STATES:
        raise InvalidInput.of("state", "FIELD_INVALID", "must be one of the values of OrderBalance.State")
    scope = "order_balances", request.store_id, request.connection_id, request.state
    after = read_place(request.page_token, *scope)
    found = await actions.list_balances(
        runtime, request.store_id, request.connection_id, state=_STATES[request.state], after=after, limit=size + 1
    )
    end = found[size - 1] if len(found) > size else None
    token = write_place(end.order_time, end.order_id, *scope) if end else ""
    told = [pb.OrderBalance(**one.document()) for one in found[:size]]
    return pb.ListOrderBalancesResponse(balances=told, next_page_token=token)


async def pull_payouts(runtime: Runtime, request: pb.PullPayoutsRequest) -> pb.PullPayoutsResponse:
    """Have payouts read now."""
    last = await actions.plan_pull(runtime, request.store_id, request.connection_id)
    return pb.PullPayoutsResponse(last_pull_time=write.instant(last))


def _moment(text: str | int) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _window(
    request: pb.ListPayoutsRequest | pb.ListTransactionsRequest | pb.ExportTransactionsRequest,
) -> tuple[datetime | None, datetime | None]:
    first = read.instant(request.from_time, "from_time") if request.HasField("from_time") else None
    last = read.instant(request.until_time, "until_time") if request.HasField("until_time") else None
    if first and last and first >= last:
        raise InvalidInput.of("until_time", "FIELD_INVALID", "must be later than from_time")
    return first, last


def _place(one: Kept) -> list[str | int]:
    return [one.transaction.transaction_time.isoformat(), one.digest.hex(), one.ordinal]
