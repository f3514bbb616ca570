"""Takes carts in that people send, has StormCom answer them, and ends those that nobody answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from connector.attribution.db import drafts as db
from connector.attribution.model.drafts import (
    LIFETIME,
    LONGEST_NOTE,
    Answer,
    DraftOrder,
    State,
    ended,
    missing,
    write_sent,
)
from connector.checkout.actions import resolve_in
from connector.checkout.model.links import Channel, read_cart
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx, plain
from connector.events import db as events
from connector.events.model import Draft as Event
from connector.messaging import db as messaging
from connector.messaging.actions.meeting import meet, place
from connector.messaging.actions.receiving import Arrived
from connector.messaging.model import PersonMessage
from connector.messaging.model.attachments import CART, AttachedProduct
from connector.runtime import Runtime

_PIECE = 500


async def receive_carts(runtime: Runtime, tx: Tx, arrived: Arrived) -> None:
    """Keep the carts among what people sent, and ask StormCom for answers, in the caller's transaction. Repeating it changes nothing.

    Their goods are resolved as those of a checkout link are: whatever Meta calls them, StormCom sees what it sells today.
    """
    carts = [
        (connection, signal, goods.products)
        for connection, signal in arrived
        for goods in signal.attachments
        if goods.type == CART
    ]
    met = await meet(runtime, tx, [(connection, signal) for connection, signal, _ in carts]) if carts else {}
    for connection, signal, goods in carts:
        await _keep(runtime, tx, connection, _Cart(met[place(connection, signal)].id, signal, goods))


class _Cart(NamedTuple):
    """A cart, and where it was sent."""

    conversation_id: UUID
    signal: PersonMessage
    goods: Sequence[AttachedProduct]


async def _keep(runtime: Runtime, tx: Tx, connection: Connection, cart: _Cart) -> None:
    signal, at = cart.signal, runtime.now()
    link = read_cart([(one.retailer_id or one.item_id, one.quantity) for one in cart.goods])
    resolved = (await resolve_in(tx, connection.store_id, connection.id, link, at=at)).resolved
    draft = DraftOrder(
        id=runtime.new_id(),
        store_id=connection.store_id,
        connection_id=connection.id,
        conversation_id=cart.conversation_id,
        channel=Channel(signal.channel.name),
        state=State.REQUESTED,
        lines=tuple(line.document(at=at) for line in resolved.lines),
        sent_lines=tuple(_plain(write_sent(one)) for one in cart.goods),
        note=plain(signal.text)[:LONGEST_NOTE],
        send_time=signal.send_time,
        expire_time=signal.send_time + LIFETIME,
        answer_time=None,
        local_order_id="",
        decline_reason="",
        checkout_link="",
    )
    if await db.add(tx, draft, plain(signal.mid or signal.digest), at=at):
        await _tell(tx, draft, "draft_order_requested", at=at)
        await _plan_expiry(tx, connection.id, draft.expire_time)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(value) if isinstance(value, str) else value for name, value in document.items()}


async def answer(runtime: Runtime, store_id: str, draft_order_id: UUID, given: Answer) -> DraftOrder:
    """Answer a draft order; the same answer again changes nothing.

    Raises:
        NotFound: DRAFT_ORDER_NOT_FOUND.
        FailedPrecondition: DRAFT_ORDER_ANSWERED, otherwise or too late.

    """
    async with runtime.db.begin() as tx:
        draft, at = await _lock(tx, store_id, draft_order_id), runtime.now()
        if draft.answered(given):
            return draft
        if draft.seen(at=at) is not State.REQUESTED:
            raise ended(draft, at=at)
        return await _change(tx, draft, given, at=at)


async def order_came(tx: Tx, store_id: str, draft_order_id: UUID, local_order_id: str, *, at: datetime) -> None:
    """Learn that an order came out of a draft order, which may have expired or been answered with a link; else it stays as it is.

    Raises:
        NotFound: DRAFT_ORDER_NOT_FOUND.

    """
    draft = await _lock(tx, store_id, draft_order_id)
    if draft.state not in {State.CREATED, State.DECLINED}:
        await _change(tx, draft, Answer(local_order_id=local_order_id), at=at)


async def _change(tx: Tx, draft: DraftOrder, given: Answer, *, at: datetime) -> DraftOrder:
    said = given._asdict() | ({"checkout_link": draft.checkout_link} if given.local_order_id else {})
    changed = await db.change(tx, draft.id, state=given.state, answer_time=at, **said)
    await _tell(tx, changed, "draft_order_changed", at=at)
    return changed


async def _lock(tx: Tx, store_id: str, draft_order_id: UUID) -> DraftOrder:
    draft = await db.find(tx, store_id, draft_order_id, lock=True)
    if draft is None:
        raise missing(str(draft_order_id))
    return draft


async def _tell(tx: Tx, draft: DraftOrder, kind: str, *, at: datetime) -> None:
    body = {"draft_order": draft.document(at=at)}
    await events.append(
        tx, Event(draft.store_id, draft.connection_id, f"conversation:{draft.conversation_id}", kind, body), at=at
    )


async def _plan_expiry(tx: Tx, connection_id: UUID, due: datetime) -> None:
    key = f"{Task.EXPIRE_DRAFTS}:{connection_id}"
    await outbox.add(tx, Task.EXPIRE_DRAFTS, due=due, connection_id=connection_id, key=key)


async def expire_drafts(runtime: Runtime, task: Taken) -> None:
    """End a connection's draft orders that nobody answered in time; come back when the next one's time is over."""
    if (connection_id := task.connection_id) is None:
        raise connections.missing("")
    async with runtime.db.begin() as tx:
        task, at = await outbox.hold(tx, task), runtime.now()
        over = await db.expire(tx, connection_id, at=at, limit=_PIECE)
        for draft in over:
            await _tell(tx, draft, "draft_order_changed", at=at)
        due = at if len(over) == _PIECE else await db.next_expiry(tx, connection_id)
        await (outbox.again(tx, task, due) if due else outbox.done(tx, task, at=at))


async def find_draft(runtime: Runtime, store_id: str, draft_order_id: UUID) -> DraftOrder:
    """Find a draft order.

    Raises:
        NotFound: DRAFT_ORDER_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        draft = await db.find(tx, store_id, draft_order_id)
    if draft is None:
        raise missing(str(draft_order_id))
    return draft


async def list_drafts(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    state: State | None,
    conversation_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[DraftOrder]:
    """List draft orders, the last sent first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        if conversation_id is not None:
            await messaging.require(tx, store_id, conversation_id)
        return await db.page(
            tx, connection.id, state=state, conversation_id=conversation_id, at=runtime.now(), after=after, limit=limit
        )
