"""A store that has an order of Meta's, and tells Meta what it does with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import grpc
import pytest

from connector.order_commands import db
from simulator.orders.state import Effect
from stormcom.facebook.v1 import order_command_pb2, order_pb2
from stormcom.facebook.v1 import order_command_service_pb2 as pb
from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsStub
from tests.integration.conftest import STORE
from tests.integration.orders.conftest import Mall
from tests.integration.orders.conftest import linked as linked
from tests.integration.orders.conftest import mall as mall
from tests.integration.orders.conftest import settings as settings
from tests.integration.orders.conftest import world as world

if TYPE_CHECKING:
    from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsAsyncStub

Command = order_command_pb2.OrderCommand
Order = order_pb2.Order
DHL = order_command_pb2.Tracking(carrier="dhl", tracking_number="T-1")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where StormCom's people ship, cancel and refund."""

    mall: Mall
    commands: "FacebookOrderCommandsAsyncStub"
    numbers: "count[int]"

    async def bought(self, *, pieces: int = 3, price: str = "20.00", **document: Any) -> Order:
        """Let a buyer order; StormCom has it, and Meta knows."""
        document.setdefault("lines", [{"retailer_id": "p1", "quantity": pieces, "price": price, "tax": "1.50"}])
        order = await self.mall.bought(**document)
        await self.mall.answer(order, f"sc-{next(self.numbers)}")
        await self.mall.turn()
        order = await self.mall.get(order.external_order_id)
        assert Order.IMPORT_STATE_ACKNOWLEDGED == order.import_state
        return order

    def wish(self, order: Order) -> dict[str, Any]:
        """Name an order in a new wish."""
        return {"store_id": STORE, "order_id": order.order_id, "request_id": f"wish-{next(self.numbers)}"}

    async def ship(self, order: Order, *pieces: int, shipment_id: str = "s1", **said: Any) -> Command:
        """Ship pieces of the lines, all that is left when none are named."""
        request = pb.FulfillOrderRequest(
            **self.wish(order), shipment_id=shipment_id, lines=_lines(order, pieces), **said
        )
        return (await self.commands.FulfillOrder(request)).command

    async def cancel(self, order: Order, *pieces: int, **said: Any) -> Command:
        """Cancel pieces of the lines, all that is left when none are named."""
        request = pb.CancelOrderRequest(**self.wish(order), lines=_lines(order, pieces), **said)
        return (await self.commands.CancelOrder(request)).command

    async def refund(self, order: Order, *pieces: int, **said: Any) -> Command:
        """Pay back pieces of the lines, or what is said."""
        lines = [
            order_command_pb2.RefundLine(line_id=line.line_id, quantity=quantity)
            for line, quantity in zip(order.lines, pieces, strict=False)
        ]
        told: dict[str, Any] = {"reason": order_command_pb2.REFUND_REASON_DAMAGED_GOODS, "lines": lines} | said
        return (await self.commands.RefundOrder(pb.RefundOrderRequest(**self.wish(order), **told))).command

    async def done(self, command: Command) -> Command:
        """Do whatever is due; tells the command as it then is."""
        await self.mall.turn()
        return await self.now(command)

    async def now(self, command: Command) -> Command:
        """Tell a command as it is."""
        return (await self.commands.GetCommand(pb.GetCommandRequest(**self.named(command)))).command

    def named(self, command: Command) -> dict[str, Any]:
        """Name a command in a request."""
        return {"store_id": STORE, "command_id": command.command_id}

    async def shipped(self, **said: Any) -> Order:
        """Have an order of which everything is shipped."""
        order = await self.bought(**said)
        command = await self.done(await self.ship(order))
        assert Command.STATE_SUCCEEDED == command.state, command
        return await self.mall.get(order.external_order_id)

    async def fail(self, kind: str, times: int = 1, *, path: str = "", **action: Any) -> None:
        """Let the next writes of an order go wrong at Meta."""
        match = {
            "method": "POST",
            "path": path or "/(shipments|update_shipment|cancellations|refunds|returns|acknowledge_order)$",
        }
        await self.mall.control("POST", "/faults", {"match": match, "times": times, "action": {"kind": kind, **action}})

    async def settled(self, commands: Sequence[Command]) -> set[int]:
        """Do what is due, and what is tried again, until all are over; tells in which states they ended."""
        for _ in range(12):
            await self.mall.turn()
            states = {(await self.now(one)).state for one in commands}
            if not states & {Command.STATE_WAITING, Command.STATE_SENT}:
                break
            self.mall.clock.advance(minutes=10, seconds=1)
        return set(states)

    async def keys(self, command: Command) -> list[str]:
        """Tell the keys of a command's attempts."""
        async with self.mall.runtime.db.begin() as tx:
            kept = await db.require(tx, STORE, UUID(command.command_id))
        return [one.key for one in kept.attempts]

    def effects(self, kind: str) -> list[Effect]:
        """List what happened to orders at Meta."""
        return list(self.mall.effects(kind))


def _lines(order: Order, pieces: tuple[int, ...]) -> list[order_pb2.LineQuantity]:
    named = zip(order.lines, pieces, strict=False)
    return [order_pb2.LineQuantity(line_id=line.line_id, quantity=quantity) for line, quantity in named if quantity]


@pytest.fixture
def desk(mall: Mall, channel: grpc.aio.Channel) -> Desk:
    """The desk of a store whose orders we manage."""
    return Desk(mall, FacebookOrderCommandsStub(channel), count(1))
