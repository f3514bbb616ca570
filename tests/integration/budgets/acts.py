"""Work without end for one of Meta's buckets: calls, when there is room, and wants to call again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connector.budgets import db as budgets
from connector.budgets.model import Urgency
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.graph.call import Call
from connector.graph.client import Access
from connector.registry.graph import items_batch
from connector.runtime import Runtime
from connector.vault import Secret
from jobs.tasks import Lane, Plan
from tests.integration.conftest import APP_ID, APP_SECRET


async def call(runtime: Runtime, task: Taken) -> None:
    """Call Meta once when it is this holder's turn; once more at once unless `once` is set."""
    wish = task.arguments
    async with runtime.db.begin() as tx:
        named = {"holder": wish["holder"], "app_bucket": f"app:{APP_ID}"}
        await budgets.require_room(tx, wish["bucket"], urgency=Urgency(wish["urgency"]), at=runtime.now(), **named)
    access = Access(Secret(wish["token"]), Secret(APP_SECRET), APP_ID)
    await runtime.graph.send(_call(wish["path"], wish["bucket"]), access)
    async with runtime.db.begin() as tx:
        at = runtime.now()
        await (outbox.done(tx, task, at=at) if wish.get("once") else outbox.again(tx, task, at))


def _call(path: str, bucket: str) -> Call[Any]:
    if path.endswith("/items_batch"):
        record = b'{"method": "UPDATE", "data": {"id": "sc_1", "availability": "in stock"}}'
        return items_batch(path.partition("/")[0], [record], allow_upsert=False)
    return Call("GET", path, dict, params={"fields": "id"}, bucket=bucket)


PLANS: Mapping[Task, Plan] = {
    Task.SWEEP: Plan(f"{__name__}:call", Lane.DEFAULT, timedelta(seconds=30), timedelta(hours=9))
}
