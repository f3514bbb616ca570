"""A command that waits for the merchant waits for as long as there is hope, and says how it ended when there is none."""

from typing import Any

from connector.db import outbox
from connector.db.outbox import Task
from simulator.state import Page
from tests.integration.order_commands.conftest import Command, Desk
from tests.integration.orders.conftest import PAGE

GONE = (Command.STATE_FAILED, "CAPABILITY_RETIRED_BY_META")
PERMISSION = {"app_id": "610000000000001", "permission": "commerce_account_manage_orders", "status": "declined"}


async def swept(desk: Desk, command: Command, **time: float) -> tuple[Any, str]:
    """Let time pass, and the hourly look at what waits; tells how the command stands."""
    desk.mall.clock.advance(**time)
    async with desk.mall.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=desk.mall.clock(), key="sweep")
    command = await desk.done(command)
    return command.state, command.problem.reason


async def ends(desk: Desk, command: Command) -> list[str]:
    """List the ends of a command that StormCom heard of."""
    told = [one["command"] for one in await desk.mall.told("order_command_changed")]
    mine = [one for one in told if one["command_id"] == command.command_id]
    return [one["state"] for one in mine if one["state"] not in {"STATE_WAITING", "STATE_SENT"}]


async def test_a_login_is_waited_for_while_the_road_may_be_open(desk: Desk) -> None:
    """Past Meta's date a command waits for the login for 30 days since orders were last seen to answer; then it failed, told once."""
    order = await desk.bought()
    await desk.mall.control("POST", "/tokens/revoke", {"user_id": "10000000000000001", "subcode": 460})
    command = await desk.done(await desk.ship(order, 1))
    assert (Command.STATE_WAITING, "META_TOKEN_INVALID") == (command.state, command.problem.reason)
    assert (Command.STATE_WAITING, "META_TOKEN_INVALID") == await swept(desk, command, days=29)
    assert GONE == await swept(desk, command, days=2)
    assert GONE == await swept(desk, command, hours=1)
    assert ["STATE_FAILED"] == await ends(desk, command)
    assert [] == desk.effects("ship")


async def test_what_meta_did_is_no_failure(desk: Desk) -> None:
    """A refund that Meta answered succeeded, though what came of it could not be looked at before the road was closed."""
    order = await desk.shipped()
    unseen = {
        "match": {"method": "GET", "path": "/refunds$"},
        "times": 1,
        "action": {"kind": "error", "status": 503, "code": 2},
    }
    await desk.mall.control("POST", "/faults", unseen)
    command = await desk.done(await desk.refund(order, 1))
    assert Command.STATE_SENT == command.state
    await desk.mall.control("POST", "/tokens/revoke", {"user_id": "10000000000000001", "subcode": 460})
    assert (Command.STATE_SUCCEEDED, "") == await swept(desk, command, days=31)
    assert ["STATE_SUCCEEDED"] == await ends(desk, command)
    assert 1 == len(desk.effects("refund"))


async def test_what_a_refusal_stopped_ends_with_the_road(desk: Desk) -> None:
    """A command that waits for a permission fails, told once, when a try finds that Meta has switched orders off."""
    order = await desk.bought()
    await desk.mall.control("POST", "/users/10000000000000001/permissions", PERMISSION)
    command = await desk.done(await desk.ship(order, 1))
    assert Command.STATE_WAITING == command.state
    desk.mall.world.require(Page, PAGE, name="page").orders = "ended"
    assert GONE == await swept(desk, command, days=31)
    assert ["STATE_FAILED"] == await ends(desk, command)
