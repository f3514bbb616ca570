"""Conversions and the pixel, as callers say them."""

import re
from collections.abc import Iterable
from datetime import datetime

from connector.conversions import actions
from connector.conversions.actions import Taken
from connector.conversions.actions.keeping import Items
from connector.conversions.model.matching import Buyer, write_match
from connector.conversions.model.values import (
    MARGIN,
    MOST_EVENTS,
    PURCHASE,
    ActionSource,
    Content,
    Conversion,
    Draft,
    Pixel,
    State,
)
from connector.errors import InvalidInput
from connector.links import absolute
from connector.registry.db.names import Name
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import conversion_pb2
from stormcom.facebook.v1 import conversion_service_pb2 as pb

_PIXEL_ID = re.compile("[0-9]{1,32}")
_TEST_CODE = re.compile("[A-Za-z0-9]{1,32}")
_MOST_ITEMS, _MOST_PIECES, _MOST_ADDRESSES = 100, 1_000_000, 5
_BUYER_TEXTS = (
    "first_name", "last_name", "city", "region", "postal_code", "country_code", "birth_date", "gender", "external_id",
    "client_ip_address", "client_user_agent", "fbc", "fbp",
)  # fmt: skip


async def set_pixel(runtime: Runtime, request: pb.SetPixelRequest) -> pb.SetPixelResponse:
    """Set the pixel."""
    given = request.pixel
    if given.pixel_id and not _PIXEL_ID.fullmatch(given.pixel_id):
        raise InvalidInput.of("pixel.pixel_id", "FIELD_INVALID", "must be Meta's id of a pixel: digits")
    if given.test_event_code and not _TEST_CODE.fullmatch(given.test_event_code):
        raise InvalidInput.of("pixel.test_event_code", "FIELD_INVALID", "must be 1 to 32 of A-Z a-z 0-9")
    pixel = Pixel(given.pixel_id, given.test_event_code, given.limited_data_use)
    kept = await actions.set_pixel(runtime, request.store_id, request.connection_id, pixel)
    return pb.SetPixelResponse(pixel=_write_pixel(kept))


async def get_pixel(runtime: Runtime, request: pb.GetPixelRequest) -> pb.GetPixelResponse:
    """Tell the pixel."""
    kept = await actions.read_pixel(runtime, request.store_id, request.connection_id)
    return pb.GetPixelResponse(pixel=_write_pixel(kept))


async def send_conversion_events(
    runtime: Runtime, request: pb.SendConversionEventsRequest
) -> pb.SendConversionEventsResponse:
    """Take reports in."""
    events = read.entries(request.events, "events", limit=MOST_EVENTS)
    drafts = [_read_draft(event, f"events[{place}]", at=runtime.now()) for place, event in enumerate(events)]
    taken = await actions.take(runtime, request.store_id, request.connection_id, drafts)
    return pb.SendConversionEventsResponse(results=map(_write_taken, taken))


async def list_conversions(runtime: Runtime, request: pb.ListConversionsRequest) -> pb.ListConversionsResponse:
    """List reports, the newest first."""
    size = read.page_size(request.page_size)
    scope = "conversions", request.store_id, request.connection_id, request.state
    after = read_place(request.page_token, *scope)
    state = _STATES.get(request.state)
    if request.state and state is None:
        raise InvalidInput.of("state", "FIELD_INVALID", "must be one of the values of State")
    found = await actions.list_conversions(
        runtime, request.store_id, request.connection_id, state=state, after=after, limit=size + 1
    )
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    token = write_place(last.create_time, last.id, *scope) if last else ""
    return pb.ListConversionsResponse(conversions=map(write_conversion, shown), next_page_token=token)


def _write_pixel(pixel: Pixel) -> pb.Pixel:
    named = {"pixel_id": pixel.pixel_id, "test_event_code": pixel.test_event_code}
    return pb.Pixel(limited_data_use=pixel.limited_data_use, **named)


def _write_taken(taken: Taken) -> pb.SendConversionEventsResponse.Result:
    return pb.SendConversionEventsResponse.Result(
        conversion=write_conversion(taken.conversion), repeated_event=taken.repeated, unknown_items=taken.unknown
    )


def write_conversion(conversion: Conversion) -> conversion_pb2.Conversion:
    """Write a report."""
    return conversion_pb2.Conversion(**conversion.document())


_STATES = {conversion_pb2.Conversion.State.Value(f"STATE_{one}"): one for one in State}
_SOURCES = {
    conversion_pb2.ConversionDraft.ActionSource.Value(f"ACTION_SOURCE_{one.name}"): one for one in ActionSource
} | {conversion_pb2.ConversionDraft.ACTION_SOURCE_UNSPECIFIED: ActionSource.WEBSITE}


def _read_draft(event: conversion_pb2.ConversionDraft, path: str, *, at: datetime) -> tuple[Draft, Items]:
    if event.action_source not in _SOURCES:
        raise InvalidInput.of(f"{path}.action_source", "FIELD_INVALID", "must be one of the values of ActionSource")
    source, time = _SOURCES[event.action_source], at
    if event.HasField("event_time"):
        time = read.instant(event.event_time, f"{path}.event_time")
    draft = Draft(
        event_name=read.required(event.event_name, f"{path}.event_name", limit=50),
        event_id=read.required(event.event_id, f"{path}.event_id", limit=100),
        event_time=time,
        action_source=source,
        buyer=read_buyer(event.buyer, f"{path}.buyer"),
        event_source_url=read_url(event.event_source_url, f"{path}.event_source_url"),
        opt_out=event.opt_out,
        value=read.money(event.value, f"{path}.value") if event.HasField("value") else None,
        order_id=read.within(event.order_id, f"{path}.order_id", limit=128),
        search_string=read.within(event.search_string, f"{path}.search_string", limit=200),
    )
    _require_sendable(draft, path, at=at)
    return draft, list(_read_items(event.items, path))


def _require_sendable(draft: Draft, path: str, *, at: datetime) -> None:
    """Refuse what Meta would: it takes the whole batch down with it."""
    if draft.event_time > at + MARGIN:
        raise InvalidInput.of(f"{path}.event_time", "FIELD_INVALID", "must not be in the future")
    if draft.event_time <= at - draft.oldest:
        message = f"is too old: Meta takes what is at most {draft.oldest.days} days old"
        raise InvalidInput.of(f"{path}.event_time", "CONVERSION_TOO_OLD", message)
    if not write_match(draft.buyer):
        raise InvalidInput.of(f"{path}.buyer", "FIELD_REQUIRED", "needs something that Meta can recognise the buyer by")
    if draft.event_name == PURCHASE and draft.value is None:
        raise InvalidInput.of(f"{path}.value", "FIELD_REQUIRED", "is required for a Purchase")
    # Unverified: that both are required of what happened on a website.
    if draft.action_source is ActionSource.WEBSITE:
        read.required(draft.event_source_url, f"{path}.event_source_url")
        read.required(draft.buyer.client_user_agent.strip(), f"{path}.buyer.client_user_agent")


def read_buyer(buyer: conversion_pb2.BuyerMatch, path: str) -> Buyer:
    """Read what is known of a buyer."""
    lists = {"emails": buyer.emails, "phones": buyer.phones}
    for name, values in lists.items():
        if len(values) > _MOST_ADDRESSES:
            message = f"has {len(values)} entries; {_MOST_ADDRESSES} are allowed"
            raise InvalidInput.of(f"{path}.{name}", "FIELD_TOO_LARGE", message, limit=_MOST_ADDRESSES)
        for place, value in enumerate(values):
            read.within(value, f"{path}.{name}[{place}]", limit=320)
    texts = {name: read.within(getattr(buyer, name), f"{path}.{name}", limit=1_000) for name in _BUYER_TEXTS}
    return Buyer(emails=tuple(buyer.emails), phones=tuple(buyer.phones), **texts)


def read_url(url: str, path: str) -> str:
    """Read the address of a page; it may be empty."""
    try:
        return absolute(url) if url else ""
    except ValueError as wrong:
        raise InvalidInput.of(path, "LINK_NOT_ABSOLUTE", str(wrong)) from wrong


def _read_items(items: Iterable[conversion_pb2.ConversionItem], path: str) -> Iterable[tuple[Name, Content]]:
    for place, item in enumerate(items):
        at = f"{path}.items[{place}]"
        if place >= _MOST_ITEMS:
            message = f"has more than {_MOST_ITEMS} entries"
            raise InvalidInput.of(f"{path}.items", "FIELD_TOO_LARGE", message, limit=_MOST_ITEMS)
        if bool(item.retailer_id) == bool(item.product_id):
            raise InvalidInput.of(f"{at}.retailer_id", "FIELD_REQUIRED", "or product_id is required, and not both")
        if not 0 <= item.quantity <= _MOST_PIECES:
            raise InvalidInput.of(f"{at}.quantity", "FIELD_INVALID", f"must be 0 to {_MOST_PIECES}")
        price = read.money(item.price, f"{at}.price") if item.HasField("price") else None
        yield Name(item.retailer_id, item.product_id, item.variant_id), Content("", item.quantity or 1, price)
