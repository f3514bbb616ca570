"""Meta's allowances are used, shared and never overdrawn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from connector.budgets.model import Urgency
from connector.runtime import open_runtime
from connector.settings import Settings
from tests.integration.budgets.conftest import CATALOGS, Works
from tests.integration.conftest import APP_ID, Clock

ONE, OTHER = (f"catalog_management:{catalog}" for catalog in CATALOGS)


async def test_work_without_end_uses_the_allowance_and_no_more(works: Works, allow: Callable[..., None]) -> None:
    """Two catalogs, one wanted by both urgencies: at least 85 percent is used, none throttled, and neither urgency starves."""
    allow(catalog_management=20)
    for urgency in Urgency:
        await works.want(ONE, path=CATALOGS[0], holder=f"1 {urgency}", urgency=urgency)
    await works.want(OTHER, path=CATALOGS[1], holder="2")
    await works.run(hours=3)
    for bucket in (ONE, OTHER):
        account = works.account(bucket)
        assert (0, 0) == (account["refused"], account["inside_block"])
        assert 20 * 3 * 0.85 <= account["calls"] <= 20 * 4


async def test_urgent_work_goes_first_and_patient_work_does_not_starve(
    works: Works, allow: Callable[..., None]
) -> None:
    """When both always have work and room is scarce, urgent calls are the most, and patient ones at least a tenth."""
    allow(catalog_management=20)
    works.world.limits.spend("catalog_management", CATALOGS[0], cost=16)
    await works.want(ONE, path=CATALOGS[0], holder="1", urgency=Urgency.URGENT)
    await works.want(ONE, path=f"{CATALOGS[0]}/products", holder="1")
    await works.run(hours=3)
    urgent, patient = works.called(CATALOGS[0]), works.called(f"{CATALOGS[0]}/products")
    assert (urgent + patient) / 10 <= patient < urgent


async def test_places_go_round_between_stores(works: Works, allow: Callable[..., None]) -> None:
    """A store with ten tasks gets no more of a scarce bucket of all stores than a store with one: they take turns."""
    allow(app=100)
    works.world.limits.spend("app", APP_ID, cost=75)
    for _ in range(10):
        await works.want("app:" + APP_ID, path="me/permissions", holder="greedy")
    for path in ("me/businesses", "me/accounts"):
        await works.want("app:" + APP_ID, path=path, holder=path)
    await works.run(minutes=59)
    called = [call.path for call in works.world.records.calls][3:]  # when all had asked
    assert len(called) >= 9
    assert {3} == {len(set(called[start : start + 3])) for start in range(len(called) - 2)}


async def test_tasks_of_a_store_take_turns(works: Works, allow: Callable[..., None]) -> None:
    """Work without end keeps no other task of its store from calling while room is scarce: each soon has its turn."""
    allow(catalog_management=100)
    works.world.limits.spend("catalog_management", CATALOGS[0], cost=80)
    await works.want(ONE, path=CATALOGS[0], holder="1")
    await works.run(minutes=5)
    for _ in range(2):
        await works.want(ONE, path=f"{CATALOGS[0]}/products", holder="1", once=True)
    await works.run(minutes=50)
    assert 2 == works.called(f"{CATALOGS[0]}/products")


async def test_what_others_use_counts(works: Works, allow: Callable[..., None]) -> None:
    """When somebody else uses up the allowance, work stops before Meta has to say so, and goes on when there is room."""
    allow(catalog_management=100)
    works.world.limits.spend("catalog_management", CATALOGS[0], cost=95)
    await works.want(ONE, path=CATALOGS[0], holder="1")
    await works.run(minutes=60)
    assert (1, 0) == (works.called(CATALOGS[0]), works.account(ONE)["refused"])
    await works.run(minutes=10)
    assert works.called(CATALOGS[0]) >= 50


async def test_a_pause_is_obeyed_by_all_and_survives(
    works: Works, allow: Callable[..., None], settings: Settings, clock: Clock
) -> None:
    """After one throttled call nobody calls until Meta's minutes are over, no process either that starts meanwhile."""
    allow(catalog_management=10)
    for _ in range(10):
        works.world.limits.spend("catalog_management", CATALOGS[0])
        clock.advance(minutes=1)
    for number in range(3):
        await works.want(ONE, path=CATALOGS[0], holder=str(number), urgency=Urgency.URGENT)
    await works.run(minutes=1)
    async with open_runtime(settings, now=clock, pool_size=2) as runtime:
        works.runtime = runtime
        await works.run(minutes=120)
    account = works.account(ONE)
    assert (1, 0) == (account["refused"], account["inside_block"])
    assert account["calls"] > 20


async def test_an_app_wide_pause_stops_every_bucket(works: Works) -> None:
    """When Meta says that the app's limit is reached, calls of other buckets wait too."""
    works.world.faults.order({"match": {"path": CATALOGS[0]}, "action": {"kind": "error", "code": 4}})
    await works.want(ONE, path=CATALOGS[0], holder="1", once=True)
    await works.run(seconds=1)
    await works.want(OTHER, path=CATALOGS[1], holder="2", once=True)
    await works.run(minutes=4)
    assert 0 == works.called(CATALOGS[1])
    await works.run(minutes=2)
    assert 1 == works.called(CATALOGS[1])


async def test_a_pause_is_heard_from_any_answer(works: Works) -> None:
    """When the headers of an answer say that a bucket is shut, nobody has to be refused to find out."""
    shut = {"code": 2, "minutes": 9}
    works.world.faults.order({"match": {"path": CATALOGS[0]}, "action": {"kind": "error", **shut}})
    bucket = f"catalog_batch:{CATALOGS[0]}"
    await works.want(bucket, path=CATALOGS[0], holder="1", once=True)
    await works.run(minutes=8)
    assert 1 == works.called(CATALOGS[0])
    await works.run(minutes=5)
    assert 2 == works.called(CATALOGS[0])


async def test_a_minutes_window_is_used_too(
    works: Works, allow: Callable[..., None], settings: Settings, clock: Clock
) -> None:
    """Where Meta counts batches by the minute, as the setting says, the allowance is used up to its end as well."""
    allow(catalog_batch=20)
    works.world.switches.change(window_seconds={"catalog_batch": 60.0})
    bucket, path = f"catalog_batch:{CATALOGS[0]}", f"{CATALOGS[0]}/items_batch"
    minutely = replace(settings, batch_window=timedelta(minutes=1))
    async with open_runtime(minutely, now=clock, pool_size=2) as runtime:
        works.runtime = runtime
        await works.want(bucket, path=path, holder="1", urgency=Urgency.URGENT)
        await works.run(minutes=5)
    account = works.account(bucket)
    assert 0 == account["inside_block"]
    assert account["refused"] <= 1  # real time passes too: on a busy machine the windows' edges drift by a call
    assert account["calls"] >= 5 * 20 * 0.85
