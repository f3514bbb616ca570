"""Attributed orders, as callers say them."""

from datetime import datetime
from itertools import count
from uuid import UUID

from connector.attribution import actions
from connector.attribution.actions import Said
from connector.attribution.actions.recording import Recorded
from connector.attribution.db.orders import Filter
from connector.attribution.model.drafts import missing as missing_draft
from connector.attribution.model.orders import Line, OptIn, Recording, Totals, require_sums
from connector.attribution.rpc.drafts import read_conversation
from connector.checkout.model.links import CONVERSATION, DRAFT_ORDER, LONGEST_LINK, Channel, Link, read_link
from connector.checkout.rpc import read_channel
from connector.conversions.model.matching import Buyer
from connector.conversions.rpc import read_buyer, read_url
from connector.errors import InvalidInput
from connector.inventory.model.holds import missing as missing_hold
from connector.inventory.rpc.stock import MOST_LINES as MOST_STOCK_LINES
from connector.inventory.rpc.stock import read_lines, write_result
from connector.messaging.rpc.receipts import read_receipt
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import attribution_pb2, money_pb2
from stormcom.facebook.v1 import attribution_service_pb2 as pb

_MOST_LINES, _MOST_PIECES, _MOST_HOLDS = 500, 1_000_000, 20
_LARGEST_AMOUNT = 10**15
_OPT_INS = {attribution_pb2.MarketingOptIn.Value(f"MARKETING_OPT_IN_{one}"): one for one in OptIn}


async def record_attributed_order(
    runtime: Runtime, request: pb.RecordAttributedOrderRequest
) -> pb.RecordAttributedOrderResponse:
    """Record an order."""
    recorded = await actions.record(runtime, request.store_id, request.connection_id, _read(request, at=runtime.now()))
    return pb.RecordAttributedOrderResponse(
        order=_write(recorded), repeated_order=recorded.repeated, stock_results=map(write_result, recorded.stock)
    )


async def get_attributed_order(
    runtime: Runtime, request: pb.GetAttributedOrderRequest
) -> pb.GetAttributedOrderResponse:
    """Tell one order."""
    local_order_id = read.foreign_id(request.local_order_id, "local_order_id")
    return pb.GetAttributedOrderResponse(
        order=_write(await actions.find_order(runtime, request.store_id, local_order_id))
    )


async def list_attributed_orders(
    runtime: Runtime, request: pb.ListAttributedOrdersRequest
) -> pb.ListAttributedOrdersResponse:
    """List orders, the last recorded first."""
    size = read.page_size(request.page_size)
    which = Filter(
        read_channel(request.channel),
        read_conversation(request.conversation_id),
        read.instant(request.from_time, "from_time") if request.HasField("from_time") else None,
        read.instant(request.until_time, "until_time") if request.HasField("until_time") else None,
    )
    scope = "attributed_orders", request.store_id, request.connection_id, *which
    after = read_place(request.page_token, *scope)
    found = await actions.list_orders(
        runtime, request.store_id, request.connection_id, which, after=after, limit=size + 1
    )
    shown = found[:size]
    last = shown[-1].order if len(found) > size else None
    token = write_place(last.create_time, last.id, *scope) if last else ""
    return pb.ListAttributedOrdersResponse(orders=map(_write, shown), next_page_token=token)


def _write(recorded: Recorded) -> attribution_pb2.AttributedOrder:
    return attribution_pb2.AttributedOrder(**recorded.order.document(recorded.conversion))


def _read(request: pb.RecordAttributedOrderRequest, *, at: datetime) -> Said:
    link = read_link(read.within(request.checkout_link, "checkout_link", limit=LONGEST_LINK))
    if request.stock_lines:
        read.entries(request.stock_lines, "stock_lines", limit=MOST_STOCK_LINES)
    return Said(
        recording=_read_recording(request, link, at=at),
        buyer=_read_buyer(request, link, at=at),
        event_source_url=read_url(request.event_source_url, "event_source_url"),
        skip_conversion=request.skip_conversion,
        receipt=read_receipt(request.receipt) if request.HasField("receipt") else None,
        stock=read_lines(request.stock_lines),
        conversation_hint=_hint(link.value(CONVERSATION)),
        draft_hint=_hint(link.value(DRAFT_ORDER)),
    )


def _read_buyer(request: pb.RecordAttributedOrderRequest, link: Link, *, at: datetime) -> Buyer:
    if not request.buyer.fbc and (clicked := link.fbc(at=at)):
        request.buyer.fbc = clicked
    return read_buyer(request.buyer, "buyer")


def _read_recording(request: pb.RecordAttributedOrderRequest, link: Link, *, at: datetime) -> Recording:
    currency = _Amounts(request.totals.total.currency_code)
    lines = tuple(map(currency.line, count(), read.entries(request.lines, "lines", limit=_MOST_LINES)))
    totals = currency.totals(request.totals)
    require_sums(lines, totals)
    if request.marketing_opt_in not in _OPT_INS:
        raise InvalidInput.of("marketing_opt_in", "FIELD_INVALID", "must be one of the values of MarketingOptIn")
    draft = request.draft_order_id
    return Recording(
        local_order_id=read.foreign_id(request.local_order_id, "local_order_id"),
        channel=_channel(request, link),
        currency_code=currency.code,
        lines=lines,
        totals=totals,
        order_time=_order_time(request, at=at),
        external_order_id=read.within(request.external_order_id, "external_order_id", limit=100),
        conversation_id=read_conversation(request.conversation_id),
        draft_order_id=read.own_id(draft, "draft_order_id", missing_draft(draft)) if draft else None,
        hold_ids=tuple(_read_holds(request)),
        opt_in=_OPT_INS[request.marketing_opt_in],
        opt_in_time=_moment(request, "marketing_opt_in_time"),
    )


def _hint(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _channel(request: pb.RecordAttributedOrderRequest, link: Link) -> Channel:
    channel = read_channel(request.channel)
    if channel is None and not request.checkout_link:
        raise InvalidInput.of("channel", "FIELD_REQUIRED", "is required without checkout_link")
    return channel or link.channel


def _order_time(request: pb.RecordAttributedOrderRequest, *, at: datetime) -> datetime | None:
    time = _moment(request, "order_time")
    if time is not None and time > at:
        raise InvalidInput.of("order_time", "FIELD_INVALID", "must not be in the future")
    return time


def _moment(request: pb.RecordAttributedOrderRequest, field: str) -> datetime | None:
    given = request.HasField(field)  # type: ignore[arg-type] # one of two names of ours
    return read.instant(getattr(request, field), field) if given else None


def _read_holds(request: pb.RecordAttributedOrderRequest) -> list[UUID]:
    if len(request.hold_ids) > _MOST_HOLDS:
        raise InvalidInput.of("hold_ids", "FIELD_TOO_LARGE", f"at most {_MOST_HOLDS} are allowed", limit=_MOST_HOLDS)
    read.distinct(request.hold_ids, "hold_ids")
    return [read.own_id(one, f"hold_ids[{place}]", missing_hold(one)) for place, one in enumerate(request.hold_ids)]


class _Amounts:
    """Reads amounts that must all be in one currency, that of the total."""

    def __init__(self, code: str) -> None:
        self.code = code

    def line(self, place: int, line: attribution_pb2.AttributedLine) -> Line:
        """Read a line."""
        path = f"lines[{place}]"
        if not 1 <= line.quantity <= _MOST_PIECES:
            raise InvalidInput.of(f"{path}.quantity", "FIELD_INVALID", f"must be 1 to {_MOST_PIECES}")
        product_id = read.foreign_id(line.product_id, f"{path}.product_id")
        variant_id = read.foreign_id(line.variant_id, f"{path}.variant_id") if line.variant_id else ""
        amounts = (
            self.amount(line, "unit_price", path, required=True),
            self.amount(line, "discount", path),
            self.amount(line, "total", path, required=True),
        )
        return Line("", product_id, variant_id, line.quantity, *amounts)

    def totals(self, totals: attribution_pb2.OrderTotals) -> Totals:
        """Read the sums."""
        needed = {"subtotal", "total"}
        return Totals(*(self.amount(totals, name, "totals", required=name in needed) for name in Totals._fields))

    def amount(
        self,
        owner: attribution_pb2.AttributedLine | attribution_pb2.OrderTotals,
        name: str,
        path: str,
        *,
        required: bool = False,
    ) -> int:
        """Read an amount; what need not be said is nothing."""
        field, money = f"{path}.{name}", getattr(owner, name)
        if not owner.HasField(name):  # type: ignore[arg-type] # a name of both
            if required:
                raise InvalidInput.of(field, "FIELD_REQUIRED", "is required")
            return 0
        return self._read(money, field)

    def _read(self, money: money_pb2.Money, field: str) -> int:
        read.money(money, field)
        if money.currency_code != self.code:
            message = f"is in {money.currency_code}, and the total in {self.code}"
            raise InvalidInput.of(f"{field}.currency_code", "CURRENCY_MISMATCH", message)
        if money.minor_units > _LARGEST_AMOUNT:
            raise InvalidInput.of(field, "FIELD_TOO_LARGE", f"must be at most {_LARGEST_AMOUNT} minor units")
        return money.minor_units
