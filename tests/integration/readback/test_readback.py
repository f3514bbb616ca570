"""What Meta shows is compared with what it confirmed, and mended where it differs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from connector.alerts import db as alerts
from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Task
from connector.readback import db
from connector.readback.model import MOST_MENDS, Pass
from connector.registry.db.observed import item_observations
from jobs import schedule
from simulator.batches import remove_item, write_item
from simulator.state import ProductCatalog
from stormcom.facebook.v1.item_pb2 import Observation
from tests.integration.catalog.shop import Shop, product


async def synced(shop: Shop, count: int = 3) -> None:
    """Bring products into the catalog, long enough ago for Meta to show them."""
    await shop.upsert(*(product(f"p{place:03}") for place in range(count)))
    await shop.sync()
    await shop.settle()
    shop.clock.advance(hours=2)


async def look(shop: Shop, stage: Pass = Pass.FULL) -> None:
    """Let a pass be due, and do it."""
    connection_id = await connection(shop)
    never, now = shop.clock() - timedelta(days=300), shop.clock()
    times = {"sample_time": now if stage is Pass.WATCH else never, "full_time": never if stage is Pass.FULL else now}
    async with shop.runtime.db.begin() as tx:
        wish = insert(db.readbacks).values(connection_id=connection_id, **times)
        await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id"], set_=times))
        await outbox.add(tx, Task.READ_BACK, due=now, connection_id=connection_id, key=f"read back {connection_id}")
    await shop.settle()


async def connection(shop: Shop) -> UUID:
    """Name the shop's connection."""
    async with shop.runtime.db.begin() as tx:
        return (await connections.require(tx, shop.store_id, "")).id


def tamper(shop: Shop, name: str, **fields: Any) -> None:
    """Let somebody else change an item at Meta."""
    catalog = next(iter(shop.world.all(ProductCatalog)))
    write_item(shop.world, catalog, name, shop.shelf[name] | fields)


def lose(shop: Shop, name: str) -> None:
    """Let somebody else delete an item at Meta."""
    catalog = next(iter(shop.world.all(ProductCatalog)))
    remove_item(shop.world, catalog, catalog.items[name])


async def verdicts(shop: Shop) -> Mapping[str, str]:
    """Tell what was last observed of each item."""
    items = (await shop.items()).values()
    return {
        item.retailer_id: Observation.Verdict.Name(item.observation.verdict).removeprefix("VERDICT_")
        for item in items
        if item.HasField("observation")
    }


async def reasons(shop: Shop) -> list[str]:
    """List the open alerts."""
    connection_id = await connection(shop)
    async with shop.runtime.db.begin() as tx:
        return [one["reason"] for one in await alerts.opened(tx, connection_id)]


@pytest.mark.parametrize("stage", [Pass.WATCH, Pass.SAMPLE, Pass.FULL])
async def test_what_is_as_confirmed_stays(shop: Shop, stage: Pass) -> None:
    """Every pass sees the items, finds them the same, and sends nothing."""
    await synced(shop)
    sent = len(shop.batches())
    await look(shop, stage)
    assert {"sc_p000": "SAME", "sc_p001": "SAME", "sc_p002": "SAME"} == await verdicts(shop)
    assert sent == len(shop.batches())


@pytest.mark.parametrize("stage", [Pass.WATCH, Pass.FULL])
async def test_what_somebody_changed_is_told_and_sent_again(shop: Shop, stage: Pass) -> None:
    """The difference is named with both values, and Meta has what is wanted again."""
    await synced(shop)
    tamper(shop, "sc_p001", title="Cheap scarf")
    await look(shop, stage)
    item = (await shop.items())["sc_p001"]
    found = [(one.field, one.confirmed, one.observed) for one in item.observation.differences]
    assert [("title", "Scarf p001", "Cheap scarf")] == found
    assert "Scarf p001" == shop.shelf["sc_p001"]["title"]
    shop.clock.advance(hours=2)
    await look(shop, stage)
    assert {"SAME"} == set((await verdicts(shop)).values())


async def test_what_somebody_deleted_comes_back(shop: Shop) -> None:
    """An item that is gone at Meta is found missing by name, and sent again."""
    await synced(shop)
    lose(shop, "sc_p001")
    await look(shop)
    assert "MISSING" == (await verdicts(shop))["sc_p001"]
    assert {"sc_p000", "sc_p001", "sc_p002"} == set(shop.shelf)


async def test_what_came_back_after_its_removal_is_removed_again(shop: Shop) -> None:
    """An item that Meta confirmed as gone and shows again leaves once more."""
    await synced(shop)
    before = shop.shelf["sc_p001"]
    await shop.delete("p001")
    await shop.settle()
    catalog = next(iter(shop.world.all(ProductCatalog)))
    write_item(shop.world, catalog, "sc_p001", before)
    shop.clock.advance(hours=2)
    await look(shop)
    assert {"sc_p000", "sc_p002"} == set(shop.shelf)
    assert "REMOVED" == (await shop.states())["sc_p001"]


async def test_what_is_overwritten_again_and_again_raises_an_alert_instead(shop: Shop) -> None:
    """A stubborn difference is sent a few times, then left to a person; the alert closes when it is gone."""
    await synced(shop)
    sent = []
    for _ in range(MOST_MENDS + 2):
        tamper(shop, "sc_p001", title="Cheap scarf")
        before = len(shop.batches())
        await look(shop)
        sent.append(len(shop.batches()) - before)
        shop.clock.advance(hours=2)
    assert [1] * MOST_MENDS + [0, 0] == sent
    assert ["ITEMS_DRIFTED"] == await reasons(shop)
    tamper(shop, "sc_p001", title="Scarf p001")
    await look(shop)
    assert [] == await reasons(shop)


async def test_many_items_that_turn_out_of_stock_by_themselves_raise_an_alert(shop: Shop) -> None:
    """More than a fifth of what is watched is enough; the alert closes once Meta shows what was sent."""
    await synced(shop, 40)
    for place in range(12):
        tamper(shop, f"sc_p{place:03}", availability="out of stock")
    await look(shop, Pass.WATCH)
    assert ["AVAILABILITY_FLIPPED"] == await reasons(shop)
    shop.clock.advance(hours=2)
    await look(shop, Pass.WATCH)
    assert [] == await reasons(shop)


async def test_an_alarm_stands_until_what_flipped_is_mended(shop: Shop) -> None:
    """Passes over other items close no alarm; what flipped is looked at again every hour, and closes it."""
    await synced(shop, 110)
    for place in range(100):
        tamper(shop, f"sc_p{place:03}", availability="out of stock")
    shop.break_calls("/items_batch", "error", code=2, times=40)
    await look(shop, Pass.WATCH)
    assert ["AVAILABILITY_FLIPPED"] == await reasons(shop)
    shop.world.faults.clear()
    await look(shop, Pass.WATCH)
    assert ["AVAILABILITY_FLIPPED"] == await reasons(shop)
    await shop.settle(minutes=70)
    shop.clock.advance(hours=1)
    await look(shop, Pass.WATCH)
    assert ([], {"SAME"}) == (await reasons(shop), set((await verdicts(shop)).values()))


async def test_a_fifth_is_not_more_than_a_fifth(shop: Shop) -> None:
    """Exactly the share that the merchant set is no alarm."""
    await synced(shop, 50)
    for place in range(10):
        tamper(shop, f"sc_p{place:03}", availability="out of stock")
    await look(shop, Pass.WATCH)
    assert [] == await reasons(shop)


async def test_a_few_flips_are_no_alert(shop: Shop) -> None:
    """One of twenty that shows another availability is mended without a word."""
    await synced(shop, 20)
    tamper(shop, "sc_p001", availability="out of stock")
    await look(shop, Pass.WATCH)
    assert [] == await reasons(shop)
    assert "in stock" == shop.shelf["sc_p001"]["availability"]


async def test_what_others_put_there_is_left_alone(shop: Shop) -> None:
    """Foreign items are neither kept nor touched."""
    await synced(shop)
    catalog = next(iter(shop.world.all(ProductCatalog)))
    foreign = shop.shelf["sc_p000"]
    write_item(shop.world, catalog, "OTHER-1", foreign)
    await look(shop)
    assert "OTHER-1" not in await verdicts(shop)
    assert foreign == shop.shelf["OTHER-1"]


async def test_what_was_confirmed_a_moment_ago_is_not_judged(shop: Shop) -> None:
    """Meta may still show what was there before: no verdict, nothing sent."""
    await synced(shop)
    await shop.upsert(product("p001", version=2, title="New scarf"))
    await shop.settle()
    tamper(shop, "sc_p001", title="Scarf p001")
    await look(shop)
    assert {"sc_p000", "sc_p002"} == set(await verdicts(shop))


async def test_a_full_pass_goes_through_every_page_and_takes_smaller_ones_when_asked_to(shop: Shop) -> None:
    """All items are seen, though Meta finds the first page too large and a turn is lost on the way."""
    await synced(shop, 230)
    shop.break_calls("/products", "error", code=1, message="Please reduce the amount of data you're asking for")
    shop.break_calls("/products", "error", code=2, message="Service temporarily unavailable")
    await look(shop)
    await shop.settle(minutes=30)
    async with shop.runtime.db.begin() as tx:
        counted = await tx.scalar(select(func.count()).select_from(item_observations))
    assert 230 == counted


async def test_samples_go_round(shop: Shop) -> None:
    """The next sample begins where the last one ended, and begins anew at the end of the catalog."""
    await synced(shop, 120)
    await look(shop, Pass.WATCH)
    assert 100 == len(await verdicts(shop))
    await look(shop, Pass.WATCH)
    assert 120 == len(await verdicts(shop))


async def test_passes_come_by_themselves(shop: Shop) -> None:
    """From the go on, items are read back every hour, without anybody asking."""
    await synced(shop)
    for _ in range(8):
        async with shop.runtime.db.begin() as tx:
            await schedule.plan(tx, at=shop.clock(), every_linked={})
        await shop.settle(minutes=30)
        shop.clock.advance(minutes=10)
    assert {"SAME"} == set((await verdicts(shop)).values())


async def test_a_refused_pass_comes_back_by_itself(shop: Shop) -> None:
    """What Meta refuses today it may take in an hour: nobody has to connect again for it."""
    await synced(shop)
    shop.break_calls("/products", "error", code=100, status=400, times=2)
    for _ in range(24):
        async with shop.runtime.db.begin() as tx:
            await schedule.plan(tx, at=shop.clock(), every_linked={})
        await shop.settle(minutes=10)
        shop.clock.advance(minutes=10)
    assert {"SAME"} == set((await verdicts(shop)).values())
    assert 3 == len(await verdicts(shop))


async def test_what_is_left_over_is_at_rest_once_it_is_gone(shop: Shop) -> None:
    """An item that came back after its removal, and was removed again, is looked at again and found as it should be."""
    await synced(shop)
    before = shop.shelf["sc_p001"]
    await shop.delete("p001")
    await shop.settle()
    write_item(shop.world, next(iter(shop.world.all(ProductCatalog))), "sc_p001", before)
    shop.clock.advance(hours=2)
    await look(shop)
    async with shop.runtime.db.begin() as tx:
        verdict = select(item_observations.c.verdict).where(item_observations.c.retailer_id == "sc_p001")
        assert "LEFT_OVER" == await tx.scalar(verdict)
    shop.clock.advance(hours=2)
    await look(shop, Pass.WATCH)
    async with shop.runtime.db.begin() as tx:
        assert "SAME" == await tx.scalar(verdict)


async def test_a_cursor_that_meta_takes_no_more_hides_no_item(shop: Shop) -> None:
    """What the pages did not show is asked for by name, and the pass ends."""
    await synced(shop, 60)
    connection_id, now = await connection(shop), shop.clock()
    values = {"stage": Pass.FULL, "cursor": "kept for too long", "sample_time": now, "full_time": now}
    async with shop.runtime.db.begin() as tx:
        await tx.execute(insert(db.readbacks).values(connection_id=connection_id, begin_time=now, **values))
        await outbox.add(tx, Task.READ_BACK, due=now, connection_id=connection_id)
    await shop.settle()
    assert (60, {"SAME"}) == (len(await verdicts(shop)), set((await verdicts(shop)).values()))
