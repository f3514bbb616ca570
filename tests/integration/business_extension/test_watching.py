"""Installations watched: Meta's webhook, the daily look, what is missing, what has ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from simulator import control
from simulator.business_extension import change, uninstall
from simulator.world import World
from stormcom.facebook.v1 import business_extension_pb2, connection_pb2, connector_service_pb2_grpc
from stormcom.facebook.v1 import business_extension_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2 as core
from tests.integration.business_extension.conftest import (
    CATALOG_ID,
    PAGE_ID,
    SECRET_OF_WEBHOOK,
    SHOP,
    Install,
    Stub,
    Tell,
    Walk,
    calls,
    column,
    installed,
    reason_of,
)
from tests.integration.conftest import APP_ID, STORE, VERIFY_TOKEN, Clock
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving

Turn = Callable[[], Awaitable[int]]
State = connection_pb2.Connection.State
CAPABILITY = connection_pb2.Capability
CONNECTED = connection_pb2.Connection.STATE_CONNECTED
DISCONNECTED = connection_pb2.Connection.STATE_DISCONNECTED
NEEDS_LOGIN = connection_pb2.Connection.STATE_NEEDS_LOGIN
INSTALLED = business_extension_pb2.Installation.STATE_INSTALLED
UNINSTALLED = business_extension_pb2.Installation.STATE_UNINSTALLED
READ_BACK = "fbe_business/fbe_installs"


async def standing(channel: grpc.aio.Channel, connection_id: str) -> connection_pb2.Connection:
    """Where a connection stands."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    return (await stub.Connect(core.ConnectRequest(store_id=STORE, connection_id=connection_id))).connection


async def plan_watch(runtime: Runtime) -> None:
    """Ask for the look at all installations, as the schedule does every hour."""
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.WATCH_INSTALLATIONS, due=runtime.now())


async def known(extension: Stub) -> business_extension_pb2.Installation:
    """What we know of the installation, without asking Meta."""
    return (await extension.GetInstallation(pb.GetInstallationRequest(store_id=STORE))).installation


def blocked(connection: connection_pb2.Connection) -> set[str]:
    """The capabilities that an installation's lost asset blocks."""
    return {
        CAPABILITY.Kind.Name(one.kind).removeprefix("KIND_")
        for one in connection.capabilities
        if one.reason == "INSTALLATION_ASSET_MISSING"
    }


async def test_an_end_that_meta_confirms_ends_the_connection(
    install: Install, tell: Tell, world: World, *, extension: Stub, channel: grpc.aio.Channel
) -> None:
    """A webhook of the end, and nothing at Meta: the connection is DISCONNECTED with a reason of its own, its tokens are wiped."""
    done = await install()
    world.switches.change(uninstall_kills_tokens=False)
    uninstall(world, installed(world))
    await tell(done.installation.external_business_id, ended=True)
    connection = await standing(channel, done.connection.connection_id)
    assert (DISCONNECTED, "INSTALLATION_REMOVED") == (connection.state, connection.reason)
    assert UNINSTALLED == (await known(extension)).state


async def test_an_end_that_kills_the_token_first(
    install: Install, tell: Tell, world: World, *, extension: Stub, channel: grpc.aio.Channel
) -> None:
    """A webhook of the end, and a dead token, mean the end as well."""
    done = await install()
    uninstall(world, installed(world))
    await tell(done.installation.external_business_id, ended=True)
    assert DISCONNECTED == (await standing(channel, done.connection.connection_id)).state
    assert UNINSTALLED == (await known(extension)).state


async def test_a_dead_token_found_before_the_webhook(
    install: Install, tell: Tell, world: World, *, extension: Stub, channel: grpc.aio.Channel, turn: Turn
) -> None:
    """A token that dies is a matter of logging in again, until the webhook says that it was the end."""
    done = await install()
    uninstall(world, installed(world))
    refresh = extension.RefreshInstallation(pb.RefreshInstallationRequest(store_id=STORE))
    assert "META_TOKEN_INVALID" == await reason_of(refresh)
    await turn()
    assert NEEDS_LOGIN == (await standing(channel, done.connection.connection_id)).state
    await tell(done.installation.external_business_id, ended=True)
    connection = await standing(channel, done.connection.connection_id)
    assert (DISCONNECTED, "INSTALLATION_REMOVED") == (connection.state, connection.reason)


async def test_a_webhook_alone_is_not_believed(
    install: Install, tell: Tell, channel: grpc.aio.Channel, *, world: World, extension: Stub
) -> None:
    """A webhook of an end that Meta does not show changes nothing, but has Meta asked."""
    done = await install()
    before = calls(world, "GET", READ_BACK)
    await tell(done.installation.external_business_id, ended=True)
    assert CONNECTED == (await standing(channel, done.connection.connection_id)).state
    assert (INSTALLED, before + 1) == ((await known(extension)).state, calls(world, "GET", READ_BACK))


async def test_an_absence_that_nobody_told_of_is_looked_at_twice(
    install: Install, clock: Clock, turn: Turn, *, world: World, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """When Meta shows nothing and no webhook said why, ten minutes later counts; until then the connection works."""
    done = await install()
    world.switches.change(uninstall_kills_tokens=False)
    uninstall(world, installed(world))
    await extension.RefreshInstallation(pb.RefreshInstallationRequest(store_id=STORE))
    assert CONNECTED == (await standing(channel, done.connection.connection_id)).state
    clock.advance(minutes=11)
    await extension.RefreshInstallation(pb.RefreshInstallationRequest(store_id=STORE))
    connection = await standing(channel, done.connection.connection_id)
    assert (DISCONNECTED, "INSTALLATION_REMOVED") == (connection.state, connection.reason)


async def test_an_absence_that_a_caller_came_upon_is_looked_into(
    install: Install, clock: Clock, turn: Turn, *, world: World, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """What RefreshInstallation did not find is looked for again ten minutes later, without anybody asking."""
    done = await install()
    world.switches.change(uninstall_kills_tokens=False)
    uninstall(world, installed(world))
    await extension.RefreshInstallation(pb.RefreshInstallationRequest(store_id=STORE))
    await turn()
    assert CONNECTED == (await standing(channel, done.connection.connection_id)).state
    clock.advance(minutes=10)
    await turn()
    connection = await standing(channel, done.connection.connection_id)
    assert (DISCONNECTED, "INSTALLATION_REMOVED") == (connection.state, connection.reason)


async def test_an_end_after_the_disconnect(
    install: Install, tell: Tell, *, world: World, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """Of a store that was disconnected the webhook alone counts: there is no token to look with, and nothing to lose."""
    done = await install()
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    await stub.Disconnect(core.DisconnectRequest(store_id=STORE, connection_id=done.connection.connection_id))
    before = (await known(extension)).state
    await tell(done.installation.external_business_id, ended=True)
    assert (INSTALLED, UNINSTALLED) == (before, (await known(extension)).state)
    assert "" == (await standing(channel, done.connection.connection_id)).reason


async def test_a_late_word_of_the_end_leaves_the_next_install_alone(
    install: Install, walk: Walk, tell: Tell, *, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """A webhook of the end that comes while the merchant installs again ends what was, not what begins."""
    done = await install()
    place = done.connection.connection_id
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    await stub.Disconnect(core.DisconnectRequest(store_id=STORE, connection_id=place))
    again = pb.BeginInstallRequest(store_id=STORE, connection_id=place, shop=SHOP)
    answer = await walk((await extension.BeginInstall(again)).url)
    await tell(done.installation.external_business_id, ended=True)
    assert UNINSTALLED == (await known(extension)).state
    complete = pb.CompleteInstallRequest(store_id=STORE, state_token=answer["state"], code=answer["code"])
    assert (CONNECTED, place) == (
        (await extension.CompleteInstall(complete)).connection.state,
        (await known(extension)).connection_id,
    )
    assert INSTALLED == (await known(extension)).state


async def test_a_wish_without_a_token_is_no_sign_of_an_end(
    install: Install, turn: Turn, *, runtime: Runtime, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """An Uninstall that was refused for want of a token leaves nothing behind that looks like Meta's word."""
    done = await install()
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    await stub.Disconnect(core.DisconnectRequest(store_id=STORE, connection_id=done.connection.connection_id))
    assert "STORE_NOT_CONNECTED" == await reason_of(extension.Uninstall(pb.UninstallRequest(store_id=STORE)))
    await plan_watch(runtime)
    await turn()
    assert INSTALLED == (await known(extension)).state


async def test_a_lost_catalog_blocks_what_needs_it_and_nothing_else(
    install: Install, tell: Tell, world: World, *, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """An installation without the catalog blocks what works on it; messages go on; when it is back, so is all."""
    done = await install()
    change(world, installed(world), {"catalog_id": ""})
    await tell(done.installation.external_business_id)
    connection = await standing(channel, done.connection.connection_id)
    assert {"CATALOG_SYNC", "INVENTORY"} == blocked(connection)
    assert [business_extension_pb2.MISSING_ASSET_CATALOG] == list((await known(extension)).missing_assets)
    change(world, installed(world), {"catalog_id": CATALOG_ID})
    await tell(done.installation.external_business_id)
    assert set() == blocked(await standing(channel, done.connection.connection_id))
    assert [] == list((await known(extension)).missing_assets)


async def test_a_lost_page_blocks_messages(
    install: Install, tell: Tell, world: World, *, channel: grpc.aio.Channel
) -> None:
    """An installation without the Page blocks messages; the catalog goes on."""
    done = await install()
    change(world, installed(world), {"pages": ["30000000000000077"]})
    await tell(done.installation.external_business_id)
    found = blocked(await standing(channel, done.connection.connection_id))
    assert ("MESSAGING" in found, "CATALOG_SYNC" in found) == (True, False)


async def test_what_it_never_named_is_not_missed(
    install: Install, tell: Tell, world: World, *, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """A catalog that was attached by other means blocks nothing, whatever the installation names."""
    world.switches.change(install_catalogs=0)
    done = await install()
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    choose = core.ChooseAssets(page_id=PAGE_ID)
    place = done.connection.connection_id
    await stub.Connect(core.ConnectRequest(store_id=STORE, connection_id=place, choose=choose))
    await tell(done.installation.external_business_id)
    assert set() == blocked(await standing(channel, place))
    assert [] == list((await known(extension)).missing_assets)


async def test_every_installation_is_read_back_daily(
    install: Install, clock: Clock, turn: Turn, *, world: World, runtime: Runtime
) -> None:
    """What changed at Meta without a word is found within a day; what was read lately is left alone."""
    await install()
    before = calls(world, "GET", READ_BACK)
    for hours, reads in ((1, 0), (24, 1), (1, 1), (24, 2)):
        clock.advance(hours=hours)
        await plan_watch(runtime)
        await turn()
        assert before + reads == calls(world, "GET", READ_BACK)


async def test_news_of_nobody_is_dropped(tell: Tell, runtime: Runtime, world: World) -> None:
    """A webhook about a name that is not ours asks nobody and keeps nothing."""
    await tell("someone-elses-shop", ended=True)
    assert 0 == calls(world, "GET", READ_BACK)
    assert [] == await column(runtime, "SELECT kind FROM signals")


async def test_the_token_of_a_webhook_is_kept_nowhere(
    install: Install, tell: Tell, runtime: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    """The token inside an fbe_install webhook stands in no row and in no line of the log; all else is kept as it came."""
    done = await install()
    await tell(done.installation.external_business_id)
    bodies = await column(runtime, "SELECT convert_from(body, 'UTF8') FROM deliveries")
    assert (1, True) == (len(bodies), '"access_token": "***"' in bodies[0])
    assert done.installation.external_business_id in bodies[0]
    assert SECRET_OF_WEBHOOK not in bodies[0]
    said = capfd.readouterr()
    assert SECRET_OF_WEBHOOK not in said.out + said.err


async def test_the_whole_way_of_a_webhook(
    install: Install, runtime: Runtime, world: World, *, turn: Turn, channel: grpc.aio.Channel
) -> None:
    """Signed by Meta, received by the ingress, worked off: the merchant's uninstall ends the connection."""
    done = await install()
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        control.subscribe(world.apps[APP_ID], f"http://127.0.0.1:{port}/webhooks/facebook", VERIFY_TOKEN)
        uninstall(world, installed(world))
        while not await column(runtime, "SELECT id FROM deliveries"):  # noqa: ASYNC110 – the other side can only be asked
            await asyncio.sleep(0.005)
    await turn()
    connection = await standing(channel, done.connection.connection_id)
    assert (DISCONNECTED, "INSTALLATION_REMOVED") == (connection.state, connection.reason)


async def test_stormcom_is_told(install: Install, tell: Tell, world: World, *, runtime: Runtime) -> None:
    """The end by the merchant is an event with the reason."""
    done = await install()
    uninstall(world, installed(world))
    await tell(done.installation.external_business_id, ended=True)
    last = "SELECT body -> 'connection' ->> 'reason' FROM events WHERE kind = 'connection_changed' ORDER BY position DESC LIMIT 1"
    assert ["INSTALLATION_REMOVED"] == await column(runtime, last)


async def test_it_serves_the_connection_that_was_chosen_later(
    install: Install, tell: Tell, world: World, *, connected: str, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """After a choice that brought an earlier connection back, that connection is watched."""
    world.switches.change(install_catalogs=0)
    done = await install()
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    place, choose = done.connection.connection_id, core.ChooseAssets(page_id=PAGE_ID)
    chosen = await stub.Connect(core.ConnectRequest(store_id=STORE, connection_id=place, choose=choose))
    assert connected == chosen.connection.connection_id
    uninstall(world, installed(world))
    await tell(done.installation.external_business_id, ended=True)
    connection = await standing(channel, connected)
    assert (DISCONNECTED, "INSTALLATION_REMOVED") == (connection.state, connection.reason)
    assert connected == (await known(extension)).connection_id


async def test_a_failed_second_install_leaves_the_first_watched(
    install: Install, tell: Tell, world: World, *, channel: grpc.aio.Channel, extension: Stub
) -> None:
    """An install again that links nothing leaves the installation with the connection it served."""
    done = await install()
    connector = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    other = await connector.Connect(core.ConnectRequest(store_id=STORE, begin=core.BeginConnect()))
    world.switches.change(dialog_installs=False)
    change(world, installed(world), {"pages": []})
    assert "INSTALLATION_INCOMPLETE" == await reason_of(install(connection_id=other.connection.connection_id))
    assert done.connection.connection_id == (await known(extension)).connection_id
    uninstall(world, installed(world))
    await tell(done.installation.external_business_id, ended=True)
    assert DISCONNECTED == (await standing(channel, done.connection.connection_id)).state


async def test_a_token_that_may_not_look_is_tried_daily(
    install: Install,
    clock: Clock,
    turn: Turn,
    *,
    world: World,
    runtime: Runtime,
    control_api: Callable[..., Awaitable[Any]],
) -> None:
    """A refused look waits for the next day, like any other, and leaves the connection as it is."""
    await install()
    before = calls(world, "GET", READ_BACK)
    match = {"method": "GET", "path": "fbe_installs$"}
    refusal = {"kind": "error", "code": 200, "message": "no"}
    await control_api("POST", "/faults", {"match": match, "times": 9, "action": refusal})
    for hours, reads in ((25, 1), (1, 1), (24, 2)):
        clock.advance(hours=hours)
        await plan_watch(runtime)
        await turn()
        assert before + reads == calls(world, "GET", READ_BACK)
    assert ["CONNECTED"] == await column(runtime, "SELECT state FROM connections")
