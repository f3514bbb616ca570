"""Six things happen to an order, at Meta, at StormCom and here, in whatever sequence: it ends as Meta holds it, and each is told once.

All sequences go through the pure machine (`tests/unit/orders/test_steps.py`); a sample, drawn by a seed, goes through everything.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import grpc
import pytest

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.events import db as events
from connector.orders import graph
from connector.orders.actions.planning import plan_reading
from connector.orders.actions.reading import apply
from connector.orders.db import orders as db
from connector.orders.graph import Reading
from connector.orders.model.states import State
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from stormcom.facebook.v1 import order_pb2
from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.order_changes.doings import LAMPS, act, pieces, ship
from tests.integration.orders.conftest import Mall, Order

if TYPE_CHECKING:
    from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsAsyncStub

SAMPLE, LENGTH, SEED = 24, 6, 20261122
Heard = tuple[str, Mapping[str, Any]]
REFUSED = {"ORDER_STATE_INVALID", "QUANTITY_EXCEEDED"}


@dataclass(frozen=True, slots=True)
class Case:
    """An order and what is to happen to it; `first` is the first copy that Meta ever showed of it."""

    mall: Mall
    commands: "FacebookOrderCommandsAsyncStub"
    order: Order
    first: Reading
    events: tuple[str, ...]

    async def take(self) -> None:
        """Let StormCom make an order of it."""
        await self.mall.answer(self.order, f"sc-{self.order.external_order_id}")

    async def look(self) -> None:
        """Have it read."""
        async with self.mall.runtime.db.begin() as tx:
            at, connection_id = self.mall.runtime.now(), UUID(self.order.connection_id)
            await plan_reading(tx, connection_id, [UUID(self.order.order_id)], at=at)

    async def late_page(self) -> None:
        """Take in what Meta showed in the beginning."""
        async with self.mall.runtime.db.begin() as tx:
            order = await db.by_id(tx, UUID(self.order.order_id), lock=True)
            connection = await connections.by_id(tx, UUID(self.order.connection_id))
            assert order is not None
            assert connection is not None
            await apply(self.mall.runtime, tx, connection, order, self.first)

    async def ship(self) -> None:
        """Let StormCom ship a piece, unless it cannot be any more, or yet."""
        line = order_pb2.LineQuantity(line_id=self.order.lines[0].line_id, quantity=1)
        named: Mapping[str, Any] = {
            "store_id": STORE,
            "order_id": self.order.order_id,
            "request_id": f"ship-{self.order.order_id}",
        }
        try:
            await self.commands.FulfillOrder(pb.FulfillOrderRequest(**named, shipment_id="s1", lines=[line]))
        except grpc.aio.AioRpcError as refused:
            if reason_of(refused)[0] not in REFUSED:
                raise

    async def parcel(self) -> None:
        """Let the merchant ship a piece at Meta, where Meta lets."""
        there = self.mall.meta(self.order.external_order_id)
        if there.items[0].open and there.state == "IN_PROGRESS":
            ship(self.mall, self.order, 1)

    async def refund(self) -> None:
        """Let Meta pay a piece back, if one was charged."""
        item = self.mall.meta(self.order.external_order_id).items[0]
        if item.fulfilled > item.refunded:
            one = pieces(self.order, 1, name="item_refund_quantity")
            await act(self.mall, self.order, "refund", by="meta", items=one)

    async def cancel(self) -> None:
        """Let the buyer cancel a piece that is left."""
        if self.mall.meta(self.order.external_order_id).items[0].open:
            await act(self.mall, self.order, "cancel", items=pieces(self.order, 1))

    async def send_back(self) -> None:
        """Let the buyer ask for a return of a piece, if one was shipped."""
        there = self.mall.meta(self.order.external_order_id)
        if there.items[0].fulfilled > len(there.returns):
            await act(self.mall, self.order, "return", items=pieces(self.order, 1))

    async def touch(self) -> None:
        """Let nothing change but the time of the last change."""
        await self.mall.control("POST", f"/orders/{self.order.external_order_id}/touch", {})


EVENTS: Mapping[str, Callable[[Case], Awaitable[None]]] = {
    "take": Case.take, "look": Case.look, "late page": Case.late_page, "ship": Case.ship, "parcel": Case.parcel,
    "refund": Case.refund, "cancel": Case.cancel, "return": Case.send_back, "touch": Case.touch,
}  # fmt: skip


@pytest.fixture
async def cases(mall: Mall, channel: grpc.aio.Channel) -> list[Case]:
    """Orders of three pieces that StormCom was told of, each with its own sequence of what is to happen."""
    noise, commands = random.Random(SEED), FacebookOrderCommandsStub(channel)  # noqa: S311 – to be repeatable
    await mall.place(lines=LAMPS, count=SAMPLE)
    await mall.look()
    mall.clock.advance(seconds=6)
    orders = await mall.find()
    first = await _read(mall, orders)
    return [
        Case(mall, commands, order, first[order.external_order_id], tuple(noise.sample(list(EVENTS), LENGTH)))
        for order in orders
    ]


async def _read(mall: Mall, orders: list[Order]) -> dict[str, Reading]:
    """Read what Meta shows of orders now."""
    found = {}
    async with mall.runtime.db.begin() as tx:
        connection = await connections.by_id(tx, UUID(mall.connection_id))
    assert connection is not None
    access = await connection_actions.access(mall.runtime, connection)
    for order in orders:
        name, page_id = order.external_order_id, connection.page_id
        told = await mall.runtime.graph.send(graph.read_order(name, page_id), access)
        items = await mall.runtime.graph.send(graph.list_items(name, page_id, after=""), access)
        found[name] = graph.read(told, items.entries, [])
    return found


async def test_a_sample_of_all_sequences_ends_as_meta_holds_it(mall: Mall, cases: list[Case]) -> None:
    """State, pieces and names are Meta's; every cancellation and refund is told once, and nothing that StormCom hears of an order goes back."""
    for step in range(LENGTH):
        for case in cases:
            await EVENTS[case.events[step]](case)
        mall.clock.advance(seconds=6)
        if step % 2:
            await mall.turn()
    for _ in range(2):
        await mall.look()
        mall.clock.advance(minutes=6)
    after = {order.order_id: order for order in await mall.find()}
    heard = await _heard(mall)
    for case in cases:
        found = after[case.order.order_id]
        assert _held(case) == _kept(found), case.events
        assert _happened(case) == _told(heard[found.order_id]), case.events
        told = [_progress(body["order"]) for _, body in heard[found.order_id] if "order" in body]
        assert all(
            before <= later for earlier, now in pairwise(told) for before, later in zip(earlier, now, strict=True)
        ), case.events


def _held(case: Case) -> tuple[Any, ...]:
    """Tell how Meta holds an order."""
    there = case.mall.meta(case.order.external_order_id)
    (item,) = there.items
    gone = State.CANCELLED if item.cancelled == item.quantity else State(there.state)
    name = f"sc-{there.id}" if "take" in case.events else ""
    assert there.merchant_order_id in {name, ""}, case.events  # what was cancelled before cannot be acknowledged
    return gone, item.fulfilled, item.cancelled, item.refunded, name


def _kept(order: Order) -> tuple[Any, ...]:
    """Tell how we keep it."""
    (line,) = order.lines
    state = State(Order.State.Name(order.state).removeprefix("STATE_"))
    return state, line.shipped_quantity, line.cancelled_quantity, line.refunded_quantity, order.local_order_id


STATES = ("STATE_CREATED", "STATE_IN_PROGRESS", "STATE_COMPLETED", "STATE_CANCELLED")


def _progress(order: Mapping[str, Any]) -> tuple[int, ...]:
    """Tell how far an order was when StormCom heard of it: its version, its state, the pieces that met each fate."""
    (line,) = order["lines"]
    pieces_of = (line[f"{fate}_quantity"] for fate in ("shipped", "cancelled", "refunded"))
    return order["version"], STATES.index(order["state"]), *pieces_of


def _happened(case: Case) -> dict[str, int]:
    """Count what happened to an order at Meta."""
    there = case.mall.meta(case.order.external_order_id)
    counts = len(there.cancellations), len(there.refunds), len(there.returns)
    return {"order_received": 1} | dict(
        zip(("order_cancelled", "order_refunded", "return_changed"), counts, strict=True)
    )


def _told(heard: list[Heard]) -> dict[str, int]:
    """Count what StormCom heard of it."""
    counted = Counter(kind for kind, _ in heard)
    return {kind: counted[kind] for kind in ("order_received", "order_cancelled", "order_refunded", "return_changed")}


async def _heard(mall: Mall) -> dict[str, list[Heard]]:
    """List what StormCom heard of each order, oldest first."""
    heard: dict[str, list[Heard]] = {}
    async with mall.runtime.db.begin() as tx:
        for one in await events.behind(tx, STORE, 0, limit=5_000):
            heard.setdefault(one.ordering_key.removeprefix("order:"), []).append((one.kind, one.body))
    return heard
