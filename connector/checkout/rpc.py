"""Checkout links, as callers say them."""

from collections.abc import Iterable

from connector.checkout import actions
from connector.checkout.actions import Answer
from connector.checkout.model.building import Origin
from connector.checkout.model.links import (
    CONVERSATION,
    DRAFT_ORDER,
    LONGEST_LINK,
    MOST_PIECES,
    Channel,
    Warned,
    read_link,
)
from connector.errors import InvalidInput
from connector.inventory.rpc.holds import read_duration, write_hold
from connector.links import absolute
from connector.registry.db.names import Name
from connector.rpc import read, write
from connector.runtime import Runtime
from stormcom.facebook.v1 import checkout_pb2
from stormcom.facebook.v1 import checkout_service_pb2 as pb

_MOST_ITEMS, _LONGEST_COUPON, _MOST_TRACKING, _LONGEST_VALUE = 50, 200, 20, 1_000


async def resolve_checkout_link(
    runtime: Runtime, request: pb.ResolveCheckoutLinkRequest
) -> pb.ResolveCheckoutLinkResponse:
    """Tell what a link means, and keep it aside."""
    link = read_link(read.required(request.link, "link", limit=LONGEST_LINK))
    duration = None
    if request.HasField("hold_duration"):
        duration = read_duration(request.hold_duration, "hold_duration")
        read.required(request.request_id, "request_id")
    answer = await actions.resolve(
        runtime, request.store_id, request.connection_id, link, duration=duration, request_id=request.request_id
    )
    return _write_answer(runtime, answer)


async def build_checkout_link(runtime: Runtime, request: pb.BuildCheckoutLinkRequest) -> pb.BuildCheckoutLinkResponse:
    """Write a link."""
    if request.items or not request.coupon.strip():
        read.entries(request.items, "items", limit=_MOST_ITEMS)
    wanted = list(_read_items(request.items))
    if len(request.tracking) > _MOST_TRACKING:
        raise InvalidInput.of(
            "tracking", "FIELD_TOO_LARGE", f"at most {_MOST_TRACKING} are allowed", limit=_MOST_TRACKING
        )
    tracking = [
        (
            read.required(one.name, f"tracking[{place}].name", limit=64),
            read.within(one.value, f"tracking[{place}].value", limit=_LONGEST_VALUE),
        )
        for place, one in enumerate(request.tracking)
    ]
    origin = Origin(
        read_channel(request.channel) or Channel.FACEBOOK,
        read.within(request.coupon, "coupon", limit=_LONGEST_COUPON),
        read.within(request.conversation_id, "conversation_id", limit=64),
        read.within(request.draft_order_id, "draft_order_id", limit=64),
        tracking,
    )
    built = await actions.build_link(runtime, request.store_id, request.connection_id, wanted, origin)
    return pb.BuildCheckoutLinkResponse(link=built)


async def set_checkout_url(runtime: Runtime, request: pb.SetCheckoutUrlRequest) -> pb.SetCheckoutUrlResponse:
    """Set the checkout page."""
    try:
        url = absolute(request.url).partition("#")[0] if request.url else ""
    except ValueError as wrong:
        raise InvalidInput.of("url", "LINK_NOT_ABSOLUTE", str(wrong)) from wrong
    return pb.SetCheckoutUrlResponse(url=await actions.set_url(runtime, request.store_id, request.connection_id, url))


async def get_checkout_url(runtime: Runtime, request: pb.GetCheckoutUrlRequest) -> pb.GetCheckoutUrlResponse:
    """Tell the checkout page."""
    return pb.GetCheckoutUrlResponse(url=await actions.read_url(runtime, request.store_id, request.connection_id))


async def run_checkout_self_test(
    runtime: Runtime, request: pb.RunCheckoutSelfTestRequest
) -> pb.RunCheckoutSelfTestResponse:
    """Try links."""
    url, tried = await actions.try_links(runtime, request.store_id, request.connection_id)
    message = "" if url else "No checkout URL is set: Meta has no page to open (SetCheckoutUrl)"
    if not tried:
        message = "The catalog has no item yet: there is nothing a link could lead to"
    trial = pb.RunCheckoutSelfTestResponse.Trial
    return pb.RunCheckoutSelfTestResponse(
        passed=bool(tried) and not any(one.wrong for one in tried),
        trials=[trial(name=one.name, passed=not one.wrong, link=one.link, message=one.wrong) for one in tried],
        message=message,
    )


def _read_items(items: Iterable[pb.CheckoutItem]) -> Iterable[tuple[Name, int]]:
    seen: list[str] = []
    for place, item in enumerate(items):
        path = f"items[{place}]"
        if bool(item.retailer_id) == bool(item.product_id):
            raise InvalidInput.of(f"{path}.retailer_id", "FIELD_REQUIRED", "or product_id is required, and not both")
        if not 0 <= item.quantity <= MOST_PIECES:
            raise InvalidInput.of(f"{path}.quantity", "FIELD_INVALID", f"must be 0 to {MOST_PIECES}")
        seen.append(f"{item.retailer_id}/{item.product_id}/{item.variant_id}")
        yield Name(item.retailer_id, item.product_id, item.variant_id), item.quantity or 1
    read.distinct(seen, "items")


def read_channel(value: checkout_pb2.OrderChannel.ValueType, field: str = "channel") -> Channel | None:
    """Read where an order came from; None when that is not said."""
    if not value:
        return None
    if value not in checkout_pb2.OrderChannel.values():
        raise InvalidInput.of(field, "FIELD_INVALID", "must be one of the values of OrderChannel")
    return Channel(checkout_pb2.OrderChannel.Name(value).removeprefix("ORDER_CHANNEL_"))


def write_channel(channel: Channel) -> checkout_pb2.OrderChannel.ValueType:
    """Write where an order came from."""
    return checkout_pb2.OrderChannel.Value(f"ORDER_CHANNEL_{channel}")


def _write_answer(runtime: Runtime, answer: Answer) -> pb.ResolveCheckoutLinkResponse:
    link, at = answer.link, answer.read_time
    lines = [checkout_pb2.CheckoutLine(**line.document(at=at)) for line in answer.resolved.lines]
    return pb.ResolveCheckoutLinkResponse(
        lines=lines,
        complete={line.state for line in lines} == {checkout_pb2.CheckoutLine.STATE_AVAILABLE},
        buyable=any(line.granted_quantity for line in lines),
        coupon=link.coupon,
        tracking=[checkout_pb2.TrackingParameter(name=name, value=value) for name, value in link.tracking],
        warnings=map(_write_warning, answer.resolved.warnings),
        channel=write_channel(link.channel),
        fbc=link.fbc(at=at),
        conversation_id=link.value(CONVERSATION),
        draft_order_id=link.value(DRAFT_ORDER),
        fallback_link=answer.fallback_link,
        hold=write_hold(runtime, answer.hold) if answer.hold else None,
        connection_id=str(answer.connection_id or ""),
        read_time=write.instant(at),
    )


def _write_warning(warned: Warned) -> checkout_pb2.CheckoutWarning:
    kind = checkout_pb2.CheckoutWarning.Kind.Value(f"KIND_{warned.kind}")
    return checkout_pb2.CheckoutWarning(kind=kind, text=warned.text)
