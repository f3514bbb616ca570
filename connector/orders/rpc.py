"""Orders of Meta's checkout, as callers say them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from connector.errors import InvalidInput
from connector.orders import actions
from connector.orders.actions import Answer, Management, Outcome
from connector.orders.actions.polling import FARTHEST
from connector.orders.db.orders import Filter
from connector.orders.model.accounts import Manager
from connector.orders.model.states import ImportState, State
from connector.orders.model.values import Channel, Order, missing
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import checkout_pb2, order_pb2
from stormcom.facebook.v1 import order_service_pb2 as pb

T = TypeVar("T")
_LONGEST_REASON, _LONGEST_META_ID = 500, 100
_STATES = {order_pb2.Order.State.Value(f"STATE_{one}"): one for one in State}
_IMPORT_STATES = {order_pb2.Order.ImportState.Value(f"IMPORT_STATE_{one}"): one for one in ImportState}
_CHANNELS = {checkout_pb2.OrderChannel.Value(f"ORDER_CHANNEL_{one}"): one for one in Channel}
_OUTCOMES = {pb.AckOrderImportRequest.Outcome.Value(f"OUTCOME_{one}"): one for one in Outcome}


async def list_orders(runtime: Runtime, request: pb.ListOrdersRequest) -> pb.ListOrdersResponse:
    """List orders, the last placed first."""
    size = read.page_size(request.page_size)
    which = Filter(
        _word(request.state, _STATES, "state"),
        _word(request.import_state, _IMPORT_STATES, "import_state"),
        _word(request.channel, _CHANNELS, "channel"),
        read.instant(request.from_time, "from_time") if request.HasField("from_time") else None,
        read.instant(request.until_time, "until_time") if request.HasField("until_time") else None,
    )
    scope = "orders", request.store_id, request.connection_id, *which
    after = read_place(request.page_token, *scope)
    found = await actions.list_orders(
        runtime, request.store_id, request.connection_id, which, after=after, limit=size + 1
    )
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    token = write_place(last.order_time, last.id, *scope) if last else ""
    return pb.ListOrdersResponse(orders=map(write_order, shown), next_page_token=token)


async def get_order(runtime: Runtime, request: pb.GetOrderRequest) -> pb.GetOrderResponse:
    """Tell one order."""
    store_id = request.store_id
    match request.WhichOneof("which"):
        case "order_id":
            found = await actions.find_order(runtime, store_id, order_id=read_order_id(request.order_id))
        case "external_order_id":
            name = read.required(request.external_order_id, "external_order_id", limit=_LONGEST_META_ID)
            found = await actions.find_order(runtime, store_id, external_order_id=name)
        case "local_order_id":
            name = read.foreign_id(request.local_order_id, "local_order_id")
            found = await actions.find_order(runtime, store_id, local_order_id=name)
        case _:
            message = "is required: order_id, external_order_id or local_order_id"
            raise InvalidInput.of("which", "FIELD_REQUIRED", message)
    return pb.GetOrderResponse(order=write_order(found))


async def ack_order_import(runtime: Runtime, request: pb.AckOrderImportRequest) -> pb.AckOrderImportResponse:
    """Keep StormCom's answer."""
    order_id, said = read_order_id(request.order_id), _read_answer(request)
    return pb.AckOrderImportResponse(order=write_order(await actions.answer(runtime, request.store_id, order_id, said)))


async def retry_order(runtime: Runtime, request: pb.RetryOrderRequest) -> pb.RetryOrderResponse:
    """Try an order again."""
    found = await actions.retry(runtime, request.store_id, read_order_id(request.order_id))
    return pb.RetryOrderResponse(order=write_order(found))


async def poll_orders(runtime: Runtime, request: pb.PollOrdersRequest) -> pb.PollOrdersResponse:
    """Have orders looked for now."""
    since = None
    if request.HasField("since_time"):
        since, now = read.instant(request.since_time, "since_time"), runtime.now()
        if not now - FARTHEST - timedelta(minutes=5) <= since <= now:
            raise InvalidInput.of("since_time", "FIELD_INVALID", f"must lie within the last {FARTHEST.days} days")
    last = await actions.poll(runtime, request.store_id, request.connection_id, since=since)
    told: dict[str, Any] = {"last_poll_time": last}
    return pb.PollOrdersResponse(**told)


async def get_order_management(
    runtime: Runtime, request: pb.GetOrderManagementRequest
) -> pb.GetOrderManagementResponse:
    """Tell how the road does."""
    found = await actions.read_management(runtime, request.store_id, request.connection_id)
    return pb.GetOrderManagementResponse(order_management=_write_management(found))


async def associate_order_management(
    runtime: Runtime, request: pb.AssociateOrderManagementRequest
) -> pb.AssociateOrderManagementResponse:
    """Take the orders over."""
    code = request.currency_code if request.HasField("currency_code") else None
    currency_code = read.currency(code, "currency_code") if code else code
    found = await actions.associate(runtime, request.store_id, request.connection_id, currency_code=currency_code)
    return pb.AssociateOrderManagementResponse(order_management=_write_management(found))


async def release_order_management(
    runtime: Runtime, request: pb.ReleaseOrderManagementRequest
) -> pb.ReleaseOrderManagementResponse:
    """Give the orders up."""
    found = await actions.release(runtime, request.store_id, request.connection_id, force=request.force)
    return pb.ReleaseOrderManagementResponse(order_management=_write_management(found))


def read_order_id(text: str, field: str = "order_id") -> UUID:
    """Read our id of an order."""
    return read.own_id(text, field, missing(text))


def write_order(order: Order) -> order_pb2.Order:
    """Write an order."""
    return order_pb2.Order(**order.document())


def _word(value: int, words: Mapping[Any, T], field: str) -> T | None:
    if value and value not in words:
        raise InvalidInput.of(field, "FIELD_INVALID", "must be one of the values of its enum that an order can have")
    return words.get(value)


def _read_answer(request: pb.AckOrderImportRequest) -> Answer:
    outcome = _OUTCOMES.get(request.outcome)
    if outcome is None:
        reason = "FIELD_INVALID" if request.outcome else "FIELD_REQUIRED"
        raise InvalidInput.of("outcome", reason, "must be CREATED, DUPLICATE or REJECTED")
    if outcome is Outcome.REJECTED:
        said = read.required(request.reject_reason, "reject_reason", limit=_LONGEST_REASON)
        if request.local_order_id:
            raise InvalidInput.of("local_order_id", "FIELD_INVALID", "must be empty when the order is refused")
        return Answer(outcome, reject_reason=said)
    if request.reject_reason:
        raise InvalidInput.of("reject_reason", "FIELD_INVALID", "must be empty unless the order is refused")
    return Answer(outcome, read.foreign_id(request.local_order_id, "local_order_id"))


def _write_management(found: Management) -> pb.OrderManagement:
    account, counts = found.account, found.counts
    manager = "RETIRED" if found.retired else account.manager if account else Manager.FREE
    told: dict[str, Any] = {
        "state": f"STATE_{manager}",
        "commerce_account_id": account.commerce_account_id if account else "",
        "commerce_account_name": account.name if account else "",
        "currency_code": account.currency_code if account else "",
        "last_poll_time": account.last_poll_time if account else None,
        "watermark_time": account.watermark_time if account else None,
        "unanswered_count": counts.unanswered,
        "quarantined_count": counts.quarantined,
        "unacknowledged_count": counts.unacknowledged,
        "oldest_open_time": counts.oldest_open_time,
    }
    return pb.OrderManagement(**told)
