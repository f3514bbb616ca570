"""Lists returns, and says whether one can be answered; a command tells Meta."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from connector.connections import db as connections
from connector.order_changes.db import returns
from connector.order_changes.model import returns as model
from connector.order_changes.model.returns import METAS_WORDS, Return, State
from connector.order_commands import db as commands
from connector.order_commands.model.commands import Pieces
from connector.order_commands.model.wishes import ResolveReturn
from connector.orders.db import orders
from connector.orders.model.values import Order, missing
from connector.runtime import Runtime

Found = tuple[Return, Order]
"""A return, and its order: to name its lines."""


async def list_returns(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    *,
    order_id: UUID | None,
    state: State | None,
    after: tuple[datetime, UUID, str] | None,
    limit: int,
) -> Sequence[Found]:
    """List returns, the newest first, behind a place.

    Raises:
        NotFound: ORDER_NOT_FOUND.

    """
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        if order_id is not None and await orders.find(tx, store_id, order_id) is None:
            raise missing(str(order_id))
        found = await returns.page(tx, connection.id, order_id=order_id, state=state, after=after, limit=limit)
        named = {one.id: one for one in await orders.by_ids(tx, {one.order_id for one in found})}
    return [(one, named[one.order_id]) for one in found]


async def require_answerable(
    runtime: Runtime, store_id: str, order_id: UUID, answer: ResolveReturn, *, request_id: str
) -> ResolveReturn:
    """Return the answer with the lines of its return; refuse one to a return that is none, or was answered.

    What was answered under this `request_id` may be repeated.

    Raises:
        NotFound: ORDER_NOT_FOUND, RETURN_NOT_FOUND.
        FailedPrecondition: RETURN_RESOLVED.

    """
    async with runtime.db.begin() as tx:
        if await orders.find(tx, store_id, order_id) is None:
            raise missing(str(order_id))
        repeated = bool(await commands.by_request(tx, store_id, request_id))
        one = (await returns.of_order(tx, order_id)).get(answer.return_id)
    if one is None:
        raise model.missing(answer.return_id)
    if not repeated:
        model.require_answerable(one, METAS_WORDS[answer.status])
    return replace(answer, lines=tuple(Pieces(part.line_id, part.quantity) for part in one.parts))
