"""Asks Meta about orders in the background: room before every call, all pages of a list, and whether the road itself is closed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from connector.connections import actions as connections
from connector.connections.graph.subscriptions import page_bucket
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.errors import MetaRefused, Unavailable
from connector.graph.call import Call, Listed
from connector.graph.client import Access
from connector.orders import graph
from connector.orders.model.accounts import Account
from connector.orders.model.refusals import says_gone
from connector.runtime import Runtime

T = TypeVar("T")
ORDERS = CapabilityKind.ORDER_MANAGEMENT
_MOST_PAGES = 1_000


@dataclass(frozen=True, slots=True)
class Road:
    """The way from a task to the orders of an account at Meta."""

    runtime: Runtime
    task: Taken
    connection: Connection
    account: Account
    access: Access

    async def ask(self, call: Call[T]) -> T:
        """Make one call once there is room for it; the task must still be ours."""
        async with self.runtime.db.begin() as tx:
            await outbox.hold(tx, self.task)
            await connections.require_room(self.runtime, tx, self.connection, page_bucket(self.connection.page_id))
        return await self.runtime.graph.send(call, self.access)

    async def ask_all(self, write: Callable[[str], Call[Listed[T]]], after: str = "") -> list[T]:
        """Read all pages of a list, or all behind a cursor, which is forgotten with the turn.

        Raises:
            Unavailable: the list does not end: a part of it would look like all of it.

        """
        found: list[T] = []
        for _ in range(_MOST_PAGES):
            page = await self.ask(write(after))
            found += page.entries
            if not (after := page.after):
                return found
        raise Unavailable(
            "META_UNAVAILABLE", f"Meta's list does not end after {_MOST_PAGES} pages; it is read again later"
        )

    async def lost(self, error: MetaRefused) -> bool:
        """Tell whether a refusal means that this one order is gone, and not the whole road: then orders can still be listed.

        Raises:
            MetaRefused: nothing can be listed either.

        """
        if not says_gone(error):
            return False
        await self.ask(graph.list_orders(self.account.commerce_account_id, self.connection.page_id, ("CREATED",)))
        return True


async def open_road(runtime: Runtime, task: Taken, connection: Connection, account: Account) -> Road:
    """Open the way to an account's orders with the Page's token."""
    return Road(runtime, task, connection, account, await connections.access(runtime, connection))
