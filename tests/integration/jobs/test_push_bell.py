"""The relay and pushes: an event asks for its store's pushes by itself, and for nobody else's."""

import asyncio
from collections.abc import Callable

from redis import Redis
from sqlalchemy import delete, select

from connector.db import outbox
from connector.events import db as events
from connector.events.model import Draft
from connector.pushes import db, rpc
from connector.runtime import Runtime
from stormcom.facebook.v1 import push_service_pb2 as pb
from tests.integration.jobs.conftest import Eventually
from tests.integration.pushes.conftest import SECRET

URL = "http://127.0.0.1:9/hook"


async def test_an_event_asks_for_a_turn_of_its_stores_pushes(
    runtime: Runtime, bell_redis: Redis, start_relay: Callable[..., None], eventually: Eventually
) -> None:
    """Within a moment of the commit the push's task is in its lane's queue; a store without events gets no turn."""
    for store_id in ("store_1", "store_2"):
        await rpc.configure_push(runtime, pb.ConfigurePushRequest(store_id=store_id, url=URL, secret=SECRET))
    async with runtime.db.begin() as tx:
        await tx.execute(delete(outbox.tasks))
        push = await db.require(tx, "store_1", "push")
    start_relay()

    async def asked() -> list[str | None]:
        async with runtime.db.begin() as tx:
            # Until the relay listens, a ring may be missed; then a push looks by itself, but a minute later.
            await events.append(tx, Draft("store_1", None, "key", "alert_raised", {}), at=runtime.now())
        await asyncio.sleep(0.05)
        async with runtime.db.begin() as tx:
            wanted = select(outbox.tasks.c.key).where(outbox.tasks.c.name == "PUSH_EVENTS")
            return [*await tx.scalars(wanted)]

    await eventually([db.key(push.id)], asked)

    async def rung() -> bool:
        return bool(bell_redis.lrange("rq:queue:default", 0, -1))

    await eventually(True, rung)
