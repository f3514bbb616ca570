"""Builds that are broken on purpose, in the two ways that are easiest to write. The reckoning must find them out."""

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


def tell_first() -> None:
    """Tell StormCom of an order in one transaction, and note in the next that it was told."""
    append = events.append

    async def append_first(tx: Tx, *drafts: Draft, at: datetime) -> None:
        async with tx.engine.begin() as own:
            await append(own, *drafts, at=at)

    events.append = append_first


def make_fresh_keys() -> None:
    """Take a new key for each attempt."""
    send = GraphClient.send

    async def send_anew(self: GraphClient, call: Call[Any], access: Access | None) -> Any:
        if call.body and "idempotency_key" in call.body:
            call = dataclasses.replace(call, body={**call.body, "idempotency_key": uuid4().hex})
        return await send(self, call, access)

    GraphClient.send = send_anew  # type: ignore[method-assign] # breaking it is the purpose


BUILDS: dict[str, Callable[[], None]] = {"tell_first": tell_first, "make_fresh_keys": make_fresh_keys}
