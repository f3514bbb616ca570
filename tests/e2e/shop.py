"""A store under load, as StormCom would make it, with a book of everything it was promised.

Calls are repeated with the same `request_id` until they are answered, as a caller must. What was answered must hold,
whatever happens: `balance` compares it with what Meta holds and with what the connector says of it.
"""

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from client.call import Caller
from client.tour.simulation import Simulation, World, allow
from stormcom.facebook.v1.catalog_service_pb2 import (
    CreateCatalogRequest,
    ListItemsRequest,
    ProductResult,
    UpsertProductsRequest,
)
from stormcom.facebook.v1.connector_service_pb2 import (
    BeginConnect,
    ChooseAssets,
    ConnectRequest,
    GetStatusRequest,
    ListConversationsRequest,
    ListMessagesRequest,
    SendMessageRequest,
    SyncCatalogRequest,
    UpdateInventoryRequest,
)
from stormcom.facebook.v1.conversation_pb2 import Message
from stormcom.facebook.v1.event_service_pb2 import AckEventsRequest, PullEventsRequest
from stormcom.facebook.v1.inventory_pb2 import InventoryLine, InventoryResult
from stormcom.facebook.v1.item_pb2 import Item
from stormcom.facebook.v1.money_pb2 import Money
from stormcom.facebook.v1.product_pb2 import PRODUCT_STATUS_ACTIVE, Product
from stormcom.facebook.v1.status_pb2 import ConnectionStatus
from tests.e2e.ledger import Balance, Value, compare, remaining, waiting
from tests.e2e.storm.town import PATIENCE_SECONDS

T = TypeVar("T")
PRODUCTS = 40
SETTLED_ITEMS = frozenset({"STATE_CONFIRMED"})
SETTLED_MESSAGES = frozenset({"STATE_RECEIVED", "STATE_SENT", "STATE_DELIVERED", "STATE_READ"})


@dataclass(slots=True)
class Shop:
    """One store, its Meta, and what it was promised."""

    caller: Caller
    simulation: Simulation
    world: World
    noise: random.Random
    connection_id: str = ""
    catalog_id: str = ""
    conversation_id: str = ""
    retailer_ids: dict[str, str] = field(default_factory=dict)
    desired: dict[str, Value] = field(default_factory=dict)
    questions: dict[str, Value] = field(default_factory=dict)
    replies: dict[str, Value] = field(default_factory=dict)
    heard: list[tuple[str, Value]] = field(default_factory=list)
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self) -> None:
        """Connect, create a catalog, give the go with the first products, and hear the first buyer."""
        connector = self.caller.connector
        begun = self.caller.call(connector.Connect, ConnectRequest(begin=BeginConnect()))
        self.connection_id = begun.connection.connection_id
        allow(begun.open_dialog.url, self.world.user_id)
        choose = ChooseAssets(page_id=self.world.page_id)
        self.caller.call(connector.Connect, ConnectRequest(connection_id=self.connection_id, choose=choose))
        create = CreateCatalogRequest(
            connection_id=self.connection_id, business_id=self.world.business_id, name="Disasters"
        )
        self.catalog_id = self.caller.call(self.caller.catalog.CreateCatalog, create).catalog.catalog_id
        self.sell(range(PRODUCTS))
        self.caller.call(connector.SyncCatalog, SyncCatalogRequest(connection_id=self.connection_id))
        _await("the subscription to the Page", lambda: "messages" in self._status().webhooks.subscribed_fields)
        self.ask()
        self.conversation_id = _await("the first conversation", self._find_conversation)

    def _find_conversation(self) -> str:
        request = ListConversationsRequest(connection_id=self.connection_id)
        listed = self.caller.call(self.caller.connector.ListConversations, request).conversations
        return listed[0].conversation_id if listed else ""

    def _status(self) -> ConnectionStatus:
        request = GetStatusRequest(connection_id=self.connection_id)
        return self.caller.call(self.caller.connector.GetStatus, request).status

    def work(self, rounds: int, stop: threading.Event) -> None:
        """Do everything a store does, in turns, so many times."""
        for _ in range(rounds):
            for step in (self.ask, self.restock, self.reply, self.reprice, self.listen):
                if stop.is_set():
                    return
                step()
                time.sleep(0.02)

    def sell(self, numbers: range) -> None:
        """Offer products under a new title and price."""
        products = []
        for number in numbers:
            version = next(self.versions)
            name, price, quantity = f"product-{number}", 1000 + version, self.noise.randrange(1, 99)
            products.append(
                _product(name, f"Mug {number} of {version}", version=version, price=price, quantity=quantity)
            )
            self.desired[name] = (f"Mug {number} of {version}", f"{price // 100}.{price % 100:02} USD", quantity)
        request = UpsertProductsRequest(connection_id=self.connection_id, products=products)
        for result in self.caller.call(self.caller.catalog.UpsertProducts, request).results:
            # Unchanged: an attempt whose answer was lost had stored it already.
            assert result.outcome in {ProductResult.OUTCOME_ACCEPTED, ProductResult.OUTCOME_UNCHANGED}, result
            self.retailer_ids[result.product_id] = result.retailer_ids[0]

    def reprice(self) -> None:
        """Offer a few products anew."""
        start = self.noise.randrange(PRODUCTS - 3)
        self.sell(range(start, start + 3))

    def restock(self) -> None:
        """Change the stock of a product."""
        name, quantity = f"product-{self.noise.randrange(PRODUCTS)}", self.noise.randrange(1, 999)
        line = InventoryLine(
            product_id=name, source_version=next(self.versions), quantity=quantity, track_inventory=True
        )
        request = UpdateInventoryRequest(connection_id=self.connection_id, lines=[line])
        (result,) = self.caller.call(self.caller.connector.UpdateInventory, request).results
        # Stale: this very version is stored, by an attempt whose answer was lost. What is stored is judged by the balance.
        assert result.outcome in {InventoryResult.OUTCOME_ACCEPTED, InventoryResult.OUTCOME_STALE}, result
        title, price, _ = self.desired[name]
        self.desired[name] = title, price, quantity

    def ask(self) -> None:
        """Let the buyer write."""
        text = f"Is it there? {uuid.uuid4()}"
        self.questions[self.simulation.write(self.world, text)] = (text,)

    def reply(self) -> None:
        """Answer the buyer."""
        text = f"It is. {uuid.uuid4()}"
        self.caller.call(
            self.caller.connector.SendMessage, SendMessageRequest(conversation_id=self.conversation_id, text=text)
        )
        self.replies[text] = (text,)

    def listen(self) -> None:
        """Take the events there are, and acknowledge them."""
        events = self.caller.call(
            self.caller.events.PullEvents, PullEventsRequest(max_events=500, lease_seconds=5)
        ).events
        if events:
            request = AckEventsRequest(event_ids=[event.event_id for event in events])
            answer = self.caller.call(self.caller.events.AckEvents, request)
            assert answer.acknowledged_count + answer.repeated_count == len(events), answer
        for event in events:
            message = event.message_received.message
            if message.mid and message.origin == Message.ORIGIN_PERSON:
                self.heard.append((message.mid, (message.text,)))

    def balance(self) -> Balance:
        """Compare what was promised with what is, here and at Meta."""
        self.listen()
        return self._items() + self._messages() + self._backlog()

    def _items(self) -> Balance:
        must_be = {self.retailer_ids[name]: value for name, value in self.desired.items()}
        held = [(str(item["retailer_id"]), _held(item["data"])) for item in self.simulation.items(self.catalog_id)]
        request = ListItemsRequest(connection_id=self.connection_id, page_size=500)
        known = list(self.caller.list_all(self.caller.catalog.ListItems, request, field="items"))
        names = {item.retailer_id: (item.product_id,) for item in known}
        expected: dict[str, Value] = {retailer_id: (name,) for name, retailer_id in self.retailer_ids.items()}
        return (
            compare("items at Meta", must_be, held)
            + compare("items here", expected, names.items())
            + waiting("items here", ((i.retailer_id, Item.State.Name(i.state)) for i in known), settled=SETTLED_ITEMS)
        )

    def _messages(self) -> Balance:
        request = ListMessagesRequest(conversation_id=self.conversation_id, page_size=200)
        kept = list(self.caller.list_all(self.caller.connector.ListMessages, request, field="messages"))
        received = [(one.mid, (one.text,)) for one in kept if one.origin == Message.ORIGIN_PERSON]
        ours = [(one.text, (one.text,)) for one in kept if one.origin != Message.ORIGIN_PERSON]
        seen = [
            (str(one["text"]), (str(one["text"]),)) for one in self.simulation.messages(self.world) if one["from_page"]
        ]
        heard = dict(
            self.heard
        )  # an event may be lent again after a crash; told under the same mid it is the same event
        return (
            compare("questions here", self.questions, received)
            + compare("questions told", self.questions, heard.items())
            + compare("replies here", self.replies, ours)
            + compare("replies at Meta", self.replies, seen)
            + waiting("messages", ((m.message_id, Message.State.Name(m.state)) for m in kept), settled=SETTLED_MESSAGES)
        )

    def _backlog(self) -> Balance:
        status = self._status()
        counts = {
            "tasks": status.backlog.task_count,
            "failed tasks": status.backlog.failed_task_count,
            "waiting signals": status.webhooks.waiting_signal_count,
            "quarantined signals": status.webhooks.quarantined_signal_count,
        }
        return remaining("backlog", counts)


def _await(what: str, look: Callable[[], T], *, seconds: float = PATIENCE_SECONDS) -> T:
    for _ in range(int(seconds / 0.05)):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def _product(name: str, title: str, *, version: int, price: int, quantity: int) -> Product:
    return Product(
        product_id=name,
        source_version=version,
        status=PRODUCT_STATUS_ACTIVE,
        title=title,
        description="A mug that survives",
        link=f"https://shop.example/{name}",
        image_links=[f"https://shop.example/{name}.jpg"],
        brand="Nodi",
        price=Money(currency_code="USD", minor_units=price),
        track_inventory=True,
        quantity=quantity,
    )


def _held(data: dict[str, object]) -> Value:
    quantity = data.get("quantity_to_sell_on_facebook")
    return str(data.get("title")), str(data.get("price")), quantity if isinstance(quantity, int) else str(quantity)
