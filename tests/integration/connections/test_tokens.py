"""What happens to a token once a store is linked: sealed, used, refused, wiped."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions, db
from connector.connections.actions import tokens
from connector.connections.model import CapabilityKind, CapabilityState, State
from connector.db.outbox import Task
from connector.errors import FailedPrecondition, MetaRefused, NotFound
from connector.events import db as events
from connector.runtime import Runtime
from connector.values import OPTIONAL, Environment
from simulator.state import Page
from simulator.world import World

STORE, PAGE_ID, APP_ID = "store_1", "30000000000000001", "610000000000001"
DEAD = MetaRefused("META_TOKEN_INVALID", "The access token is not valid.", code=190, subcode=460)
FORBIDDEN = MetaRefused("META_PERMISSION_MISSING", "A permission is missing.", code=10)
REJECTED = MetaRefused("META_REJECTED", "A parameter is not valid.", code=100)


async def reload(runtime: Runtime, connection_id: Any) -> Any:
    async with runtime.db.begin() as tx:
        return await db.require(tx, STORE, connection_id)


async def told(runtime: Runtime) -> list[str]:
    async with runtime.db.begin() as tx:
        return [one.body["connection"]["state"] for one in await events.behind(tx, STORE, 0, limit=100)]


async def test_no_token_stands_in_the_open(
    runtime: Runtime, connect: Any, turn: Any, world: World, capsys: Any
) -> None:
    """No token, code or secret is readable in any column of any table, or in any line of the log.

    The logs are those before redaction: the first wall must hold alone.
    """
    connection = await connect()
    await turn()
    await actions.note_refusal(runtime, connection, DEAD)
    canaries = [*world.tokens, *world.codes, *(secret for app in world.apps.values() for secret in app.secrets)]
    seen = await _dump(runtime) + "".join(capsys.readouterr())
    assert len(canaries) > 4
    assert "graph.called" in seen
    assert [] == [canary for canary in canaries if canary in seen]


async def _dump(runtime: Runtime) -> str:
    """Write out every row of every table."""
    async with runtime.db.connect() as tx:
        tables = list(
            await tx.scalars(text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))
        )
        assert "connections" in tables
        rows = [list(await tx.execute(text(f'SELECT * FROM "{name}"'))) for name in tables]  # noqa: S608 – ours
        return str(rows)


async def test_a_token_opens_only_where_it_was_sealed(runtime: Runtime, connect: Any) -> None:
    """A sealed token moved to another kind or another connection does not open."""
    connection = await connect()
    assert connection.page_token is not None
    for kind in ("user", "login"):
        with pytest.raises(FailedPrecondition) as refused:
            await tokens.open_token(runtime, connection, connection.page_token, kind)
        assert "META_TOKEN_INVALID" == refused.value.reason


async def test_a_dead_token_stops_the_connection_and_is_told_once(
    runtime: Runtime, connect: Any, turn: Any, control_api: Any
) -> None:
    """Meta's refusal has the token looked at; when it is dead the connection is NEEDS_LOGIN, and StormCom hears of it once."""
    connection = await connect()
    await control_api("POST", "/tokens/revoke", {"user_id": "10000000000000001", "subcode": 460})
    for _ in range(3):
        await actions.note_refusal(runtime, connection, DEAD, task=Task.SEND_ITEMS)
        await turn()
    after = await reload(runtime, connection.id)
    assert (State.NEEDS_LOGIN, "META_TOKEN_INVALID") == (after.state, after.reason)
    assert ["STATE_CONNECTED", "STATE_NEEDS_LOGIN"] == await told(runtime)
    assert all(capability.state is not CapabilityState.ACTIVE for capability in after.capabilities())


async def test_a_lost_permission_blocks_only_what_needs_it(runtime: Runtime, connect: Any) -> None:
    """A permission refused while sending a message blocks messaging; the rest goes on."""
    connection = await connect()
    for _ in range(2):
        await actions.note_refusal(runtime, connection, FORBIDDEN, task=Task.SEND_MESSAGE)
    after = await reload(runtime, connection.id)
    assert {"MESSAGING": "BLOCKED", "CATALOG_SYNC": "AWAITING_GO", "INVENTORY": "AWAITING_GO"} == {
        capability.kind.value: capability.state.value
        for capability in after.capabilities()
        if capability.kind not in OPTIONAL
    }
    assert "META_PERMISSION_MISSING" == after.capability(CapabilityKind.MESSAGING).reason
    assert 2 == len(await told(runtime))
    with pytest.raises(FailedPrecondition):
        actions.require_capability(after, CapabilityKind.MESSAGING)


async def test_a_plain_refusal_touches_nothing(runtime: Runtime, connect: Any) -> None:
    """A request that Meta finds wrong is a problem of that request, not of the connection."""
    connection = await connect()
    await actions.note_refusal(runtime, connection, REJECTED, task=Task.SEND_ITEMS)
    after = await reload(runtime, connection.id)
    assert (State.CONNECTED, connection.blocks) == (after.state, after.blocks)


async def test_connecting_again_lifts_every_block(runtime: Runtime, connect: Any) -> None:
    """A new login gives back what Meta had taken away, and revives the work that had failed."""
    connection = await connect()
    await actions.note_refusal(runtime, connection, FORBIDDEN, task=Task.SEND_MESSAGE)
    await actions.note_refusal(runtime, connection, DEAD)
    async with runtime.db.begin() as tx:
        await tx.execute(text("UPDATE tasks SET due_time = NULL, reason = 'META_TOKEN_INVALID'"))
    after = await connect(connection_id=str(connection.id), catalog_id="")
    async with runtime.db.begin() as tx:
        failed = await tx.scalar(text("SELECT count(*) FROM tasks WHERE due_time IS NULL"))
    assert (State.CONNECTED, connection.blocks.keys(), 0) == (after.state, after.blocks.keys(), failed)


async def test_an_old_tokens_refusal_does_not_stop_the_new_one(runtime: Runtime, connect: Any) -> None:
    """A refusal of the token before the last login, arriving late, leaves the connection alone."""
    old = await connect()
    await connect(connection_id=str(old.id), catalog_id="")
    await actions.note_refusal(runtime, old, DEAD)
    assert State.CONNECTED is (await reload(runtime, old.id)).state


async def test_disconnecting_unsubscribes_and_wipes(runtime: Runtime, connect: Any, turn: Any, world: World) -> None:
    """After a disconnect no token is left and Meta tells us nothing more; until then nothing else can use the token."""
    connection = await connect()
    await turn()
    gone = await actions.disconnect(runtime, STORE, str(connection.id))
    assert (State.DISCONNECTED, None) == (gone.state, gone.user_token)
    with pytest.raises(FailedPrecondition):
        await actions.access(runtime, gone)
    await turn()
    after = await reload(runtime, connection.id)
    assert (None, ()) == (after.page_token, after.subscribed_fields)
    assert {} == world.require(Page, PAGE_ID, name="page").fields_by_app


async def test_disconnecting_again_changes_nothing(runtime: Runtime, connect: Any) -> None:
    """A repeated disconnect answers the same connection and tells nobody anything."""
    connection = await connect()
    first = await actions.disconnect(runtime, STORE, str(connection.id))
    second = await actions.disconnect(runtime, STORE, str(connection.id))
    assert first == second
    assert ["STATE_CONNECTED", "STATE_DISCONNECTED"] == await told(runtime)


async def test_a_token_that_meta_refuses_is_wiped_all_the_same(
    runtime: Runtime, connect: Any, turn: Any, control_api: Any
) -> None:
    """A Page that cannot be unsubscribed because its token died keeps no token."""
    connection = await connect()
    await turn()
    await control_api("POST", "/tokens/revoke", {"page_id": PAGE_ID})
    await actions.disconnect(runtime, STORE, str(connection.id))
    await turn()
    assert (await reload(runtime, connection.id)).page_token is None


async def test_connecting_again_before_the_unsubscription_keeps_the_subscription(
    runtime: Runtime, connect: Any, turn: Any, world: World
) -> None:
    """A merchant who disconnects and connects again at once stays subscribed."""
    connection = await connect()
    await turn()
    await actions.disconnect(runtime, STORE, str(connection.id))
    await connect(catalog_id="")
    await turn()
    assert "messages" in world.require(Page, PAGE_ID, name="page").fields_by_app[APP_ID]
    assert (await reload(runtime, connection.id)).page_token is not None


async def test_a_page_that_went_to_another_store_stays_subscribed(
    runtime: Runtime, connect: Any, turn: Any, world: World, clock: Any
) -> None:
    """An unsubscription that is late, since Meta was down, does not take the Page's next store its messages."""
    connection = await connect()
    await turn()
    await actions.disconnect(runtime, STORE, str(connection.id))
    fault = {"match": {"method": "DELETE", "path": "subscribed_apps"}, "times": 1}
    world.faults.order(fault | {"action": {"kind": "status", "status": 503, "body": ""}})
    await turn()
    await connect("store_2", catalog_id="")
    await turn()
    clock.advance(minutes=10)
    await turn()
    assert "messages" in world.require(Page, PAGE_ID, name="page").fields_by_app[APP_ID]
    assert (await reload(runtime, connection.id)).page_token is None


async def test_a_disconnect_during_the_choice_holds(runtime: Runtime, walk: Any, control_api: Any) -> None:
    """A choice whose call to Meta was still under way when the store was disconnected links nothing and keeps no token."""
    begun = await actions.begin(runtime, STORE, environment=Environment.TEST)
    returned = await walk(begun.url)
    await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    slow = {"kind": "delay", "seconds": 0.5}
    await control_api("POST", "/faults", {"match": {"method": "GET", "path": PAGE_ID}, "action": slow})
    choosing = asyncio.create_task(actions.choose(runtime, STORE, str(begun.connection.id), page_id=PAGE_ID))
    await asyncio.sleep(0.2)
    await actions.disconnect(runtime, STORE, str(begun.connection.id))
    with pytest.raises(FailedPrecondition):
        await choosing
    after = await reload(runtime, begun.connection.id)
    assert (State.DISCONNECTED, None, None) == (after.state, after.user_token, after.page_token)


async def test_a_subscription_that_meta_does_not_show_is_asked_for_again(
    runtime: Runtime, connect: Any, turn: Any, control_api: Any, clock: Any
) -> None:
    """A subscription counts only when Meta reads it back; until then it is tried again."""
    body = '{"data": []}'
    fault = {"kind": "status", "status": 200, "body": body}
    await control_api("POST", "/faults", {"match": {"method": "GET", "path": "subscribed_apps"}, "action": fault})
    connection = await connect()
    await turn()
    assert () == (await reload(runtime, connection.id)).subscribed_fields
    clock.advance(minutes=10)
    await turn()
    assert "messages" in (await reload(runtime, connection.id)).subscribed_fields


async def test_work_of_a_disconnected_store_stops(runtime: Runtime, connect: Any, turn: Any) -> None:
    """A task of a connection that is gone gives up with STORE_NOT_CONNECTED and waits for the next login."""
    connection = await connect()
    async with runtime.db.begin() as tx:
        await db.change(tx, connection.id, at=runtime.now(), state=State.DISCONNECTED)
    await turn()
    async with runtime.db.begin() as tx:
        failed = await tx.execute(text("SELECT name, reason FROM tasks WHERE due_time IS NULL ORDER BY name"))
        assert [("BACKFILL", "STORE_NOT_CONNECTED"), ("SUBSCRIBE_PAGE", "STORE_NOT_CONNECTED")] == [
            (*one,) for one in failed
        ]


@pytest.mark.parametrize("connection_id", ["nonsense", "00000000-0000-4000-8000-000000000000", "foreign"])
async def test_foreign_connections_look_missing(runtime: Runtime, connect: Any, connection_id: str) -> None:
    """Another store's connection, an absent one and nonsense are told apart by nobody."""
    if connection_id == "foreign":
        connection_id = str((await connect("store_2")).id)
    async with runtime.db.begin() as tx:
        with pytest.raises(NotFound) as missing:
            await db.require(tx, STORE, connection_id)
    assert "No such connection in this store" == missing.value.message


async def test_a_store_with_two_connections_must_name_one(runtime: Runtime, connect: Any, world: World) -> None:
    """With several live connections an empty id is refused; with none it says so."""
    from simulator import seeds

    async with runtime.db.begin() as tx:
        with pytest.raises(FailedPrecondition) as none:
            await db.require(tx, STORE, "")
    seeds.seed(world, {**seeds.DEFAULT, "pages": [{"id": "31000000000000001", "name": "Second"}]})
    await connect()
    await connect(page_id="31000000000000001")
    async with runtime.db.begin() as tx:
        with pytest.raises(FailedPrecondition) as several:
            await db.require(tx, STORE, "")
    assert ("STORE_NOT_CONNECTED", "CONNECTION_AMBIGUOUS") == (none.value.reason, several.value.reason)


async def test_refusals_arriving_together_are_told_once(
    runtime: Runtime, connect: Any, turn: Any, control_api: Any
) -> None:
    """Many workers that meet the same dead token at once make one change and one event."""
    connection = await connect()
    await turn()
    await control_api("POST", "/tokens/revoke", {"user_id": "10000000000000001", "subcode": 460})
    await asyncio.gather(*(actions.note_refusal(runtime, connection, DEAD) for _ in range(8)))
    await turn()
    assert ["STATE_CONNECTED", "STATE_NEEDS_LOGIN"] == await told(runtime)
