"""The login against a real Meta dialog: each way it can end, and what it leaves behind."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions, db
from connector.connections.model import State
from connector.errors import AlreadyExists, FailedPrecondition, InvalidInput, Unavailable
from connector.runtime import Runtime
from connector.values import Environment
from simulator.state import Application, Page, User
from simulator.world import World

STORE, OTHER_STORE = "store_1", "store_2"
PAGE_ID, CATALOG_ID = "30000000000000001", "50000000000000001"


async def begin(runtime: Runtime, store_id: str = STORE, **named: Any) -> actions.Begun:
    return await actions.begin(runtime, store_id, environment=Environment.TEST, **named)


async def reload(runtime: Runtime, connection_id: Any, store_id: str = STORE) -> Any:
    async with runtime.db.begin() as tx:
        return await db.require(tx, store_id, connection_id)


async def test_a_login_ends_in_a_choice_of_what_was_granted(runtime: Runtime, walk: Any) -> None:
    """After the dialog, the merchant chooses among exactly the Pages, businesses and catalogs that Meta grants."""
    returned = await walk((await begin(runtime)).url)
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "AWAITING_CHOICE" == landing.outcome
    assert [PAGE_ID] == [page.id for page in landing.offer.pages]
    assert [CATALOG_ID] == [catalog.id for catalog in landing.offer.catalogs]
    assert ["Mina's Shop"] == [business.name for business in landing.offer.businesses]


async def test_the_choice_links_page_and_catalog(runtime: Runtime, connect: Any) -> None:
    """Choosing links the Page with a token that never ends by itself and attaches the catalog, but gives no go."""
    connection = await connect()
    assert (State.CONNECTED, PAGE_ID, CATALOG_ID) == (connection.state, connection.page_id, connection.catalog_id)
    stand = {one.kind.value: one.state.value for one in connection.capabilities()}
    expected = {"CATALOG_SYNC": "AWAITING_GO", "INVENTORY": "AWAITING_GO", "MESSAGING": "ACTIVE"}
    assert expected == {kind: stand[kind] for kind in expected}


async def test_linking_subscribes_the_page_and_reads_it_back(
    runtime: Runtime, connect: Any, turn: Any, world: World
) -> None:
    """After the background work the Page tells our app everything we read, as Meta itself says."""
    connection = await connect()
    await turn()
    page = world.require(Page, PAGE_ID, name="page")
    after = await reload(runtime, connection.id)
    assert sorted(page.fields_by_app["610000000000001"]) == sorted(after.subscribed_fields)
    assert "messages" in after.subscribed_fields
    assert after.subscription_check_time is not None


async def test_a_denied_dialog_shows_on_the_connection(runtime: Runtime, walk: Any, world: World) -> None:
    """A merchant who says no leaves a connection that is DISCONNECTED for LOGIN_DENIED."""
    world.switches.dialog = "deny"
    begun = await begin(runtime)
    returned = await walk(begun.url)
    landing = await actions.complete_login(runtime, state=returned["state"], error=returned["error"])
    assert "LOGIN_DENIED" == landing.outcome
    shown = await reload(runtime, begun.connection.id)
    assert (State.DISCONNECTED, "LOGIN_DENIED") == (shown.state, shown.reason)


async def test_a_login_runs_out_after_ten_minutes(runtime: Runtime, walk: Any, clock: Any) -> None:
    """What the dialog returns after ten minutes is refused as LOGIN_EXPIRED."""
    begun = await begin(runtime)
    returned = await walk(begun.url)
    clock.advance(minutes=10, seconds=1)
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "LOGIN_EXPIRED" == landing.outcome
    assert "LOGIN_EXPIRED" == (await reload(runtime, begun.connection.id)).reason


async def test_a_state_counts_once(runtime: Runtime, walk: Any) -> None:
    """A replayed state is as good as none, and the first login stands."""
    begun = await begin(runtime)
    returned = await walk(begun.url)
    await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    replay = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert ("LOGIN_STATE_INVALID", "") == (replay.outcome, replay.return_url)
    assert (await reload(runtime, begun.connection.id)).state is State.AWAITING_CHOICE


@pytest.mark.parametrize("state", ["", "guess", "A" * 43, "\udcff", "x" * 100_000])
async def test_an_unknown_state_is_refused(runtime: Runtime, state: str) -> None:
    """A state we never gave out opens nothing, whatever it looks like."""
    landing = await actions.complete_login(runtime, state=state, code="code")
    assert "LOGIN_STATE_INVALID" == landing.outcome


async def test_another_stores_state_is_as_good_as_none(runtime: Runtime, walk: Any) -> None:
    """A store that hands in another's state learns nothing and does not use it up."""
    returned = await walk((await begin(runtime)).url)
    foreign = await actions.complete_login(
        runtime, state=returned["state"], code=returned["code"], store_id=OTHER_STORE
    )
    assert "LOGIN_STATE_INVALID" == foreign.outcome
    own = await actions.complete_login(runtime, state=returned["state"], code=returned["code"], store_id=STORE)
    assert "AWAITING_CHOICE" == own.outcome


async def test_states_of_two_connections_are_not_swapped(runtime: Runtime, walk: Any) -> None:
    """A state handed in for another connection of the same store is refused."""
    first, second = await begin(runtime), await begin(runtime)
    returned = await walk(first.url)
    landing = await actions.complete_login(
        runtime,
        state=returned["state"],
        code=returned["code"],
        store_id=STORE,
        connection_id=str(second.connection.id),
    )
    assert "LOGIN_STATE_INVALID" == landing.outcome


async def test_our_callback_refuses_a_login_meant_for_storm_com(runtime: Runtime, world: World, walk: Any) -> None:
    """A login that returns to StormCom's address cannot be finished at ours."""
    world.require(Application, "610000000000001", name="app").redirect_uris.append("https://store.example/back")
    begun = await begin(runtime, redirect_uri="https://store.example/back")
    returned = await walk(begun.url)
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "LOGIN_STATE_INVALID" == landing.outcome


async def test_a_code_of_another_app_is_a_mismatch(runtime: Runtime, walk: Any) -> None:
    """A code that Meta did not issue to our app ends in APP_MISMATCH, not in a link."""
    begun = await begin(runtime)
    returned = await walk(begun.url)
    landing = await actions.complete_login(runtime, state=returned["state"], code="AQ-of-another-app")
    assert "APP_MISMATCH" == landing.outcome
    assert (await reload(runtime, begun.connection.id)).state is State.DISCONNECTED


async def test_a_code_counts_once(runtime: Runtime, walk: Any) -> None:
    """A code that was exchanged before is told as LOGIN_CODE_USED."""
    first, second = await begin(runtime), await begin(runtime)
    code = (await walk(first.url))["code"]
    await actions.complete_login(runtime, state=(await walk(first.url))["state"], code=code)
    landing = await actions.complete_login(runtime, state=(await walk(second.url))["state"], code=code)
    assert "LOGIN_CODE_USED" == landing.outcome


async def test_declined_permissions_are_named(runtime: Runtime, walk: Any, world: World) -> None:
    """A merchant who unticks a permission we need is told which, and nothing is linked."""
    begun = await begin(runtime)
    returned = await walk(begun.url)
    user = world.all(User)[0]
    user.grants["610000000000001"] |= {"pages_messaging": "declined", "catalog_management": "declined"}
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "SCOPES_MISSING" == landing.outcome
    assert landing.error is not None
    assert "catalog_management pages_messaging" == landing.error.metadata["scopes"]


async def test_a_failure_of_meta_leaves_the_state_usable(runtime: Runtime, walk: Any, control_api: Any) -> None:
    """When Meta fails for the moment, the merchant may come back with the same address."""
    returned = await walk((await begin(runtime)).url)
    await control_api(
        "POST", "/faults", {"match": {"path": "oauth/access_token"}, "action": {"kind": "error", "code": 2}}
    )
    with pytest.raises(Unavailable):
        await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "AWAITING_CHOICE" == landing.outcome


@pytest.mark.parametrize("path", ["debug_token", "me/permissions", "me/accounts", "me/businesses"])
async def test_a_failure_of_meta_after_the_code_was_used_leaves_it_usable(
    runtime: Runtime, walk: Any, control_api: Any, path: str
) -> None:
    """A code works once at Meta; yet who comes back with it after a later failure goes on, and nothing of it is left behind."""
    returned = await walk((await begin(runtime)).url)
    await control_api("POST", "/faults", {"match": {"path": path}, "action": {"kind": "error", "code": 2}})
    with pytest.raises(Unavailable):
        await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "AWAITING_CHOICE" == landing.outcome
    async with runtime.db.begin() as tx:
        assert [None] == list(await tx.scalars(text("SELECT token FROM logins")))


@pytest.mark.parametrize("end", ["disconnected", "nobody came back"])
async def test_what_a_code_was_exchanged_for_does_not_outlive_its_login(
    runtime: Runtime, walk: Any, control_api: Any, clock: Any, end: str
) -> None:
    """When Meta failed after the exchange and nobody goes on, the sealed token is wiped with the login."""
    begun = await begin(runtime)
    returned = await walk(begun.url)
    await control_api("POST", "/faults", {"match": {"path": "me/accounts"}, "action": {"kind": "error", "code": 2}})
    with pytest.raises(Unavailable):
        await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    if end == "disconnected":
        await actions.disconnect(runtime, STORE, str(begun.connection.id))
    else:
        clock.advance(minutes=11)
        async with runtime.db.begin() as tx:
            await db.end_logins(tx, at=runtime.now())
    async with runtime.db.begin() as tx:
        assert [None] == list(await tx.scalars(text("SELECT token FROM logins")))


@pytest.mark.parametrize(
    ("page_id", "catalog_id", "reason"), [("31", "", "PAGE_NOT_GRANTED"), (PAGE_ID, "51", "CATALOG_NOT_GRANTED")]
)
async def test_only_what_was_granted_can_be_chosen(
    runtime: Runtime, walk: Any, page_id: str, catalog_id: str, reason: str
) -> None:
    """A Page or catalog that the login did not offer is refused by name."""
    begun = await begin(runtime)
    returned = await walk(begun.url)
    await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    with pytest.raises(FailedPrecondition) as refused:
        await actions.choose(runtime, STORE, str(begun.connection.id), page_id=page_id, catalog_id=catalog_id)
    assert reason == refused.value.reason


async def test_choosing_twice_changes_nothing(runtime: Runtime, connect: Any) -> None:
    """A repeated choice answers the same connection as it is."""
    connection = await connect()
    again = await actions.choose(runtime, STORE, str(connection.id), page_id=PAGE_ID, catalog_id=CATALOG_ID)
    assert connection == again


async def test_nothing_can_be_chosen_before_a_login(runtime: Runtime) -> None:
    """Choosing without a finished login is refused with the step that is missing."""
    begun = await begin(runtime)
    with pytest.raises(FailedPrecondition) as refused:
        await actions.choose(runtime, STORE, str(begun.connection.id), page_id=PAGE_ID)
    assert "STORE_NOT_CONNECTED" == refused.value.reason


async def test_a_page_belongs_to_one_store(runtime: Runtime, connect: Any) -> None:
    """A second store cannot link a Page that is linked, and learns only that it is taken."""
    await connect(STORE)
    with pytest.raises(AlreadyExists) as taken:
        await connect(OTHER_STORE, catalog_id="")
    assert ("PAGE_TAKEN", {"page_id": PAGE_ID}) == (taken.value.reason, dict(taken.value.metadata))


async def test_two_stores_racing_for_a_page_leave_one_winner(runtime: Runtime, walk: Any) -> None:
    """The database itself refuses the second link when both stores passed every check at once."""
    for store_id in (STORE, OTHER_STORE):
        begun = await begin(runtime, store_id)
        returned = await walk(begun.url)
        landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
        assert landing.connection is not None
    outcomes = await _race(runtime)
    assert ["CONNECTED", "PAGE_TAKEN"] == sorted(outcomes)


async def _race(runtime: Runtime) -> list[str]:
    import asyncio

    async with runtime.db.begin() as tx:
        rows = (await tx.execute(text("SELECT id, store_id FROM connections"))).all()

    async def choose(connection_id: Any, store_id: str) -> str:
        try:
            return (await actions.choose(runtime, store_id, str(connection_id), page_id=PAGE_ID)).state.value
        except AlreadyExists as taken:
            return taken.reason

    return await asyncio.gather(*(choose(row.id, row.store_id) for row in rows))


async def test_the_page_is_free_after_a_disconnect(runtime: Runtime, connect: Any) -> None:
    """A Page that one store let go can be linked by another, in a connection of its own."""
    first = await connect(STORE)
    await actions.disconnect(runtime, STORE, str(first.id))
    second = await connect(OTHER_STORE)
    assert (State.CONNECTED, True) == (second.state, second.id != first.id)


async def test_connecting_again_keeps_id_catalog_and_go(runtime: Runtime, connect: Any) -> None:
    """A new login, begun without naming the connection, comes back to the store's connection of that Page."""
    first = await connect()
    async with runtime.db.begin() as tx:
        await db.change(tx, first.id, at=runtime.now(), catalog_go_time=runtime.now())
    await actions.disconnect(runtime, STORE, str(first.id))
    again = await connect(catalog_id="")
    assert (first.id, CATALOG_ID) == (again.id, again.catalog_id)
    assert again.catalog_go_time is not None


async def test_a_retried_choice_follows_to_the_connection_that_was_kept(
    runtime: Runtime, connect: Any, walk: Any
) -> None:
    """The id a login began with still leads to the connection that took it over."""
    first = await connect()
    await actions.disconnect(runtime, STORE, str(first.id))
    begun = await begin(runtime)
    returned = await walk(begun.url)
    await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    linked = await actions.choose(runtime, STORE, str(begun.connection.id), page_id=PAGE_ID)
    again = await actions.choose(runtime, STORE, str(begun.connection.id), page_id=PAGE_ID)
    assert (first.id, first.id) == (linked.id, again.id)


async def test_a_login_for_a_linked_connection_links_it_at_once(runtime: Runtime, connect: Any, walk: Any) -> None:
    """Connecting a named connection again needs no second choice, and its work never stopped meanwhile."""
    connection = await connect()
    begun = await begin(runtime, connection_id=str(connection.id))
    assert begun.connection.state is State.CONNECTED
    returned = await walk(begun.url)
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert "CONNECTED" == landing.outcome
    assert landing.connection is not None
    assert landing.connection.user_token != connection.user_token


async def test_a_failed_login_leaves_a_live_connection_alone(
    runtime: Runtime, connect: Any, world: World, walk: Any
) -> None:
    """A merchant who cancels connecting again stays connected as before."""
    connection = await connect()
    world.switches.dialog = "deny"
    begun = await begin(runtime, connection_id=str(connection.id))
    await actions.complete_login(runtime, state=(await walk(begun.url))["state"], error="access_denied")
    assert (await reload(runtime, connection.id)).state is State.CONNECTED


async def test_a_connection_stands_for_one_page(runtime: Runtime, connect: Any) -> None:
    """Another Page cannot slip under a connection's history."""
    connection = await connect()
    await actions.disconnect(runtime, STORE, str(connection.id))
    with pytest.raises(InvalidInput) as refused:
        await connect(connection_id=str(connection.id), page_id="31")
    assert "choose.page_id" == refused.value.violations[0].field


async def test_an_attached_catalog_is_not_swapped(runtime: Runtime, connect: Any, world: World) -> None:
    """Another catalog is refused: the items of the first would be left behind."""
    from simulator import seeds

    connection = await connect()
    seeds.seed(world, {**seeds.DEFAULT, "catalogs": [{"id": "50000000000000002", "name": "Other"}]})
    with pytest.raises(FailedPrecondition) as refused:
        await connect(connection_id=str(connection.id), catalog_id="50000000000000002")
    assert "CATALOG_ATTACHED" == refused.value.reason


async def test_every_page_of_a_long_list_is_read(runtime: Runtime, walk: Any, world: World) -> None:
    """A merchant with more Pages than Meta lists at once is offered all of them."""
    from simulator import seeds

    pages = [{"id": str(31000000000000000 + number), "name": f"Page {number}"} for number in range(120)]
    seeds.seed(world, {**seeds.DEFAULT, "pages": pages})
    returned = await walk((await begin(runtime)).url)
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert 121 == len(landing.offer.pages)


async def test_a_list_without_an_end_is_cut_and_told(
    runtime: Runtime, walk: Any, control_api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list that Meta never ends does not keep the merchant waiting for ever, and operators see that it was cut."""
    endless = {"data": [], "paging": {"cursors": {"after": "on"}, "next": "https://graph.facebook.com/on"}}
    action = {"kind": "status", "status": 200, "body": json.dumps(endless), "content_type": "application/json"}
    returned = await walk((await begin(runtime)).url)
    await control_api("POST", "/faults", {"match": {"path": "me/accounts"}, "times": 1000, "action": action})
    landing = await actions.complete_login(runtime, state=returned["state"], code=returned["code"])
    assert ("AWAITING_CHOICE", ()) == (landing.outcome, landing.offer.pages)
    assert "meta.list_cut" in capsys.readouterr().out


async def test_the_environments_never_mix(runtime: Runtime, connect: Any) -> None:
    """A connection cannot be connected again in the other environment."""
    connection = await connect()
    both = replace(runtime, apps={**runtime.apps, Environment.PRODUCTION: runtime.apps[Environment.TEST]})
    with pytest.raises(InvalidInput):
        await actions.begin(both, STORE, connection_id=str(connection.id), environment=Environment.PRODUCTION)


async def test_an_environment_without_an_app_is_refused(runtime: Runtime) -> None:
    """Connecting where no Meta app is configured says what operators must set."""
    with pytest.raises(FailedPrecondition) as refused:
        await actions.begin(runtime, STORE, environment=Environment.PRODUCTION)
    assert "ENVIRONMENT_NOT_CONFIGURED" == refused.value.reason
