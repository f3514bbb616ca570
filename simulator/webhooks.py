"""Moves webhook deliveries to their callbacks, on the simulator's clock, until answered with 200 or given up.

One app's deliveries leave in order, `parallel_posts` at a time; retries wait their own time and so are overtaken.
"""

import asyncio

import aiohttp

from simulator.outbox import Delivery
from simulator.state import Page
from simulator.world import World

# What callbacks say is worth reading only for data deletions.
KEPT_ANSWER_BYTES = 1_000


async def deliver_forever(world: World) -> None:
    """Send whatever is due, then sleep until something is."""
    async with aiohttp.ClientSession(auto_decompress=False) as session, asyncio.TaskGroup() as group:
        slots: dict[tuple[str, int], asyncio.Semaphore] = {}
        while True:
            world.outbox.pack()
            for delivery in world.outbox.take_due():
                at_once = max(1, world.switches.parallel_posts)
                slot = slots.setdefault((delivery.app_id, at_once), asyncio.Semaphore(at_once))
                # Semaphores serve in the order of arrival, so first tries keep their order.
                group.create_task(_send_in_turn(world, session, delivery, slot))
            await world.clock.wait_until(world.outbox.next_due())


async def _send_in_turn(
    world: World, session: aiohttp.ClientSession, delivery: Delivery, slot: asyncio.Semaphore
) -> None:
    async with slot:
        await _send(world, session, delivery)


async def _send(world: World, session: aiohttp.ClientSession, delivery: Delivery) -> None:
    """Try once and note the outcome."""
    timeout = aiohttp.ClientTimeout(total=world.switches.webhook_timeout_seconds)
    try:
        async with session.post(
            delivery.url, data=delivery.body, headers=delivery.headers, allow_redirects=False, timeout=timeout
        ) as answer:
            delivery.answer = (await answer.content.read(KEPT_ANSWER_BYTES)).decode(errors="replace")
            outcome = str(answer.status)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        outcome = type(problem).__name__
    delivered = world.outbox.settle(delivery, outcome)
    for page_id in delivery.page_ids:
        _judge_page(world, delivery, page_id, delivered=delivered)
    world.clock.wake()


def _judge_page(world: World, delivery: Delivery, page_id: str, *, delivered: bool) -> None:
    """Take the subscription from a Page whose webhook has failed for too long."""
    page = world.find(Page, page_id)
    if page is None:
        return
    if delivered:
        page.failing_since.pop(delivery.app_id, None)
        return
    now = world.clock.now()
    since = page.failing_since.setdefault(delivery.app_id, now)
    # Secondary: after one hour of failures Messenger unsubscribes the app from the Page.
    if now - since >= world.switches.page_unsubscribe_seconds:
        page.fields_by_app.pop(delivery.app_id, None)
        page.failing_since.pop(delivery.app_id, None)
        world.outbox.drop(delivery.app_id, page_id)
