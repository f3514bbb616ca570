"""Whose a Page's messages are while the Page moves from store to store."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text

from connector.connections import actions
from connector.runtime import Runtime
from connector.values import Environment
from connector.webhooks import actions as webhooks
from connector.webhooks.model import Arrival
from tests.integration.conftest import Clock
from tests.integration.connections.conftest import Connect
from tests.integration.webhooks.bodies import envelope, wrote

# Who has the Page after each step, and whose the message is that comes then.
HISTORY = [("store_1", "store_1"), ("store_2", "store_2"), ("", "store_1"), ("store_1", "store_1")]


async def test_every_message_stays_with_who_had_the_page(
    runtime: Runtime, connect: Connect, turn: Callable[[], Awaitable[int]], clock: Clock
) -> None:
    """However a Page moves, a message is its owner's and stays with it; what came while nobody had the Page is the next owner's."""
    owner = ""
    for number, (now, _) in enumerate(HISTORY):
        if owner and owner != now:
            await actions.disconnect(runtime, owner, "")
        if now and owner != now:
            await connect(now)
        owner = now
        await turn()
        async with webhooks.keeping(runtime) as keep:
            await keep([Arrival(Environment.TEST, envelope(wrote(number, f"m_{number}", str(number))), "sha256=…")])
        await turn()
    clock.advance(minutes=1)
    await turn()
    assert [store for _, store in HISTORY] == [store for (store,) in await _stores(runtime)]


async def _stores(runtime: Runtime) -> list[Any]:
    async with runtime.db.connect() as connection:
        return [*await connection.execute(text("SELECT store_id FROM messages ORDER BY text::int"))]
