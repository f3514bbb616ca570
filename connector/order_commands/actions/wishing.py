"""What StormCom wants done with an order: checked against what we know and what waits, kept, and the task that tells Meta asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind
from connector.connections.model import State as ConnectionState
from connector.db.schema import Tx
from connector.errors import AlreadyExists
from connector.order_commands import db
from connector.order_commands.actions.telling import ask_to_send, end, names_of, tell
from connector.order_commands.model.commands import OPEN, Command, Names, State, immovable
from connector.order_commands.model.wishes import Asking, check_again, digest, make_wish
from connector.orders.db import orders
from connector.orders.model.values import Order, missing
from connector.runtime import Runtime

Told = tuple[Command, dict[str, Names]]
"""A command, and what the lines of its order are called."""


async def ask(
    runtime: Runtime, store_id: str, order_ids: Sequence[UUID], asking: Asking, *, request_id: str
) -> list[Told]:
    """Keep the wish to do something with orders, all or none, and ask for the tasks that do it; the same `request_id` returns the same.

    Raises:
        NotFound: ORDER_NOT_FOUND, ORDER_LINE_UNKNOWN, SHIPMENT_NOT_FOUND.
        AlreadyExists: REQUEST_ID_REUSED, SHIPMENT_EXISTS, TRACKING_REPEATED.
        FailedPrecondition: ORDER_STATE_INVALID, QUANTITY_EXCEEDED, REFUND_EXCEEDED, REFUND_BY_AMOUNT_ONLY, or what keeps the
            connection from working.

    """
    async with runtime.db.begin() as tx:
        found = {order_id: await _lock(tx, store_id, order_id) for order_id in sorted(order_ids)}
        known = await db.by_request(tx, store_id, request_id)
        if known:
            _require_same(known, found, asking, request_id)
            by_order = {one.order_id: one for one, _ in known}
            return [(by_order[order_id], names_of(found[order_id])) for order_id in order_ids]
        return [await _keep(runtime, tx, found[order_id], asking, request_id) for order_id in order_ids]


async def _lock(tx: Tx, store_id: str, order_id: UUID) -> Order:
    order = await orders.find(tx, store_id, order_id, lock=True)
    if order is None:
        raise missing(str(order_id))
    return order


def _require_same(
    known: Sequence[tuple[Command, bytes]], found: Mapping[UUID, Order], asking: Asking, request_id: str
) -> None:
    if {one.order_id for one, _ in known} != found.keys() or any(told != digest(asking) for _, told in known):
        message = "This request_id was used for another command: take a new one for a new wish"
        raise AlreadyExists("REQUEST_ID_REUSED", message, request_id=request_id)


async def _keep(runtime: Runtime, tx: Tx, order: Order, asking: Asking, request_id: str) -> Told:
    await require_road(tx, order)
    at = runtime.now()
    wish = make_wish(asking, order, await db.of_order(tx, order.id), now=at)
    command = Command(
        id=runtime.new_id(),
        store_id=order.store_id,
        connection_id=order.connection_id,
        order_id=order.id,
        external_order_id=order.external_order_id,
        state=State.WAITING,
        wish=wish,
        currency_code=order.currency_code,
        attempts=(),
        first_attempt=0,
        answered=False,
        external_id="",
        amount=None,
        problem=None,
        retry_time=None,
        create_time=at,
        end_time=None,
    )
    await db.add(tx, command, request_id=request_id, digest=digest(asking))
    await ask_to_send(runtime, tx, order)
    return command, names_of(order)


async def require_road(tx: Tx, order: Order) -> None:
    """Refuse what can never reach Meta; a connection that waits for a login may hope for it.

    Raises:
        NotFound, FailedPrecondition: STORE_NOT_CONNECTED, or the reason that blocks the capability.

    """
    connection = await connections.require(tx, order.store_id, order.connection_id)
    if connection.state is not ConnectionState.NEEDS_LOGIN:
        connections.require_connected(connection)
        connection_actions.require_capability(connection, CapabilityKind.ORDER_MANAGEMENT)


async def wait_for(runtime: Runtime, command: Command, timeout: timedelta) -> Command:
    """Wait until a command is over, at most `timeout`; tells it as it then is."""
    until = runtime.now() + timeout
    while True:
        ear = runtime.bell.ear(db.CHANNEL, str(command.id))
        async with runtime.db.begin() as tx:
            command = await db.require(tx, command.store_id, command.id)
        left = until - runtime.now()
        if command.state not in OPEN or left <= timedelta():
            return command
        await runtime.bell.wait(ear, min(left, timedelta(seconds=1)))


async def retry(runtime: Runtime, store_id: str, command_id: UUID) -> Told:
    """Try a failed command again; under the same key when nobody knows what became of it, else under a new one.

    Raises:
        NotFound, AlreadyExists, FailedPrecondition: COMMAND_NOT_FOUND, COMMAND_STATE_INVALID, or why it cannot be any more.

    """
    async with runtime.db.begin() as tx:
        command, order = await _with_order(tx, store_id, command_id)
        if command.state in OPEN:
            return command, names_of(order)
        if command.state is not State.FAILED or not command.wish.body:
            raise immovable(command, "tried again")
        await require_road(tx, order)
        check_again(command.wish, order, await db.of_order(tx, order.id), now=runtime.now())
        fresh: dict[str, Any] = {
            "state": State.WAITING,
            "first_attempt": len(command.attempts),
            "end_time": None,
            "retry_time": None,
        }
        command = await db.change(tx, command, **fresh)
        await tell(runtime, tx, order, command)
        await ask_to_send(runtime, tx, order)
        return command, names_of(order)


async def cancel(runtime: Runtime, store_id: str, command_id: UUID) -> Told:
    """Take a command back that did not go out.

    Raises:
        NotFound, FailedPrecondition: COMMAND_NOT_FOUND, COMMAND_STATE_INVALID.

    """
    async with runtime.db.begin() as tx:
        command, order = await _with_order(tx, store_id, command_id)
        if command.state is State.CANCELLED:
            return command, names_of(order)
        if command.state is not State.WAITING or command.uncertain:
            raise immovable(command, "taken back")
        return await end(runtime, tx, order, command, State.CANCELLED), names_of(order)


async def _with_order(tx: Tx, store_id: str, command_id: UUID) -> tuple[Command, Order]:
    """Lock a command's order before it (`orders.db` tells the order of locks)."""
    command = await db.require(tx, store_id, command_id)
    order = await _lock(tx, store_id, command.order_id)
    return await db.require(tx, store_id, command_id, lock=True), order


async def get(runtime: Runtime, store_id: str, command_id: UUID) -> Told:
    """Tell one command."""
    async with runtime.db.begin() as tx:
        command = await db.require(tx, store_id, command_id)
        order = await orders.find(tx, store_id, command.order_id)
        return command, names_of(order) if order else {}


async def list_commands(
    runtime: Runtime,
    store_id: str,
    connection_id: str,
    which: db.Filter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Told]:
    """List commands, the newest first, behind a place."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        if which.order_id is not None and await orders.find(tx, store_id, which.order_id) is None:
            raise missing(str(which.order_id))
        found = await db.page(tx, connection.id, which, after=after, limit=limit)
        names = await db.names(tx, {one.order_id for one in found})
        return [(one, names.get(one.order_id, {})) for one in found]
