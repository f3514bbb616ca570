"""Builds that are broken on purpose, in the ways that are easiest to write. The reckoning must find them out."""

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.graph.call import Call
from connector.graph.client import Access, GraphClient
from connector.registry.db import orders
from connector.registry.db.orders import OrderMapping

_mapping: list[asyncio.Task[None]] = []


def tell_first() -> None:
    """Tell StormCom of an order in one transaction, and note in the next that it was told."""
    append = events.append

    async def append_first(tx: Tx, *drafts: Draft, at: datetime) -> None:
        async with tx.engine.begin() as own:
            await append(own, *drafts, at=at)

    events.append = append_first


def map_later() -> None:
    """Take StormCom's answer to an order in one transaction, and write down what it stands for in the next."""
    map_order = orders.map_order

    async def map_after(tx: Tx, mapping: OrderMapping, *, at: datetime) -> OrderMapping:
        async def then() -> None:
            while tx.in_transaction():  # noqa: ASYNC110 – nothing tells of its end
                await asyncio.sleep(0)
            async with tx.engine.begin() as own:
                await map_order(own, mapping, at=at)

        _mapping.append(asyncio.create_task(then()))
        return mapping

    orders.map_order = map_after  # whoever uses it is loaded later


def make_fresh_keys() -> None:
    """Take a new key for each attempt."""
    send = GraphClient.send

    async def send_anew(self: GraphClient, call: Call[Any], access: Access | None) -> Any:
        if call.body and "idempotency_key" in call.body:
            call = dataclasses.replace(call, body={**call.body, "idempotency_key": uuid4().hex})
        return await send(self, call, access)

    GraphClient.send = send_anew  # type: ignore[method-assign] # breaking it is the purpose


BUILDS: dict[str, Callable[[], None]] = {
    "tell_first": tell_first,
    "map_later": map_later,
    "make_fresh_keys": make_fresh_keys,
}
