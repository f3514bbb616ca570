"""Webhooks by the thousand while everything dies: what Meta was told is kept is kept once, is told once, and nothing else is.

`STORM_WEBHOOKS=20000 make chaos` is the whole storm, a smaller one otherwise; `STORM_SEED` repeats one. What came of it stands in `build/chaos.json`.
"""

import asyncio
import os

import pytest

from stack.supervisor import Stack
from tests.e2e import results
from tests.e2e.ledger import Balance
from tests.e2e.storm import builds
from tests.e2e.storm.rage import Storm, rage
from tests.e2e.storm.sendings import Sendings
from tests.e2e.storm.weather import CALM, LONG, SHORT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480)]
WEBHOOKS = int(os.environ.get("STORM_WEBHOOKS", "1000"))
SEED = int(os.environ.get("STORM_SEED", "20261121"))
SENDINGS = int(os.environ.get("STORM_SENDINGS", "1000"))
LOST_OF_TEN = 4
"""Of ten texts of a Page: when half of the calls fail, Meta is left alone for a while."""
IN_FULL = "STORM_WEBHOOKS" in os.environ
PER_SECOND = 200.0 if IN_FULL else 100.0  # ten seconds at least: a crash, and kills on either side of it
in_full_only = pytest.mark.skipif(not IN_FULL, reason="restarts processes for long: `make chaos`")


@pytest.mark.timeout(480 + WEBHOOKS // 10)
async def test_all_five_counts_are_zero(running: Stack) -> None:
    """After the storm nothing is lost, doubled, phantom, drifted or stuck: in the tables, and at either kind of listener."""
    print(f"seed {SEED}")  # noqa: T201 – to run it again: STORM_SEED
    weather, patience_seconds = LONG if IN_FULL else SHORT, 240 + WEBHOOKS / 40
    outcome = await rage(running, Storm(500, WEBHOOKS, PER_SECOND, weather, SEED, drain_seconds=patience_seconds))
    results.note(**outcome.document())
    assert Balance() == outcome.balance, outcome.balance.counts


async def test_no_redis_is_needed(running: Stack) -> None:
    """With no Redis at all, webhooks are kept, worked off and told."""
    outcome = await rage(running, Storm(510, 500, 200, CALM, SEED, with_redis=False))
    assert Balance() == outcome.balance, outcome.balance.counts


@in_full_only
@pytest.mark.timeout(180 + SENDINGS)
async def test_no_text_goes_out_twice(running: Stack) -> None:
    """When Meta takes texts and its answers are lost, each is with its person once, and its fate is known: by its echo, or by looking."""
    sendings = await asyncio.to_thread(Sendings.open, running, 520, stores=10, people=10)
    waves = SENDINGS // (10 * LOST_OF_TEN)
    for wave in range(waves):
        if wave == waves // 2:
            await running.kill("ingress")  # from here on no echo tells
        await asyncio.to_thread(sendings.lose_answers, LOST_OF_TEN)
        await asyncio.to_thread(sendings.send)
        await asyncio.to_thread(sendings.wait_until_settled, seconds=60)
    await running.start("ingress")
    assert (Balance(), SENDINGS // LOST_OF_TEN * 10) == (await asyncio.to_thread(sendings.balance), len(sendings.texts))


@in_full_only
async def test_an_answer_before_the_commit_is_noticed(running: Stack) -> None:
    """Of a build that answers Meta before the commit, the reckoning says that it loses messages."""
    async with builds.running(running, "answer_early", "ingress"):
        storm = Storm(501, 200, 100, {"crashes": 0.6}, SEED, drain_seconds=5)
        balance = (await rage(running, storm)).balance
    assert balance.lost


async def test_a_missing_key_is_noticed(running: Stack) -> None:
    """Of a database without the key of messages, the reckoning says that messages are doubled, kept and told."""

    def doubled(balance: Balance) -> set[str]:
        return {book for book in ("messages", "told") for one in balance.doubled if one.startswith(book)}

    with builds.keyless(running.servers.database_url):
        storm = Storm(502, 100, 200, CALM, SEED, over=lambda balance: len(doubled(balance)) == 2)
        balance = (await rage(running, storm)).balance
    assert {"messages", "told"} == doubled(balance)


@in_full_only
@pytest.mark.parametrize(("build", "expected"), [("forget_quickly", 0), ("ignore_claims", 5)])
async def test_an_ignored_claim_is_noticed(running: Stack, build: str, expected: int) -> None:
    """When a worker dies while Meta answers, no text goes out twice; of a build that minds no claim the reckoning says it does."""
    sendings = await asyncio.to_thread(Sendings.open, running, 503 + expected, stores=1, people=5)
    async with builds.running(running, build, "worker-fast", "worker-bulk"):
        await running.kill("ingress")  # no echo tells what became of them
        sendings.lose_answers(5, hold_seconds=30)
        await asyncio.to_thread(sendings.send)
        await asyncio.to_thread(sendings.wait_until_seen, 5)
        await running.kill("worker-fast")
        await running.start("worker-fast")
        await asyncio.to_thread(sendings.wait_until_settled)
        await running.start("ingress")
    assert (expected, 0) == (len(sendings.balance().doubled), len(sendings.balance().lost))
