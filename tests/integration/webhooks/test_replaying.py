"""Deliveries and signals are listed, shown, replayed and dismissed: each store its own."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from sqlalchemy import text

from connector.connections.db import connections
from connector.runtime import Runtime
from simulator import seeds
from simulator.world import World
from stormcom.facebook.v1 import webhook_service_pb2 as pb
from stormcom.facebook.v1 import webhook_service_pb2_grpc as webhook_grpc
from tests.integration.conftest import APP_ID, STORE, connect
from tests.integration.webhooks.bodies import PAGE, envelope, wrote
from tests.integration.webhooks.conftest import Deliver

OTHER_PAGE, OTHER_STORE = "30000000000000002", "store_2"
Turn = Callable[[], Awaitable[int]]
Stub: TypeAlias = "webhook_grpc.FacebookWebhooksAsyncStub"  # only in the stubs


@pytest.fixture
def webhooks(channel: grpc.aio.Channel) -> Stub:
    """What callers use."""
    return webhook_grpc.FacebookWebhooksStub(channel)


@pytest.fixture
async def two_stores(channel: grpc.aio.Channel, world: World, turn: Turn) -> None:
    """Two stores, each with a Page."""
    pages = [*seeds.DEFAULT["pages"], {"id": OTHER_PAGE, "name": "B"}]
    catalogs = [*seeds.DEFAULT["catalogs"], {"id": "50000000000000002", "name": "B"}]
    seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID, "pages": pages, "catalogs": catalogs})
    await connect(channel, world, turn)
    await connect(channel, world, turn, store_id=OTHER_STORE, seeded=1)


async def ask(runtime: Runtime, query: str) -> list[Any]:
    async with runtime.db.begin() as tx:
        return [tuple(row) for row in await tx.execute(text(query))]


async def everything(runtime: Runtime) -> list[Any]:
    """What a replay must leave as it is."""
    return [
        await ask(runtime, f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608 – words of this test
        for table in ("messages", "conversations", "events", "signals", "delivery_pages")
    ]


@asynccontextmanager
async def refused(runtime: Runtime, word: str) -> AsyncIterator[None]:
    """Let the database refuse every message with a word, for a while."""
    harm = f"IF NEW.text = '{word}' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW;"
    async with runtime.db.begin() as tx:
        await tx.execute(text(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {harm} END $$"))
        await tx.execute(text("CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse()"))
    try:
        yield
    finally:
        async with runtime.db.begin() as tx:
            await tx.execute(text("DROP FUNCTION refuse CASCADE"))


def mixed() -> bytes:
    """A delivery that tells of both Pages."""
    both = json.loads(envelope(wrote(0, "m_1", "to A"), wrote(1, "m_2", "again")))
    both["entry"] += json.loads(envelope(wrote(0, "m_1", "to B", page=OTHER_PAGE), page=OTHER_PAGE))["entry"]
    return json.dumps(both).encode()


@pytest.mark.usefixtures("two_stores")
async def test_each_store_sees_its_own_signals_only(webhooks: Stub, deliver: Deliver) -> None:
    """Of a delivery that tells of two stores' Pages each store sees its own Page, its own count, its own words."""
    await deliver(mixed(), envelope(wrote(5, "m_9", "only A")))
    seen = {}
    for store_id in (STORE, OTHER_STORE):
        listed = await webhooks.ListDeliveries(pb.ListDeliveriesRequest(store_id=store_id))
        first = listed.deliveries[-1]
        shown = await webhooks.GetDelivery(pb.GetDeliveryRequest(store_id=store_id, delivery_id=first.delivery_id))
        told = [json.loads(one.raw)["entry"][0]["messaging"][0]["message"]["text"] for one in shown.signals]
        seen[store_id] = len(listed.deliveries), [*first.page_ids], dict(first.signal_counts), told
    assert {
        STORE: (2, [PAGE], {"PersonMessage": 2}, ["to A", "again"]),
        OTHER_STORE: (1, [OTHER_PAGE], {"PersonMessage": 1}, ["to B"]),
    } == seen


@pytest.mark.usefixtures("two_stores")
async def test_what_is_another_stores_is_missing(webhooks: Stub, deliver: Deliver) -> None:
    """A delivery or signal of another store's, an absent one and nonsense are answered alike."""
    await deliver(envelope(wrote(0, "m_1", "A")))
    (mine,) = (await webhooks.ListDeliveries(pb.ListDeliveriesRequest(store_id=STORE))).deliveries
    for wrong in (mine.delivery_id, "999999", "nonsense", "9" * 40, "-1"):
        for call in (
            webhooks.GetDelivery(pb.GetDeliveryRequest(store_id=OTHER_STORE, delivery_id=wrong)),
            webhooks.ReplayDelivery(pb.ReplayDeliveryRequest(store_id=OTHER_STORE, delivery_id=wrong, reason="r")),
            webhooks.GetSignal(pb.GetSignalRequest(store_id=OTHER_STORE, signal_id=wrong)),
            webhooks.ReplaySignals(pb.ReplaySignalsRequest(store_id=OTHER_STORE, signal_ids=[wrong], reason="r")),
            webhooks.DismissSignals(pb.DismissSignalsRequest(store_id=OTHER_STORE, signal_ids=[wrong], reason="r")),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await call
            assert grpc.StatusCode.NOT_FOUND == refusal.value.code()


@pytest.mark.usefixtures("connected")
async def test_a_replay_of_everything_changes_nothing(
    runtime: Runtime, webhooks: Stub, deliver: Deliver, clock: Any
) -> None:
    """Every delivery is worked off again, is DONE again, and not a row of what it led to is another."""
    clock.advance(hours=1)  # nothing of this test is as old as its connection
    await deliver(*(envelope(wrote(n, f"m_{n}", str(n)), wrote(n, f"n_{n}", str(n))) for n in range(20)), mixed())
    before, now = await everything(runtime), runtime.now()
    wanted = pb.ReplayDeliveriesRequest(store_id=STORE, reason="looked wrong", dry_run=True)
    wanted.begin_time.FromDatetime(now - timedelta(hours=1))
    wanted.end_time.FromDatetime(now)
    dry = await webhooks.ReplayDeliveries(wanted)
    wanted.dry_run = False
    replayed = await webhooks.ReplayDeliveries(wanted)
    waiting = await ask(runtime, "SELECT count(*) FROM deliveries WHERE state = 'WAITING'")
    await deliver()
    assert (21, 21, [(21,)]) == (dry.delivery_count, replayed.delivery_count, waiting)
    assert [(0,)] == await ask(runtime, "SELECT count(*) FROM deliveries WHERE state = 'WAITING'")
    assert before == await everything(runtime)


async def test_a_quarantined_signal_is_told_and_replayed(
    runtime: Runtime, connected: str, webhooks: Stub, *, deliver: Deliver, clock: Any
) -> None:
    """What failed stands in quarantine with an alert, once; replayed after the cause is mended it is done, and the alert closes."""
    async with refused(runtime, "poison"):
        await deliver(envelope(wrote(0, "m_1", "poison"), wrote(1, "m_2", "fine")))
        for _ in range(6):
            clock.advance(minutes=5)
            await deliver()
        assert [("SIGNALS_QUARANTINED", 1)] == await ask(runtime, "SELECT reason, item_count FROM alerts")
    (one,) = (await webhooks.ListSignals(pb.ListSignalsRequest(store_id=STORE))).signals
    assert (connected, PAGE, pb.Signal.STATE_QUARANTINED) == (one.connection_id, one.page_id, one.state)
    shown = await webhooks.GetSignal(pb.GetSignalRequest(store_id=STORE, signal_id=one.signal_id))
    assert b"poison" in shown.raw.raw
    replay = pb.ReplaySignalsRequest(store_id=STORE, reason="mended")
    assert 1 == (await webhooks.ReplaySignals(replay)).signal_count
    await deliver()
    assert [("fine",), ("poison",)] == await ask(runtime, "SELECT text FROM messages ORDER BY text")
    assert [] == await ask(runtime, "SELECT reason FROM alerts")
    assert [("REPLAYED",)] == await ask(runtime, "SELECT state FROM signals")
    assert 0 == (await webhooks.ReplaySignals(replay)).signal_count
    told = await ask(runtime, "SELECT body ->> 'resolved' FROM events WHERE kind = 'alert_raised' ORDER BY create_time")
    assert [("false",), ("true",)] == told


@pytest.mark.usefixtures("connected")
async def test_what_fails_again_is_quarantined_again(
    runtime: Runtime, webhooks: Stub, deliver: Deliver, clock: Any
) -> None:
    """A replay does not hide a signal that still fails; dismissed, it is no trouble any more, whatever Meta sends again."""
    body = envelope(wrote(0, "m_1", "poison"))

    async def settle(*bodies: bytes) -> None:
        await deliver(*bodies)
        for _ in range(6):
            clock.advance(minutes=5)
            await deliver()

    async with refused(runtime, "poison"):
        await settle(body)
        await webhooks.ReplaySignals(pb.ReplaySignalsRequest(store_id=STORE, reason="try"))
        await settle()
        (one,) = (await webhooks.ListSignals(pb.ListSignalsRequest(store_id=STORE))).signals
        assert pb.Signal.STATE_QUARANTINED == one.state
        wish = pb.DismissSignalsRequest(store_id=STORE, signal_ids=[one.signal_id], reason="never mind")
        assert 1 == (await webhooks.DismissSignals(wish)).signal_count
        await settle(body)
    assert [("DISMISSED",)] == await ask(runtime, "SELECT state FROM signals")
    assert [] == await ask(runtime, "SELECT reason FROM alerts")


@pytest.mark.usefixtures("connected")
async def test_lists_are_paged_and_narrowed(webhooks: Stub, deliver: Deliver) -> None:
    """Pages of a list hold everything once, newest first; kind and Page narrow it; a foreign token is refused."""
    strange = [
        {"object": "page", "entry": [{"id": PAGE, "time": n, "changes": [{"field": f"topic_{n}", "value": {}}]}]}
        for n in range(7)
    ]
    await deliver(*(json.dumps(one).encode() for one in strange))
    listed: list[str] = []
    token = ""
    while True:
        answer = await webhooks.ListSignals(pb.ListSignalsRequest(store_id=STORE, page_size=3, page_token=token))
        listed += [one.kind for one in answer.signals]
        token = answer.next_page_token
        if not token:
            break
    assert [f"page.topic_{n}" for n in reversed(range(7))] == listed
    some = await webhooks.ListDeliveries(pb.ListDeliveriesRequest(store_id=STORE, kind="page.topic_3"))
    none = await webhooks.ListDeliveries(pb.ListDeliveriesRequest(store_id=STORE, page_id=OTHER_PAGE))
    assert (1, 0) == (len(some.deliveries), len(none.deliveries))
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await webhooks.ListDeliveries(pb.ListDeliveriesRequest(store_id=STORE, page_token="bm9uc2Vuc2U"))
    assert grpc.StatusCode.INVALID_ARGUMENT == refusal.value.code()


@pytest.mark.parametrize(
    "wish",
    [
        {"delivery_ids": ["1"]},
        {"reason": "why"},
        {"reason": "x" * 201, "delivery_ids": ["1"]},
        {"reason": "why", "delivery_ids": ["1"] * 501},
    ],
    ids=["no reason", "no time", "long reason", "too many"],
)
@pytest.mark.usefixtures("connected")
async def test_a_replay_says_what_and_why(webhooks: Stub, wish: dict[str, Any]) -> None:
    """A replay without a reason, or without bounds, is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await webhooks.ReplayDeliveries(pb.ReplayDeliveriesRequest(store_id=STORE, **wish))
    assert grpc.StatusCode.INVALID_ARGUMENT == refusal.value.code()


async def test_an_account_of_several_pages_is_one_store_s(
    runtime: Runtime, connected: str, webhooks: Stub, *, deliver: Deliver, clock: Any
) -> None:
    """What fails of an Instagram account that two connections name stands in one quarantine, of the connection that was first."""
    columns = [
        column.name for column in connections.columns if column.name not in {"id", "store_id", "page_id", "create_time"}
    ]
    same = ", ".join(columns)
    async with runtime.db.begin() as tx:
        await tx.execute(text("UPDATE connections SET instagram_id = '178'"))
        await tx.execute(
            text(f"""INSERT INTO connections (id, store_id, page_id, create_time, {same})
            SELECT gen_random_uuid(), 'store_9', '9', create_time + interval '1 hour', {same} FROM connections""")  # noqa: S608 – names of ours
        )
    body = envelope(wrote(0, "m_1", "poison", page="178"), page="178").replace(
        b'"object": "page"', b'"object": "instagram"'
    )
    async with refused(runtime, "poison"):
        await deliver(body)
        for _ in range(4):
            clock.advance(minutes=5)
            await deliver()
    (one,) = (await webhooks.ListSignals(pb.ListSignalsRequest(store_id=STORE))).signals
    assert (connected, "178", pb.Signal.STATE_QUARANTINED, 5) == (one.connection_id, one.page_id, one.state, one.tries)
    assert [(connected, "SIGNALS_QUARANTINED")] == await ask(runtime, "SELECT connection_id::text, reason FROM alerts")
    assert [(STORE,)] == await ask(runtime, "SELECT DISTINCT store_id FROM delivery_pages")
