"""What a connection may do follows Meta: what is taken away, what heals, what Meta ends, and what StormCom hears of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions, db
from connector.connections.model import CapabilityKind, Connection, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.errors import MetaRefused
from connector.events import db as events
from connector.graph.lifecycle import version_end
from connector.runtime import Runtime
from connector.values import OPTIONAL, Environment
from simulator import seeds
from simulator.state import Page, User
from simulator.world import World
from tests.integration.conftest import Clock
from tests.integration.connections.conftest import PAGE_ID, Connect

STORE = "store_1"
MESSAGES, ORDERS, CATALOG = CapabilityKind.MESSAGING, CapabilityKind.ORDER_MANAGEMENT, CapabilityKind.CATALOG_SYNC
FORBIDDEN = MetaRefused("META_PERMISSION_MISSING", "A permission is missing.", code=10)
POLICY = MetaRefused("META_POLICY_BLOCKED", "Blocked for a while.", code=368)
DOUBTFUL = MetaRefused("META_PERMISSION_MISSING", "Permission or consent.", code=230)

Turn = Callable[[], Awaitable[int]]


@pytest.fixture
def ambitious(runtime: Runtime, world: World) -> Runtime:
    """The same runtime, whose app asks merchants for everything, and a merchant who has it all to give."""
    scopes = [*seeds.SCOPES, "commerce_account_manage_orders", "commerce_account_read_settings", "ads_read"]
    seeds.seed(world, {**seeds.DEFAULT, "scopes": [*scopes, "ads_management"]})
    app = replace(runtime.apps[Environment.TEST], capabilities=frozenset(OPTIONAL))
    return replace(runtime, apps={Environment.TEST: app})


@pytest.fixture
async def linked(connect: Connect, turn: Turn) -> Connection:
    """A connection whose Page is subscribed, with nothing left to do."""
    connection = await connect()
    await turn()
    return connection


async def look(runtime: Runtime, connection: Connection) -> Connection:
    async with runtime.db.begin() as tx:
        return await db.require(tx, STORE, connection.id)


async def standing(runtime: Runtime, connection: Connection, kind: CapabilityKind) -> tuple[str, str]:
    shown = (await look(runtime, connection)).capability(kind)
    return shown.state.value, shown.reason


async def told(runtime: Runtime, kind: CapabilityKind) -> list[str]:
    """List the states of a capability as StormCom heard them, each change once."""
    async with runtime.db.begin() as tx:
        heard = [one.body["connection"]["capabilities"] for one in await events.behind(tx, STORE, 0, limit=100)]
    return [one["state"] for shown in heard for one in shown if one["kind"] == f"KIND_{kind}"]


async def watch(runtime: Runtime, turn: Turn) -> None:
    """Do the hourly work, and what it asks for."""
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.WATCH_META, due=runtime.now(), key="watch")
    await turn()


def revoke(world: World, scope: str, status: str = "declined") -> None:
    """Let the merchant take a permission back, or give it again."""
    for user in world.all(User):
        user.grants["610000000000001"][scope] = status


async def reweigh(runtime: Runtime, connection: Connection, **grants: Any) -> None:
    """Write what an inspection found, and weigh it, as an inspection does."""
    async with runtime.db.begin() as tx:
        changed = await db.change(tx, connection.id, at=runtime.now(), **grants)
        await actions.reweigh(runtime, tx, changed)


async def test_a_new_connection_shows_all_seven(runtime: Runtime, connect: Connect) -> None:
    """Right after linking every capability says how it stands; what the app does not ask for is not offered."""
    connection = await connect()
    assert {
        "CATALOG_SYNC": "AWAITING_GO",
        "INVENTORY": "AWAITING_GO",
        "MESSAGING": "ACTIVE",
        "ORDER_MANAGEMENT": "RETIRED_BY_META",
        "PROMOTIONS": "UNAVAILABLE",
        "CONVERSIONS": "UNAVAILABLE",
        "INSIGHTS": "UNAVAILABLE",
        "INSTAGRAM_MESSAGING": "UNAVAILABLE",
    } == {one.kind.value: one.state.value for one in connection.capabilities()}


async def test_a_merchant_is_asked_for_what_the_app_is_set_to(ambitious: Runtime) -> None:
    """The dialog asks for the permissions of the optional capabilities that operators chose, and says why it does."""
    begun = await actions.begin(ambitious, STORE, environment=Environment.TEST)
    assert all(scope in begun.url for scope in ("commerce_account_manage_orders", "ads_management", "ads_read"))
    assert "instagram_manage_messages" in begun.url


async def test_a_scope_lost_and_regained_is_told_once_each(runtime: Runtime, connect: Connect) -> None:
    """An inspection that finds a scope gone takes away its capability, the next one gives it back; each is told once."""
    connection = await connect()
    without = [one for one in connection.granted_scopes if one != "pages_messaging"]
    for scopes in (without, without, list(connection.granted_scopes)):
        await reweigh(runtime, connection, granted_scopes=scopes)
    assert ["STATE_ACTIVE", "STATE_NOT_GRANTED", "STATE_ACTIVE"] == await told(runtime, MESSAGES)
    assert ["STATE_AWAITING_GO"] * 3 == await told(runtime, CATALOG)


async def test_what_is_missing_is_named(runtime: Runtime, connect: Connect) -> None:
    """A capability that was not granted names what is missing, in Meta's words, and refuses work with it."""
    connection = await connect()
    await reweigh(runtime, connection, granted_scopes=["catalog_management"], page_tasks=["MODERATE"])
    shown = (await look(runtime, connection)).capability(MESSAGES)
    assert ("pages_manage_metadata", "pages_messaging") == shown.missing
    with pytest.raises(Exception, match="grants what is missing") as refused:
        actions.require_capability(await look(runtime, connection), MESSAGES)
    assert "pages_manage_metadata pages_messaging" == refused.value.metadata["missing"]  # type: ignore[attr-defined] # a ConnectorError


async def test_a_refusals_block_heals_when_a_try_works(
    runtime: Runtime, connect: Connect, turn: Turn, clock: Clock
) -> None:
    """What Meta refused once is tried again hours later; it works, so the block goes, and work that failed of it resumes."""
    connection = await connect()
    await turn()
    await actions.note_refusal(runtime, connection, FORBIDDEN, task=Task.SEND_MESSAGE)
    await turn()
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=runtime.now(), connection_id=connection.id, key="failed")
        await tx.execute(text("UPDATE tasks SET due_time = NULL WHERE key = 'failed'"))
    await watch(runtime, turn)
    assert ("BLOCKED", "META_PERMISSION_MISSING") == await standing(runtime, connection, MESSAGES)
    clock.advance(hours=6)
    await watch(runtime, turn)
    assert ("ACTIVE", "") == await standing(runtime, connection, MESSAGES)
    assert ["STATE_ACTIVE", "STATE_BLOCKED", "STATE_ACTIVE"] == await told(runtime, MESSAGES)
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM tasks WHERE key = 'failed'"))


async def test_a_block_stays_while_meta_refuses(
    runtime: Runtime, connect: Connect, turn: Turn, clock: Clock, control_api: Any
) -> None:
    """A try that Meta refuses as well changes nothing, and nobody is told again."""
    connection = await connect()
    await turn()
    await actions.note_refusal(runtime, connection, FORBIDDEN, task=Task.SEND_MESSAGE)
    fault = {"match": {"path": "conversations"}, "times": 1, "action": {"kind": "error", "code": 10}}
    await control_api("POST", "/faults", fault)
    clock.advance(hours=6)
    await watch(runtime, turn)
    assert ("BLOCKED", "META_PERMISSION_MISSING") == await standing(runtime, connection, MESSAGES)
    assert ["STATE_ACTIVE", "STATE_BLOCKED"] == await told(runtime, MESSAGES)


async def test_a_try_that_fails_for_the_moment_keeps_no_other_from_healing(
    runtime: Runtime, linked: Connection, turn: Turn, clock: Clock, control_api: Any
) -> None:
    """While Meta fails on messages, a try of the catalog heals the catalog; messages heal when Meta is back."""
    await actions.note_refusal(runtime, linked, FORBIDDEN, task=Task.SEND_MESSAGE)
    await actions.note_refusal(runtime, linked, FORBIDDEN, task=Task.SCAN_CATALOG)
    async with runtime.db.begin() as tx:
        await db.change(tx, linked.id, at=runtime.now(), catalog_id="50000000000000001")
    fault = {"match": {"path": "conversations"}, "times": 1, "action": {"kind": "error", "code": 2}}
    await control_api("POST", "/faults", fault)
    clock.advance(hours=6)
    await checks(runtime)
    assert "BLOCKED" == (await standing(runtime, linked, MESSAGES))[0]
    assert "AWAITING_GO" == (await standing(runtime, linked, CATALOG))[0]
    clock.advance(minutes=1)
    await checks(runtime)
    assert ("ACTIVE", "") == await standing(runtime, linked, MESSAGES)


async def test_a_policy_block_is_left_alone_for_a_day(
    runtime: Runtime, connect: Connect, turn: Turn, clock: Clock, world: World
) -> None:
    """Meta is not asked about a policy's block before a day has passed."""
    connection = await connect()
    await turn()
    await actions.note_refusal(runtime, connection, POLICY, task=Task.SEND_MESSAGE)
    begun = len(world.records.calls)
    clock.advance(hours=23)
    await watch(runtime, turn)
    assert [] == [one for one in list(world.records.calls)[begun:] if one.path.endswith("conversations")]
    clock.advance(hours=1)
    await watch(runtime, turn)
    assert ("ACTIVE", "") == await standing(runtime, connection, MESSAGES)


@pytest.mark.parametrize(("granted", "state"), [("granted", "ACTIVE"), ("declined", "BLOCKED")])
async def test_a_doubtful_refusal_is_looked_into(
    runtime: Runtime, linked: Connection, world: World, granted: str, state: str
) -> None:
    """Code 230 may be about one person only: a try at once tells whether messages as such are refused."""
    revoke(world, "pages_messaging", granted)
    await actions.note_refusal(runtime, linked, DOUBTFUL, task=Task.SEND_MESSAGE)
    before = await standing(runtime, linked, MESSAGES)
    async with runtime.db.begin() as tx:
        await tx.execute(text("DELETE FROM tasks WHERE name <> 'CHECK_CAPABILITIES'"))
    await turn_checks(runtime)
    assert ("ACTIVE", "") == before
    assert state == (await standing(runtime, linked, MESSAGES))[0]


async def turn_checks(runtime: Runtime) -> None:
    """Run the tries alone."""
    from jobs.run import turn
    from jobs.tasks import PLANS

    await turn(runtime, plans={Task.CHECK_CAPABILITIES: PLANS[Task.CHECK_CAPABILITIES]})


@pytest.mark.parametrize("code", [100, 3])
async def test_orders_past_their_end_come_back_to_life(
    ambitious: Runtime, connect_to: Any, clock: Clock, world: World, code: int
) -> None:
    """However Meta words that orders are over, they are retired; and they live where Meta answers after all, either way told once."""
    world.switches.change(retired_code=code)
    connection = await connect_to(ambitious)
    assert ("RETIRED_BY_META", "CAPABILITY_RETIRED_BY_META") == await standing(ambitious, connection, ORDERS)
    await checks(ambitious)
    page = world.require(Page, PAGE_ID, name="page")
    for word in ("kept", "ended"):
        page.orders = word
        clock.advance(days=7)
        await checks(ambitious)
    heard = await told(ambitious, ORDERS)
    assert ["STATE_RETIRED_BY_META", "STATE_ACTIVE", "STATE_RETIRED_BY_META"] == heard
    assert {"STATE_ACTIVE"} == set(await told(ambitious, MESSAGES))


async def test_orders_are_tried_once_a_week(ambitious: Runtime, connect_to: Any, clock: Clock, world: World) -> None:
    """The watch runs every hour, the try of what Meta ended once in seven days."""
    await connect_to(ambitious)
    for _ in range(8):
        await checks(ambitious)
        clock.advance(days=1)
    assert 2 == len([one for one in world.records.calls if one.path.endswith("commerce_orders")])


@pytest.fixture
def connect_to(connect: Connect, walk: Any) -> Any:
    """Connect the store by another runtime than the usual one."""

    async def connect_to(runtime: Runtime) -> Connection:
        begun = await actions.begin(runtime, STORE, environment=Environment.TEST)
        returned = await walk(begun.url)
        landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
        assert landing.connection is not None
        return await actions.choose(runtime, STORE, str(landing.connection.id), page_id=PAGE_ID)

    return connect_to


async def checks(runtime: Runtime) -> None:
    """Do the hourly work and the tries it asks for, and nothing else."""
    from jobs.run import turn
    from jobs.tasks import PLANS

    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.WATCH_META, due=runtime.now(), key="watch")
    await turn(runtime, plans={name: PLANS[name] for name in (Task.WATCH_META, Task.CHECK_CAPABILITIES)})


async def test_a_setting_that_changes_is_noticed(runtime: Runtime, ambitious: Runtime, connect_to: Any) -> None:
    """Operators who take a capability out of the settings take it from every store within the hour; nothing else changes."""
    connection = await connect_to(ambitious)
    assert ("ACTIVE", "") == await standing(ambitious, connection, CapabilityKind.INSIGHTS)
    await checks(runtime)
    assert ("UNAVAILABLE", "CAPABILITY_NOT_ENABLED") == await standing(runtime, connection, CapabilityKind.INSIGHTS)


PASSING = (1, 2, 4, 17, 32, 341, 613, 80001, 80006, 80009, 80014)


async def test_throttling_and_failures_take_nothing_away(
    runtime: Runtime, linked: Connection, turn: Turn, control_api: Any, clock: Clock
) -> None:
    """Whatever passing failure meets work on the Page, no capability changes and StormCom hears of none."""
    for code in PASSING:
        action = {"kind": "error", "code": code, "status": 400}
        await control_api("POST", "/faults", {"match": {"path": "subscribed_apps"}, "times": 1, "action": action})
        async with runtime.db.begin() as tx:
            due, key = runtime.now(), f"subscribe:{linked.id}"
            await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=due, connection_id=linked.id, key=key)
        await turn()
        assert {"faults": []} == await control_api("GET", "/faults")
        clock.advance(hours=2)
    after = await look(runtime, linked)
    assert (State.CONNECTED, linked.capabilities()) == (after.state, after.capabilities())
    assert 1 == len(await told(runtime, MESSAGES))


async def test_a_near_end_is_said_once_a_week(runtime: Runtime, clock: Clock, capsys: Any) -> None:
    """Operators read in the log what Meta ends within ninety days: once a week, not every hour."""
    end = version_end("v26.0")
    assert end is not None
    clock.jump(days=(end - timedelta(days=30) - clock()).days)
    for _ in range(3):
        await checks(runtime)
    lines = [line for line in "".join(capsys.readouterr()).splitlines() if "meta.sunset_near" in line]
    assert 1 == len(lines)
    assert "Graph API v26.0" in lines[0]


async def test_a_call_that_works_heals_what_was_blocked_before_it(runtime: Runtime, linked: Connection) -> None:
    """A success lifts the block that stood when its call was made; one that came since stays."""
    await actions.note_refusal(runtime, linked, FORBIDDEN, task=Task.SEND_ITEMS)
    await actions.note_success(runtime, linked, CATALOG)
    newer = await standing(runtime, linked, CATALOG)
    await actions.note_success(runtime, await look(runtime, linked), CATALOG)
    assert ("BLOCKED", "META_PERMISSION_MISSING") == newer
    assert ["STATE_AWAITING_GO", "STATE_BLOCKED", "STATE_AWAITING_GO"] == await told(runtime, CATALOG)
