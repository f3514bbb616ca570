"""The stores a storm rages over: each connected to a Page of its own with many people."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from client.call import Caller, open_channel
from client.tour.simulation import Simulation, allow
from stack.supervisor import Stack
from stormcom.facebook.v1.connection_pb2 import Capability
from stormcom.facebook.v1.connector_service_pb2 import BeginConnect, ChooseAssets, ConnectRequest, GetStatusRequest
from stormcom.facebook.v1.order_service_pb2 import AssociateOrderManagementRequest

PATIENCE = timedelta(minutes=3)
"""How long a call is repeated: whatever it needs may be down again and again."""
PATIENCE_SECONDS = 150.0
"""How long something may take that takes seconds at most on a machine that has nothing else to do."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Town:
    """Stores in the order of their Pages' ids, and the people of each Page."""

    callers: Sequence[Caller]
    people: dict[str, list[str]]


def found(stack: Stack, number: int, *, stores: int, people: int = 0, page: Mapping[str, Any] | None = None) -> Town:
    """Make stores with so many people each; towns of other numbers share nothing with it. `page` is more about each Page."""
    simulation = Simulation(stack.simulator_url)
    callers, pages = [], {}
    for store in range(stores):
        key = 10**11 * number + 10**9 + store
        user, business, page_id = (f"{kind}{key:016d}" for kind in (1, 2, 3))
        pages[page_id] = [f"7{key * 1000 + person:018d}" for person in range(people)]
        seeded = {
            **(page or {}),
            "id": page_id,
            "name": f"Page {store}",
            "business_id": business,
            "people": [{"psid": psid, "name": f"Person {psid[-3:]}"} for psid in pages[page_id]],
        }
        names = {"user": {"id": user, "name": "Mina Merchant"}, "businesses": [{"id": business, "name": "Ltd"}]}
        simulation._ask("POST", "/_simulator/seed", {**names, "pages": [seeded]})
        caller = Caller(
            channel=open_channel(stack.addresses["connector"]),
            token=stack.token,
            store_id=f"town-{number}-{store}",
            patience=PATIENCE,
        )
        _connect(caller, user, page_id)
        callers.append(caller)
    return Town(callers, pages)


def _connect(caller: Caller, user_id: str, page_id: str) -> None:
    begun = caller.call(caller.connector.Connect, ConnectRequest(begin=BeginConnect()))
    allow(begun.open_dialog.url, user_id)
    connection_id = begun.connection.connection_id
    choose = ChooseAssets(page_id=page_id)
    caller.call(caller.connector.Connect, ConnectRequest(connection_id=connection_id, choose=choose))
    status = GetStatusRequest(connection_id=connection_id)
    await_for("the first tasks", lambda: not caller.call(caller.connector.GetStatus, status).status.backlog.task_count)


def take_over(caller: Caller) -> None:
    """Take the orders of a store's Page over, as soon as the connector has found out that Meta still answers for them here."""

    def able() -> bool:
        status = caller.call(caller.connector.GetStatus, GetStatusRequest()).status
        states = {one.kind: one.state for one in status.connection.capabilities}
        return states.get(Capability.KIND_ORDER_MANAGEMENT) == Capability.STATE_ACTIVE

    await_for("the road of orders", able)
    caller.call(caller.orders.AssociateOrderManagement, AssociateOrderManagementRequest())


def await_for(
    what: str, look: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS, poll_seconds: float = _POLL_SECONDS
) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds:g} s")
        time.sleep(poll_seconds)
