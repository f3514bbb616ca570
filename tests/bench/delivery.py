"""Webhooks from the request to whoever follows the events: kept and worked off at once, and how soon an event is seen."""

import asyncio
import hashlib
import hmac
import time
from itertools import count
from pathlib import Path

import aiohttp
import orjson
import psycopg

from stormcom.facebook.v1.event_pb2 import Event
from tests.bench.following import following
from tests.bench.ingress import PATH
from tests.bench.measure import Better, Effort, Row, compare, in_turns, percentile
from tests.bench.rig import Rig, Shop, load, requests_file, running_rig

DELIVERIES, PEOPLE = 3_000, 500
STEADY_PER_SECOND, STEADY_SECONDS = 200, 5
WORKING = ("simulator", "connector", "ingress", "relay", "worker-fast", "worker-bulk")
_POLL_SECONDS, _DRAIN_SECONDS = 0.05, 120.0


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Measure in turns: the ingress with nobody working anything off, and with a worker; then the way at a steady pace."""
    numbers = count(1)
    async with running_rig(folder / "delivery", only=WORKING) as rig:
        shop = await rig.connect(1)
        alone, together = await in_turns(
            effort.rounds, lambda: _alone(rig, shop, numbers), lambda: _together(rig, shop, numbers)
        )
        lags = [await _lags(rig, shop, numbers) for _ in range(effort.rounds)]
    rounds = [1.0] * effort.rounds
    medians, late = ([percentile(one, percent) * 1000 for one in lags] for percent in (50, 99))
    way = f"from Meta's request to the event at Subscribe, at {STEADY_PER_SECOND}/s"
    return [
        compare("webhooks stored and worked off together / the ingress alone", together, alone, goal=0.6, better=Better.HIGHER, unit="deliveries/s"),
        compare(f"{way}, median / 30 ms", medians, [30 * one for one in rounds], goal=1, better=Better.LOWER, unit="ms"),
        compare(f"{way}, 99th percentile / 150 ms", late, [150 * one for one in rounds], goal=1, better=Better.LOWER, unit="ms"),
    ]  # fmt: skip


def delivery(shop: Shop, number: int, secret: bytes) -> tuple[bytes, dict[str, str]]:
    """Write a message of one of many people as Meta would send it; its body and headers."""
    page, now = shop.world.page_id, int(time.time() * 1000)
    frame = {
        "sender": {"id": f"8{number % PEOPLE:016d}"},
        "recipient": {"id": page},
        "timestamp": now,
        "message": {"mid": f"m_bench{number:012d}", "text": "Is the blue one still there? " * 3},
    }
    body = orjson.dumps({"object": "page", "entry": [{"id": page, "time": now, "messaging": [frame]}]})
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}


async def _alone(rig: Rig, shop: Shop, numbers: "count[int]") -> float:
    """Tell how many deliveries a second are kept while nobody works them off; they are worked off afterwards."""
    await rig.stack.kill("worker-fast")
    await rig.stack.kill("worker-bulk")  # it would take over from a worker that never reported back
    rate = await _post(rig, _written(rig, shop, numbers))
    await asyncio.gather(rig.stack.start("worker-fast"), rig.stack.start("worker-bulk"))
    await _drained(rig)
    return rate


async def _together(rig: Rig, shop: Shop, numbers: "count[int]") -> float:
    """Tell how many deliveries a second are kept and worked off, from the first request to the last commit."""
    file = _written(rig, shop, numbers)
    begin = time.perf_counter()
    await _post(rig, file)
    await _drained(rig)
    return DELIVERIES / (time.perf_counter() - begin)


def _written(rig: Rig, shop: Shop, numbers: "count[int]") -> Path:
    secret = _secret(rig)
    return requests_file(
        rig.folder, "deliveries", (_http(*delivery(shop, next(numbers), secret)) for _ in range(DELIVERIES))
    )


async def _post(rig: Rig, requests: Path) -> float:
    return (await load("http", rig.stack.addresses["ingress"], requests, "--callers", "64", "--warm-up", "0"))["rate"]


async def _drained(rig: Rig) -> None:
    async with await psycopg.AsyncConnection.connect(rig.stack.servers.database_url, autocommit=True) as database:
        for _ in range(int(_DRAIN_SECONDS / _POLL_SECONDS)):
            left = await (await database.execute("SELECT count(*) FROM deliveries WHERE state = 'WAITING'")).fetchone()
            if left == (0,):
                return
            await asyncio.sleep(_POLL_SECONDS)
    raise RuntimeError(f"Deliveries still wait after {_DRAIN_SECONDS:g} s: {left}")


def _name(event: Event) -> str:
    return event.message_received.message.mid


async def _lags(rig: Rig, shop: Shop, numbers: "count[int]") -> list[float]:
    """Tell how many seconds passed for each of many messages until the stream brought it; requests leave at a steady pace."""
    sent: dict[str, float] = {}
    lags: list[float] = []
    total = STEADY_PER_SECOND * STEADY_SECONDS
    async with following(rig, shop, "message_received", _name) as mids, aiohttp.ClientSession() as http:
        posting = asyncio.create_task(_post_steadily(rig, shop, numbers, http, sent))
        async for mid, heard in mids:
            lags.append(heard - sent[mid])
            if len(lags) == total:
                break
        await posting
    return lags


async def _post_steadily(
    rig: Rig, shop: Shop, numbers: "count[int]", http: aiohttp.ClientSession, sent: dict[str, float]
) -> None:
    secret, begin = _secret(rig), time.perf_counter()
    address = f"http://{rig.stack.addresses['ingress']}{PATH}"

    async def post(number: int) -> None:
        body, headers = delivery(shop, number, secret)
        sent[f"m_bench{number:012d}"] = time.perf_counter()
        async with http.post(address, data=body, headers=headers) as answer:
            answer.raise_for_status()

    async with asyncio.TaskGroup() as group:
        for place in range(STEADY_PER_SECOND * STEADY_SECONDS):
            await asyncio.sleep(max(0.0, begin + place / STEADY_PER_SECOND - time.perf_counter()))
            group.create_task(post(next(numbers)))


def _http(body: bytes, headers: dict[str, str]) -> bytes:
    named = {**headers, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode() + body


def _secret(rig: Rig) -> bytes:
    return rig.stack.environment["META_TEST_APP_SECRETS"].split(",")[0].encode()
