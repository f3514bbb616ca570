"""The choice: what it may be made from, how long it is open, and what never mixes."""

from dataclasses import replace
from typing import Any

import pytest

from connector.connections import actions, db
from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Task
from connector.errors import FailedPrecondition
from connector.events import db as events
from connector.runtime import Runtime
from connector.tokens.actions import revoke
from connector.values import Environment
from simulator import seeds
from simulator.state import Application, User
from simulator.world import World
from tests.integration.conftest import APP_ID, APP_SECRET, PUBLIC_URL, STORE, Clock
from tests.integration.connections.test_endings import reload

PAGE_ID, CATALOG_ID = "30000000000000001", "50000000000000001"
LIVE_APP = "620000000000001"


async def log_in(runtime: Runtime, walk: Any, *, connection_id: str = "") -> Any:
    begun = await actions.begin(runtime, STORE, connection_id=connection_id, environment=Environment.TEST)
    answer = await walk(begun.url)
    return await actions.complete_login(runtime, state=answer["state"], code=answer["code"])


async def sweep(runtime: Runtime, turn: Any) -> None:
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=runtime.now(), key="sweep")
    await turn()


async def test_the_choice_shows_tasks_and_instagram(runtime: Runtime, walk: Any) -> None:
    """Each Page comes with what the merchant may do on it, too much and too little, and its Instagram account."""
    page = (await log_in(runtime, walk)).offer.pages[0].document()
    assert ([], ["ADVERTISE", "ANALYZE", "MANAGE"]) == (page["missing_tasks"], page["surplus_tasks"])
    assert {"instagram_account_id": "17800000000000001", "username": "minas.shop"} == page["instagram_account"]


async def test_instagram_may_be_declined(runtime: Runtime, walk: Any, world: World) -> None:
    """A merchant who does not show us Instagram connects all the same."""
    world.switches.change(withheld_scopes="instagram_basic")
    landing = await log_in(runtime, walk)
    assert ("AWAITING_CHOICE", None) == (landing.outcome, landing.offer.pages[0].instagram)


async def test_who_is_no_editor_cannot_link_the_page(runtime: Runtime, walk: Any, world: World) -> None:
    """A role below editor is refused with the tasks that are missing."""
    world.all(User)[0].page_tasks[PAGE_ID] = ["ANALYZE", "MESSAGING", "MODERATE"]
    landing = await log_in(runtime, walk)
    with pytest.raises(FailedPrecondition) as refused:
        await actions.choose(runtime, STORE, str(landing.connection.id), page_id=PAGE_ID)
    assert ("PAGE_ROLE_TOO_LOW", "CREATE_CONTENT") == (refused.value.reason, refused.value.metadata["tasks"])


@pytest.mark.parametrize(
    ("reach", "reason"),
    [
        ({"pages_messaging": ["31"]}, "SCOPE_WITHOUT_PAGE"),
        ({"catalog_management": ["51"]}, "SCOPE_WITHOUT_CATALOG"),
        ({"catalog_management": ["20000000000000001"]}, ""),
        ({"pages_messaging": [PAGE_ID], "catalog_management": [CATALOG_ID, "51"]}, ""),
    ],
)
async def test_a_permission_must_reach_what_is_chosen(
    runtime: Runtime, walk: Any, reach: dict[str, list[str]], reason: str
) -> None:
    """A permission granted for other Pages or catalogs only is not enough; one for the catalog's business is."""
    landing = await log_in(runtime, walk)
    async with runtime.db.begin() as tx:
        offer = landing.offer.document() | {"reach": reach}
        await db.change(tx, landing.connection.id, at=runtime.now(), login_offer=offer)
    met = ""
    try:
        await actions.choose(runtime, STORE, str(landing.connection.id), page_id=PAGE_ID, catalog_id=CATALOG_ID)
    except FailedPrecondition as refused:
        met = refused.reason
    assert reason == met


@pytest.mark.parametrize("by", ["choose", "look", "sweep"])
async def test_a_choice_is_open_for_an_hour(
    runtime: Runtime, walk: Any, turn: Any, *, clock: Clock, kept: Any, by: str
) -> None:
    """Whoever looks after an hour, the token of the login is gone, and the connection says why."""
    landing = await log_in(runtime, walk)
    connection_id = str(landing.connection.id)
    clock.advance(minutes=60)
    if by == "choose":
        with pytest.raises(FailedPrecondition) as late:
            await actions.choose(runtime, STORE, connection_id, page_id=PAGE_ID)
        assert "LOGIN_CHOICE_EXPIRED" == late.value.reason
    elif by == "look":
        assert (await actions.look(runtime, STORE, connection_id))[1] is None
    else:
        await sweep(runtime, turn)
    after = await reload(runtime, landing.connection.id)
    assert (State.DISCONNECTED, "LOGIN_CHOICE_EXPIRED", []) == (after.state, after.reason, await kept())
    async with runtime.db.begin() as tx:
        told = [one.body["connection"]["reason"] for one in await events.behind(tx, STORE, 0, limit=10)]
    assert ["LOGIN_CHOICE_EXPIRED"] == told


async def test_a_forgotten_choice_leaves_what_is_linked(
    runtime: Runtime, walk: Any, connect: Any, *, turn: Any, clock: Clock, world: World, kept: Any
) -> None:
    """A live connection whose new login granted another Page only, and was left at that, is as it was an hour later."""
    connection = await connect()
    seeds.seed(world, {**seeds.DEFAULT, "pages": [{"id": "31000000000000001", "name": "Second"}]})
    world.switches.change(withheld_assets=PAGE_ID)
    landing = await log_in(runtime, walk, connection_id=str(connection.id))
    assert (State.CONNECTED, "AWAITING_CHOICE", 3) == (landing.connection.state, landing.outcome, len(await kept()))
    assert [(connection.id, True)] == [(loss.connection.id, loss.page_lost) for loss in landing.losses]
    clock.advance(minutes=60)
    await actions.look(runtime, STORE, str(connection.id))
    after = await reload(runtime, connection.id)
    assert (State.CONNECTED, 2, connection.user_token) == (after.state, len(await kept()), after.user_token)


@pytest.fixture
def both(runtime: Runtime, world: World) -> Runtime:
    """The same connector with a live app beside the test app; the merchant allows both."""
    world.apps[LIVE_APP] = world.add(
        Application(LIVE_APP, [APP_SECRET], redirect_uris=[f"{PUBLIC_URL}/oauth/callback"])
    )
    live = replace(runtime.apps[Environment.TEST], environment=Environment.PRODUCTION, app_id=LIVE_APP)
    return replace(runtime, apps={**runtime.apps, Environment.PRODUCTION: live})


async def log_in_live(both: Runtime, walk: Any, store_id: str = "store_2") -> Any:
    begun = await actions.begin(both, store_id, environment=Environment.PRODUCTION)
    answer = await walk(begun.url)
    return await actions.complete_login(both, state=answer["state"], code=answer["code"])


@pytest.mark.parametrize(
    ("page_id", "catalog_id", "named"), [(PAGE_ID, "", "page_id"), ("31000000000000001", CATALOG_ID, "catalog_id")]
)
async def test_what_is_linked_in_one_environment_is_refused_in_the_other(
    both: Runtime, walk: Any, connect: Any, *, world: World, page_id: str, catalog_id: str, named: str
) -> None:
    """Neither a Page nor a catalog that the test app works with can be linked with the live app."""
    seeds.seed(world, {**seeds.DEFAULT, "pages": [{"id": "31000000000000001", "name": "Second"}]})
    await connect()
    landing = await log_in_live(both, walk)
    with pytest.raises(FailedPrecondition) as refused:
        await actions.choose(both, "store_2", str(landing.connection.id), page_id=page_id, catalog_id=catalog_id)
    assert ("ASSET_IN_OTHER_ENVIRONMENT", {named}) == (refused.value.reason, set(refused.value.metadata))


async def test_a_token_of_the_other_environments_app_is_refused(both: Runtime, walk: Any, world: World) -> None:
    """A token of the test app does not enter production, nor the other way round."""
    from connector.vault import Secret

    token = seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID})["user"]["token"]
    with pytest.raises(FailedPrecondition) as refused:
        await actions.attach(both, STORE, token=Secret(token), environment=Environment.PRODUCTION)
    assert "APP_MISMATCH" == refused.value.reason


async def test_what_was_disconnected_there_is_free_here(both: Runtime, walk: Any, connect: Any) -> None:
    """A Page that the test environment let go can be linked in production, with its catalog."""
    first = await connect()
    await actions.disconnect(both, STORE, str(first.id))
    landing = await log_in_live(both, walk)
    linked = await actions.choose(both, "store_2", str(landing.connection.id), page_id=PAGE_ID, catalog_id=CATALOG_ID)
    assert (State.CONNECTED, Environment.PRODUCTION) == (linked.state, linked.environment)


async def test_a_catalog_of_the_other_environment_is_not_attached_later_either(
    both: Runtime, walk: Any, connect: Any, world: World
) -> None:
    """`AttachCatalog` refuses a catalog that the other environment works with, like the choice."""
    from connector.catalog import actions as catalog

    seeds.seed(world, {**seeds.DEFAULT, "pages": [{"id": "31000000000000001", "name": "Second"}]})
    await connect()
    landing = await log_in_live(both, walk)
    connection_id = str(landing.connection.id)
    await actions.choose(both, "store_2", connection_id, page_id="31000000000000001")
    with pytest.raises(FailedPrecondition) as refused:
        await catalog.attach_catalog(both, "store_2", connection_id, catalog_id=CATALOG_ID)
    assert "ASSET_IN_OTHER_ENVIRONMENT" == refused.value.reason


async def test_a_token_that_waits_for_the_choice_can_be_revoked(
    runtime: Runtime, walk: Any, kept: Any, turn: Any
) -> None:
    """RevokeTokens ends a choice that is open: there is nothing left to choose with, and the connection says why."""
    begun = (await log_in(runtime, walk)).connection
    revoked = await revoke(runtime, STORE, str(begun.id))
    await turn()
    assert (State.DISCONNECTED, "TOKENS_REVOKED", []) == (revoked.state, revoked.reason, await kept())
    with pytest.raises(FailedPrecondition) as refused:
        await actions.choose(runtime, STORE, str(begun.id), page_id=PAGE_ID)
    assert "STORE_NOT_CONNECTED" == refused.value.reason
