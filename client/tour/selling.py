"""The tour's first half: connect, send a catalogue, see every item settled, change a stock."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from client.catalogues.terms import Listed, Problem
from client.output import word
from client.previews import describe_counts, read_preview
from client.progress import describe, watch_operation
from client.sending import Tally, upsert
from client.tour.foresight import Foreseen, foresee
from client.tour.script import Stopwatch, Tour
from client.tour.simulation import allow
from stormcom.facebook.v1.catalog_service_pb2 import (
    CreateCatalogRequest,
    GetItemRequest,
    ListCatalogsRequest,
    ListItemsRequest,
    PreviewedItem,
    PreviewSyncRequest,
    ProductResult,
)
from stormcom.facebook.v1.connection_pb2 import Capability, Connection
from stormcom.facebook.v1.connector_service_pb2 import (
    BeginConnect,
    ChooseAssets,
    ConnectRequest,
    GetStatusRequest,
    SyncCatalogRequest,
    UpdateInventoryRequest,
)
from stormcom.facebook.v1.inventory_pb2 import InventoryLine, InventoryResult
from stormcom.facebook.v1.item_pb2 import Item, ItemFault
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.status_pb2 import ConnectionStatus

Key = tuple[str, str]
Entries = Iterable[Listed | Problem]
SHOWN = 5


def read_status(tour: Tour) -> ConnectionStatus:
    """Ask how the connection is."""
    return tour.caller.call(tour.caller.connector.GetStatus, GetStatusRequest(connection_id=tour.connection_id)).status


def connect(tour: Tour) -> None:
    """Begin, walk Meta's dialog as the merchant's browser, choose the Page, create a catalog."""
    tour.step("Connect the store")
    connector = tour.caller.connector
    begun = tour.caller.call(connector.Connect, ConnectRequest(begin=BeginConnect()))
    tour.connection_id = begun.connection.connection_id
    tour.require(begun.open_dialog.url, "Connect answers with the URL of Meta's dialog")
    allow(begun.open_dialog.url, tour.world.user_id)
    state = read_status(tour).connection.state
    tour.require(state == Connection.STATE_AWAITING_CHOICE, "After the dialog, the connection waits for the choice")
    choose = ConnectRequest(connection_id=tour.connection_id, choose=ChooseAssets(page_id=tour.world.page_id))
    chosen = tour.caller.call(connector.Connect, choose).connection
    tour.require(chosen.state == Connection.STATE_CONNECTED, f"The Page {chosen.page.name!r} is linked")
    create = CreateCatalogRequest(
        connection_id=tour.connection_id, business_id=tour.world.business_id, name="StormCom demo"
    )
    tour.catalog_id = tour.caller.call(tour.caller.catalog.CreateCatalog, create).catalog.catalog_id
    listed = tour.caller.list_all(
        tour.caller.catalog.ListCatalogs, ListCatalogsRequest(connection_id=tour.connection_id), field="catalogs"
    )
    tour.require(tour.catalog_id in {catalog.catalog_id for catalog in listed}, "A catalog is created and listed")
    waiting = {capability.kind: capability.state for capability in read_status(tour).connection.capabilities}
    go = waiting.get(Capability.KIND_CATALOG_SYNC) == Capability.STATE_AWAITING_GO
    tour.expect(go, "Nothing goes to the catalog before the explicit go")
    # The subscription is made and read back in the background.
    tour.wait_for(lambda: "messages" in read_status(tour).webhooks.subscribed_fields or None, "The Page is subscribed")
    tour.expect(True, "The app is subscribed to the Page's messages, as read back")


def send_catalogue(tour: Tour, entries: Entries) -> dict[Key, Foreseen]:
    """Upsert the products; return what must become of their items."""
    tour.step("Hand in the products")
    foreseen: dict[Key, Foreseen] = {}
    problems: list[Problem] = []

    def look(entry: Listed | Problem) -> Listed | Problem:
        if isinstance(entry, Listed):
            foreseen.update({item.key: item for item in foresee(entry.product)})
        return entry

    refused: list[ProductResult] = []
    tally = upsert(
        tour.caller,
        map(look, entries),
        connection_id=tour.connection_id,
        on_result=lambda result: refused.append(result) if result.outcome == ProductResult.OUTCOME_REJECTED else None,
        on_problem=problems.append,
    )
    tour.console.print(f"  {tally}")
    for problem in problems[:SHOWN]:
        tour.console.print(f"  not readable: {problem}", markup=False)
    tour.require(foreseen, "The file holds products for sale")
    _compare_answers(tour, tally, refused, foreseen)
    held = sum(1 for _ in tour.simulation.items(tour.catalog_id))
    tour.expect(not held, "The catalog is still empty: only SyncCatalog is the go")
    return foreseen


def _compare_answers(
    tour: Tour, tally: Tally, refused: Iterable[ProductResult], foreseen: Mapping[Key, Foreseen]
) -> None:
    wrong = {item.product_id for item in foreseen.values() if item.reasons}
    answered = {result.product_id for result in refused}
    tour.expect(wrong <= answered, f"The {len(wrong)} products that break a rule of the contract are refused at once")
    tour.expect(answered <= wrong, "No product is refused that keeps the rules")
    tour.note(
        "Products sent", f"{tally.product_count} ({len(foreseen)} items); {tally.problem_count} lines not readable"
    )


def sync(tour: Tour, foreseen: Mapping[Key, Foreseen]) -> None:
    """Give the go, watch the operation, and compare our memory, Meta's and the demo's own opinion item by item."""
    _preview(tour, foreseen)
    tour.step("Sync the catalog")
    watch = Stopwatch()
    answer = tour.caller.call(tour.caller.connector.SyncCatalog, SyncCatalogRequest(connection_id=tour.connection_id))
    ended = watch_operation(tour.caller, answer.operation, console=tour.console)
    tour.note("Catalogue sync", watch.read())
    good = Operation.STATE_SUCCEEDED, Operation.STATE_PARTIALLY_SUCCEEDED
    tour.require(ended.state in good, f"The operation ends: {describe(ended)}")
    items = read_items(tour)
    _compare_items(tour, items, foreseen)
    _compare_meta(tour, items, foreseen)
    _sync_again(tour)


def _preview(tour: Tour, foreseen: Mapping[Key, Foreseen]) -> None:
    """Look before the go: every item is told, and nothing happens."""
    tour.step("Preview the sync")
    counts, changes = read_preview(tour.caller, PreviewSyncRequest(connection_id=tour.connection_id))
    tour.console.print(f"  {describe_counts(counts)}")
    told = {(item.product_id, item.variant_id): item for item in changes}
    for item in list(told.values())[:SHOWN]:
        tour.console.print(f"  {word(item, 'change')} {item.retailer_id} {item.title}", markup=False)
    created = {key for key, item in told.items() if item.change == PreviewedItem.CHANGE_CREATE}
    good = {key for key, item in foreseen.items() if not item.reasons}
    tour.expect(created == good, "The preview would create exactly the items that keep the rules")
    tour.expect(counts.create_count == len(created), "It counts what it lists")
    held = sum(1 for _ in tour.simulation.items(tour.catalog_id))
    tour.expect(not held, "The preview is not the go: the catalog is still empty")


def _sync_again(tour: Tour) -> None:
    """Sync without a change, and see that Meta got nothing: the simulator counts every write of every item."""
    writes = {str(item["retailer_id"]): item["writes"] for item in tour.simulation.items(tour.catalog_id)}
    again = tour.caller.call(tour.caller.connector.SyncCatalog, SyncCatalogRequest(connection_id=tour.connection_id))
    watch_operation(tour.caller, again.operation, console=None)
    now = {str(item["retailer_id"]): item["writes"] for item in tour.simulation.items(tour.catalog_id)}
    tour.expect(again.send_count == again.removal_count == 0 and writes == now, "A second sync sends nothing")


def read_items(tour: Tour) -> dict[Key, Item]:
    """Read every item as the connector knows it."""
    request = ListItemsRequest(connection_id=tour.connection_id, page_size=500)
    listed = tour.caller.list_all(tour.caller.catalog.ListItems, request, field="items")
    return {(item.product_id, item.variant_id): item for item in listed}


def errors_of(item: Item) -> list[ItemFault]:
    """Return why an item is refused; warnings aside."""
    return [fault for fault in item.faults if fault.severity == ItemFault.SEVERITY_ERROR]


def _compare_items(tour: Tour, items: Mapping[Key, Item], foreseen: Mapping[Key, Foreseen]) -> None:
    states = Counter(word(item, "state") for item in items.values())
    tour.note("Items confirmed", states["CONFIRMED"])
    tour.note("Items rejected", states["REJECTED"])
    tour.expect(items.keys() == foreseen.keys(), f"Each of the {len(foreseen)} items is known, and no other")
    tour.expect(not states.keys() - {"CONFIRMED", "REJECTED"}, f"Each is confirmed or rejected: {dict(states)}")
    untrue = [key for key, item in items.items() if key in foreseen and not _true(item, foreseen[key])]
    tour.expect(not untrue, f"Each rejection has its true reason{_some(untrue)}")
    faults = [fault for item in items.values() if item.state == Item.STATE_REJECTED for fault in errors_of(item)]
    for (reason, field), count in sorted(Counter((f.reason, f.field.rpartition("].")[2]) for f in faults).items()):
        tour.note(f"  {reason}", f"{field or 'by Meta'}: {count}")


def _true(item: Item, foreseen: Foreseen) -> bool:
    """Tell whether an item's state and reasons are what the contract says, or Meta's own verdict in Meta's words."""
    if item.state != Item.STATE_REJECTED:
        return not foreseen.reasons and not errors_of(item)
    reasons = {fault.reason for fault in errors_of(item)}
    if foreseen.reasons:
        return reasons == foreseen.reasons and all(fault.field and fault.message for fault in errors_of(item))
    return bool(reasons) and all(fault.meta_message for fault in errors_of(item))


def _compare_meta(tour: Tour, items: Mapping[Key, Item], foreseen: Mapping[Key, Foreseen]) -> None:
    """Compare what is called confirmed with what Meta really holds."""
    held = {str(item["retailer_id"]): item["data"] for item in tour.simulation.items(tour.catalog_id)}
    confirmed = {item.retailer_id: key for key, item in items.items() if item.state == Item.STATE_CONFIRMED}
    tour.expect(held.keys() == confirmed.keys(), f"Meta holds exactly the {len(confirmed)} confirmed items")
    other = [key for name, key in confirmed.items() if name in held and not foreseen[key].matches(held[name])]
    tour.expect(not other, f"Titles, prices and sale prices at Meta are those of the file{_some(other)}")


def _some(keys: list[Key]) -> str:
    return f" (not: {', '.join('/'.join(filter(None, key)) for key in keys[:SHOWN])})" if keys else ""


def change_stock(tour: Tour) -> None:
    """Change one stock, and measure how long it takes to reach Meta and to be confirmed."""
    tour.step("Change a stock")
    confirmed_items = (item for item in read_items(tour).values() if item.state == Item.STATE_CONFIRMED)
    item = tour.require(next(confirmed_items, None), "There is a confirmed item to change")
    held = tour.simulation.item(tour.catalog_id, item.retailer_id) or {}
    quantity = int(held.get("quantity_to_sell_on_facebook") or 0) + 7
    line = InventoryLine(
        product_id=item.product_id,
        variant_id=item.variant_id,
        source_version=time.time_ns() // 1_000_000,
        quantity=quantity,
        track_inventory=True,
    )
    watch = Stopwatch()
    request = UpdateInventoryRequest(connection_id=tour.connection_id, lines=[line])
    result = tour.caller.call(tour.caller.connector.UpdateInventory, request).results[0]
    tour.require(result.outcome == InventoryResult.OUTCOME_ACCEPTED, "The new stock is accepted at once")

    def arrived() -> bool | None:
        now = tour.simulation.item(tour.catalog_id, item.retailer_id) or {}
        return now.get("quantity_to_sell_on_facebook") == quantity or None

    def confirmed() -> bool | None:
        request = GetItemRequest(connection_id=tour.connection_id, retailer_id=item.retailer_id)
        now = tour.caller.call(tour.caller.catalog.GetItem, request).item
        return (
            now.state == Item.STATE_CONFIRMED and now.confirmed_hash == now.desired_hash != item.desired_hash
        ) or None

    tour.wait_for(arrived, "Meta holds the new stock")
    tour.note("Stock change → at Meta", watch.read())
    tour.wait_for(confirmed, "The item is confirmed with the new stock")
    tour.note("Stock change → confirmed", watch.read())
    tour.expect(True, f"{item.retailer_id} has {quantity} pieces at Meta, and is confirmed")
    stale = tour.caller.call(tour.caller.connector.UpdateInventory, request).results[0]
    tour.expect(stale.outcome == InventoryResult.OUTCOME_STALE, "The same version again changes nothing")
