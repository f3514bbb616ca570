"""Installs: through the dialog, the iframe and both callbacks, with everything that can go wrong on the way."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import grpc
import pytest

from connector.runtime import Runtime
from simulator.business_extension import install as install_at_meta
from simulator.seeds import seed
from simulator.state import ProductCatalog, User
from simulator.world import World
from stormcom.facebook.v1 import business_extension_pb2, connection_pb2, connector_service_pb2_grpc
from stormcom.facebook.v1 import business_extension_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2 as core
from tests.integration.business_extension.conftest import (
    BUSINESS_ID,
    CATALOG_ID,
    PAGE_ID,
    SHOP,
    Install,
    Stub,
    Walk,
    column,
    installed,
    reason_of,
)
from tests.integration.conftest import APP_ID, PUBLIC_URL, STORE
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving

CONNECTED = connection_pb2.Connection.STATE_CONNECTED
AWAITING_CHOICE = connection_pb2.Connection.STATE_AWAITING_CHOICE
INSTALLED = business_extension_pb2.Installation.STATE_INSTALLED


async def test_an_install_links_page_and_catalog_at_once(install: Install, world: World) -> None:
    """An install that names one Page and one catalog ends CONNECTED with both, without a choice."""
    done = await install()
    assert (CONNECTED, PAGE_ID, CATALOG_ID) == (
        done.connection.state,
        done.connection.page.page_id,
        done.connection.catalog.catalog_id,
    )
    found, assets = done.installation, done.installation.assets
    assert (INSTALLED, True, done.connection.connection_id) == (found.state, found.system_user, found.connection_id)
    assert (BUSINESS_ID, [PAGE_ID], CATALOG_ID) == (assets.business_id, list(assets.page_ids), assets.catalog_id)
    assert (installed(world).pixel_id, ["17800000000000001"], ["pixel"]) == (
        assets.pixel_id,
        list(assets.instagram_profile_ids),
        list(assets.features),
    )


async def test_the_page_is_subscribed_with_a_token_of_the_system_user(
    install: Install, world: World, runtime: Runtime
) -> None:
    """What works on is the system user's token, which has no end: the Page is subscribed with one that it derived."""
    done = await install()
    assert not done.connection.HasField("token_expire_time")
    assert ["SYSTEM_USER"] == await column(runtime, "SELECT token_kind FROM connections WHERE state = 'CONNECTED'")
    (page,) = [page for page in world.nodes.values() if getattr(page, "id", "") == PAGE_ID]
    assert APP_ID in page.fields_by_app


async def test_a_system_user_that_may_not_speak_for_the_page(install: Install, world: World) -> None:
    """Where the system user lacks what Pages want, the installer's long-lived token takes its place, and the answer says so."""
    world.switches.change(system_user_speaks_for_pages=False)
    done = await install()
    assert (CONNECTED, False) == (done.connection.state, done.installation.system_user)


async def test_a_system_users_token_that_meta_refuses(
    install: Install, control_api: Callable[..., Awaitable[Any]]
) -> None:
    """Where Meta refuses the system user's token, the installer's takes its place."""
    refusal = {"kind": "error", "code": 200, "message": "no"}
    await control_api("POST", "/faults", {"match": {"path": f"{BUSINESS_ID}/access_token"}, "action": refusal})
    done = await install()
    assert (CONNECTED, False) == (done.connection.state, done.installation.system_user)


@pytest.mark.parametrize(("pages", "catalogs"), [(2, 1), (1, 0)])
async def test_what_is_not_unique_is_chosen(
    install: Install, channel: grpc.aio.Channel, world: World, *, pages: int, catalogs: int
) -> None:
    """Two Pages, or no catalog, leave the choice to the merchant: only what is installed is offered, and choosing links it."""
    second = [{"id": "30000000000000002", "name": "Second"}, {"id": "30000000000000003", "name": "Third"}]
    seed(
        world,
        {"user": {"id": "10000000000000001"}, "businesses": [{"id": BUSINESS_ID}], "pages": second, "app_id": APP_ID},
    )
    world.switches.change(install_pages=pages, install_catalogs=catalogs)
    done = await install()
    assert AWAITING_CHOICE == done.connection.state
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    request = core.ConnectRequest(store_id=STORE, connection_id=done.connection.connection_id)
    choice = (await stub.Connect(request)).choice
    assert (pages, catalogs) == (len(choice.pages), len(choice.catalogs))
    assets = core.ChooseAssets(page_id=PAGE_ID, catalog_id=CATALOG_ID if catalogs else "")
    request.choose.CopyFrom(assets)
    linked = await stub.Connect(request)
    assert (CONNECTED, PAGE_ID) == (linked.connection.state, linked.connection.page.page_id)


async def test_the_name_at_meta_is_for_ever(install: Install, extension: Stub, world: World) -> None:
    """Installing again, even after the end, uses the name of the first time; each store has a name of its own."""
    first = await install()
    await extension.Uninstall(pb.UninstallRequest(store_id=STORE))
    again = await install()
    other = await extension.BeginInstall(pb.BeginInstallRequest(store_id="store_2", shop=SHOP))
    name = first.installation.external_business_id
    assert (name, installed(world).external_business_id) == (again.installation.external_business_id, name)
    assert (True, False) == (name.startswith("stormcom-"), other.installation.external_business_id == name)
    assert (first.connection.connection_id, CONNECTED) == (again.connection.connection_id, again.connection.state)


async def test_the_dialog_is_told_of_the_shop(extension: Stub) -> None:
    """The URL carries our app, a state, every permission, and the shop as Meta documents it."""
    button = business_extension_pb2.CallToAction(
        text="Shop Now", url="https://shop.example/all", below_text="Always open"
    )
    shop = business_extension_pb2.ShopSettings(page_button=button)
    shop.MergeFrom(SHOP)
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=shop))
    query = dict(parse_qsl(urlsplit(begun.url).query))
    extras = json.loads(query["extras"])
    assert (APP_ID, f"{PUBLIC_URL}/oauth/callback", "code") == (
        query["client_id"],
        query["redirect_uri"],
        query["response_type"],
    )
    assert {"manage_business_extension", "catalog_management", "pages_messaging"} <= set(query["scope"].split(","))
    assert {
        "external_business_id": begun.installation.external_business_id,
        "timezone": "Asia/Dhaka",
        "currency": "BDT",
        "business_vertical": "ECOMMERCE",
        "channel": "DEFAULT",
        "domain": "https://shop.example",
    } == extras["setup"]
    assert {
        "business": {"name": "Mina's Shop"},
        "page_cta": {
            "enabled": True,
            "cta_button_text": "Shop Now",
            "cta_button_url": "https://shop.example/all",
            "below_button_text": "Always open",
        },
    } == extras["business_config"]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("shop.business_name", {"business_name": ""}),
        ("shop.timezone", {"timezone": "Etc/GMT-05:30"}),
        ("shop.timezone", {"timezone": "Etc/GMT+13"}),
        ("shop.timezone", {"timezone": "Mars/Olympus"}),
        ("shop.timezone", {"timezone": ""}),
        ("shop.currency", {"currency": "XYZ"}),
        ("shop.domain", {"domain": "shop.example"}),
        ("shop.domain", {"domain": "https://shop.example/store"}),
        ("shop.country_code", {"country_code": "bd"}),
        ("shop.channel", {"channel": 9}),
        ("shop.page_button.text", {"page_button": {"url": "https://a.example"}}),
        ("shop.messenger_menu.url", {"messenger_menu": {"text": "Shop"}}),
        (
            "shop.messenger_menu.below_text",
            {"messenger_menu": {"text": "a", "url": "https://a.example", "below_text": "b"}},
        ),
    ],
)
async def test_what_meta_would_not_take_is_refused(extension: Stub, field: str, changes: dict[str, Any]) -> None:
    """A wrong setting of the shop is named by its path, and nothing begins."""
    whole = {"business_name": "S", "timezone": "Etc/GMT-6", "currency": "BDT", "domain": "https://shop.example"}
    shop = business_extension_pb2.ShopSettings(**{**whole, **changes})
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=shop))
    assert grpc.StatusCode.INVALID_ARGUMENT == failure.value.code()
    assert str(failure.value.details()).startswith(field)
    missing = extension.GetInstallation(pb.GetInstallationRequest(store_id=STORE))
    assert "INSTALLATION_NOT_FOUND" == await reason_of(missing)


@pytest.mark.parametrize("timezone", ["Etc/GMT-6", "Etc/GMT", "Etc/GMT+12", "America/New_York"])
async def test_the_time_zones_that_meta_takes(extension: Stub, timezone: str) -> None:
    """IANA names and Etc/GMT with whole hours are taken."""
    shop = business_extension_pb2.ShopSettings(timezone=timezone, business_name="S", currency="BDT", domain=SHOP.domain)
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=shop))
    assert business_extension_pb2.Installation.STATE_BEGUN == begun.installation.state


async def test_the_connectors_own_callback_finishes_it(
    extension: Stub, world: World, runtime: Runtime, walk: Walk
) -> None:
    """The browser that comes back to the connector's callback finishes the install, and is sent home CONNECTED."""
    begun = await extension.BeginInstall(
        pb.BeginInstallRequest(store_id=STORE, shop=SHOP, return_url="https://admin.example/facebook?tab=1")
    )
    answer = await walk(begun.url)
    async with (
        serving(create_app(runtime), "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as browser,
        browser.get(f"http://127.0.0.1:{port}/oauth/callback", params=answer, allow_redirects=False) as response,
    ):
        home = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert {"tab": "1", "connection_id": begun.connection.connection_id, "outcome": "CONNECTED"} == home
    told = await extension.GetInstallation(pb.GetInstallationRequest(store_id=STORE))
    assert INSTALLED == told.installation.state


async def test_an_install_is_no_login(extension: Stub, channel: grpc.aio.Channel, walk: Walk) -> None:
    """The state of an install is as good as none for Connect.complete, and a login's for CompleteInstall."""
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP))
    answer = await walk(begun.url)
    complete = core.CompleteConnect(state=answer["state"], code=answer["code"])
    refused = stub.Connect(
        core.ConnectRequest(store_id=STORE, connection_id=begun.connection.connection_id, complete=complete)
    )
    assert "LOGIN_STATE_INVALID" == await reason_of(refused)
    login = await stub.Connect(core.ConnectRequest(store_id=STORE, begin=core.BeginConnect()))
    answer = await walk(login.open_dialog.url)
    other = pb.CompleteInstallRequest(store_id=STORE, state_token=answer["state"], code=answer["code"])
    assert "LOGIN_STATE_INVALID" == await reason_of(extension.CompleteInstall(other))


async def test_an_iframe_posts_a_token(extension: Stub, world: World, *, turn: Callable[[], Awaitable[int]]) -> None:
    """The page for an iframe is told of the shop; the token it posts, with our state, links as the dialog does."""
    surface = business_extension_pb2.INSTALL_SURFACE_IFRAME
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP, surface=surface))
    parts, name = urlsplit(begun.url), begun.installation.external_business_id
    query = dict(parse_qsl(parts.query))
    assert "https://www.commercepartnerhub.com/commerce_extension/splash/" == f"https://{parts.netloc}{parts.path}"
    assert (f"{APP_ID}|client-token", name, "0") == (
        query["access_client_token"],
        query["external_business_id"],
        query["installed"],
    )
    user, app = world.all(User)[0], world.apps[APP_ID]
    scopes = [*user.grants[APP_ID], "manage_business_extension", "ads_management"]
    user.grants[APP_ID] = dict.fromkeys(scopes, "granted")
    setup = {"external_business_id": name, "channel": "DEFAULT"}
    install_at_meta(world, app, user, {"setup": setup}, granted=True)
    token = world.issue_token(
        "USER", APP_ID, user_id=user.id, scopes=tuple(scopes), expire_time=world.clock.now() + 3600
    )
    complete = pb.CompleteInstallRequest(store_id=STORE, state_token=begun.state_token, access_token=token.value)
    done = await extension.CompleteInstall(complete)
    assert (CONNECTED, PAGE_ID) == (done.connection.state, done.connection.page.page_id)
    assert "LOGIN_STATE_INVALID" == await reason_of(extension.CompleteInstall(complete))


async def test_an_iframe_posts_a_system_users_token(extension: Stub, world: World) -> None:
    """A posted token that is a system user's works as such, and the answer says so, also where Meta gives no other one for it."""
    surface = business_extension_pb2.INSTALL_SURFACE_IFRAME
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP, surface=surface))
    user, app = world.all(User)[0], world.apps[APP_ID]
    scopes = tuple({*user.grants[APP_ID], "manage_business_extension", "ads_management"})
    user.grants[APP_ID] = dict.fromkeys(scopes, "granted")
    setup = {"external_business_id": begun.installation.external_business_id, "channel": "DEFAULT"}
    install_at_meta(world, app, user, {"setup": setup}, granted=True)
    system_user = world.require(User, installed(world).system_user_id, name="system_user_id")
    system_user.grants[APP_ID] = dict.fromkeys(scopes, "granted")
    token = world.issue_token("SYSTEM_USER", APP_ID, user_id=system_user.id, scopes=scopes)
    world.faults.order(
        {"match": {"path": f"{BUSINESS_ID}/access_token"}, "times": 1, "action": {"kind": "error", "code": 100}}
    )
    complete = pb.CompleteInstallRequest(store_id=STORE, state_token=begun.state_token, access_token=token.value)
    done = await extension.CompleteInstall(complete)
    assert (CONNECTED, True) == (done.connection.state, done.installation.system_user)


async def test_a_posted_token_of_nobody(extension: Stub) -> None:
    """A token that Meta does not know ends the install with its reason."""
    surface = business_extension_pb2.INSTALL_SURFACE_IFRAME
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP, surface=surface))
    complete = pb.CompleteInstallRequest(store_id=STORE, state_token=begun.state_token, access_token="EAAUfalse")
    assert "META_TOKEN_INVALID" == await reason_of(extension.CompleteInstall(complete))


async def test_a_dialog_that_was_left_early(install: Install, extension: Stub, world: World) -> None:
    """Access without an installation links nothing: the connection shows why."""
    world.switches.change(dialog_installs=False)
    assert "INSTALLATION_INCOMPLETE" == await reason_of(install())
    told = await extension.GetInstallation(pb.GetInstallationRequest(store_id=STORE))
    assert business_extension_pb2.Installation.STATE_BEGUN == told.installation.state
    assert not told.installation.HasField("assets")


async def test_a_declined_permission(extension: Stub, install: Install, world: World) -> None:
    """Without manage_business_extension nothing is linked, and the missing permission is named."""
    world.switches.change(withheld_scopes="manage_business_extension")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await install()
    assert "manage_business_extension" in str(failure.value.details())


async def test_a_no_is_a_no(extension: Stub, walk: Walk, world: World) -> None:
    """A merchant who does not allow access ends the install as a login would end."""
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP))
    world.switches.change(dialog="deny")
    answer = await walk(begun.url)
    complete = pb.CompleteInstallRequest(store_id=STORE, state_token=answer["state"], error=answer["error"])
    assert "LOGIN_DENIED" == await reason_of(extension.CompleteInstall(complete))


async def test_a_page_of_another_store(install: Install) -> None:
    """A Page that another store is linked to stays there."""
    await install()
    assert "PAGE_TAKEN" == await reason_of(install("store_2"))


async def test_meta_failing_for_the_moment(
    extension: Stub, walk: Walk, control_api: Callable[..., Awaitable[Any]]
) -> None:
    """When Meta fails at the read-back, the same state and code may be handed in again, and link."""
    begun = await extension.BeginInstall(pb.BeginInstallRequest(store_id=STORE, shop=SHOP))
    answer = await walk(begun.url)
    fault = {"match": {"path": "fbe_installs$"}, "action": {"kind": "error", "code": 2}}
    await control_api("POST", "/faults", fault)
    complete = pb.CompleteInstallRequest(store_id=STORE, state_token=answer["state"], code=answer["code"])
    assert "META_UNAVAILABLE" == await reason_of(extension.CompleteInstall(complete))
    done = await extension.CompleteInstall(complete)
    assert (CONNECTED, begun.connection.connection_id) == (done.connection.state, done.connection.connection_id)


async def test_what_an_install_takes_away_is_told(install: Install, world: World, connected: str) -> None:
    """The person's other stores lose what this consent leaves out, whosever token works on; nothing else is called lost."""
    second = {"id": "30000000000000002", "name": "Second"}
    seed(
        world,
        {"user": {"id": "10000000000000001"}, "businesses": [{"id": BUSINESS_ID}], "pages": [second], "app_id": APP_ID},
    )
    world.nodes[BUSINESS_ID].pages.reverse()
    kept = await install("store_2")
    assert ("30000000000000002", []) == (kept.connection.page.page_id, list(kept.losses))
    world.switches.change(withheld_assets=PAGE_ID)
    done = await install("store_2")
    assert [(connected, STORE, True)] == [(one.connection_id, one.store_id, one.page_lost) for one in done.losses]
    assert 1 == done.losing_store_count


async def test_an_attached_catalog_stays(
    channel: grpc.aio.Channel, install: Install, world: World, *, connected: str
) -> None:
    """A store that has the Page with another catalog keeps that catalog, and its connection, when it installs."""
    other = {"id": "50000000000000009", "name": "Another"}
    world.nodes[BUSINESS_ID].catalogs.insert(0, other["id"])
    world.add(ProductCatalog(other["id"], other["name"], BUSINESS_ID))
    done = await install()
    assert (connected, CONNECTED, CATALOG_ID) == (
        done.installation.connection_id,
        done.connection.state,
        done.connection.catalog.catalog_id,
    )
    assert other["id"] == done.installation.assets.catalog_id
