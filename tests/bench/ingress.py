"""The webhook ingress: signed, stored and committed before the 200, against a bare aiohttp handler that reads the body."""

import hashlib
import hmac
from itertools import count
from pathlib import Path

import orjson

from tests.bench.measure import Better, Effort, Row, compare, in_turns
from tests.bench.rig import bare, load, requests_file, running_rig

BODY_BYTES = 2_000
DELIVERIES = 6_000
PATH = "/webhooks/facebook"


def signed_request(number: int, secret: bytes) -> bytes:
    """Write the whole HTTP request of a delivery as Meta would send it, about 2 KB."""
    psid, page = str(7 * 10**15 + number), "3000000000000001"
    messaging = {
        "sender": {"id": psid},
        "recipient": {"id": page},
        "timestamp": 1_790_000_000_000 + number,
        "message": {"mid": f"m_bench{number:012d}", "text": ""},
    }
    entry = {"id": page, "time": 1_790_000_000_000 + number, "messaging": [messaging]}
    bare_size = len(orjson.dumps({"object": "page", "entry": [entry]}))
    messaging["message"] = {"mid": f"m_bench{number:012d}", "text": "x" * (BODY_BYTES - bare_size)}
    body = orjson.dumps({"object": "page", "entry": [entry]})
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def measure(folder: Path, effort: Effort) -> list[Row]:
    """Measure in turns; every delivery is a new one."""
    numbers = count(1)
    async with (
        running_rig(folder / "ingress", only=("simulator", "ingress")) as rig,
        bare(folder, "http") as reading,
    ):
        secret = rig.stack.environment["META_TEST_APP_SECRETS"].split(",")[0].encode()

        async def rate(address: str) -> float:
            requests = (signed_request(next(numbers), secret) for _ in range(DELIVERIES))
            file = requests_file(rig.folder, "deliveries", requests)
            return (await load("http", address, file, "--callers", "64"))["rate"]

        ours, theirs = await in_turns(
            effort.rounds, lambda: rate(rig.stack.addresses["ingress"]), lambda: rate(reading)
        )
    name = "webhook ingress, durable, 2 KB, 64 connections / bare aiohttp handler that reads the body"
    return [compare(name, ours, theirs, goal=0.5, better=Better.HIGHER, unit="deliveries/s")]
