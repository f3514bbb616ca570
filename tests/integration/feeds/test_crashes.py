"""A worker that dies at any step of an upload: another goes on, and Meta is asked once."""

from dataclasses import replace
from itertools import count

import pytest

from connector.db import outbox
from connector.db.outbox import Taken, Task
from jobs.run import turn
from jobs.tasks import PLANS
from tests.integration.catalog.shop import product
from tests.integration.feeds.fair import PRODUCTS, Fair, Killed, dying


async def _reach(fair: Fair, name: Task) -> Taken:
    """Let everything else happen until a task of that name is due, and take it."""
    others = {other: plan for other, plan in PLANS.items() if other is not name}
    for _ in range(20):
        await turn(fair.runtime, plans=others)
        async with fair.runtime.db.begin() as tx:
            for leased in await outbox.lease_due(tx, [name], at=fair.clock(), limit=1):
                if taken := await outbox.take(tx, leased.id, leased.attempt, at=fair.clock()):
                    return taken
        fair.clock.advance(seconds=1)
    raise AssertionError(f"no {name} in sight")


@pytest.mark.parametrize("name", [Task.BEGIN_FEED, Task.WRITE_FEED, Task.UPLOAD_FEED, Task.SETTLE_FEED])
async def test_a_worker_may_die_at_any_step(fair: Fair, name: Task) -> None:
    """Killed wherever it looks at the clock, which is in every transaction, a step is done again and nothing is done twice."""
    await fair.switch(PRODUCTS)
    for steps in count(1):
        await fair.snapshot(product("a", version=steps, title=f"Title {steps}"))
        taken = await _reach(fair, name)
        runtime, killed = replace(fair.runtime, now=dying(fair.clock, after=steps - 1)), False
        try:
            await PLANS[name].resolve()(runtime, taken)
        except Killed:
            killed = True
        fair.clock.advance(seconds=outbox.LEASE.total_seconds())
        await fair.settle()
        assert ("SUCCEEDED", steps) == (await fair.state(), len(fair.meta_uploads))
        assert [f"Title {steps}"] == [item["title"] for item in fair.shelf.values()]
        assert ({"CONFIRMED"}, []) == (set((await fair.states()).values()), fair.batches())
        if not killed:
            break
    assert steps > 1
