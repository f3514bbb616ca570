"""Tokens are ended: out of our own reach at once, then at Meta."""

from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import actions as connections
from connector.connections.model import State
from connector.errors import FailedPrecondition
from simulator.state import Token
from stormcom.facebook.v1 import connection_pb2
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
