"""Workers who share Meta's buckets, and a Meta whose allowances are small."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from connector.budgets.model import Urgency
from connector.db import outbox
from connector.db.outbox import Task, tasks
from connector.runtime import Runtime
from jobs.run import turn
from simulator.seeds import seed
from simulator.world import World
from tests.integration.budgets.acts import PLANS
from tests.integration.conftest import APP_ID, Clock

CATALOGS = ("51000000000000001", "51000000000000002")
USER = "10000000000000001"


@dataclass(slots=True)
class Works:
    """Tasks that call Meta, and what Meta saw of them."""

    runtime: Runtime
    world: World
    clock: Clock
    token: str
    _numbers: Any = field(default_factory=lambda: count(1))

    async def want(
        self, bucket: str, *, path: str, holder: str, urgency: Urgency = Urgency.PATIENT, once: bool = False
    ) -> None:
        """Add a task that calls."""
        wish = {"bucket": bucket, "path": path, "holder": f"{holder}:{urgency}", "urgency": urgency, "once": once}
        async with self.runtime.db.begin() as tx:
            key, due = f"work {next(self._numbers)}", self.runtime.now()
            await outbox.add(tx, Task.SWEEP, key=key, due=due, arguments={**wish, "token": self.token})

    async def run(self, **time: float) -> None:
        """Do what is due for so long, whenever it is due."""
        end = self.clock() + timedelta(**time)
        while True:
            await turn(self.runtime, plans=PLANS)
            async with self.runtime.db.begin() as tx:
                due = await tx.scalar(select(func.min(tasks.c.due_time)))
            if due is None or due > end:
                break
            self.clock.advance(seconds=max(0.0, (due - self.clock()).total_seconds()) + 0.001)
        self.clock.advance(seconds=max(0.0, (end - self.clock()).total_seconds()))

    def account(self, bucket: str) -> dict[str, Any]:
        """Tell what Meta counted of a bucket."""
        family, owner = bucket.split(":")
        accounts = self.world.limits.accounts()
        return next(one for one in accounts if (one["bucket"], one["owner"]) == (family, owner))

    def called(self, path: str) -> int:
        """Tell how often a path was called."""
        return sum(call.path == path for call in self.world.records.calls)


@pytest.fixture
def works(runtime: Runtime, world: World, clock: Clock) -> Works:
    """Nothing wanted yet; two catalogs."""
    seed(world, {"user": {"id": USER}, "app_id": APP_ID, "catalogs": [{"id": one} for one in CATALOGS]})
    token = next(one for one in world.tokens.values() if one.kind == "USER" and one.user_id == USER)
    return Works(runtime, world, clock, token.value)


@pytest.fixture
def allow(world: World) -> Callable[..., None]:
    """Set Meta's allowances: `allow(catalog_management=40)`."""

    def change(**allowances: int) -> None:
        world.switches.change(allowances=allowances)

    return change
