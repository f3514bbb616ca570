"""The simulator over plain HTTP: faults on request, from a broken line to an answer that hides its work."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from tests.contract.simulator_client import Client


async def test_a_trickling_answer_is_a_whole_one(client: Client) -> None:
    """An answer that comes a byte at a time arrives in the end, as long after as told."""
    token, begun = client.seed["user"]["token"], time.perf_counter()
    await client.control("POST", "/faults", {"match": {"path": "me$"}, "action": {"kind": "trickle", "seconds": 0.002}})
    status, answer, _ = await client.graph("GET", "me", token, fields="id")
    assert (200, {"id": client.seed["user"]["id"]}) == (status, answer)
    assert time.perf_counter() - begun >= 0.002 * len(json.dumps(answer, separators=(",", ":")))


async def test_calls_at_once_are_a_crowd(client: Client) -> None:
    """Calls of the same path that overlap are counted, calls one after the other are not."""
    token, page = client.seed["user"]["token"], client.seed["pages"][0]["id"]
    wait = {"match": {"path": "me$"}, "times": 3, "action": {"kind": "delay", "seconds": 0.5}}
    await client.control("POST", "/faults", wait)
    await asyncio.gather(*(client.graph("GET", "me", token, fields="id") for _ in range(3)))
    for _ in range(2):
        await client.graph("GET", page, token, fields="id")
    assert {"me"} == set((await client.control("GET", "/state"))["crowds"])


@pytest.mark.parametrize("kind", ["drop_before", "drop_answer", "close"])
async def test_connection_faults_break_with_or_without_effect(client: Client, kind: str) -> None:
    """The caller sees a broken connection; whether the catalog was created depends on the kind."""
    business, token = client.seed["businesses"][0]["id"], client.seed["user"]["token"]
    edge = f"{business}/owned_product_catalogs"
    await client.control("POST", "/faults", {"match": {"method": "POST", "path": edge}, "action": {"kind": kind}})
    with pytest.raises(aiohttp.ClientError):
        await client.graph("POST", edge, token, name="New")
    recorded = (await client.control("GET", "/calls"))["calls"]
    assert [edge] == [call["path"] for call in recorded]
    _, listed, _ = await client.graph("GET", edge, token)
    assert (1 if kind == "drop_before" else 2) == len(listed["data"])


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ({"kind": "status", "status": 503, "body": "Busy"}, 503, "Busy"),
        ({"kind": "garbage"}, 200, "<html>Sorry, something went wrong.</html>"),
        ({"kind": "garbage", "body": '{"id":'}, 200, '{"id":'),
    ],
)
async def test_answers_can_be_nonsense(client: Client, action: dict[str, Any], status: int, body: str) -> None:
    """A fault may answer anything with any status, once."""
    await client.control("POST", "/faults", {"match": {"path": "^me$"}, "action": action})
    token = client.seed["user"]["token"]
    assert (status, body) == (await client.graph("GET", "me", token))[:2]
    assert 200 == (await client.graph("GET", "me", token))[0]


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "error", "code": 1, "subcode": 1357046, "status": 500},
        {"kind": "status", "status": 500, "body": "Oops"},
        {"kind": "garbage"},
    ],
)
@pytest.mark.parametrize("done", [False, True])
async def test_a_failing_answer_may_hide_work_that_was_done(
    client: Client, action: dict[str, Any], *, done: bool
) -> None:
    """With `after` the answer is the same, but the catalog exists; the call is recorded once."""
    business, token = client.seed["businesses"][0]["id"], client.seed["user"]["token"]
    edge = f"{business}/owned_product_catalogs"
    await client.control("POST", "/faults", {"match": {"path": edge}, "action": {**action, "after": done}})
    status, answer, _ = await client.graph("POST", edge, token, name="New")
    assert (action.get("status", 200), False) == (status, "id" in answer)
    assert 1 == len((await client.control("GET", "/calls"))["calls"])
    _, listed, _ = await client.graph("GET", edge, token)
    assert (2 if done else 1) == len(listed["data"])


async def test_long_pages_are_cut_without_a_word(client: Client) -> None:
    """More rows than Graph gives at once come in pages of at most a hundred; pages of catalogs may be longer."""
    pages = [{"id": str(400 + number)} for number in range(120)]
    seeded = await client.control("POST", "/seed", {"user": {"id": "900"}, "pages": pages})
    _, document, _ = await client.graph("GET", "me/accounts", seeded["user"]["token"], limit="500")
    assert (100, True) == (len(document["data"]), "next" in document["paging"])
    catalog = client.seed["catalogs"][0]["id"]
    for limit, status in (("1000", 200), ("1001", 500)):
        assert (
            status == (await client.graph("GET", f"{catalog}/products", client.seed["user"]["token"], limit=limit))[0]
        )


@pytest.mark.parametrize(("action", "code", "done"), [
    ({"kind": "drop_answer"}, None, 1), ({"kind": "drop_before"}, None, 0), ({"kind": "delay", "seconds": 0.01}, 200, 1),
    ({"kind": "error", "code": 2}, 500, 0),
])  # fmt: skip
async def test_faults_hit_operations_of_a_batch(
    client: Client, action: dict[str, Any], code: int | None, done: int
) -> None:
    """An operation meets its fault alone, with or without effect."""
    token, catalog = client.seed["user"]["token"], client.seed["catalogs"][0]["id"]
    await client.control("POST", "/faults", {"match": {"method": "POST", "path": "product_sets$"}, "action": action})
    operations = [{"method": "POST", "relative_url": f"{catalog}/product_sets", "body": '{"name": "One"}'}]
    _, answers, _ = await client.graph("POST", "", token, batch=json.dumps(operations))
    assert [code] == [answer and answer["code"] for answer in answers]
    assert done == len((await client.graph("GET", f"{catalog}/product_sets", token))[1]["data"])
