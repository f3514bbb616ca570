"""FacebookWebhooks, and FacebookAdmin's view of Pages that nobody connected, as callers say it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from connector.connections.db import Asset
from connector.errors import Forbidden, InvalidInput, NotFound
from connector.rpc import calling, read, write
from connector.runtime import Runtime
from connector.values import Environment
from connector.webhooks import actions
from connector.webhooks.actions import Raw, Shown
from connector.webhooks.db.setting_aside import Wanted as WantedSignals
from connector.webhooks.db.showing import Wanted as WantedDeliveries
from connector.webhooks.model import Aside, SignalState, UnknownPage
from stormcom.facebook.v1 import admin_service_pb2 as admin_pb
from stormcom.facebook.v1 import webhook_service_pb2 as pb

_MOST_NAMED = 500
_LONGEST_REASON = 200
_LARGEST_ID = 1 << 63
_ANOTHERS = "is not one of ours: begin again without it"


async def list_deliveries(runtime: Runtime, request: pb.ListDeliveriesRequest) -> pb.ListDeliveriesResponse:
    """List deliveries, newest first."""
    size, wanted = read.page_size(request.page_size), _deliveries(request)
    scope = ("deliveries", wanted)
    found, end = await actions.list_deliveries(runtime, wanted, before=_before(request.page_token, *scope), size=size)
    token = read.write_page_token([end], *scope) if end else ""
    return pb.ListDeliveriesResponse(deliveries=map(_delivery, found), next_page_token=token)


async def get_delivery(runtime: Runtime, request: pb.GetDeliveryRequest) -> pb.GetDeliveryResponse:
    """Tell one delivery and the store's signals in it."""
    wanted = _id(request.delivery_id, "delivery_id", actions.missing_delivery)
    found, signals = await actions.get_delivery(runtime, request.store_id, wanted)
    return pb.GetDeliveryResponse(delivery=_delivery(found), signals=map(_raw, signals))


async def replay_delivery(runtime: Runtime, request: pb.ReplayDeliveryRequest) -> pb.ReplayDeliveryResponse:
    """Have one delivery worked off again."""
    wanted = _id(request.delivery_id, "delivery_id", actions.missing_delivery)
    chosen, reason = WantedDeliveries(request.store_id), _reason(request.reason)
    await actions.replay_deliveries(runtime, chosen, [wanted], reason=reason, dry_run=False)
    return pb.ReplayDeliveryResponse()


async def replay_deliveries(runtime: Runtime, request: pb.ReplayDeliveriesRequest) -> pb.ReplayDeliveriesResponse:
    """Have deliveries, named or chosen, worked off again."""
    reason, wanted = _reason(request.reason), _deliveries(request)
    named = _ids(request.delivery_ids, "delivery_ids", actions.missing_delivery)
    for name in () if named else ("begin_time", "end_time"):
        if not request.HasField(name):
            raise InvalidInput.of(name, "FIELD_REQUIRED", "is required without delivery_ids")
    count = await actions.replay_deliveries(runtime, wanted, named, reason=reason, dry_run=request.dry_run)
    return pb.ReplayDeliveriesResponse(delivery_count=count)


async def list_signals(runtime: Runtime, request: pb.ListSignalsRequest) -> pb.ListSignalsResponse:
    """List signals that were set aside, newest first."""
    size, wanted = read.page_size(request.page_size), _signals(request)
    scope = ("signals", wanted)
    found, more = await actions.list_signals(runtime, wanted, before=_before(request.page_token, *scope), size=size)
    token = read.write_page_token([found[-1].id], *scope) if more else ""
    return pb.ListSignalsResponse(signals=map(_signal, found), next_page_token=token)


async def get_signal(runtime: Runtime, request: pb.GetSignalRequest) -> pb.GetSignalResponse:
    """Tell one signal as it came."""
    wanted = _id(request.signal_id, "signal_id", actions.missing_signal)
    found, raw = await actions.get_signal(runtime, request.store_id, wanted)
    return pb.GetSignalResponse(signal=_signal(found), raw=_raw(Raw(found.page_id, found.kind, raw)))


async def replay_signals(runtime: Runtime, request: pb.ReplaySignalsRequest) -> pb.ReplaySignalsResponse:
    """Have signals, named or chosen, worked off again."""
    reason, wanted = _reason(request.reason), _signals(request, SignalState.QUARANTINED)
    named = _ids(request.signal_ids, "signal_ids", actions.missing_signal)
    count = await actions.replay_signals(runtime, wanted, named, reason=reason, dry_run=request.dry_run)
    return pb.ReplaySignalsResponse(signal_count=count)


async def dismiss_signals(runtime: Runtime, request: pb.DismissSignalsRequest) -> pb.DismissSignalsResponse:
    """Have signals shown as a trouble no longer."""
    reason = _reason(request.reason)
    read.entries(request.signal_ids, "signal_ids", limit=_MOST_NAMED)
    named = _ids(request.signal_ids, "signal_ids", actions.missing_signal)
    count = await actions.dismiss_signals(runtime, request.store_id, named, reason=reason)
    return pb.DismissSignalsResponse(signal_count=count)


async def list_unknown_pages(
    runtime: Runtime, request: admin_pb.ListUnknownPagesRequest
) -> admin_pb.ListUnknownPagesResponse:
    """List Pages that nobody connected: for who may act for every store, as they may become anybody's."""
    if not calling.may("*"):
        raise Forbidden(
            "STORE_NOT_ALLOWED", "Pages that nobody connected are shown to a credential for every store (*)"
        )
    size = read.page_size(request.page_size)
    found, more = await actions.list_unknown_pages(runtime, after=_after(request.page_token), size=size)
    token = read.write_page_token(found[-1].asset, "unknown_pages") if more else ""
    return admin_pb.ListUnknownPagesResponse(unknown_pages=map(_unknown_page, found), next_page_token=token)


def _deliveries(request: Any) -> WantedDeliveries:
    return WantedDeliveries(**_common(request))


def _signals(request: Any, *otherwise: SignalState) -> WantedSignals:
    names = [pb.Signal.State.Name(state).removeprefix("STATE_") for state in request.states]
    for name in names:
        read.one_of(name, "states", [*SignalState])
    return WantedSignals(states=tuple(map(SignalState, names)) or otherwise, **_common(request))


def _common(request: Any) -> dict[str, Any]:
    texts = {name: getattr(request, name) for name in ("store_id", "kind", "page_id", "connection_id")}
    return texts | {name: _time(request, name) for name in ("begin_time", "end_time")}


def _time(request: Any, name: str) -> datetime | None:
    return read.instant(getattr(request, name), name) if request.HasField(name) else None


def _reason(text: str) -> str:
    return read.required(text, "reason", limit=_LONGEST_REASON)


def _ids(texts: Sequence[str], field: str, missing: Callable[[str], NotFound]) -> list[int]:
    if not texts:
        return []
    read.entries(texts, field, limit=_MOST_NAMED)
    return [_id(text, f"{field}[{place}]", missing) for place, text in enumerate(texts)]


def _id(text: str, field: str, missing: Callable[[str], NotFound]) -> int:
    """Read an id of ours. One that we cannot have made is answered exactly like a missing one."""
    known = read.required(text, field)
    if not (known.isascii() and known.isdigit() and len(known) < len(str(_LARGEST_ID))):
        raise missing(text)
    return int(known)


def _before(token: str, *scope: object) -> int | None:
    key = read.page_token(token, *scope, parts=1)
    if key and (isinstance(key[0], str) or not 0 <= key[0] < _LARGEST_ID):
        raise InvalidInput.of("page_token", "PAGE_TOKEN_INVALID", _ANOTHERS)
    return int(key[0]) if key else None


def _after(token: str) -> Asset | None:
    key = read.page_token(token, "unknown_pages", parts=3)
    try:
        return (Environment(str(key[0])), str(key[1]), str(key[2])) if key else None
    except ValueError:
        raise InvalidInput.of("page_token", "PAGE_TOKEN_INVALID", _ANOTHERS) from None


def _unknown_page(page: UnknownPage) -> admin_pb.UnknownPage:
    environment, kind, name = page.asset
    return admin_pb.UnknownPage(
        environment=write.environment(environment),
        object=kind,
        page_id=name,
        signal_count=page.signal_count,
        oldest_receive_time=write.instant(page.oldest),
        newest_receive_time=write.instant(page.newest),
    )


def _delivery(shown: Shown) -> pb.Delivery:
    return pb.Delivery(
        delivery_id=str(shown.id),
        environment=write.environment(Environment(shown.environment)),
        state=pb.Delivery.STATE_WAITING if shown.waiting else pb.Delivery.STATE_DONE,
        receive_time=write.instant(shown.receive_time),
        page_ids=sorted(shown.pages),
        signal_counts=shown.signal_counts,
    )


def _raw(raw: Raw) -> pb.RawSignal:
    return pb.RawSignal(page_id=raw.page_id, kind=raw.kind, raw=raw.raw)


def _signal(aside: Aside) -> pb.Signal:
    return pb.Signal(
        signal_id=str(aside.id),
        connection_id=str(aside.connection_id),
        page_id=aside.page_id,
        kind=aside.kind,
        state=pb.Signal.State.Value(f"STATE_{aside.state}"),
        reason=aside.reason,
        tries=aside.tries,
        receive_time=write.instant(aside.receive_time),
    )
