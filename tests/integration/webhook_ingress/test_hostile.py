"""Signed hostile bodies by the hundred; HOSTILE_BODIES=10000 posts as many."""

import asyncio
import json
import os
import random
import tarfile
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path

import psycopg

from tests.integration.webhook_ingress.conftest import Post

SHARED = Path(__file__).parents[4] / "shared" / "fixtures"
COUNT = int(os.environ.get("HOSTILE_BODIES", "300"))
AT_ONCE = 50
_WORDS = (
    "object",
    "page",
    "entry",
    "messaging",
    "changes",
    "field",
    "value",
    "id",
    "time",
    "sender",
    "recipient",
    "mid",
    "text",
)
_SCALARS = (
    None,
    True,
    -1,
    0,
    2**63,
    2**200,
    1e308,
    "",
    "\0",
    "\ud83d",
    "\u202e",
    "30000000000000001",
    "page",
    "a" * 3000,
)


def hostile() -> Iterator[bytes]:
    """Published test files and strings, each followed by a document grown at random; then such documents only. The same in every run."""
    grown = _documents()
    for body in _published():
        yield body
        yield next(grown)
    yield from grown


def _documents() -> Iterator[bytes]:
    """Grow documents at random from Meta's own words, three of four of them broken."""
    chance = random.Random(20261121)  # noqa: S311 – a test's
    while True:
        document = {"object": chance.choice(_SCALARS), "entry": _grown(chance, 6)}
        body = json.dumps(document).encode()
        place = chance.randrange(len(body))
        yield chance.choice(
            (
                body,
                body[:place],
                body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :],
                b"[" * chance.randrange(5000) + body,
            )
        )


def _published() -> Iterator[bytes]:
    archive = SHARED / "json" / "JSONTestSuite_test_parsing.tar.gz"
    if archive.exists():
        with tarfile.open(archive) as opened:
            yield from (opened.extractfile(one).read() for one in opened if one.isfile())  # type: ignore[union-attr] # files have contents
    naughty = SHARED / "naughty" / "blns.json"
    for text in json.loads(naughty.read_text()) if naughty.exists() else ():
        event = {
            "sender": {"id": text},
            "recipient": {"id": text},
            "timestamp": 1,
            "message": {"mid": text, "text": text},
        }
        yield json.dumps({"object": "page", "entry": [{"id": text, "messaging": [event]}]}).encode()


def _grown(chance: random.Random, depth: int) -> object:
    shape = chance.randrange(3) if depth else 0
    if shape == 0:
        return chance.choice(_SCALARS)
    if shape == 1:
        return [_grown(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(_WORDS): _grown(chance, depth - 1) for _ in range(chance.randrange(5))}


async def test_no_hostile_body_is_a_fault(post: Post, empty_database: str, turn: Callable[[], Awaitable[int]]) -> None:
    """Every signed body, however broken, is answered 200, kept, and worked off; none stops the others or is quarantined."""
    bodies, answers = islice(hostile(), COUNT), []
    while some := [*islice(bodies, AT_ONCE)]:
        answers += await asyncio.gather(*(post(body) for body in some))
    await turn()
    with psycopg.connect(empty_database) as connection:
        states = connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall()
        quarantined = connection.execute("SELECT count(*) FROM signals WHERE state = 'QUARANTINED'").fetchall()
        waiting = connection.execute("SELECT count(*) FROM parked WHERE attempts > 0").fetchall()
    assert ({200}, [("DONE", COUNT)], [(0,)], [(0,)]) == (set(answers), states, quarantined, waiting)
