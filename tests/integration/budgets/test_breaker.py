"""A Meta that fails is left alone, by those it fails, until one call has tried."""

import pytest

from connector.budgets import db as budgets
from connector.budgets.model import Urgency
from connector.runtime import open_runtime
from connector.settings import Settings
from tests.integration.budgets.conftest import CATALOGS, Works
from tests.integration.conftest import Clock

ONE, OTHER = (f"catalog_management:{catalog}" for catalog in CATALOGS)


def _break(works: Works, times: int) -> None:
    works.world.faults.order({"match": {"path": CATALOGS[0]}, "times": times, "action": {"kind": "error", "code": 2}})


async def test_five_failures_close_a_bucket_for_all_but_one_call(works: Works) -> None:
    """Six tasks want to call; after five failures nobody does, after the rest exactly one tries, and its failure rests them longer."""
    _break(works, 100)
    for number in range(6):
        await works.want(ONE, path=CATALOGS[0], holder=str(number), once=True)
    await works.run(seconds=4)
    assert 5 == works.called(CATALOGS[0])
    await works.run(seconds=4)
    assert 6 == works.called(CATALOGS[0])
    await works.run(seconds=4)
    assert 6 == works.called(CATALOGS[0])


async def test_other_stores_go_on(works: Works) -> None:
    """The breaker of one store's bucket stops no other store."""
    _break(works, 100)
    for number in range(6):
        await works.want(ONE, path=CATALOGS[0], holder=str(number), once=True)
    await works.run(seconds=4)
    await works.want(OTHER, path=CATALOGS[1], holder="9", once=True)
    await works.run(seconds=1)
    assert 1 == works.called(CATALOGS[1])


async def test_the_call_that_succeeds_opens_the_way(works: Works) -> None:
    """When the one call that tries is answered, all others follow."""
    _break(works, 5)
    for number in range(6):
        await works.want(ONE, path=CATALOGS[0], holder=str(number), urgency=Urgency.URGENT, once=True)
    await works.run(minutes=5)
    assert 5 + 6 == works.called(CATALOGS[0])


@pytest.mark.parametrize("began_before", [False, True])
async def test_another_process_may_make_the_call_that_tries(
    works: Works, settings: Settings, clock: Clock, *, began_before: bool
) -> None:
    """Its answer opens the way though that process met no failure, and though no header says how full the bucket is."""
    bucket, first = "conversations:1", works.runtime
    async with open_runtime(settings, now=clock, pool_size=2) as other:
        works.runtime = other
        if began_before:
            await works.want(bucket, path=CATALOGS[0], holder="9", once=True)
            await works.run(minutes=2)
        works.runtime = first
        _break(works, 5)
        for number in range(6):
            await works.want(bucket, path=CATALOGS[0], holder=str(number), once=True)
        await works.run(seconds=1)
        works.runtime = other
        await works.run(seconds=20)
    assert began_before + 5 + 6 == works.called(CATALOGS[0])


async def test_a_call_that_tries_and_dies_gives_way_to_another(works: Works) -> None:
    """When the worker that tries is killed, another task tries a minute later, and its answer opens the way for all."""
    _break(works, 5)
    for number in range(6):
        await works.want(ONE, path=CATALOGS[0], holder=str(number), once=True)
    await works.run(seconds=1)
    works.clock.advance(seconds=9)
    async with works.runtime.db.begin() as tx:  # and no more is heard of it
        await budgets.require_room(
            tx, ONE, app_bucket="app:1", holder="killed", urgency=Urgency.PATIENT, at=works.clock()
        )
    await works.run(seconds=50)
    assert 5 == works.called(CATALOGS[0])
    await works.run(seconds=20)
    assert 5 + 6 == works.called(CATALOGS[0])


async def test_refusals_open_no_breaker(works: Works) -> None:
    """A Meta that refuses is there: work for which it has no objection goes on."""
    works.world.faults.order(
        {"match": {"path": CATALOGS[0]}, "times": 9, "action": {"kind": "error", "code": 100, "status": 400}}
    )
    for number in range(9):
        await works.want(ONE, path=CATALOGS[0], holder=str(number), once=True)
    await works.run(seconds=1)
    await works.want(ONE, path=CATALOGS[0], holder="9", once=True)
    await works.run(seconds=1)
    assert 10 == works.called(CATALOGS[0])
