"""Tokens are looked at on demand, every six hours, and when there is reason to; what that means is acted on once."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions as connections
from connector.connections.actions import standing
from connector.connections.model import CapabilityKind, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.errors import MetaRefused
from connector.webhooks import actions as webhooks
from connector.webhooks.model import Arrival
from simulator.state import IGUser, Page, User
from stormcom.facebook.v1 import token_pb2
from tests.integration.conftest import APP_ID, STORE
from tests.integration.tokens.conftest import PAGE_ID, USER_ID, Keeper, second_store

DEAD = MetaRefused("META_TOKEN_INVALID", "The access token is not valid.", code=190, subcode=460)


async def test_both_tokens_are_told(keeper: Keeper) -> None:
    """InspectToken tells kind, app, owner, scopes and ends of the person's and the Page's token, and nothing is missing."""
    told = await keeper.look()
    user, page = told.inspections
    assert (token_pb2.TokenInspection.KIND_USER, "USER", APP_ID, USER_ID, True) == (
        user.kind, user.meta_type, user.app_id, user.user_id, user.valid,
    )  # fmt: skip
    assert ("PAGE", PAGE_ID, True, False) == (page.meta_type, page.page_id, page.valid, page.HasField("expire_time"))
    assert 59 * 86_400 < (user.expire_time.ToDatetime() - user.inspect_time.ToDatetime()).total_seconds() <= 60 * 86_400
    assert user.HasField("data_access_expire_time")
    assert [] == list(told.missing_scopes)
    limited = {one.scope: list(one.target_ids) for one in user.granular_scopes}
    assert [PAGE_ID] == limited["pages_messaging"]


async def test_a_dead_token_is_found_and_told_once(keeper: Keeper) -> None:
    """However often it is looked at, StormCom hears once that the merchant must connect again."""
    await keeper.control("POST", "/tokens/revoke", {"user_id": USER_ID, "subcode": 460})
    for _ in range(3):
        told = await keeper.look()
        await keeper.turn()
    assert (False, 190, 460) == (
        told.inspections[0].valid, told.inspections[0].meta_code, told.inspections[0].meta_subcode,
    )  # fmt: skip
    assert ("META_TOKEN_INVALID", ["CONNECTED", "NEEDS_LOGIN"]) == (told.connection.reason, await keeper.states())


async def test_a_token_that_comes_back_to_life_works_on(keeper: Keeper) -> None:
    """A merchant who passes Facebook's check needs no new login: the next look finds the token alive, and work resumes."""
    tokens = await keeper.tokens()
    await keeper.control("POST", "/tokens/revoke", {"user_id": USER_ID, "subcode": 459})
    await keeper.look()
    for token in tokens:
        token.death = None
    await keeper.pass_time(days=0.5)
    assert ["CONNECTED", "NEEDS_LOGIN", "CONNECTED"] == await keeper.states()


async def test_a_damaged_token_needs_a_login_until_it_can_be_read_again(keeper: Keeper) -> None:
    """A sealed token that cannot be opened stops the connection, told once, instead of failing its work for ever in silence."""
    damage = text("UPDATE connections SET user_token = set_byte(user_token, length(user_token) - 1, :last)")
    sealed = (await keeper.connection()).user_token
    assert sealed is not None
    for last in (sealed[-1] ^ 1, sealed[-1] ^ 1, sealed[-1]):
        async with keeper.runtime.db.begin() as tx:
            await tx.execute(damage, {"last": last})
        await keeper.pass_time(days=0.5)
    assert ["CONNECTED", "NEEDS_LOGIN", "CONNECTED"] == await keeper.states()


async def test_one_refusal_alone_is_not_believed(keeper: Keeper) -> None:
    """When Meta refuses a token that it calls valid, nobody is told, and the work is tried again after a minute."""
    await _work_refused(keeper)
    await keeper.turn()
    assert (State.CONNECTED, ["CONNECTED"]) == ((await keeper.connection()).state, await keeper.states())
    keeper.clock.advance(minutes=2)
    await keeper.turn()
    assert 0 == await _failed(keeper)


async def test_a_refusal_that_comes_again_is_believed(keeper: Keeper) -> None:
    """When Meta goes on refusing a token that it calls valid, the merchant is asked to connect again, and it stays so for a day."""
    await _work_refused(keeper)
    await keeper.turn()
    keeper.clock.advance(minutes=2)
    await keeper.turn()
    await _work_refused(keeper)
    await keeper.turn()
    await keeper.pass_time(days=0.5)
    assert ["CONNECTED", "NEEDS_LOGIN"] == await keeper.states()


async def _work_refused(keeper: Keeper) -> None:
    """Let Meta refuse the token of a piece of work."""
    connection = await keeper.connection()
    fault = {"kind": "error", "code": 190, "subcode": 460}
    keeper.world.faults.order({"match": {"method": "POST", "path": "subscribed_apps"}, "times": 1, "action": fault})
    async with keeper.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=keeper.runtime.now(), connection_id=connection.id)


async def _failed(keeper: Keeper) -> Any:
    async with keeper.runtime.db.begin() as tx:
        return await tx.scalar(text("SELECT count(*) FROM tasks WHERE due_time IS NULL"))


async def test_a_pages_dead_token_is_derived_anew(keeper: Keeper) -> None:
    """Only the Page's token dead: a new one is derived from the person's, and nobody notices anything."""
    before = (await keeper.tokens())[1]
    keeper.world.page_tokens.clear()
    before.death = 0
    told = await keeper.look()
    after = (await keeper.tokens())[1]
    assert (True, True) == (told.inspections[1].valid, keeper.alive(after))
    assert (before.value != after.value, ["CONNECTED"]) == (True, await keeper.states())


async def test_a_lost_role_on_the_page_stops_messages_only(keeper: Keeper) -> None:
    """Who loses the role on the Page cannot send messages; the catalog goes on, and with the role everything does."""
    user = keeper.world.require(User, USER_ID, name="user")
    tasks = user.page_tasks.pop(PAGE_ID)
    await keeper.look()
    connection = await keeper.connection()
    reasons = {kind: connection.capability(kind).reason for kind in CapabilityKind}
    assert (State.CONNECTED, "PAGE_ACCESS_LOST") == (connection.state, reasons[CapabilityKind.MESSAGING])
    assert "PAGE_ACCESS_LOST" != reasons[CapabilityKind.CATALOG_SYNC]
    user.page_tasks[PAGE_ID] = tasks
    await keeper.look()
    assert "" == (await keeper.connection()).capability(CapabilityKind.MESSAGING).reason


async def test_a_permission_taken_back_is_seen_by_every_connection_of_that_person(
    keeper: Keeper, channel: Any, world: Any
) -> None:
    """Meta's word that a person took a permission back has all their connections looked at, whatever store they belong to."""
    await second_store(channel, world, keeper.turn)
    user = world.require(User, USER_ID, name="user")
    user.grants[APP_ID]["pages_messaging"] = "declined"
    change = {"field": "pages_messaging", "value": {"verb": "revoked"}}
    entry = {"id": USER_ID, "time": 1764000000, "changes": [change]}
    body = json.dumps({"object": "permissions", "entry": [entry]}).encode()
    async with webhooks.keeping(keeper.runtime) as keep:
        await keep([Arrival((await keeper.connection()).environment, body, "")])
    await keeper.turn()
    for store_id in (STORE, "store_2"):
        connection = await keeper.connection(store_id)
        assert "pages_messaging" not in connection.granted_scopes
        assert "" != connection.capability(CapabilityKind.MESSAGING).reason


async def test_what_one_connection_finds_the_others_of_that_person_look_for(
    keeper: Keeper, channel: Any, world: Any
) -> None:
    """A token found dead has the tokens of the same person's other stores looked at at once."""
    await second_store(channel, world, keeper.turn)
    await keeper.control("POST", "/tokens/revoke", {"user_id": USER_ID, "subcode": 460})
    await keeper.look()
    await keeper.turn()
    assert State.NEEDS_LOGIN is (await keeper.connection("store_2")).state


async def test_who_was_told_does_not_tell_everybody_again(keeper: Keeper, channel: Any, world: Any) -> None:
    """However many connections a person has, what one of them finds has each of the others looked at once."""
    await second_store(channel, world, keeper.turn)
    await keeper.turn()
    await keeper.control("POST", "/tokens/revoke", {"user_id": USER_ID, "subcode": 460})
    before = _asked(keeper)
    async with keeper.runtime.db.begin() as tx:
        await standing.plan_inspection(tx, await keeper.connection(), at=keeper.runtime.now())
    await keeper.turn()
    assert [State.NEEDS_LOGIN] * 2 == [(await keeper.connection(store)).state for store in (STORE, "store_2")]
    assert 2 * 2 == _asked(keeper) - before


def _asked(keeper: Keeper) -> int:
    """Count how often Meta was asked what a token is: once for each of a connection's two."""
    return sum(call.path == "debug_token" for call in keeper.world.records.calls)


@pytest.mark.parametrize("error", [DEAD, MetaRefused("META_PERMISSION_MISSING", "A permission is missing.", code=10)])
async def test_a_refusal_has_the_tokens_looked_at_at_once(keeper: Keeper, error: MetaRefused) -> None:
    """Codes 190 and 10 are reasons to ask Meta what the tokens are."""
    connection = await keeper.connection()
    await connections.note_refusal(keeper.runtime, connection, error, task=Task.SEND_MESSAGE)
    await keeper.turn()
    calls = [call for call in keeper.world.records.calls if call.path == "debug_token"]
    assert [] != calls[-2:]
    async with keeper.runtime.db.begin() as tx:
        assert 2 == await tx.scalar(text("SELECT count(*) FROM token_inspections"))


async def test_nothing_is_changed_while_meta_does_not_answer(keeper: Keeper) -> None:
    """An inspection that Meta does not answer leaves the connection as it is, and comes back by itself."""
    before = await keeper.connection()
    keeper.world.faults.order(
        {"match": {"path": "debug_token"}, "times": 50, "action": {"kind": "status", "status": 503}}
    )
    await keeper.pass_time(days=0.5)
    assert before == await keeper.connection()
    keeper.world.faults.clear()
    await keeper.pass_time(days=0.5)
    async with keeper.runtime.db.begin() as tx:
        assert 2 == await tx.scalar(text("SELECT count(*) FROM token_inspections"))


async def test_the_pages_instagram_account_is_kept_in_step(keeper: Keeper) -> None:
    """A look finds another Instagram account, or none, and tells StormCom; where we may not see it, what was known stays."""
    page = keeper.world.require(Page, PAGE_ID, name="page")
    known = page.instagram_id
    assert known == (await keeper.connection()).instagram_id
    page.instagram_id = keeper.world.add(IGUser("17840000000000099", "other", "Other")).id
    await keeper.look()
    assert ("17840000000000099", "other") == await _account(keeper)
    keeper.world.nodes[USER_ID].grants[APP_ID]["instagram_basic"] = "declined"
    page.instagram_id = known
    await keeper.look()
    assert ("17840000000000099", "other") == await _account(keeper)
    keeper.world.nodes[USER_ID].grants[APP_ID]["instagram_basic"] = "granted"
    page.instagram_id = ""
    await keeper.look()
    assert ("", "") == await _account(keeper)
    told = [body["connection"]["page"].get("instagram_account") for body in await keeper.told("connection_changed")]
    assert [known, "17840000000000099", None] == list(
        dict.fromkeys(one and one["instagram_account_id"] for one in told)
    )


async def _account(keeper: Keeper) -> tuple[str, str]:
    connection = await keeper.connection()
    return connection.instagram_id, connection.instagram_username
