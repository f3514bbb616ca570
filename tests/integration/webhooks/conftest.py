"""Deliveries straight into the database, as the ingress keeps them."""

from collections.abc import Awaitable, Callable

import pytest

from connector.runtime import Runtime
from connector.values import Environment
from connector.webhooks import actions
from connector.webhooks.model import Arrival

Deliver = Callable[..., Awaitable[None]]


@pytest.fixture
def deliver(runtime: Runtime, turn: Callable[[], Awaitable[int]]) -> Deliver:
    """Keep deliveries, in this order, and work them off."""

    async def deliver(*bodies: bytes) -> None:
        async with actions.keeping(runtime) as keep:
            for body in bodies:
                await keep([Arrival(Environment.TEST, body, "sha256=…")])
        await turn()

    return deliver
