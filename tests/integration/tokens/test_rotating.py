"""Tokens are replaced without a gap: the new ones are verified before they are stored, the old ones die afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from sqlalchemy import text

from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Task
from simulator import control
from simulator.seeds import SCOPES
from simulator.state import Application, ProductCatalog
from simulator.world import World
from tests.integration.tokens.conftest import PAGE_ID, USER_ID, Keeper


@asynccontextmanager
async def refused(reason: str) -> AsyncIterator[None]:
    """Expect a refusal for that reason."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    status = rpc_status.from_call(cast("grpc.Call", caught.value))
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert any(detail.Unpack(info) for detail in status.details)
    assert reason == info.reason


async def test_a_token_handed_in_takes_over_and_the_old_one_dies(keeper: Keeper) -> None:
    """After RotateToken the new tokens serve at once; both live for two minutes, then the old ones are dead at Meta."""
    old, token = await keeper.tokens(), await keeper.system_token()
    told = await keeper.rotate(token)
    assert ("SYSTEM_USER", "PAGE") == tuple(one.meta_type for one in told.inspections)
    user, page = await keeper.tokens()
    await keeper.turn()
    assert (token, True, True) == (user.value, keeper.alive(old[0]), keeper.alive(old[1]))
    keeper.clock.advance(minutes=2, seconds=1)
    await keeper.turn()
    assert (False, False, True, True) == tuple(map(keeper.alive, (*old, user, page)))
    assert ["CONNECTED"] == sorted(set(await keeper.states()))
    assert 0 == await _count(keeper, "retired_tokens")


async def test_handing_in_the_present_token_changes_nothing(keeper: Keeper) -> None:
    """The same token twice is stored once, and nothing of it is ever killed."""
    token = await keeper.system_token()
    await keeper.rotate(token)
    before, tokens = await keeper.connection(), await keeper.tokens()
    await keeper.rotate(token)
    assert before == await keeper.connection()
    keeper.clock.advance(minutes=3)
    await keeper.turn()
    assert (True, True) == tuple(map(keeper.alive, tokens))


async def test_a_dead_connection_is_brought_back_by_a_token(keeper: Keeper) -> None:
    """A connection that needs a login works again with a token handed in, and what waited resumes."""
    await keeper.control("POST", "/tokens/revoke", {"user_id": USER_ID, "subcode": 460})
    connection = await keeper.connection()
    async with keeper.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=keeper.runtime.now(), connection_id=connection.id)
    await keeper.turn()
    assert State.NEEDS_LOGIN is (await keeper.connection()).state
    await keeper.rotate(await keeper.system_token())
    await keeper.turn()
    assert ["CONNECTED", "NEEDS_LOGIN", "CONNECTED"] == await keeper.states()
    async with keeper.runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM tasks WHERE due_time IS NULL"))


async def test_work_under_way_with_the_old_token_is_done_with_the_new_one(keeper: Keeper) -> None:
    """A task whose call was refused because the token was replaced during it runs again, and nobody is told of anything."""
    connection, token = await keeper.connection(), await keeper.system_token()
    for method, action in (
        ("POST", {"kind": "delay", "seconds": 0.5}),
        ("GET", {"kind": "error", "code": 190, "subcode": 460}),
    ):
        match = {"method": method, "path": "subscribed_apps"}
        keeper.world.faults.order({"match": match, "times": 1, "action": action})
    async with keeper.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=keeper.runtime.now(), connection_id=connection.id)
    working = asyncio.ensure_future(keeper.turn())
    await _until(lambda: keeper.world.records.under_way.total() > 0)
    await keeper.rotate(token)
    await working
    await keeper.turn()
    assert ["CONNECTED"] == sorted(set(await keeper.states()))
    async with keeper.runtime.db.begin() as tx:
        assert 0 == await tx.scalar(text("SELECT count(*) FROM tasks WHERE due_time IS NULL"))


async def _until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 – a call under way can only be asked for
        await asyncio.sleep(0.002)


async def _count(keeper: Keeper, table: str) -> Any:
    async with keeper.runtime.db.begin() as tx:
        return await tx.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 – ours


@pytest.mark.parametrize(
    ("scopes", "reason"),
    [
        ([scope for scope in SCOPES if scope != "catalog_management"], "SCOPES_MISSING"),
        ([scope for scope in SCOPES if scope != "instagram_basic"], "SCOPES_REDUCED"),
    ],
)
async def test_a_token_with_fewer_scopes_is_refused(keeper: Keeper, scopes: list[str], reason: str) -> None:
    """A token that lacks a scope we need, or one that the present token has, is refused by name and nothing is changed."""
    keeper.world.nodes[USER_ID].grants[next(iter(keeper.world.apps))]["instagram_basic"] = "granted"
    await keeper.rotate(await keeper.system_token())
    before = await keeper.tokens()
    async with refused(reason):
        await keeper.rotate(await keeper.system_token(scopes=scopes))
    assert before == await keeper.tokens()


async def test_fewer_scopes_may_be_allowed(keeper: Keeper) -> None:
    """With `allow_fewer_scopes` a token without a scope that nobody needs takes over."""
    await keeper.rotate(await keeper.system_token())
    fewer = await keeper.system_token(scopes=[scope for scope in SCOPES if scope != "instagram_basic"])
    await keeper.rotate(fewer, allow_fewer_scopes=True)
    assert "instagram_basic" not in (await keeper.connection()).granted_scopes


async def test_a_token_without_the_page_is_refused(keeper: Keeper) -> None:
    """A system user that does not have the connection's Page cannot take over."""
    async with refused("PAGE_NOT_GRANTED"):
        await keeper.rotate(await keeper.system_token(pages=[]))


async def test_a_token_without_the_catalog_is_refused(keeper: Keeper) -> None:
    """A token that does not reach the connection's catalog cannot take over."""
    token = await keeper.system_token()
    business = keeper.world.nodes["20000000000000001"]
    business.catalogs.remove(keeper.world.all(ProductCatalog)[0].id)
    async with refused("CATALOG_NOT_GRANTED"):
        await keeper.rotate(token)


@pytest.mark.parametrize("wrong", ["dead", "page", "nonsense", "foreign", "admin"])
async def test_a_token_of_another_kind_is_refused(keeper: Keeper, wrong: str, world: World) -> None:
    """A dead token, a Page's, another app's, an admin's and nonsense are each refused for what they are, and nothing is changed."""
    token, reason = await keeper.system_token(), "META_TOKEN_INVALID"
    match wrong:
        case "dead":
            world.tokens[token].death = 0
        case "page":
            token, reason = (await keeper.tokens())[1].value, "TOKEN_KIND_UNSUITABLE"
        case "nonsense":
            token = "EAAnonsense"
        case "foreign":
            app = control.put_app(world, None, {"app_id": "610000000000002", "secrets": ["other"]})  # type: ignore[arg-type] # the request is not looked at
            assert isinstance(world.apps[app["app_id"]], Application)
            token = (await keeper.control("POST", "/system-users", {"app_id": app["app_id"]}))["token"]
            reason = "APP_MISMATCH"
        case "admin":
            token, reason = await keeper.system_token(role="ADMIN"), "ADMIN_TOKEN_REFUSED"
    before = await keeper.tokens()
    async with refused(reason):
        await keeper.rotate(token)
    assert before == await keeper.tokens()


@pytest.mark.parametrize("token", ["EAA with a blank", "EAA\u00e4", "EAA\nEAA"])
async def test_what_no_token_looks_like_is_refused_by_name(keeper: Keeper, token: str) -> None:
    """Text that Meta cannot have written as a token never leaves the service."""
    async with refused("FIELD_INVALID"):
        await keeper.rotate(token)


async def test_a_persons_token_cannot_be_renewed(keeper: Keeper) -> None:
    """Without a token Meta is asked to renew the present one, which it does for system users only."""
    async with refused("TOKEN_NOT_REFRESHABLE"):
        await keeper.rotate()


async def test_a_system_users_token_is_renewed_on_demand(keeper: Keeper) -> None:
    """RotateToken without a token renews a system user's, and the old one dies."""
    old = await keeper.system_token()
    await keeper.rotate(old)
    await keeper.rotate()
    user, _ = await keeper.tokens()
    keeper.clock.advance(minutes=3)
    await keeper.turn()
    assert (old != user.value, False, True) == (True, keeper.alive(keeper.world.tokens[old]), keeper.alive(user))


@pytest.mark.parametrize("kills", [False, True])
async def test_a_system_users_token_is_renewed_by_itself(keeper: Keeper, kills: bool) -> None:  # noqa: FBT001 – a table's column
    """Over half a year the connection never needs anybody, and nobody is warned of anything."""
    keeper.world.switches.change(renewal_kills_old=kills)
    await keeper.rotate(await keeper.system_token())
    for _ in range(3):
        await keeper.pass_time(days=41)
        user, _ = await keeper.tokens()
        assert user.expire_time is not None
        assert 59 * 86_400 < user.expire_time - keeper.world.clock.now()
    assert (["CONNECTED"], []) == (sorted(set(await keeper.states())), await keeper.alerts())


async def test_the_end_of_a_persons_token_is_announced(keeper: Keeper) -> None:
    """A person's token of sixty days is announced 14, 7 and 1 days before its end, each once; a new token ends it."""
    await keeper.pass_time(days=45)
    assert [] == await keeper.alerts()
    seen = []
    for days in (1.5, 2, 5, 2, 4, 0.5):
        await keeper.pass_time(days=days)
        seen.append(len(await keeper.alerts()))
    assert [1, 1, 2, 2, 3, 3] == seen
    body = (await keeper.told("alert_raised"))[-1]["alert"]
    assert ("Connect", "The link to Facebook ends within a day") == (body["fix_rpc"], body["title"])
    await keeper.rotate(await keeper.system_token())
    assert ("TOKEN_EXPIRES_SOON", True) == (await keeper.alerts())[-1]


async def test_the_end_of_data_access_is_announced_and_then_comes(keeper: Keeper) -> None:
    """Data access is announced like a token's end, and once it is over the merchant must log in, whatever the token says."""
    user, _ = await keeper.tokens()
    user.expire_time = None
    await keeper.pass_time(days=77)
    assert [("DATA_ACCESS_EXPIRES_SOON", False)] == await keeper.alerts()
    await keeper.pass_time(days=14)
    connection = await keeper.connection()
    assert (State.NEEDS_LOGIN, "DATA_ACCESS_EXPIRED") == (connection.state, connection.reason)
    assert connection.user_token is not None


async def test_a_token_handed_in_stands_nowhere_in_the_open(keeper: Keeper, capsys: Any) -> None:
    """The token of a request is in no table, the request's replay included, and in no line of the log."""
    token = await keeper.system_token()
    await keeper.rotate(token, request_id="rotate-1")
    again = await keeper.rotate(token, request_id="rotate-1")
    assert PAGE_ID == again.connection.page.page_id
    await keeper.turn()
    async with keeper.runtime.db.connect() as tx:
        tables = await tx.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        )
        rows = [list(await tx.execute(text(f'SELECT * FROM "{name}"'))) for name in tables]  # noqa: S608 – ours
    logged = "".join(capsys.readouterr())
    assert "rpc.served" in logged
    assert token not in str(rows) + logged
