"""Orders of three lines, from Meta's list to the command at StormCom: what one costs, how soon it comes, and what many earlier ones add.

CPU is that of all our processes, PostgreSQL's and Redis's together; the simulator's is Meta's. The baseline writes the very same
rows by hand, an order a transaction.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import psycopg

from connector.orders.actions.polling import EVERY
from stormcom.facebook.v1.connector_service_pb2 import UpdateInventoryRequest
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.order_service_pb2 import AssociateOrderManagementRequest, PollOrdersRequest
from stormcom.facebook.v1.order_service_pb2_grpc import FacebookOrdersStub
from tests.bench import goods
from tests.bench.byhand import spend_by_hand
from tests.bench.filling import fill_orders
from tests.bench.following import following
from tests.bench.measure import Better, Effort, Row, compare, cpu_seconds, in_turns, percentile
from tests.bench.rig import Rig, Shop, running_rig

PRODUCTS, LINES = 600, 3
ORDERS, FEW, MANY = 300, 1_000, 100_000
AGE_SECONDS = 60  # what a look finds was placed a while ago
PACE, STEADY = 10, 60
META = "simulator"
WORKING = (META, "connector", "ingress", "relay", "worker-fast", "worker-default", "worker-bulk")
WHOLE = {"META_TEST_CAPABILITIES": "ORDER_MANAGEMENT"}
POLL_SECONDS, IN_TIME_SECONDS = EVERY.total_seconds(), 900.0
_LOOK_SECONDS, _PATIENCE_SECONDS = 0.1, 240.0
_PER_UPDATE = 500

Numbers = Iterator[int]


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Import among few orders, then tell how soon single ones come, then import among many."""
    numbers = count(1)
    async with (
        running_rig(folder / "orders", only=WORKING, environment=WHOLE) as rig,
        await psycopg.AsyncConnection.connect(rig.stack.servers.database_url, autocommit=True) as database,
    ):
        shop = await _open(rig)
        seconds: list[float] = []

        async def ours() -> float:
            spent, took = await _import(rig, shop, database, numbers, ORDERS)
            seconds.append(took / ORDERS)
            return spent / ORDERS

        async def by_hand() -> float:
            postgres = rig.pids()["postgres"]
            return await spend_by_hand(
                rig.stack.servers.database_url, ORDERS, postgres_cpu=lambda: cpu_seconds(postgres)
            )

        await _import(rig, shop, database, numbers, 50)  # everybody has met an order by then
        fill_orders(rig.stack.servers.database_url, shop.connection_id, FEW)
        few, hand = await in_turns(effort.rounds, ours, by_hand)
        rate = 1 / median(seconds)
        soon = [await _lags(rig, shop, numbers) for _ in range(effort.rounds)]
        looked = [await _look(rig, shop, numbers) for _ in range(effort.rounds)]
        fill_orders(rig.stack.servers.database_url, shop.connection_id, MANY)
        many, hand_then = await in_turns(effort.rounds, ours, by_hand)
    return [
        _cost(few, hand, rate),
        *_waits(soon, looked),
        _growth(few, hand, many, hand_then),
    ]


def _cost(ours: list[float], by_hand: list[float], rate: float) -> Row:
    name = "import of an order of three lines, looked for and read at Meta / its rows by hand, CPU"
    each = ([figure * 1e6 for figure in figures] for figures in (ours, by_hand))
    return compare(name, *each, goal=4.0, better=Better.LOWER, unit="µs CPU per order", note=f"{rate:,.0f} orders a second")  # fmt: skip


def _waits(soon: list[list[float]], looked: list[list[float]]) -> list[Row]:
    way, rounds = f"order placed at Meta → OrderReceived at Subscribe, webhook, {PACE}/s", [1.0] * len(soon)
    medians, late = ([percentile(one, percent) * 1000 for one in soon] for percent in (50, 95))
    alone = [POLL_SECONDS + percentile(one, 95) for one in looked]
    note = f"a look every {POLL_SECONDS / 60:g} minutes, and {median(percentile(one, 95) for one in looked):.2f} s (95th percentile) from its begin to the event"
    return [
        compare(f"{way}, median / 1 s", medians, [1_000 * one for one in rounds], goal=1, better=Better.LOWER, unit="ms"),
        compare(f"{way}, 95th percentile / 2 s", late, [2_000 * one for one in rounds], goal=1, better=Better.LOWER, unit="ms"),
        compare("order placed at Meta → OrderReceived, no webhooks, at worst / 15 minutes", alone, [IN_TIME_SECONDS * one for one in rounds], goal=1, better=Better.LOWER, unit="s", note=note),
    ]  # fmt: skip


def _growth(few: list[float], hand: list[float], many: list[float], hand_then: list[float]) -> Row:
    """Compare the two costs, each in terms of what the same rows cost by hand in the same minute."""
    before, after = ([mine / theirs for mine, theirs in zip(*pair, strict=True)] for pair in ((few, hand), (many, hand_then)))  # fmt: skip
    name = f"import of an order among {MANY:,} / among {FEW:,}, CPU in terms of its rows by hand"
    return compare(name, after, before, goal=1.3, better=Better.LOWER, unit="× by hand")


async def _open(rig: Rig) -> Shop:
    """Connect a store whose Page has a shop, with plenty of everything, and take its orders over."""
    shop = await rig.connect(1)
    await rig.control("PATCH", f"/pages/{shop.world.page_id}/shop", {})
    await rig.upsert(shop, PRODUCTS)
    for begin in range(0, PRODUCTS, _PER_UPDATE):
        lines = goods.lines(range(begin, min(begin + _PER_UPDATE, PRODUCTS)), version=999_000)
        await rig.connector.UpdateInventory(UpdateInventoryRequest(store_id=shop.store_id, lines=lines), metadata=rig.metadata)  # fmt: skip
    await _take_over(rig, shop)
    return shop


async def _take_over(rig: Rig, shop: Shop) -> None:
    """Take the Page's orders over as soon as the connector has found out that Meta still answers for them here."""
    wish, end = AssociateOrderManagementRequest(store_id=shop.store_id), time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            await FacebookOrdersStub(rig.channel).AssociateOrderManagement(wish, metadata=rig.metadata)
        except grpc.aio.AioRpcError as refused:
            if refused.code() is not grpc.StatusCode.FAILED_PRECONDITION or time.monotonic() > end:
                raise
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return


async def _place(rig: Rig, shop: Shop, numbers: Numbers, *, age_seconds: int = 0) -> str:
    """Let a buyer order three things, now or some time ago."""
    first = next(numbers) * LINES
    lines = [
        {"retailer_id": f"sc_{goods.name_of((first + place) % PRODUCTS)}", "quantity": 1 + place, "price": "20.00", "tax": "1.50"}
        for place in range(LINES)
    ]  # fmt: skip
    shipping = {"price": "5.00", "tax": "0.40"}
    document = {"lines": lines, "currency": "USD", "shipping": shipping, "processing_seconds": 0, "age_seconds": age_seconds}  # fmt: skip
    placed = await rig.control("POST", f"/pages/{shop.world.page_id}/orders", document)
    return str(placed["order_ids"][0])


async def _import(
    rig: Rig, shop: Shop, database: psycopg.AsyncConnection[Any], numbers: Numbers, total: int
) -> tuple[float, float]:
    """Tell the CPU seconds and the time that orders take from the look at Meta to the last command."""
    for _ in range(total):
        await _place(rig, shop, numbers, age_seconds=AGE_SECONDS)
    before, cpu, begin = await _told(database), _cpu(rig), time.perf_counter()
    await _poll(rig, shop)
    while await _told(database) < before + total:
        if time.perf_counter() - begin > _PATIENCE_SECONDS:
            raise RuntimeError(f"Of {total} orders {await _told(database) - before} came in {_PATIENCE_SECONDS:g} s")
        await asyncio.sleep(_LOOK_SECONDS)
    return _cpu(rig) - cpu, time.perf_counter() - begin


async def _poll(rig: Rig, shop: Shop) -> None:
    await FacebookOrdersStub(rig.channel).PollOrders(PollOrdersRequest(store_id=shop.store_id), metadata=rig.metadata)


async def _told(database: psycopg.AsyncConnection[Any]) -> int:
    row = await (await database.execute("SELECT count(*) FROM events WHERE kind = 'order_received'")).fetchone()
    return int(row[0]) if row else 0


def _cpu(rig: Rig) -> float:
    return sum(cpu_seconds(pid) for name, pid in rig.pids().items() if name != META)


def _name(event: Event) -> str:
    return event.order_received.order.external_order_id


async def _lags(rig: Rig, shop: Shop, numbers: Numbers) -> list[float]:
    """Tell how many seconds passed for each of many orders, placed at a steady pace, until the stream brought it."""
    await rig.control("PATCH", "/switches", {"order_webhooks": "page.orders"})
    placed: dict[str, float] = {}

    async def one(due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        begin = time.perf_counter()
        placed[await _place(rig, shop, numbers)] = begin

    begin = time.perf_counter()
    async with following(rig, shop, "order_received", _name) as heard, asyncio.TaskGroup() as group:
        for place in range(STEADY):
            group.create_task(one(begin + place / PACE))
        arrivals = [item async for item in _first(heard, STEADY)]
    await rig.control("PATCH", "/switches", {"order_webhooks": "none"})
    return [at - placed[name] for name, at in arrivals]


async def _look(rig: Rig, shop: Shop, numbers: Numbers) -> list[float]:
    """Tell how many seconds passed for each of some orders from the begin of a look until the stream brought it."""
    async with following(rig, shop, "order_received", _name) as heard:
        for _ in range(PACE):
            await _place(rig, shop, numbers, age_seconds=AGE_SECONDS)
        begin = time.perf_counter()
        await _poll(rig, shop)
        # A look that a late webhook asked for may have found the first ones before.
        return [max(0.0, at - begin) async for _, at in _first(heard, PACE)]


async def _first(heard: AsyncIterator[tuple[str, float]], total: int) -> AsyncIterator[tuple[str, float]]:
    for _ in range(total):
        yield await anext(heard)
