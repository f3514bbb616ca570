"""Connecting without a dialog: a token that was made elsewhere, over real gRPC; and Login for Business."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
from sqlalchemy import text

from connector.connections import actions
from connector.runtime import Runtime
from connector.values import Environment
from simulator import seeds
from simulator.state import User
from simulator.world import World
from stormcom.facebook.v1 import connection_pb2
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from tests.integration.conftest import APP_ID, STORE
from tests.integration.connections.test_connect_rpc import reason_of

PAGE_ID, CATALOG_ID = "30000000000000001", "50000000000000001"
CONFIG_ID = "900000000000001"
State = connection_pb2.Connection.State
Make = Callable[..., Awaitable[str]]


@pytest.fixture
def api(channel: grpc.aio.Channel) -> Any:
    """The service, as a caller holds it."""
    return FacebookConnectorStub(channel)


@pytest.fixture
def make(control_api: Any) -> Make:
    """Make a system user of the merchant's business at Meta; tells its token."""

    async def make(**named: Any) -> str:
        made = await control_api("POST", "/system-users", {"expires": "never", **named})
        return str(made["token"])

    return make


def attach(token: str, *, connection_id: str = "", request_id: str = "", **named: Any) -> pb.ConnectRequest:
    step = pb.AttachToken(access_token=token, **named)
    return pb.ConnectRequest(store_id=STORE, connection_id=connection_id, request_id=request_id, attach=step)


async def refused(api: Any, request: pb.ConnectRequest) -> str:
    """Tell the reason a request is refused for."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await api.Connect(request)
    return reason_of(caught.value)


async def test_a_system_users_token_links_at_once(api: Any, make: Make, turn: Any, kept: Any) -> None:
    """A token handed in with Page and catalog connects in one call; it has no end, and the Page is subscribed."""
    answer = await api.Connect(attach(await make(), page_id=PAGE_ID, catalog_id=CATALOG_ID))
    await turn()
    connection = answer.connection
    assert (State.STATE_CONNECTED, PAGE_ID, CATALOG_ID, None) == (
        connection.state, connection.page.page_id, connection.catalog.catalog_id, answer.WhichOneof("next"),
    )  # fmt: skip
    assert not connection.HasField("token_expire_time")
    assert [(connection.connection_id, "page_token"), (connection.connection_id, "user_token")] == await kept()


async def test_without_a_page_the_choice_is_open(api: Any, make: Make) -> None:
    """A token alone answers with what it reaches; then `choose` links it as after a dialog."""
    answer = await api.Connect(attach(await make()))
    assert ("choice", [PAGE_ID], [CATALOG_ID], ["20000000000000001"]) == (
        answer.WhichOneof("next"),
        [page.page_id for page in answer.choice.pages],
        [catalog.catalog_id for catalog in answer.choice.catalogs],
        [business.business_id for business in answer.choice.businesses],
    )
    choose = pb.ChooseAssets(page_id=PAGE_ID, catalog_id=CATALOG_ID)
    wish = pb.ConnectRequest(store_id=STORE, connection_id=answer.connection.connection_id, choose=choose)
    assert State.STATE_CONNECTED == (await api.Connect(wish)).connection.state


async def test_a_persons_token_is_lengthened(api: Any, world: World, runtime: Runtime) -> None:
    """A short-lived token of a person is exchanged before it is kept: its end is about sixty days away."""
    user = world.all(User)[0]
    scopes = tuple(user.grants[APP_ID])
    short = world.issue_token("USER", APP_ID, user_id=user.id, scopes=scopes, expire_time=world.clock.now() + 600)
    answer = await api.Connect(attach(short.value, page_id=PAGE_ID))
    left = answer.connection.token_expire_time.ToDatetime(tzinfo=runtime.now().tzinfo) - runtime.now()
    assert 59 <= left.days <= 60


@pytest.mark.parametrize(
    ("made", "named", "reason"),
    [
        ({"role": "ADMIN"}, {}, "ADMIN_TOKEN_REFUSED"),
        ({"scopes": ["pages_show_list"]}, {}, "SCOPES_MISSING"),
        ({"pages": []}, {"page_id": PAGE_ID}, "PAGE_NOT_GRANTED"),
        ({}, {"page_id": PAGE_ID, "catalog_id": "51"}, "CATALOG_NOT_GRANTED"),
    ],
)
async def test_a_token_that_cannot_do_the_work_leaves_nothing(
    api: Any, make: Make, runtime: Runtime, *, made: dict[str, Any], named: dict[str, str], reason: str
) -> None:
    """A refused token is told by its reason, and no connection is made for it."""
    assert reason == await refused(api, attach(await make(**made), **named))
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM connections"))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("PAGE", "TOKEN_KIND_UNSUITABLE"), ("nonsense", "META_TOKEN_INVALID"), ("USER", "APP_MISMATCH")],
)
async def test_other_tokens_are_refused(api: Any, world: World, kind: str, reason: str) -> None:
    """A Page's token, an unknown one, and one of another app are told apart."""
    seeded = seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID})
    token = {"PAGE": seeded["pages"][0]["token"], "nonsense": "nonsense", "USER": seeded["user"]["token"]}[kind]
    if reason == "APP_MISMATCH":
        from simulator.state import Application

        world.apps["62"] = world.add(Application("62", ["s"]))
        token = seeds.seed(world, {**seeds.DEFAULT, "app_id": "62"})["user"]["token"]
    assert reason == await refused(api, attach(token))


@pytest.mark.parametrize(
    "request_",
    [
        attach(""),
        attach("EAAB two"),
        attach("EAAB\n"),
        attach("E" * 4097),
        attach("EAAB", catalog_id=CATALOG_ID),
        attach("EAAB", environment=7),
    ],
)
async def test_incomplete_tokens_are_refused(api: Any, request_: pb.ConnectRequest) -> None:
    """A step without what it needs is INVALID_ARGUMENT, and the answer does not repeat the token."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await api.Connect(request_)
    assert (grpc.StatusCode.INVALID_ARGUMENT, False) == (caught.value.code(), "EAAB" in str(caught.value.details()))


async def test_the_token_stands_nowhere_in_the_open(api: Any, make: Make, runtime: Runtime, capsys: Any) -> None:
    """Neither the kept answer of the request, nor any other row, nor the log holds the token; asked again, it links once."""
    token = await make()
    request = attach(token, page_id=PAGE_ID, request_id="r1")
    assert await api.Connect(request) == await api.Connect(request)
    async with runtime.db.connect() as tx:
        names = list(
            await tx.scalars(text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))
        )
        rows = [str(list(await tx.execute(text(f'SELECT * FROM "{name}"')))) for name in names]  # noqa: S608 – ours
    seen = "".join(rows) + "".join(capsys.readouterr())
    assert (True, False) == ("graph.called" in seen, token in seen)


async def test_a_refused_token_leaves_the_named_connection_alone(api: Any, make: Make, connect: Any, kept: Any) -> None:
    """A connection that works is not touched by a token that cannot take over."""
    connection = await connect()
    before = await kept()
    assert "ADMIN_TOKEN_REFUSED" == await refused(
        api, attach(await make(role="ADMIN"), connection_id=str(connection.id))
    )
    look = await api.Connect(pb.ConnectRequest(store_id=STORE, connection_id=str(connection.id)))
    assert (State.STATE_CONNECTED, before) == (look.connection.state, await kept())


async def test_a_system_users_token_takes_over_from_a_person(api: Any, make: Make, connect: Any) -> None:
    """A token for the Page that is linked takes over at once: same connection, same catalog, no choice."""
    connection = await connect()
    answer = await api.Connect(attach(await make(), page_id=PAGE_ID))
    assert (str(connection.id), State.STATE_CONNECTED, CATALOG_ID) == (
        answer.connection.connection_id, answer.connection.state, answer.connection.catalog.catalog_id,
    )  # fmt: skip


async def test_a_page_of_another_store_stays_there(api: Any, make: Make, connect: Any, kept: Any) -> None:
    """A token for a Page that another store has ends in PAGE_TAKEN, and is not kept."""
    await connect("store_2")
    before = await kept()
    assert "PAGE_TAKEN" == await refused(api, attach(await make(), page_id=PAGE_ID))
    assert before == await kept()


@pytest.fixture
def business_login(runtime: Runtime, world: World) -> Runtime:
    """The connector with a configuration of Facebook Login for Business that gives system users' tokens."""
    scopes = [*seeds.SCOPES]
    world.apps[APP_ID].login_configs[CONFIG_ID] = {"scopes": scopes, "token": "SYSTEM_USER"}
    test = replace(runtime.apps[Environment.TEST], login_config_id=CONFIG_ID)
    return replace(runtime, apps={Environment.TEST: test})


async def test_login_for_business_gives_a_token_without_an_end(business_login: Runtime, walk: Any) -> None:
    """Where the app has a configuration, a login goes by it, and the token of a system user is kept as it is."""
    begun = await actions.begin(business_login, STORE, environment=Environment.TEST)
    assert (True, False) == (f"config_id={CONFIG_ID}" in begun.url, "scope=" in begun.url)
    answer = await walk(begun.url)
    landing = await actions.complete_login(business_login, state=answer["state"], code=answer["code"])
    linked = await actions.choose(
        business_login, STORE, str(begun.connection.id), page_id=PAGE_ID, catalog_id=CATALOG_ID
    )
    assert ("AWAITING_CHOICE", "SYSTEM_USER", None) == (
        landing.outcome, linked.token_kind, linked.token_expire_time,
    )  # fmt: skip


async def test_login_for_business_wants_a_configuration(api: Any, runtime: Runtime) -> None:
    """Asked for without a configuration it is refused, naming what operators set; nothing is begun."""
    begin = pb.BeginConnect(way=pb.BeginConnect.WAY_BUSINESS_LOGIN)
    assert "LOGIN_CONFIG_MISSING" == await refused(api, pb.ConnectRequest(store_id=STORE, begin=begin))
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM connections"))


async def test_a_failure_of_meta_keeps_nothing(api: Any, make: Make, runtime: Runtime, control_api: Any) -> None:
    """When Meta fails while a token is examined, nothing is kept, and the same call works a moment later."""
    token = await make()
    fault = {"match": {"path": "assigned_pages"}, "action": {"kind": "status", "status": 503, "body": ""}}
    await control_api("POST", "/faults", fault)
    assert "META_UNAVAILABLE" == await refused(api, attach(token, page_id=PAGE_ID, request_id="r1"))
    async with runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM connections"))
    again = await api.Connect(attach(token, page_id=PAGE_ID, request_id="r1"))
    assert State.STATE_CONNECTED == again.connection.state
