"""A Meta that fails is left alone, by those it fails, until one call has tried."""

from connector.budgets.model import Urgency
from tests.integration.budgets.conftest import CATALOGS, Works

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
