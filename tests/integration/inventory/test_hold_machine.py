"""Whatever callers do with stock and holds, in whatever order: nothing below zero, nothing sold twice, every piece accounted for."""

import asyncio
import base64
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import insert, select

from connector.connections.db import connections
from connector.errors import ConnectorError
from connector.inventory import actions
from connector.inventory.model.holds import Hold, Want, Wish
from connector.inventory.model.stock import Line
from connector.registry.db.catalogue import items, products
from connector.runtime import Runtime, open_runtime
from connector.settings import Settings
from jobs.run import turn

T = TypeVar("T")
NAMES = ("a", "b", "c")
names, pieces = st.sampled_from(NAMES), st.integers(1, 4)


class World:
    """A connector without a server: a database, a clock that is moved, and one loop for all examples."""

    def __init__(self, settings: Settings) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self._runner, self._open = asyncio.Runner(), AsyncExitStack()
        self.runtime: Runtime = self.run(
            self._open.enter_async_context(open_runtime(settings, now=lambda: self.now, pool_size=2))
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something."""
        return self._runner.run(work)

    def attempt(self, work: Coroutine[Any, Any, T]) -> tuple[T | None, str]:
        """Do something that may be refused; tells its result, or the reason."""
        try:
            return self.run(work), ""
        except ConnectorError as refused:
            return None, refused.reason

    def close(self) -> None:
        """Close everything."""
        self.run(self._open.aclose())
        self._runner.close()


class Holding(RuleBasedStateMachine):
    """A store with three products, and what is known to be right about it."""

    world: ClassVar[World]
    holds = Bundle("holds")

    @initialize()
    def stocked(self) -> None:
        """Begin with a connection and stock of its own."""
        self.connection_id, self.store_id, self.versions = uuid4(), uuid4().hex, count(2)
        self.stock = dict.fromkeys(NAMES, 5)
        self.active: dict[UUID, Hold] = {}
        self.world.run(self._store())
        self.tell("a", 5)

    async def _store(self) -> None:
        at, mine = self.world.now, {"connection_id": self.connection_id}
        times = {"state_time": at, "create_time": at, "update_time": at}
        named = {"id": self.connection_id, "store_id": self.store_id, "environment": "TEST", "state": "AWAITING_LOGIN"}
        known = [{**mine, "product_id": name, "source_version": 1, "update_time": at} for name in NAMES]
        stock = {"track_inventory": True, "quantity": 5, "counted": True, "currency_code": "BDT", "price": 100}
        standing = {"variant_id": "", "whole": True, "heir": "", "usual": True, "wanted": True, "refused_by": "CHECKS"}
        rows = [
            {**mine, **stock, **standing, "retailer_id": f"sc_{name}", "product_id": name, "desire_time": at}
            for name in NAMES
        ]
        async with self.world.runtime.db.begin() as tx:
            await tx.execute(insert(connections).values(**named, **times))
            await tx.execute(insert(products), known)
            await tx.execute(insert(items), rows)

    @rule(name=names, quantity=st.integers(0, 9))
    def tell(self, name: str, quantity: int) -> None:
        """StormCom counts."""
        line = Line(name, "", next(self.versions), quantity, track_inventory=True)
        self.world.run(actions.update_inventory(self.world.runtime, self.store_id, str(self.connection_id), [line]))
        self.stock[name] = quantity

    @rule(target=holds, wants=st.dictionaries(names, pieces, min_size=1), seconds=st.integers(1, 100))
    def reserve(self, wants: dict[str, int], seconds: int) -> Any:
        """Ask for pieces: had exactly when they are there; what expired does not count, whether or not anybody noticed."""
        held = self._held([hold for hold in self.active.values() if self._live(hold)])
        there = all(self.stock[name] - held[name] >= count for name, count in wants.items())
        wish = Wish(tuple(Want(name, "", count) for name, count in wants.items()), timedelta(seconds=seconds))
        asked = actions.reserve(self.world.runtime, self.store_id, str(self.connection_id), wish)
        hold, reason = self.world.attempt(asked)
        assert ("" if there else "STOCK_INSUFFICIENT") == reason
        self._expire(wants)
        if hold is None:
            return multiple()
        self.active[hold.id] = hold
        return hold

    def _held(self, some: Iterable[Hold]) -> Counter[str]:
        return sum((Counter({line.product_id: line.quantity for line in hold.lines}) for hold in some), Counter())

    def _expire(self, products: Iterable[str]) -> None:
        wanted = {*products}
        for hold in [hold for hold in self.active.values() if not self._live(hold)]:
            if wanted & {line.product_id for line in hold.lines}:
                del self.active[hold.id]

    def _live(self, hold: Hold) -> bool:
        held = self.active.get(hold.id)
        return held is not None and held.expire_time > self.world.now

    @rule(hold=holds, seconds=st.integers(1, 100))
    def extend(self, hold: Hold, seconds: int) -> None:
        """Let a hold last longer: possible while it lasts."""
        asked = actions.extend(self.world.runtime, self.store_id, hold.id, timedelta(seconds=seconds))
        longer, reason = self.world.attempt(asked)
        assert ("" if self._live(hold) else "HOLD_ENDED") == reason
        if longer:
            self.active[hold.id] = longer

    @rule(hold=consumes(holds))
    def release(self, hold: Hold) -> None:
        """Nothing was sold."""
        live = self._live(hold)
        self.world.run(actions.release(self.world.runtime, self.store_id, hold.id))
        if live:
            del self.active[hold.id]

    @rule(hold=consumes(holds))
    def complete(self, hold: Hold) -> None:
        """It was sold: StormCom's count after the sale comes along."""
        live = self._live(hold)
        left = {line.product_id: max(0, self.stock[line.product_id] - line.quantity) for line in hold.lines}
        lines = [Line(name, "", next(self.versions), quantity, track_inventory=True) for name, quantity in left.items()]
        _, reason = self.world.attempt(actions.complete(self.world.runtime, self.store_id, hold.id, lines))
        assert ("" if live else "HOLD_ENDED") == reason
        if live:
            del self.active[hold.id]
            self.stock |= left

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def work(self) -> None:
        """What is due by now is done: nothing that expired is held any more."""
        self.world.run(turn(self.world.runtime))
        self._expire(NAMES)

    @invariant()
    def every_piece_is_accounted_for(self) -> None:
        """What is reserved is what holds hold that nobody ended; what is offered is the rest, and never below zero."""
        if not hasattr(self, "active"):  # asked once before the beginning
            return
        held = self._held(self.active.values())
        for name, (quantity, reserved, offered) in self.world.run(self._seen()).items():
            left = max(0, self.stock[name] - held[name])
            assert (self.stock[name], held[name]) == (quantity, reserved)
            assert offered in {left, None}  # None: never reckoned, as nothing was told of it yet

    async def _seen(self) -> dict[str, tuple[int, int, int | None]]:
        columns = items.c.product_id, items.c.quantity, items.c.reserved, items.c.offered
        async with self.world.runtime.db.begin() as tx:
            rows = await tx.execute(select(*columns).where(items.c.connection_id == self.connection_id))
            return {row.product_id: (row.quantity, row.reserved, row.offered) for row in rows}


@pytest.fixture
def alone(empty_database: str) -> Iterator[World]:
    """A world of its own; nothing is sent to Meta, whose address leads nowhere."""
    nowhere, secret = "http://127.0.0.1:9", "0123456789abcdef0123456789abcdef"
    world = World(
        Settings.read(
            {
                "PROFILE": "development",
                "DATABASE_URL": empty_database,
                "REDIS_URL": "redis://127.0.0.1:1/0",
                "PUBLIC_URL": nowhere,
                "META_GRAPH_URL": nowhere,
                "META_DIALOG_URL": nowhere,
                "META_TEST_APP_ID": "610000000000001",
                "META_TEST_APP_SECRETS": secret,
                "META_TEST_VERIFY_TOKEN": "verify-me",
                "VAULT_KEYS": "1:" + base64.b64encode(bytes(range(32))).decode(),
                "DEVELOPMENT_TOKEN": "development-token-of-this-test",
            }
        )
    )
    yield world
    world.close()


def test_every_piece_is_accounted_for_whatever_happens(alone: World) -> None:
    """Counting, reserving, extending, releasing, completing and expiring, in any order, agree with plain arithmetic."""

    class Here(Holding):
        world = alone

    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    Here.TestCase.settings = settings(
        max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=checks, database=None
    )
    Here.TestCase().runTest()
