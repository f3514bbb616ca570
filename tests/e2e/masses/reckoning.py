"""The reckoning of a mall: what StormCom asked for, beside what Meta holds, what `GetCommand` says, and what was told.

Four books about Meta (each effect once, pieces, money, names), two about what is told, one about how commands ended.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.call import Caller
from client.tour.simulation import Simulation
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import AckEventsRequest, PullEventsRequest
from stormcom.facebook.v1.order_command_pb2 import OrderCommand
from stormcom.facebook.v1.order_command_service_pb2 import GetCommandRequest
from tests.e2e.ledger import Balance, Value, compare, waiting
from tests.e2e.masses.mall import CANCELLED, SHIPPED, Shop, Sold

KINDS = ("ship", "cancel", "refund")
ENDED_WELL = frozenset({OrderCommand.STATE_SUCCEEDED, OrderCommand.STATE_ALREADY_DONE})
_MOST = 500


def told(caller: Caller) -> Iterator[Event]:
    """Hear everything that a store was ever told, each event once."""
    while True:
        request = PullEventsRequest(consumer="reckoning", max_events=_MOST)
        events = caller.call(caller.events.PullEvents, request).events
        if not events:
            return
        yield from events
        named = AckEventsRequest(consumer="reckoning", event_ids=[event.event_id for event in events])
        caller.call(caller.events.AckEvents, named)


@dataclass(frozen=True, slots=True)
class Books:
    """What is compared: one shop, what it sold, and how many of its orders Meta holds."""

    simulation: Simulation
    shop: Shop
    sold: Sequence[Sold]

    def balance(self) -> Balance:
        """Compare everything."""
        events = list(told(self.shop.caller))
        ended = {name: command for one in self.sold for name, command in self._commands(one)}
        return self._effects() + self._held(ended) + self._told_orders(events) + self._told_commands(events, ended)

    def _commands(self, one: Sold) -> Iterator[tuple[str, OrderCommand]]:
        for kind, command_id in one.commands.items():
            request = GetCommandRequest(command_id=command_id)
            answer = self.shop.caller.call(self.shop.caller.order_commands.GetCommand, request)
            yield f"{kind} {one.order.external_order_id}", answer.command

    def _effects(self) -> Balance:
        """Compare what was done at Meta, effect by effect."""
        found = Balance()
        for kind in ("acknowledge", *KINDS):
            query = f"/_simulator/pages/{self.shop.page_id}/effects?kind={kind}&limit=1000000"
            done = self.simulation._ask("GET", query)["effects"]
            asked = [one.order.external_order_id for one in self.sold if kind in one.commands or kind == "acknowledge"]
            found += compare(f"{kind} at Meta", dict.fromkeys(asked, ()), ((str(one["order_id"]), ()) for one in done))
        return found

    def _held(self, ended: Mapping[str, OrderCommand]) -> Balance:
        """Compare what became of each order there: our name of it, the pieces of its lines, the money that went back."""
        query = f"/_simulator/pages/{self.shop.page_id}/orders?limit=1000000"
        held = {str(one["id"]): one for one in self.simulation._ask("GET", query)["orders"]}
        must_be = {one.order.external_order_id: self._due(one, ended) for one in self.sold}
        return compare("orders at Meta", must_be, ((name, _value(one)) for name, one in held.items()))

    def _due(self, one: Sold, ended: Mapping[str, OrderCommand]) -> Value:
        name, second = one.order.external_order_id, one.order.lines[1]
        refund = ended.get(f"refund {name}")
        return (
            f"sc-{name}",
            SHIPPED if "ship" in one.commands else 0,
            CANCELLED if "cancel" in one.commands else 0,
            second.quantity if "ship" in one.commands else 0,
            *(one.refunds or (0, 0)),
            refund.amount.minor_units if refund else 0,
        )

    def _told_orders(self, events: Sequence[Event]) -> Balance:
        """Compare what StormCom heard of orders: each that there is one, and each that Meta knows, once."""
        once: dict[str, Value] = {one.order.external_order_id: () for one in self.sold}
        received = [(event.order_received.order.external_order_id, ()) for event in _of(events, "order_received")]
        known = [(event.order_acknowledged.order.external_order_id, ()) for event in _of(events, "order_acknowledged")]
        return compare("orders told", once, received) + compare("acknowledgements told", once, known)

    def _told_commands(self, events: Sequence[Event], ended: Mapping[str, OrderCommand]) -> Balance:
        """Compare the ends of commands, here and told, and the cancellations and refunds that came of them."""
        changed = [event.order_command_changed.command for event in _of(events, "order_command_changed")]
        ends: dict[str, Value] = {one.command_id: (one.state,) for one in ended.values()}
        over = [(one.command_id, (one.state,)) for one in changed if one.HasField("end_time")]
        undone: dict[str, Value] = {one.command_id: () for name, one in ended.items() if name.startswith("cancel")}
        paid: dict[str, Value] = {
            one.command_id: (one.amount.minor_units,) for name, one in ended.items() if name.startswith("refund")
        }
        cancelled = [(event.order_cancelled.command_id, ()) for event in _of(events, "order_cancelled")]
        refunded = [
            (event.order_refunded.command_id, (event.order_refunded.total.minor_units,))
            for event in _of(events, "order_refunded")
        ]
        states = ((name, OrderCommand.State.Name(one.state)) for name, one in ended.items())
        well = frozenset(map(OrderCommand.State.Name, ENDED_WELL))
        return (
            compare("ends told", ends, over)
            + compare("cancellations told", undone, cancelled)
            + compare("refunds told", paid, refunded)
            + waiting("commands", states, settled=well)
        )


def _of(events: Sequence[Event], kind: str) -> Iterator[Event]:
    return (event for event in events if event.WhichOneof("payload") == kind)


def _value(held: Mapping[str, Any]) -> Value:
    """Tell what became of an order at Meta."""
    first, second = held["items"]
    pieces = first["fulfilled"], first["cancelled"], second["fulfilled"]
    return (
        held["merchant_order_id"],
        *pieces,
        first["refunded_amount"],
        second["refunded_amount"],
        held["refunded_total"],
    )
