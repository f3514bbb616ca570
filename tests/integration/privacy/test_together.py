"""A deletion beside work that is under way: whatever comes first, nothing of the person is left."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from connector.attribution.actions.recording import Said, record
from connector.attribution.model.orders import Line, Recording, Totals
from connector.checkout.model.links import Channel
from connector.conversions.model.matching import Buyer
from connector.db.schema import Tx, at_once
from connector.registry.db.orders import OrderMapping, map_order
from connector.runtime import Runtime
from tests.integration.conftest import STORE, Clock
from tests.integration.privacy.conftest import PSID, Canary

WISH = Recording("sc-1", Channel.MESSENGER, "USD", (Line("", "p1", "", 1, 100, 0, 100),), Totals(100, 0, 0, 0, 100))
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def until_they_wait(runtime: Runtime, count: int, *under_way: asyncio.Task[Any]) -> None:
    """Wait until so many wait for a lock, or all that is under way is over."""
    async with at_once(runtime.db) as look:
        # Locks of PostgreSQL's ring no bell.
        while (await look.scalar(text(WAITING)) or 0) < count and not all(one.done() for one in under_way):  # noqa: ASYNC110 – see above
            await asyncio.sleep(0.01)


@pytest.fixture
async def chatting(canary: Canary) -> UUID:
    """The conversation of the person, which nobody but an order knows anything of."""
    return UUID(await canary.live())


async def block(tx: Tx, canary: Canary) -> None:
    """Hold up whoever records the order, when they write its name down."""
    await map_order(tx, OrderMapping(STORE, WISH.channel, WISH.name_on_channel, "other"), at=canary.runtime.now())


async def test_an_order_that_is_being_recorded_keeps_no_conversation(
    canary: Canary, chatting: UUID, clock: Clock
) -> None:
    """A deletion in the midst of a recording waits for it, and takes the person out of the order and of its event."""
    clock.advance(minutes=1)
    said = Said(replace(WISH, conversation_id=chatting), Buyer(), skip_conversion=True)
    async with canary.runtime.db.connect() as hurdle:
        transaction = await hurdle.begin()
        await block(hurdle, canary)
        recording = asyncio.create_task(record(canary.runtime, STORE, canary.connection_id, said))
        await until_they_wait(canary.runtime, 1, recording)
        deleting = asyncio.create_task(canary.delete(psid=PSID))
        await until_they_wait(canary.runtime, 2, deleting)
        await transaction.rollback()
    order = (await recording).order
    await deleting
    assert chatting == order.conversation_id
    assert [None] == await canary.ask("SELECT conversation_id FROM attributed_orders")
    told = "SELECT body::text FROM events WHERE kind = 'attributed_order_recorded'"
    assert ["{}"] == await canary.ask(told)
    assert PSID not in await canary.ask("SELECT psid FROM conversations")
    assert [1] == await canary.ask("SELECT (removed ->> 'conversations')::int FROM deletions")
