"""Unary calls, signed in and through every interceptor, 64 callers: GetStatus and UpdateInventory against bare grpc.aio.

Nothing works in the background meanwhile. Every inventory request is new: versions grow.
"""

from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from uuid import UUID

from stormcom.facebook.v1.connector_service_pb2 import GetStatusRequest, UpdateInventoryRequest
from tests.bench import goods
from tests.bench.bare import CALL
from tests.bench.measure import Better, Effort, Row, compare, in_turns
from tests.bench.rig import Rig, Shop, bare, load, requests_file, running_rig

CALLERS = ("--callers", "64")
LINES = 100
READ_PRODUCTS = 400
PRODUCTS = 6_400  # a hundred for each caller: none waits for another's lines
READS, WRITES = 3_000, 320
PROMISED_LINES_PER_SECOND = 20_000
METHOD = "/stormcom.facebook.v1.FacebookConnector"


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Measure each method on a store of its own."""
    async with running_rig(folder / "unary", only=("simulator", "connector", "ingress")) as rig:
        read, written = [await rig.connect(number) for number in (1, 2)]
        await rig.upsert(read, READ_PRODUCTS)
        await rig.upsert(written, PRODUCTS)
        return [*await _reads(rig, read, effort), *await _writes(rig, written, effort)]


async def _reads(rig: Rig, shop: Shop, effort: Effort) -> list[Row]:
    wish = GetStatusRequest(store_id=shop.store_id)
    answer = await rig.connector.GetStatus(wish, metadata=rig.metadata)
    answer_file = requests_file(rig.folder, "status-answer", [answer.SerializeToString()])
    requests = requests_file(rig.folder, "status", [wish.SerializeToString()])
    repeat = ("--repeat", str(READS), *CALLERS)

    async def ours() -> float:
        address = rig.stack.addresses["connector"]
        return (await load("grpc", address, requests, "--path", f"{METHOD}/GetStatus", "--token", rig.token, *repeat))[
            "rate"
        ]

    database_url = rig.stack.servers.database_url
    async with (
        bare(rig.folder, "select", str(answer_file), shop.store_id, database_url=database_url) as selecting,
        bare(rig.folder, "answer", str(answer_file)) as answering,
    ):
        figures = await in_turns(
            effort.rounds,
            ours,
            lambda: _rate(selecting, requests, *repeat),
            lambda: _rate(answering, requests, *repeat),
        )
    rows = (
        ("bare grpc.aio + psycopg, one SELECT per request", 1, 0.7),
        ("bare grpc.aio, an answer of the same size", 2, 0.3),
    )
    return [
        compare(
            f"GetStatus of {READ_PRODUCTS} products, authenticated, 64 callers / {baseline}",
            figures[0], figures[place], goal=goal, better=Better.HIGHER, unit="calls/s",
        )
        for baseline, place, goal in rows
    ]  # fmt: skip


async def _writes(rig: Rig, shop: Shop, effort: Effort) -> list[Row]:
    versions = count(2)

    def wish(*, with_id: bool) -> bytes:
        version = next(versions)
        begin, request_id = version * LINES % PRODUCTS, str(UUID(int=version)) if with_id else ""
        lines = goods.lines(range(begin, begin + LINES), version=version)
        return UpdateInventoryRequest(store_id=shop.store_id, request_id=request_id, lines=lines).SerializeToString()

    async def rate(address: str, *options: str, with_id: bool = False) -> float:
        requests = requests_file(rig.folder, "inventory", (wish(with_id=with_id) for _ in range(WRITES)))
        return await _rate(address, requests, *options, *CALLERS)

    ours = partial(rate, rig.stack.addresses["connector"], "--path", f"{METHOD}/UpdateInventory", "--token", rig.token)
    async with bare(rig.folder, "echo") as echoing:
        plain, named, theirs = await in_turns(effort.rounds, ours, partial(ours, with_id=True), lambda: rate(echoing))
    name, echo = "UpdateInventory, durable, 100 lines, 64 callers", "bare grpc.aio echo of the message"
    promised = [float(PROMISED_LINES_PER_SECOND)] * effort.rounds
    lines = [LINES * one for one in plain]
    return [
        compare(f"{name} / {echo}", plain, theirs, goal=0.4, better=Better.HIGHER, unit="calls/s",
                note=f"with a request_id, whose answer is kept: {median(named):,.0f} calls/s"),
        compare("UpdateInventory, lines / 20,000 lines a second", lines, promised, goal=1, better=Better.HIGHER, unit="lines/s"),
    ]  # fmt: skip


async def _rate(address: str, requests: Path, *options: str) -> float:
    path = () if "--path" in options else ("--path", CALL)
    return (await load("grpc", address, requests, *path, *options))["rate"]
