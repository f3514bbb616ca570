"""At Meta the last consent of a person replaces the ones before: who loses by it is told and verified, and nobody else learns of it."""

from typing import Any

import grpc
import pytest

from connector.connections import actions
from connector.connections.model import CapabilityKind, CapabilityState, State
from connector.runtime import Runtime
from connector.values import Environment
from simulator import seeds
from simulator.world import World
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from tests.integration.conftest import STORE
from tests.integration.connections.test_endings import reload

PAGE_ID, SECOND_PAGE, CATALOG_ID = "30000000000000001", "31000000000000001", "50000000000000001"
OTHER_STORE = "store_2"


@pytest.fixture(autouse=True)
def second_page(world: World) -> None:
    """The merchant has a second Page and a second catalog."""
    second = {
        "pages": [{"id": SECOND_PAGE, "name": "Second"}],
        "catalogs": [{"id": "50000000000000002", "name": "Second"}],
    }
    seeds.seed(world, {**seeds.DEFAULT, **second})


async def log_in(runtime: Runtime, walk: Any, store_id: str = STORE) -> Any:
    begun = await actions.begin(runtime, store_id, environment=Environment.TEST)
    answer = await walk(begun.url)
    return await actions.complete_login(runtime, state=answer["state"], code=answer["code"])


async def test_a_consent_that_keeps_everything_takes_nothing(runtime: Runtime, walk: Any, connect: Any) -> None:
    """A second store of the same merchant, all Pages ticked, costs the first nothing."""
    await connect()
    assert () == (await log_in(runtime, walk, OTHER_STORE)).losses


@pytest.mark.parametrize(
    ("withheld", "lost"),
    [(PAGE_ID, (True, False)), (CATALOG_ID, (False, True)), (f"{PAGE_ID},{CATALOG_ID}", (True, True))],
)
async def test_what_is_left_out_is_lost(
    runtime: Runtime, walk: Any, connect: Any, world: World, *, withheld: str, lost: tuple[bool, bool]
) -> None:
    """A login that leaves out a linked Page or catalog says so before anything is chosen."""
    first = await connect()
    world.switches.change(withheld_assets=withheld)
    (loss,) = (await log_in(runtime, walk, OTHER_STORE)).losses
    assert (first.id, lost) == (loss.connection.id, (loss.page_lost, loss.catalog_lost))


async def test_a_lost_page_is_noticed_at_once(
    runtime: Runtime, walk: Any, connect: Any, world: World, turn: Any
) -> None:
    """The connection whose Page was left out is inspected right after the login: its messages stop, with reason and button."""
    first = await connect()
    await turn()
    world.switches.change(withheld_assets=PAGE_ID)
    await log_in(runtime, walk, OTHER_STORE)
    await turn()
    after = await reload(runtime, first.id)
    messaging = after.capability(CapabilityKind.MESSAGING)
    assert (False, True, ["SCOPES_MISSING"]) == (
        messaging.state is CapabilityState.ACTIVE, bool(messaging.fix), [messaging.reason],
    )  # fmt: skip


async def test_who_keeps_the_page_works_on(runtime: Runtime, walk: Any, connect: Any, turn: Any) -> None:
    """An inspection that finds everything in place changes nothing."""
    first = await connect()
    await turn()
    before = await reload(runtime, first.id)
    await log_in(runtime, walk, OTHER_STORE)
    await turn()
    after = await reload(runtime, first.id)
    assert (before.state, before.capabilities()) == (after.state, after.capabilities())


async def test_a_lost_catalog_stops_only_what_needs_it(
    runtime: Runtime, walk: Any, connect: Any, world: World, turn: Any
) -> None:
    """A catalog that was left out blocks products and stock; messages go on."""
    first = await connect()
    await turn()
    world.switches.change(withheld_assets=CATALOG_ID)
    await log_in(runtime, walk, OTHER_STORE)
    await turn()
    after = await reload(runtime, first.id)
    stand = {one.kind.value: one.state.value for one in after.capabilities()}
    assert (State.CONNECTED, "ACTIVE", "NOT_GRANTED", "NOT_GRANTED") == (
        after.state, stand["MESSAGING"], stand["CATALOG_SYNC"], stand["INVENTORY"],
    )  # fmt: skip


async def test_ticking_it_again_brings_it_back(
    runtime: Runtime, walk: Any, connect: Any, world: World, turn: Any
) -> None:
    """Connecting again with the Page ticked makes the same connection work, with its catalog."""
    first = await connect()
    world.switches.change(withheld_assets=PAGE_ID)
    await log_in(runtime, walk, OTHER_STORE)
    await turn()
    world.switches.change(withheld_assets="")
    again = await connect(connection_id=str(first.id), catalog_id="")
    await turn()
    after = await reload(runtime, first.id)
    assert (first.id, State.CONNECTED, CATALOG_ID) == (again.id, after.state, after.catalog_id)


@pytest.mark.parametrize(("may", "named"), [("*", True), (OTHER_STORE, False)])
async def test_another_stores_ids_are_told_to_those_who_may_know(
    runtime: Runtime, walk: Any, connect: Any, world: World, *, may: str, named: bool
) -> None:
    """A caller for one store learns how many others lose, and the Page's name that the person granted there; no ids."""
    from connector.connections import rpc
    from connector.rpc import calling

    first = await connect()
    world.switches.change(withheld_assets=PAGE_ID)
    landing = await log_in(runtime, walk, OTHER_STORE)
    calling.enter("console", frozenset({may}), role="MANAGER", actor="")
    look = pb.ConnectRequest(store_id=OTHER_STORE, connection_id=str(landing.connection.id))
    answer = await rpc.connect(runtime, look)
    (loss,) = answer.losses
    expected = (str(first.id), STORE) if named else ("", "")
    assert (1, "Mina's Shop", True, expected) == (
        answer.losing_store_count, loss.page_name, loss.page_lost, (loss.connection_id, loss.store_id),
    )  # fmt: skip


async def test_the_dialog_is_opened_with_what_to_keep(channel: grpc.aio.Channel, connect: Any) -> None:
    """Who begins a further login is told which of the store's Pages must stay ticked."""
    await connect()
    api: Any = FacebookConnectorStub(channel)
    begun = await api.Connect(pb.ConnectRequest(store_id=STORE, begin=pb.BeginConnect()))
    assert [PAGE_ID] == [page.page_id for page in begun.open_dialog.keep_pages]


async def test_losses_are_told_through_the_wall(
    channel: grpc.aio.Channel, walk: Any, connect: Any, world: World
) -> None:
    """Over gRPC, where a call sees its own store's rows only, the loss of another store is told all the same."""
    await connect()
    api: Any = FacebookConnectorStub(channel)
    begun = await api.Connect(pb.ConnectRequest(store_id=OTHER_STORE, begin=pb.BeginConnect()))
    world.switches.change(withheld_assets=PAGE_ID)
    answer = await walk(begun.open_dialog.url)
    step = pb.CompleteConnect(state=answer["state"], code=answer["code"])
    wish = pb.ConnectRequest(store_id=OTHER_STORE, connection_id=begun.connection.connection_id, complete=step)
    landed = await api.Connect(wish)
    assert ([(STORE, True)], 1) == ([(one.store_id, one.page_lost) for one in landed.losses], landed.losing_store_count)


async def test_another_persons_connections_are_not_concerned(
    runtime: Runtime, walk: Any, connect: Any, world: World
) -> None:
    """What somebody else grants takes nothing from those who granted before."""
    first = await connect()
    async with runtime.db.begin() as tx:
        from connector.connections import db

        await db.change(tx, first.id, at=runtime.now(), user_id="10000000000000009")
    world.switches.change(withheld_assets=PAGE_ID)
    assert () == (await log_in(runtime, walk, OTHER_STORE)).losses
