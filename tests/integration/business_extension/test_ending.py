"""Repairs and uninstalls at StormCom's wish, whatever Meta answers."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from simulator.business_extension import uninstall as uninstall_at_meta
from simulator.world import World
from stormcom.facebook.v1 import business_extension_pb2, connection_pb2
from stormcom.facebook.v1 import business_extension_service_pb2 as pb
from tests.integration.business_extension.conftest import SHOP, Install, Stub, calls, installed, reason_of
from tests.integration.business_extension.test_watching import known, standing
from tests.integration.conftest import STORE

DISCONNECTED = connection_pb2.Connection.STATE_DISCONNECTED
CONNECTED = connection_pb2.Connection.STATE_CONNECTED
UNINSTALLED = business_extension_pb2.Installation.STATE_UNINSTALLED
INSTALLED = business_extension_pb2.Installation.STATE_INSTALLED
INSTALLS = "fbe_business/fbe_installs"
Control = Callable[..., Awaitable[Any]]


def wish() -> pb.UninstallRequest:
    return pb.UninstallRequest(store_id=STORE)


async def test_an_uninstall_ends_both(
    install: Install, extension: Stub, channel: grpc.aio.Channel, world: World
) -> None:
    """Uninstall removes the installation at Meta and ends the connection as a disconnect does; again, it changes nothing."""
    done = await install()
    first, second = (await extension.Uninstall(wish()), await extension.Uninstall(wish()))
    assert (UNINSTALLED, first) == (first.installation.state, second)
    connection = await standing(channel, done.connection.connection_id)
    assert (DISCONNECTED, "") == (connection.state, connection.reason)
    assert 1 == calls(world, "DELETE", INSTALLS)


async def test_an_uninstall_of_what_is_gone_already(install: Install, extension: Stub, world: World) -> None:
    """When the merchant was quicker, and Meta shows nothing any more, the wish is fulfilled."""
    await install()
    world.switches.change(uninstall_kills_tokens=False)
    uninstall_at_meta(world, installed(world))
    assert UNINSTALLED == (await extension.Uninstall(wish())).installation.state


async def test_a_lost_answer(
    install: Install, extension: Stub, control_api: Control, channel: grpc.aio.Channel
) -> None:
    """When Meta uninstalled and its answer was lost, the repeated call finds the dead token and knows why."""
    done = await install()
    action = {"kind": "drop_answer"}  # of the call, and of its repetition on a new connection
    fault = {"match": {"method": "DELETE", "path": "fbe_installs$"}, "times": 2, "action": action}
    await control_api("POST", "/faults", fault)
    assert "META_UNAVAILABLE" == await reason_of(extension.Uninstall(wish()))
    assert CONNECTED == (await standing(channel, done.connection.connection_id)).state
    assert UNINSTALLED == (await extension.Uninstall(wish())).installation.state
    assert DISCONNECTED == (await standing(channel, done.connection.connection_id)).state


async def test_a_token_that_died_otherwise(
    install: Install, extension: Stub, control_api: Control, world: World
) -> None:
    """A token that is dead before the first try uninstalls nothing, and the installation stays known as it is."""
    await install()
    await control_api("POST", "/tokens/revoke", {"user_id": installed(world).system_user_id, "subcode": 460})
    for _ in range(2):
        assert "META_TOKEN_INVALID" == await reason_of(extension.Uninstall(wish()))
    assert INSTALLED == (await known(extension)).state
    assert installed(world)


async def test_a_refusal_of_meta(install: Install, extension: Stub, control_api: Control) -> None:
    """What Meta refuses stays installed and connected."""
    done = await install()
    action = {"kind": "error", "code": 100, "message": "no"}
    await control_api("POST", "/faults", {"match": {"method": "DELETE", "path": "fbe_installs$"}, "action": action})
    assert "META_REJECTED" == await reason_of(extension.Uninstall(wish()))
    assert INSTALLED == (await known(extension)).state
    assert done.connection.state == CONNECTED


async def test_a_repair_brings_the_integration(install: Install, extension: Stub, world: World) -> None:
    """After a repair the installation names the commerce integration that feeds need."""
    done = await install()
    assert "" == done.installation.assets.integration_id
    repaired = await extension.RepairInstallation(pb.RepairInstallationRequest(store_id=STORE))
    assert installed(world).commerce_partner_integration_id == repaired.installation.assets.integration_id
    (call,) = [call for call in world.records.calls if call.path == "commerce_partner_integrations_repair"]
    assert ("https://shop.example", "SELF_SERVE_PLATFORM") == (
        call.parameters["shop_domain"],
        call.parameters["commerce_partner_seller_platform_type"],
    )


@pytest.mark.parametrize("rpc", ["GetInstallation", "RefreshInstallation", "RepairInstallation", "Uninstall"])
async def test_nothing_was_ever_begun(extension: Stub, rpc: str) -> None:
    """A store that never began has no installation."""
    call = getattr(extension, rpc)(getattr(pb, f"{rpc}Request")(store_id="store_9"))
    assert "INSTALLATION_NOT_FOUND" == await reason_of(call)


@pytest.mark.parametrize("rpc", ["RefreshInstallation", "RepairInstallation", "Uninstall"])
async def test_begun_is_not_installed(extension: Stub, rpc: str) -> None:
    """What was only begun cannot be read back, repaired or uninstalled: there is no token."""
    await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP))
    call = getattr(extension, rpc)(getattr(pb, f"{rpc}Request")(store_id=STORE))
    assert "STORE_NOT_CONNECTED" == await reason_of(call)
