"""Tokens are ended: out of our own reach at once, then at Meta."""

from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions as connections
from connector.connections.model import State
from connector.errors import FailedPrecondition
from connector.tokens.actions import rotating
from simulator.state import Token
from stormcom.facebook.v1 import connection_pb2, connector_service_pb2_grpc
from stormcom.facebook.v1 import connector_service_pb2 as connector_pb
from stormcom.facebook.v1 import token_service_pb2 as pb
from tests.integration.conftest import STORE
from tests.integration.tokens.conftest import Keeper, second_store


async def revoke(keeper: Keeper, store_id: str = STORE) -> pb.RevokeTokensResponse:
    response: pb.RevokeTokensResponse = await keeper.stub.RevokeTokens(pb.RevokeTokensRequest(store_id=store_id))
    return response


async def kept(keeper: Keeper) -> Any:
    async with keeper.runtime.db.begin() as tx:
        return await tx.scalar(text("SELECT count(*) FROM retired_tokens"))


async def test_revoked_tokens_are_out_of_reach_at_once_and_dead_soon(keeper: Keeper) -> None:
    """RevokeTokens leaves no token for any work, and Meta kills them; repeating it changes nothing and tells nobody."""
    tokens = await keeper.tokens()
    for _ in range(2):
        told = await revoke(keeper)
        assert connection_pb2.Connection.STATE_NEEDS_LOGIN == told.connection.state
        assert "TOKENS_REVOKED" == told.connection.reason
    connection = await keeper.connection()
    assert (None, None) == (connection.user_token, connection.page_token)
    with pytest.raises(FailedPrecondition):
        await connections.access(keeper.runtime, connection)
    await keeper.turn()
    assert (False, False, 0) == (*map(keeper.alive, tokens), await kept(keeper))
    assert ["CONNECTED", "NEEDS_LOGIN"] == await keeper.states()


async def test_a_login_begun_before_a_revocation_links_nothing(keeper: Keeper, channel: Any) -> None:
    """Whoever leaked a token may have a login under way: it is withdrawn with the tokens."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    connection_id = str((await keeper.connection()).id)
    begin = connector_pb.BeginConnect()
    await stub.Connect(connector_pb.ConnectRequest(store_id=STORE, connection_id=connection_id, begin=begin))
    await revoke(keeper)
    async with keeper.runtime.db.begin() as tx:
        wanted = text("SELECT withdraw_time IS NOT NULL FROM logins ORDER BY id DESC LIMIT 1")
        assert await tx.scalar(wanted) is True


async def test_a_new_token_brings_a_revoked_connection_back(keeper: Keeper) -> None:
    """After RevokeTokens, RotateToken with another token is enough."""
    await revoke(keeper)
    await keeper.turn()
    await keeper.rotate(await keeper.system_token())
    assert State.CONNECTED is (await keeper.connection()).state


async def test_a_system_users_tokens_all_die(keeper: Keeper) -> None:
    """When nobody else lives on a system user, every token of it is killed, those we never saw included."""
    token = keeper.world.tokens[await keeper.system_token()]
    await keeper.rotate(token.value)
    unseen = _another(keeper, token)
    await revoke(keeper)
    await keeper.turn()
    assert (False, False) == (keeper.alive(token), keeper.alive(unseen))


async def test_another_stores_tokens_live_on(keeper: Keeper, channel: Any, world: Any) -> None:
    """Revoking one store's tokens kills those alone: another store of the same person works on."""
    await second_store(channel, world, keeper.turn)
    mine = await keeper.tokens()
    await revoke(keeper)
    await keeper.turn()
    assert (False, False) == tuple(map(keeper.alive, mine))
    await keeper.pass_time(days=0.5)
    assert State.CONNECTED is (await keeper.connection("store_2")).state


async def test_a_token_that_another_connection_lives_on_is_not_killed_by_a_rotation(
    keeper: Keeper, channel: Any, world: Any
) -> None:
    """One system user's token may serve two stores: when one of them takes another, the old one lives on for the other."""
    await second_store(channel, world, keeper.turn)
    shared = await keeper.system_token()
    await keeper.rotate(shared)
    await keeper.stub.RotateToken(pb.RotateTokenRequest(store_id="store_2", access_token=shared))
    await keeper.rotate(await keeper.system_token())
    keeper.clock.advance(minutes=3)
    await keeper.turn()
    assert (True, 0) == (keeper.alive(world.tokens[shared]), await kept(keeper))
    assert State.CONNECTED is (await keeper.connection("store_2")).state


async def test_meta_is_asked_again_to_kill_and_given_up_after_a_day(keeper: Keeper) -> None:
    """While Meta cannot be told, the sealed token waits, out of reach; after a day it is wiped."""
    fault = {"kind": "status", "status": 503}
    keeper.world.faults.order({"match": {"path": "oauth/revoke"}, "times": 500, "action": fault})
    await revoke(keeper)
    await keeper.turn()
    assert 2 == await kept(keeper)
    keeper.clock.advance(hours=25)
    await keeper.turn()
    assert 0 == await kept(keeper)
    async with keeper.runtime.db.begin() as tx:
        told = await tx.scalars(text("SELECT reason FROM problems ORDER BY id DESC LIMIT 2"))
    assert ["META_UNAVAILABLE"] * 2 == list(told)


async def test_a_killing_that_failed_for_now_is_made_up_for(keeper: Keeper) -> None:
    """A killing that Meta did not answer is repeated until it does."""
    tokens = await keeper.tokens()
    fault = {"kind": "status", "status": 503}
    keeper.world.faults.order({"match": {"path": "oauth/revoke"}, "times": 2, "action": fault})
    await revoke(keeper)
    for _ in range(3):
        keeper.clock.advance(minutes=6)
        await keeper.turn()
    assert (False, False, 0) == (*map(keeper.alive, tokens), await kept(keeper))


def _another(keeper: Keeper, token: Token) -> Token:
    """Issue a further token of the same system user, elsewhere."""
    return keeper.world.issue_token("SYSTEM_USER", token.app_id, user_id=token.user_id, scopes=token.scopes)


async def test_each_of_two_rotations_leaves_the_old_token_two_minutes(keeper: Keeper) -> None:
    """A token that is replaced a minute after another lives as long beside its successor as any."""
    first, second = [keeper.world.tokens[await keeper.system_token()] for _ in range(2)]
    await keeper.rotate(first.value)
    keeper.clock.advance(minutes=1, seconds=30)
    await keeper.rotate(second.value)
    keeper.clock.advance(minutes=1)
    await keeper.turn()
    assert (True, 2) == (keeper.alive(first), await kept(keeper))
    keeper.clock.advance(minutes=1, seconds=1)
    await keeper.turn()
    assert (False, True, 0) == (keeper.alive(first), keeper.alive(second), await kept(keeper))


async def test_a_new_token_of_the_same_system_user_outlives_what_was_revoked(keeper: Keeper) -> None:
    """Once a new token of a revoked system user is in service, only the revoked one is killed, however late Meta can be told."""
    old = keeper.world.tokens[await keeper.system_token()]
    await keeper.rotate(old.value)
    await revoke(keeper)
    new = _another(keeper, old)
    await keeper.rotate(new.value)
    keeper.clock.advance(minutes=3)
    await keeper.turn()
    assert (False, True, 0) == (keeper.alive(old), keeper.alive(new), await kept(keeper))


async def test_a_renewal_under_way_does_not_bring_revoked_tokens_back(keeper: Keeper) -> None:
    """RevokeTokens overrules a renewal that Meta answers afterwards, and what it made is killed with the rest."""
    old = keeper.world.tokens[await keeper.system_token()]
    await keeper.rotate(old.value)
    under_way = await keeper.connection()
    await revoke(keeper)
    assert None is await rotating.renew(keeper.runtime, under_way)
    connection = await keeper.connection()
    assert (State.NEEDS_LOGIN, None, None) == (connection.state, connection.user_token, connection.page_token)
    keeper.clock.advance(minutes=3)
    await keeper.turn()
    theirs = [token for token in keeper.world.tokens.values() if token.user_id == old.user_id]
    assert ({False}, 0) == (set(map(keeper.alive, theirs)), await kept(keeper))


async def test_a_renewal_under_way_does_not_undo_a_rotation(keeper: Keeper) -> None:
    """The token that was handed in while a renewal was under way stays, and the renewed one, which nobody knows, dies."""
    old, new = [keeper.world.tokens[await keeper.system_token()] for _ in range(2)]
    await keeper.rotate(old.value)
    under_way = await keeper.connection()
    await keeper.rotate(new.value)
    assert None is await rotating.renew(keeper.runtime, under_way)
    keeper.clock.advance(minutes=3)
    await keeper.turn()
    theirs = [token.value for token in keeper.world.tokens.values() if token.user_id == old.user_id]
    assert new.value == (await keeper.tokens())[0].value
    assert [] == [value for value in theirs if keeper.alive(keeper.world.tokens[value])]
