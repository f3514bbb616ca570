"""Records an order once: the row, its name on the channel, its holds, its conversion and its event in one transaction.

The order of locks: the order's id, the conversation, the draft order, holds, products, items, tasks. The conversation cannot be deleted
under an order that is about to name it: a deletion of the buyer's data finds the order, or the order finds no conversation.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from connector.attribution.actions import drafts
from connector.attribution.db import drafts as drafts_db
from connector.attribution.db import orders as db
from connector.attribution.db.orders import Filter
from connector.attribution.model.drafts import missing as missing_draft
from connector.attribution.model.orders import Line, Order, Recording, missing, recorded_otherwise
from connector.checkout.model.links import Channel
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.conversions import actions as conversions
from connector.conversions import db as conversions_db
from connector.conversions.model.matching import Buyer, write_match
from connector.conversions.model.values import PURCHASE, ActionSource, Content, Conversion, Draft
from connector.db.schema import Tx
from connector.errors import AlreadyExists, FailedPrecondition, InvalidInput, NotFound
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.inventory import actions as inventory
from connector.inventory.model.stock import Line as StockLine
from connector.inventory.model.stock import Result
from connector.messaging import db as messaging
from connector.messaging.actions import send_receipt
from connector.messaging.model import Part
from connector.registry.db.names import Name, look_up
from connector.registry.db.orders import OrderMapping, lock_order, map_order
from connector.runtime import Runtime
from connector.values import Money


@dataclass(frozen=True, slots=True)
class Said:
    """What StormCom says of an order: what is kept of it, and what is only used on the way.

    The hints stand in the link the buyer came by, who may have written anything there: they count only if they are the store's.
    """

    recording: Recording
    buyer: Buyer
    event_source_url: str = ""
    skip_conversion: bool = False
    receipt: Part | None = None
    stock: Sequence[StockLine] = ()
    conversation_hint: UUID | None = None
    draft_hint: UUID | None = None


class Recorded(NamedTuple):
    """An order with its conversion, whether it was recorded before, and what became of the stock lines."""

    order: Order
    conversion: Conversion | None
    repeated: bool = False
    stock: Sequence[Result] = ()


async def record(runtime: Runtime, store_id: str, connection_id: str, said: Said) -> Recorded:
    """Record an order; the same again answers what was recorded, whatever became of its connection since.

    Raises:
        AlreadyExists: ORDER_ALREADY_RECORDED.
        NotFound: CONVERSATION_NOT_FOUND, DRAFT_ORDER_NOT_FOUND, HOLD_NOT_FOUND.
        InvalidInput: the draft order was sent in another conversation; a stock line's price is in another currency than its item.

    """
    wish = said.recording
    async with runtime.db.begin() as tx:
        await lock_order(tx, store_id, wish.local_order_id)
        if (known := await db.find(tx, store_id, wish.local_order_id)) is not None:
            if known.digest != wish.digest():
                raise recorded_otherwise(wish.local_order_id, "local_order_id")
            return Recorded(known, (await _conversions(tx, [known])).get(known.event_id), repeated=True)
        origin = await _origin(tx, store_id, connection_id, said)
        whole = replace(wish, conversation_id=origin.conversation_id, draft_order_id=origin.draft_order_id)
        return await _record(runtime, tx, origin.connection, replace(said, recording=whole), digest=wish.digest())


class _Origin(NamedTuple):
    """Where an order came from: its conversation and draft order belong to its connection."""

    connection: Connection
    conversation_id: UUID | None
    draft_order_id: UUID | None


async def _origin(tx: Tx, store_id: str, connection_id: str, said: Said) -> _Origin:
    """Believe what the link says of a draft order or a conversation where StormCom says nothing, if it fits the rest; else only what StormCom says."""
    wish = said.recording
    if said.draft_hint and not wish.draft_order_id:
        with suppress(NotFound, InvalidInput):
            return await _belonging(tx, store_id, connection_id, wish.conversation_id, said.draft_hint)
    if said.conversation_hint and not wish.conversation_id:
        with suppress(NotFound, InvalidInput):
            return await _belonging(tx, store_id, connection_id, said.conversation_hint, wish.draft_order_id)
    return await _belonging(tx, store_id, connection_id, wish.conversation_id, wish.draft_order_id)


async def _belonging(
    tx: Tx, store_id: str, connection_id: str, conversation_id: UUID | None, draft_order_id: UUID | None
) -> _Origin:
    """Find the connection; unless it is named, a draft order or a conversation tells it. A receipt must reach nobody else's conversation."""
    draft = await drafts_db.find(tx, store_id, draft_order_id) if draft_order_id else None
    if draft_order_id and draft is None:
        raise missing_draft(str(draft_order_id))
    if draft and conversation_id and conversation_id != draft.conversation_id:
        raise InvalidInput.of("conversation_id", "FIELD_INVALID", "is not the one in which the draft order was sent")
    conversation_id = draft.conversation_id if draft else conversation_id
    conversation = await messaging.require(tx, store_id, conversation_id, lock=True) if conversation_id else None
    theirs = conversation.connection_id if conversation else ""
    connection = await connections.require(tx, store_id, connection_id or theirs)
    if conversation and conversation.connection_id != connection.id:
        raise messaging.missing(str(conversation.id))
    return _Origin(connection, conversation_id, draft_order_id)


async def _record(runtime: Runtime, tx: Tx, connection: Connection, said: Said, *, digest: bytes) -> Recorded:
    wish, at = said.recording, runtime.now()
    await _map(tx, connection, wish, at=at)
    if wish.draft_order_id is not None:
        await drafts.order_came(tx, connection.store_id, wish.draft_order_id, wish.local_order_id, at=at)
    lost, results = await inventory.settle_in(tx, connection, wish.hold_ids, said.stock, at=at)
    names = await _names(tx, connection, wish.lines)
    reason, conversion = await _report(runtime, tx, connection, said, at=at)
    receipt_id, no_receipt = await _send_receipt(runtime, tx, connection, said)
    order = _order(runtime.new_id(), connection, wish, digest, at)
    lines = tuple(line._replace(retailer_id=names.get(Name("", *line[1:3]), "")) for line in wish.lines)
    order = replace(order, lines=lines, lost_hold_ids=tuple(map(str, lost)), conversion_reason=reason)
    order = replace(order, receipt_message_id=receipt_id, receipt_reason=no_receipt)
    await db.add(tx, order)
    key = f"conversation:{order.conversation_id}" if order.conversation_id else f"order:{order.local_order_id}"
    body = {"order": order.document(conversion)}
    await events.append(tx, Event(order.store_id, order.connection_id, key, "attributed_order_recorded", body), at=at)
    return Recorded(order, conversion, stock=results)


async def _map(tx: Tx, connection: Connection, wish: Recording, *, at: datetime) -> None:
    wanted = OrderMapping(connection.store_id, wish.channel, wish.name_on_channel, wish.local_order_id)
    if (written := await map_order(tx, wanted, at=at)) != wanted:
        own = written.local_order_id == wish.local_order_id
        raise recorded_otherwise(wish.local_order_id, "local_order_id" if own else "external_order_id")


async def _names(tx: Tx, connection: Connection, lines: Sequence[Line]) -> dict[Name, str]:
    """Find what the items are called at Meta; a line may be of something that never stood there."""
    asked = list(dict.fromkeys(Name("", line.product_id, line.variant_id) for line in lines))
    found = await look_up(tx, connection.id, asked)
    return {name: known.retailer_id for name, known in zip(asked, found, strict=True) if known is not None}


async def _report(
    runtime: Runtime, tx: Tx, connection: Connection, said: Said, *, at: datetime
) -> tuple[str, Conversion | None]:
    """Put the order's conversion on its way; or tell why there is none. An order is recorded whatever Meta may know of it."""
    if said.skip_conversion:
        return "", None
    if reason := await conversions.hindrance(tx, connection):
        return reason, None
    draft = _purchase(said, at=at)
    if not write_match(draft.buyer):
        return "FIELD_REQUIRED", None
    if draft.event_time <= at - draft.oldest:
        return "CONVERSION_TOO_OLD", None
    currency = said.recording.currency_code
    items = [
        (Name("", line.product_id, line.variant_id), Content("", line.quantity, Money(currency, line.unit_price)))
        for line in said.recording.lines
    ]
    (taken,) = await conversions.take_in(runtime, tx, connection, [(draft, items)])
    return "", taken.conversion


async def _send_receipt(runtime: Runtime, tx: Tx, connection: Connection, said: Said) -> tuple[UUID | None, str]:
    """Put the receipt on its way; or tell why it cannot be sent. The order is recorded all the same."""
    wish = said.recording
    if said.receipt is None or wish.conversation_id is None:
        return None, "" if said.receipt is None else "CONVERSATION_NOT_FOUND"
    store_id, request_id = connection.store_id, f"receipt.{wish.local_order_id}"
    try:
        sent = await send_receipt(
            runtime, tx, store_id, wish.conversation_id, request_id=request_id, receipt=said.receipt
        )
    except (FailedPrecondition, NotFound, AlreadyExists, InvalidInput) as refused:
        return None, refused.reason
    return sent.id, ""


def _purchase(said: Said, *, at: datetime) -> Draft:
    wish, on_website = said.recording, bool(said.event_source_url and said.buyer.client_user_agent.strip())
    elsewhere = ActionSource.CHAT if wish.channel is Channel.MESSENGER else ActionSource.OTHER
    return Draft(
        event_name=PURCHASE,
        event_id=wish.event_id,
        event_time=wish.order_time or at,
        action_source=ActionSource.WEBSITE if on_website else elsewhere,
        buyer=said.buyer,
        event_source_url=said.event_source_url,
        value=Money(wish.currency_code, wish.totals.total),
        order_id=wish.local_order_id,
    )


def _order(order_id: UUID, connection: Connection, wish: Recording, digest: bytes, at: datetime) -> Order:
    return Order(
        id=order_id,
        store_id=connection.store_id,
        connection_id=connection.id,
        local_order_id=wish.local_order_id,
        channel=wish.channel,
        external_order_id=wish.name_on_channel,
        currency_code=wish.currency_code,
        lines=wish.lines,
        totals=wish.totals,
        order_time=wish.order_time or at,
        conversation_id=wish.conversation_id,
        draft_order_id=wish.draft_order_id,
        opt_in=wish.opt_in,
        opt_in_time=wish.opt_in_time,
        event_id=wish.event_id,
        conversion_reason="",
        hold_ids=tuple(map(str, wish.hold_ids)),
        lost_hold_ids=(),
        receipt_message_id=None,
        receipt_reason="",
        digest=digest,
        create_time=at,
    )


async def _conversions(tx: Tx, orders: Sequence[Order]) -> dict[str, Conversion]:
    """Find the conversions of orders of one connection."""
    if not orders:
        return {}
    known = await conversions_db.known(tx, orders[0].connection_id, [(PURCHASE, order.event_id) for order in orders])
    return {event_id: conversion for (_, event_id), conversion in known.items()}


async def find_order(runtime: Runtime, store_id: str, local_order_id: str) -> Recorded:
    """Find an order by StormCom's id.

    Raises:
        NotFound: ATTRIBUTED_ORDER_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        order = await db.find(tx, store_id, local_order_id)
        if order is None:
            raise missing(local_order_id)
        return Recorded(order, (await _conversions(tx, [order])).get(order.event_id))


async def list_orders(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    which: Filter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Recorded]:
    """List orders, the last recorded first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        if which.conversation_id is not None:
            await messaging.require(tx, store_id, which.conversation_id)
        found = await db.page(tx, connection.id, which, after=after, limit=limit)
        known = await _conversions(tx, found)
        return [Recorded(order, known.get(order.event_id)) for order in found]
