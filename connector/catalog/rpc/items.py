"""Items out, as callers say them."""

from collections.abc import Mapping
from typing import Any

from connector.catalog import actions
from connector.catalog.db.listing import Item
from connector.catalog.rpc.syncs import write_operation
from connector.errors import InvalidInput
from connector.registry.model import State, whole_hash
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from stormcom.facebook.v1 import item_pb2

_MOST_ITEMS = 1_000
_STATES = {state: getattr(item_pb2.Item, f"STATE_{state}") for state in State}
_NAMES = {number: state for state, number in _STATES.items()}


async def get_item(runtime: Runtime, request: pb.GetItemRequest) -> pb.GetItemResponse:
    """Tell one item."""
    if not request.retailer_id and not request.product_id:
        raise InvalidInput.of("retailer_id", "FIELD_REQUIRED", "or product_id is required")
    named = {"product_id": request.product_id, "variant_id": request.variant_id}
    if request.retailer_id:
        named = {"retailer_id": request.retailer_id}
    item = await actions.find_item(runtime, request.store_id, request.connection_id, named)
    return pb.GetItemResponse(item=_write_item(item))


async def list_items(runtime: Runtime, request: pb.ListItemsRequest) -> pb.ListItemsResponse:
    """List items."""
    size, states = read.page_size(request.page_size), [_read_state(state) for state in request.states]
    scope = "items", request.store_id, request.connection_id, sorted(states), request.product_id, request.reason
    key = read.page_token(request.page_token, *scope, parts=1)
    found = await actions.list_items(
        runtime,
        request.store_id,
        request.connection_id,
        after=str(key[0]) if key else "",
        limit=size + 1,
        states=states,
        product_id=request.product_id,
        reason=request.reason,
    )
    shown = found[:size]
    token = read.write_page_token([shown[-1].retailer_id], *scope) if len(found) > size else ""
    return pb.ListItemsResponse(items=map(_write_item, shown), next_page_token=token)


async def retry_items(runtime: Runtime, request: pb.RetryItemsRequest) -> pb.RetryItemsResponse:
    """Send refused items again."""
    if len(request.retailer_ids) > _MOST_ITEMS:
        read.entries(request.retailer_ids, "retailer_ids", limit=_MOST_ITEMS)
    read.distinct(request.retailer_ids, "retailer_ids")
    operation, skipped = await actions.retry_items(
        runtime, request.store_id, request.connection_id, request.retailer_ids, request_id=request.request_id
    )
    return pb.RetryItemsResponse(operation=write_operation(operation), skipped_count=skipped)


def _read_state(number: int) -> str:
    if number not in _NAMES:
        raise InvalidInput.of("states", "FIELD_INVALID", f"must be of {', '.join(State)}")
    return _NAMES[number]


def _write_item(item: Item) -> item_pb2.Item:
    faults: list[Mapping[str, Any]] = [*item.faults, *item.meta_faults]
    return item_pb2.Item(
        retailer_id=item.retailer_id,
        product_id=item.product_id,
        variant_id=item.variant_id,
        item_group_id=item.item_group_id,
        state=_STATES[State(item.state)],
        title=item.title,
        desired_hash=whole_hash(item.content_hash, item.offer_hash),
        sent_hash=whole_hash(item.sent_content, item.sent_offer),
        confirmed_hash=whole_hash(item.confirmed_content, item.confirmed_offer),
        faults=[item_pb2.ItemFault(**fault) for fault in faults],
        desire_time=write.instant(item.desire_time),
        send_time=write.instant(item.send_time),
        confirm_time=write.instant(item.confirm_time),
        observation=item_pb2.Observation(**item.observed.document()) if item.observed else None,
    )
