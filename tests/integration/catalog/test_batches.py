"""Every fate of a batch: whatever becomes of a call, each item ends at Meta as it is wanted, and is never in two batches at once.

That no item ever was is asserted for every test, by the fixture `shop`.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from connector.registry.db import narrowings
from connector.runtime import Runtime
from simulator import batches, seeds
from simulator.state import ProductCatalog
from stormcom.facebook.v1.inventory_pb2 import InventoryLine
from stormcom.facebook.v1.item_pb2 import ItemFault
from stormcom.facebook.v1.operation_pb2 import Operation
from tests.integration.catalog.shop import Shop, product
from tests.integration.conftest import APP_ID, connect

SEND, CHECK = "items_batch", "check_batch_request_status"
SECOND = {
    **seeds.DEFAULT,
    "app_id": APP_ID,
    "pages": [*seeds.DEFAULT["pages"], {"id": "30000000000000002", "name": "Second shop"}],
    "catalogs": [*seeds.DEFAULT["catalogs"], {"id": "50000000000000002", "name": "Second catalog"}],
}
Arrange = Callable[[Shop], None]


def _switch(**values: object) -> Arrange:
    return lambda shop: shop.world.switches.change(**values)


def _break(path: str, kind: str, *, times: int = 1, **action: Any) -> Arrange:
    return lambda shop: shop.break_calls(path, kind, times=times, **action)


FATES: dict[str, tuple[Arrange, int]] = {
    "finished": (_switch(), 1),
    "ended in error, half of it done": (_switch(failing_batches=1), 2),
    "canceled": (_switch(canceled_batches=1), 2),
    "no handle": (_switch(empty_handles=1), 2),
    "no handle, twice": (_switch(empty_handles=2), 3),
    "handle unknown for a moment": (_break(CHECK, "error", code=100), 1),
    "handle unknown": (_break(CHECK, "error", times=2, code=100), 2),
    "handle without a status": (_break(CHECK, "status", times=2, status=200, body='{"data": []}'), 2),
    "answer lost before": (_break(SEND, "drop_before"), 2),
    "answer lost after": (_break(SEND, "drop_answer"), 2),
    "half an answer": (_break(SEND, "close"), 2),
    "a proxy's page": (_break(SEND, "status", status=502, body="<html>Bad gateway</html>", after=True), 2),
    "no words": (_break(SEND, "status", status=503, body=""), 2),
    "failed for now": (_break(SEND, "error", code=2), 2),
    "unknown error, three times": (_break(SEND, "error", times=3, code=1), 4),
    "paused": (_break(SEND, "error", code=80014, minutes=3), 2),
    "asked about in an outage": (_break(CHECK, "status", times=3, status=500, body=""), 1),
    "asked about in a pause": (_break(CHECK, "error", code=80009, minutes=3), 1),
}


@pytest.mark.parametrize("fate", FATES)
async def test_every_fate_ends_well(shop: Shop, fate: str) -> None:
    """Items are confirmed, the operation succeeds, and Meta was called as often as it takes."""
    arrange, calls = FATES[fate]
    await shop.upsert(*(product(f"p{number}") for number in range(4)))
    arrange(shop)
    operation = await shop.sync()
    await shop.settle(minutes=40)
    assert {"CONFIRMED"} == set((await shop.states()).values())
    assert (Operation.STATE_SUCCEEDED, calls) == ((await shop.operation(operation)).state, len(shop.batches()))
    assert [f"sc_p{number}" for number in range(4)] == sorted(shop.shelf)


NO_ANSWERS = (
    "<html>",
    '{"handles": ["a',
    "[1]",
    "null",
    '{"handles": 5}',
    '{"success": true}',
    '{"success": false}',
    '{"data": [{}]}',
    '{"error": {"code": 2, "message": "for now"}}',
)


@pytest.mark.parametrize("path", [SEND, CHECK])
async def test_what_is_no_answer_is_none(shop: Shop, path: str) -> None:
    """Nothing that cannot be read counts as a verdict, whether the call had its effect or not; the item ends confirmed."""
    for answer in NO_ANSWERS:
        shop.break_calls(path, "status", status=200, body=answer)
        shop.break_calls(path, "status", status=200, body=answer, after=True)
    await shop.upsert(product("p1"))
    await shop.sync()
    while shop.world.faults.listed():
        assert {"sc_p1": "CONFIRMED"} != await shop.states()
        await shop.settle(minutes=1)
        shop.clock.advance(minutes=1)
    await shop.settle(minutes=40)
    assert ({"sc_p1": "CONFIRMED"}, ["sc_p1"]) == (await shop.states(), list(shop.shelf))


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80009, 80014])
async def test_a_pause_is_kept(shop: Shop, code: int) -> None:
    """Whatever code asks for it, nothing is sent for as long as Meta wants; then everything goes on by itself."""
    shop.break_calls(SEND, "error", code=code, minutes=7)
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle(minutes=6)
    assert 1 == len(shop.batches())
    await shop.settle(minutes=60)
    assert ({"sc_p1": "CONFIRMED"}, 2) == (await shop.states(), len(shop.batches()))


async def test_an_outage_for_one_store_is_no_other_s(shop: Shop) -> None:
    """While every batch of one catalog fails, those of another are confirmed as ever; the first goes on after the outage."""
    seeds.seed(shop.world, SECOND)
    await connect(shop.channel, shop.world, shop.turn, store_id="store_2", seeded=1)
    other = Shop(shop.channel, shop.world, shop.clock, shop.turn, shop.runtime, store_id="store_2", seeded=1)
    mine = next(iter(shop.world.all(ProductCatalog)))
    shop.break_calls(f"{mine.id}/{SEND}", "error", times=5, code=2)
    for store in (shop, other):
        await store.upsert(product("p1"))
        await store.sync()
    await shop.settle(minutes=1)
    assert ({"sc_p1": "PENDING"}, {"sc_p1": "CONFIRMED"}) == (await shop.states(), await other.states())
    await shop.settle(minutes=60)
    assert {"sc_p1": "CONFIRMED"} == await shop.states()


async def test_what_changes_while_an_answer_is_lost_wins(shop: Shop) -> None:
    """A batch whose answer was lost and the newer wish never meet at Meta: the newer one stands there in the end."""
    shop.world.switches.change(batch_seconds=100.0)
    await shop.upsert(product("p1", title="First"))
    shop.break_calls(SEND, "drop_answer")
    await shop.sync()
    await shop.turn()
    await shop.upsert(product("p1", version=2, title="Second"))
    shop.clock.advance(minutes=3)
    await shop.turn()
    batches.settle(shop.world, next(iter(shop.world.all(ProductCatalog))))
    assert ("First", 1) == (shop.shelf["sc_p1"]["title"], len(shop.batches()))
    await shop.settle(minutes=15)
    assert ("Second", {"sc_p1": "CONFIRMED"}) == (shop.shelf["sc_p1"]["title"], await shop.states())


async def test_a_rest_is_counted_from_the_loss_of_the_answer(shop: Shop) -> None:
    """A batch that was under way for a minute before its answer was lost rests as long as any, whoever sends meanwhile."""
    shop.break_calls(SEND, "drop_answer", seconds=0.3)
    await shop.upsert(product("p1"))
    await shop.sync()
    sending = asyncio.ensure_future(shop.turn())
    while not shop.batches():  # noqa: ASYNC110 – the simulator has no event to wait for
        await asyncio.sleep(0.01)
    shop.clock.advance(minutes=1)
    await sending
    await shop.upsert(product("p2"))
    rest_minutes = shop.runtime.batch_time.total_seconds() / 60
    await shop.settle(minutes=rest_minutes - 0.5)
    assert 2 == len(shop.batches())
    await shop.settle(minutes=5)
    assert (3, {"CONFIRMED"}) == (len(shop.batches()), set((await shop.states()).values()))


def _line(product_id: str, version: int, quantity: int) -> InventoryLine:
    return InventoryLine(product_id=product_id, source_version=version, quantity=quantity, track_inventory=True)


@pytest.mark.parametrize("seed", range(3))
async def test_the_last_value_stands_whatever_happened(shop: Shop, seed: int) -> None:
    """Changes in both lanes, out of order, with every second answer lost or batch broken: the newest stock is what Meta has."""
    chance, newest = random.Random(seed), {"p1": 5, "p2": 5}  # noqa: S311 – makes a test's life hard, guards nothing
    shop.world.switches.change(batch_seconds=30.0, batch_jitter=0.9)
    await shop.upsert(product("p1"), product("p2"))
    await shop.sync()
    for version in range(2, 32):
        name, quantity = chance.choice(["p1", "p2"]), chance.randrange(100)
        await shop.stock(_line(name, 10 * version, quantity))
        newest[name] = quantity
        await shop.stock(_line(name, chance.randrange(1, 10 * version), 99))
        if chance.random() < 0.3:
            await shop.upsert(product(name, version=version, title=f"Scarf {version}"))
        if chance.random() < 0.5:
            shop.break_calls(SEND, chance.choice(["drop_answer", "drop_before", "close"]))
        if chance.random() < 0.2:
            shop.world.switches.change(**{chance.choice(["failing_batches", "canceled_batches"]): 1})
        await shop.settle(minutes=chance.choice([0.05, 1, 5]))
    await shop.settle(minutes=180)
    assert newest == {name: shop.shelf[f"sc_{name}"]["quantity_to_sell_on_facebook"] for name in newest}
    assert {"CONFIRMED"} == set((await shop.states()).values())


async def test_metas_remarks_are_kept_until_the_next_verdict(shop: Shop) -> None:
    """What Meta remarks on an item it takes, at once or at the end, is a warning on the item; stock and a new sync leave it."""
    shop.world.switches.change(warned_title_pattern="BUY")
    await shop.upsert(product("p1", title="BUY this scarf"), product("p2"))
    await shop.sync()
    await shop.settle()
    await shop.stock(_line("p1", 2, 1))
    await shop.settle()
    await shop.sync(full=True)
    kept = await shop.items()
    [warning] = kept["sc_p1"].faults
    assert (ItemFault.SEVERITY_WARNING, "META_WARNED") == (warning.severity, warning.reason)
    assert "The title looks like an advertisement; The title may not be shown everywhere" == warning.meta_message
    assert ({"sc_p1", "sc_p2"}, []) == (set(kept), list(kept["sc_p2"].faults))
    assert ["sc_p1"] == list(await shop.items(reason="META_WARNED"))
    await shop.settle()
    assert {"CONFIRMED"} == set((await shop.states()).values())
    await shop.upsert(product("p1", version=3, title="This scarf"))
    await shop.settle()
    assert [] == list((await shop.items())["sc_p1"].faults)


async def test_the_smaller_size_stands(runtime: Runtime) -> None:
    """A large batch that is found too large after a smaller one was does not let the next ones be larger."""
    async with runtime.db.begin() as tx:
        for item_count in (40, 100):
            await narrowings.narrow(tx, "1", item_count, at=runtime.now())
        assert 20 == await narrowings.most_items(tx, "1")


async def test_a_batch_s_size_grows_back_slowly(shop: Shop, runtime: Runtime) -> None:
    """The size that worked is kept; a larger one is tried an hour later, a quarter more, until nothing limits it."""
    sizes = []
    async with runtime.db.begin() as tx:
        [catalog] = shop.world.all(ProductCatalog)
        first = {"catalog_id": catalog.id, "item_count": 8, "time": runtime.now()}
        await tx.execute(narrowings.narrowings.insert().values(**first))
    await shop.upsert(*(product(f"p{number:02}") for number in range(20)))
    for _ in range(3):
        await shop.sync(full=True)
        await shop.settle()
        async with runtime.db.begin() as tx:
            sizes.append(await tx.scalar(select(narrowings.narrowings.c.item_count)))
        shop.clock.advance(hours=1)
    assert [8, 11, 14] == sizes


async def test_a_stock_change_refused_in_the_answer_rests(shop: Shop) -> None:
    """A stock change that Meta refuses at once is tried again after 15 seconds and a minute, not at once, and then no more."""
    await shop.upsert(product("p1"))
    await shop.sync()
    await shop.settle()
    sent = len(shop.batches())
    refusal = '{"handles": [], "validation_status": [{"retailer_id": "sc_p1", "errors": [{"message": "No"}]}]}'
    shop.break_calls(SEND, "status", times=9, status=200, body=refusal)
    await shop.stock(_line("p1", 2, 1))
    counts = []
    for seconds in (0, 14, 3, 50, 15, 600):
        shop.clock.advance(seconds=seconds)
        await shop.turn()
        counts.append(len(shop.batches()) - sent)
    assert ([1, 1, 2, 2, 3, 3], {"sc_p1": "REJECTED"}) == (counts, await shop.states())
