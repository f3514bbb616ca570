"""A store whose Page keeps its orders at Meta, and whose orders we manage."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from connector.events import db as events
from connector.runtime import Runtime
from connector.settings import Settings
from connector.values import CapabilityKind
from simulator import control, seeds
from simulator.orders.access import MANAGE_ORDERS, READ_REPORTS, account_of_page
from simulator.orders.state import CommerceOrder, Effect
from simulator.standing import SHOP_SCOPES, CommerceMerchantSettings
from simulator.state import Page
from simulator.world import World
from stormcom.facebook.v1 import order_pb2
from stormcom.facebook.v1 import order_service_pb2 as pb
from stormcom.facebook.v1.order_service_pb2_grpc import FacebookOrdersStub
from tests.integration.catalog.shop import Shop, Turn, product, shirt
from tests.integration.conftest import (
    APP_ID,
    APP_SECRET,
    PUBLIC_URL,
    STORE,
    Clock,
    connect,
)
from tests.integration.keepsakes import Site, once

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.order_service_pb2_grpc import FacebookOrdersAsyncStub

PAGE = "30000000000000001"
WARES = product("p1"), shirt("p2", "S", "M"), product("p3")
ControlApi = Callable[..., Awaitable[Any]]
Order = order_pb2.Order


@pytest.fixture
def world() -> World:
    """One Meta whose only Page keeps its orders, of a merchant who allows everything about them."""
    world = World()
    app = {"app_id": APP_ID, "secrets": [APP_SECRET], "redirect_uris": [f"{PUBLIC_URL}/oauth/callback"]}
    control.put_app(world, None, app)  # type: ignore[arg-type] # the request is not looked at
    pages = [{**seeds.DEFAULT["pages"][0], "orders": "kept"}]
    scopes = [*seeds.SCOPES, *MANAGE_ORDERS, *READ_REPORTS, *SHOP_SCOPES]
    seeds.seed(world, {**seeds.DEFAULT, "app_id": APP_ID, "pages": pages, "scopes": list(dict.fromkeys(scopes))})
    world.add(CommerceMerchantSettings(world.new_id(), PAGE))
    world.switches.change(processing_seconds=0)
    return world


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an app that asks merchants for their orders too."""
    apps = {
        name: replace(app, capabilities=frozenset({CapabilityKind.ORDER_MANAGEMENT}))
        for name, app in settings.apps.items()
    }
    return replace(settings, apps=apps)


@dataclass(frozen=True, slots=True)
class Mall:
    """The store and its Page's buyers."""

    shop: Shop
    runtime: Runtime
    world: World
    clock: Clock
    turn: Turn
    control: ControlApi
    orders: "FacebookOrdersAsyncStub"
    connection_id: str

    async def place(self, **document: Any) -> list[str]:
        """Let buyers order; tells Meta's ids."""
        document.setdefault("lines", [{"retailer_id": "sc_p1", "quantity": 2, "price": "20.00", "tax": "1.50"}])
        return list((await self.control("POST", f"/pages/{PAGE}/orders", document))["order_ids"])

    async def look(self) -> None:
        """Look for orders now, and do whatever follows."""
        await self.orders.PollOrders(pb.PollOrdersRequest(store_id=STORE))
        await self.turn()

    async def bought(self, **document: Any) -> Order:
        """Let a buyer order one thing, and bring it in; tells the order."""
        (name,) = await self.place(**document)
        await self.look()
        return await self.get(name)

    async def say_currency(self, code: str | None) -> pb.OrderManagement:
        """Take the orders over, and say the store's currency, or nothing of it."""
        request = pb.AssociateOrderManagementRequest(store_id=STORE, currency_code=code)
        return (await self.orders.AssociateOrderManagement(request)).order_management

    async def manages(self) -> pb.OrderManagement:
        """Tell how the road does."""
        request = pb.GetOrderManagementRequest(store_id=STORE)
        return (await self.orders.GetOrderManagement(request)).order_management

    async def get(self, external_order_id: str) -> Order:
        """Get an order by Meta's id."""
        return (
            await self.orders.GetOrder(pb.GetOrderRequest(store_id=STORE, external_order_id=external_order_id))
        ).order

    async def find(self, **which: Any) -> list[Order]:
        """List orders."""
        return list((await self.orders.ListOrders(pb.ListOrdersRequest(store_id=STORE, page_size=500, **which))).orders)

    async def answer(self, order: Order, local_order_id: str = "", **said: Any) -> Order:
        """Answer for an order: it was made, unless said otherwise."""
        said = {"outcome": "OUTCOME_CREATED"} | said
        request = pb.AckOrderImportRequest(
            store_id=STORE, order_id=order.order_id, local_order_id=local_order_id, **said
        )
        return (await self.orders.AckOrderImport(request)).order

    async def told(self, kind: str = "") -> list[Any]:
        """List what StormCom was told about orders, oldest first: the kinds, or the bodies of one kind."""
        async with self.runtime.db.begin() as tx:
            heard = [
                one for one in await events.behind(tx, STORE, 0, limit=5_000) if one.ordering_key.startswith("order:")
            ]
        return [one.body for one in heard if one.kind == kind] if kind else [one.kind for one in heard]

    async def alerts(self) -> list[tuple[str, bool]]:
        """List the alerts about orders as StormCom heard them: the reason, and whether it is over."""
        async with self.runtime.db.begin() as tx:
            heard = [one.body for one in await events.behind(tx, STORE, 0, limit=5_000) if one.kind == "alert_raised"]
        return [(one["alert"]["reason"], one["resolved"]) for one in heard if "ORDER" in one["alert"]["reason"]]

    def meta(self, external_order_id: str) -> CommerceOrder:
        """Look at an order at Meta."""
        return self.world.require(CommerceOrder, external_order_id, name="order")

    def effects(self, kind: str) -> Sequence[Effect]:
        """List what changed orders at Meta."""
        page = self.world.require(Page, PAGE, name="page")
        account = account_of_page(self.world, page)
        return [one for one in account.orders.effects if one.kind == kind] if account else []


@pytest.fixture
async def linked(  # noqa: PLR0917 – fixtures are asked for by name
    channel: grpc.aio.Channel,
    world: World,
    clock: Clock,
    turn: Turn,
    runtime: Runtime,
    control_api: ControlApi,
    site: Site,
) -> Mall:
    """The store of `connected`, whose orders nobody manages yet."""
    shop = Shop(channel, world, clock, turn, runtime)

    async def walk() -> str:
        connection_id = await connect(channel, world, turn)
        await shop.upsert(*WARES)
        return connection_id

    connection_id = await once("orders.conftest.linked", site, walk)
    return Mall(shop, runtime, world, clock, turn, control_api, FacebookOrdersStub(channel), connection_id)


@pytest.fixture
async def mall(linked: Mall, site: Site) -> Mall:
    """The store, whose orders we manage."""

    async def walk() -> None:
        await linked.orders.AssociateOrderManagement(pb.AssociateOrderManagementRequest(store_id=STORE))
        await linked.turn()

    await once("orders.conftest.mall", site, walk)
    return linked
