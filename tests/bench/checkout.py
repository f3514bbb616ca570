"""Checkout links of five lines, signed in and through every interceptor: against bare grpc.aio with the same SELECT, and at a shop's pace.

Nothing is kept aside: what buyers wait for is the reading.
"""

import asyncio
import time
from pathlib import Path

import grpc
import psycopg

from connector.checkout.db import LOOK_UP
from stormcom.facebook.v1.checkout_service_pb2 import ResolveCheckoutLinkRequest
from tests.bench import goods
from tests.bench.bare import CALL
from tests.bench.measure import Better, Effort, Row, compare, in_turns, percentile
from tests.bench.rig import Rig, Shop, bare, load, requests_file, running_rig

PRODUCTS, LINES = 2_000, 5
CALLS, CALLERS = 2_000, ("--callers", "64")
PACE, PROMISED_MILLISECONDS = 200, 20.0
_MOST_AT_ONCE = 64
METHOD = "/stormcom.facebook.v1.FacebookCheckout/ResolveCheckoutLink"


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Measure throughput beside the baseline, and what a buyer waits at two hundred links a second."""
    async with running_rig(folder / "checkout", only=("simulator", "connector", "ingress")) as rig:
        shop = await rig.connect(1)
        await rig.upsert(shop, PRODUCTS)
        async with await psycopg.AsyncConnection.connect(rig.stack.servers.database_url, autocommit=True) as database:
            await database.execute("ANALYZE")  # PostgreSQL's own look comes within a minute of such a load
        return [await _throughput(rig, shop, effort), await _wait(rig, shop, effort)]


def _link(place: int) -> str:
    numbers = ((place * LINES + line) % PRODUCTS for line in range(LINES))
    products = ",".join(f"sc_{goods.name_of(number)}:1" for number in numbers)
    return f"https://shop.example/fb-checkout?products={products}&cart_origin=facebook&fbclid=IwAR0bench"


def _wishes(shop: Shop) -> list[bytes]:
    return [
        ResolveCheckoutLinkRequest(store_id=shop.store_id, link=_link(place)).SerializeToString()
        for place in range(PRODUCTS // LINES)
    ]


async def _throughput(rig: Rig, shop: Shop, effort: Effort) -> Row:
    requests = requests_file(rig.folder, "links", _wishes(shop))
    repeat = ("--repeat", str(CALLS // (PRODUCTS // LINES)), *CALLERS)
    address = rig.stack.addresses["connector"]
    channel, wish = rig.channel, _wishes(shop)[0]
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
    answer_file = requests_file(rig.folder, "links-answer", [await call(wish, metadata=rig.metadata)])

    async def rate(where: str, *options: str) -> float:
        return (await load("grpc", where, requests, *options, *repeat))["rate"]

    database_url = rig.stack.servers.database_url
    query = (str(answer_file), shop.store_id, LOOK_UP)
    async with bare(rig.folder, "links", *query, database_url=database_url) as selecting:
        ours, theirs = await in_turns(
            effort.rounds,
            lambda: rate(address, "--path", METHOD, "--token", rig.token),
            lambda: rate(selecting, "--path", CALL),
        )
    name = "ResolveCheckoutLink, 5 lines, 64 callers / bare grpc.aio + psycopg, the same SELECT"
    return compare(name, ours, theirs, goal=0.5, better=Better.HIGHER, unit="calls/s")


async def _wait(rig: Rig, shop: Shop, effort: Effort) -> Row:
    """Send links at an even pace, whether or not earlier ones were answered."""
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = rig.channel.unary_unary(METHOD)
    wishes, waits, lines = _wishes(shop), [], asyncio.Semaphore(_MOST_AT_ONCE)

    async def one(place: int, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        async with lines:  # who waits for a line waits too
            await call(wishes[place % len(wishes)], metadata=rig.metadata)
        waits.append((time.perf_counter() - due) * 1000)

    for _ in range(effort.rounds):
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for place in range(PACE * 2):
                group.create_task(one(place, begin + place / PACE))
    return compare(
        "ResolveCheckoutLink, 5 lines, 95th percentile at 200 a second / 20 ms",
        [percentile(waits, 95)], [PROMISED_MILLISECONDS], goal=1, better=Better.LOWER, unit="ms",
    )  # fmt: skip
