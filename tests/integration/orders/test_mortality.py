"""A worker is killed at every place between a buyer's order and Meta's knowing that StormCom has it: one of everything is left."""

from collections import Counter
from contextlib import suppress
from itertools import count
from uuid import UUID

from connector.db.outbox import Task
from connector.orders import actions
from connector.orders.actions import Answer, Outcome
from connector.runtime import Runtime
from stormcom.facebook.v1 import order_service_pb2 as pb
from tests.integration.conftest import STORE
from tests.integration.orders.conftest import Mall, Order
from tests.integration.orders.mortality import Fuse, Killed, mortal, turn_of
from tests.integration.orders.test_answers import held

IMPORTING, ACKNOWLEDGING = {Task.POLL_ORDERS, Task.IMPORT_ORDERS, Task.READ_ORDER}, {Task.ACKNOWLEDGE_ORDERS}


async def bring_in(mall: Mall, name: str, runtime: Runtime) -> None:
    """Go all the way of an order: looked for, read, answered, acknowledged."""
    await turn_of(runtime, IMPORTING)
    order = await mall.get(name)
    await actions.answer(runtime, STORE, UUID(order.order_id), Answer(Outcome.CREATED, f"sc-{name}"))
    await turn_of(runtime, ACKNOWLEDGING)


async def test_a_killed_worker_leaves_one_of_everything(mall: Mall) -> None:
    """One order, one command to StormCom, one mapping, one acknowledgement and no hold, wherever the worker died."""
    names: list[str] = []
    for place in count(1):
        (name,) = await mall.place(lines=[{"retailer_id": "sc_p1", "quantity": 1, "price": "20.00"}])
        names.append(name)
        mall.clock.advance(seconds=30)
        await mall.orders.PollOrders(pb.PollOrdersRequest(store_id=STORE))
        fuse = Fuse(place)
        with suppress(Killed):
            await bring_in(mall, name, mortal(mall.runtime, fuse))
        mall.clock.advance(seconds=30)  # the dead worker's leases are over
        await bring_in(mall, name, mall.runtime)
        mall.clock.advance(seconds=30)
        await turn_of(mall.runtime, IMPORTING)  # as it is after the acknowledgement
        if not fuse.blown:
            break
    assert 10 < len(names) < 40, "places were lost, or there is no end of them"
    found = await mall.find()
    assert {name: f"sc-{name}" for name in names} == {one.external_order_id: one.local_order_id for one in found}
    assert {Order.IMPORT_STATE_ACKNOWLEDGED} == {one.import_state for one in found}
    once_each = dict.fromkeys(names, 1)
    assert once_each == Counter(one.order_id for one in mall.effects("acknowledge"))
    for kind in ("order_received", "order_acknowledged"):
        assert once_each == Counter(one["order"]["external_order_id"] for one in await mall.told(kind)), kind
    assert 0 == await held(mall)
