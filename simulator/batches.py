"""items_batch and its handle: received at once, processed later, judged item by item.

    scheduled ──▶ dispatched ──▶ started ──▶ finished | error | canceled

Batches finish in the order of a jittered clock, so overlapping writes to one item end in any order; each overlap is recorded.
It refuses more than 5,000 records (code 100) and more than 28 MB (code 1).
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from simulator.call import Call, Json
from simulator.errors import invalid_parameter, too_much_data
from simulator.items import check, unknown_fields
from simulator.state import Batch, ItemRequest, Overlap, ProductCatalog, ProductItem, Shadow
from simulator.switches import Switches
from simulator.world import World

METHODS = ("CREATE", "UPDATE", "DELETE")
MAX_RETAILER_ID = 100
# Which share of its time a batch spends before each state.
STATES = ((0.2, "scheduled"), (0.4, "dispatched"), (1.0, "started"))


def receive(call: Call) -> Json:
    """Serve `POST /{catalog}/items_batch`."""
    switches = call.world.switches
    records = _read_records(call)
    allow_upsert = call.flag("allow_upsert", default=True)
    accepted: list[ItemRequest] = []
    findings: list[Json] = []
    for line, record in enumerate(records, start=1):
        errors = _structural_errors(record)
        if not errors and switches.early_validation:
            errors = _content_errors(call, record, allow_upsert=allow_upsert)
        warnings = [] if errors else _warnings(record["data"], switches)
        if not errors:
            accepted.append(ItemRequest(line, record["method"], record["data"]["id"], record["data"]))
        if errors or warnings:
            findings.append(_finding(record, errors, warnings))
    if switches.empty_handles:
        switches.empty_handles -= 1
        accepted = []
    handles = [_accept(call.world, call.node, accepted, allow_upsert=allow_upsert).handle] if accepted else []
    return {"handles": handles, "validation_status": findings}


def _read_records(call: Call) -> list[Any]:
    """Read `requests` and refuse what is too much."""
    switches = call.world.switches
    if call.size_bytes > switches.max_batch_bytes:
        raise too_much_data()
    if call.text("item_type") != "PRODUCT_ITEM":
        raise invalid_parameter("Param item_type must be PRODUCT_ITEM for a commerce catalog")
    records: list[Any] = call.structure("requests", list)
    if not records:
        raise invalid_parameter("Param requests must not be empty")
    if len(records) > switches.max_batch_items:
        # Unverified: code 100 for the count.
        limit = switches.max_batch_items
        raise invalid_parameter(f"Param requests has {len(records)} items, at most {limit} are allowed")
    return records


def _finding(record: Any, errors: list[str], warnings: list[str]) -> Json:
    data = record.get("data") if isinstance(record, dict) else None
    retailer_id = data.get("id", "") if isinstance(data, dict) else ""
    finding: dict[str, Json] = {"retailer_id": str(retailer_id)}
    finding |= {"errors": [{"message": message} for message in errors]} if errors else {}
    return finding | ({"warnings": [{"message": message} for message in warnings]} if warnings else {})


def _structural_errors(record: Any) -> list[str]:
    """Return why a record cannot be a request at all."""
    if not isinstance(record, dict) or not isinstance(record.get("data"), dict):
        return ["A request must be an object with method and data"]
    if record.get("method") not in METHODS:
        return [f"Invalid method {record.get('method')!r}, expected one of {', '.join(METHODS)}"]
    retailer_id = record["data"].get("id")
    if not isinstance(retailer_id, str) or not retailer_id:
        return ["A required field is missing: id"]
    if len(retailer_id) > MAX_RETAILER_ID:
        return [f"Invalid value for id: it must have at most {MAX_RETAILER_ID} characters"]
    return []


def _content_errors(call: Call, record: Mapping[str, Any], *, allow_upsert: bool) -> list[str]:
    data, method = record["data"], record["method"]
    known = data["id"] in call.node.items
    if method == "DELETE" or (method == "UPDATE" and not known and not allow_upsert):
        return []
    return check(data, creates=method == "CREATE" or not known, switches=call.world.switches)


def _warnings(data: Mapping[str, Any], switches: Switches) -> list[str]:
    # https://developers.facebook.com/docs/marketing-api/reference/product-catalog/items_batch (read 2026-11-21)
    unknown = [
        f"Unrecognised field: A request for item {data['id']} contains unrecognised field: '{name}'"
        for name in unknown_fields(data)
    ]
    return [*unknown, "The title looks like an advertisement"] if _warned(data, switches) else unknown


def _warned(data: Mapping[str, Any], switches: Switches) -> bool:
    pattern = switches.warned_title_pattern
    return bool(pattern) and re.search(pattern, str(data.get("title", ""))) is not None


def _accept(world: World, catalog: ProductCatalog, requests: list[ItemRequest], *, allow_upsert: bool) -> Batch:
    """Queue a batch and note which items another unfinished write also touches."""
    settle(world, catalog)
    now, switches = world.clock.now(), world.switches
    seconds = switches.batch_seconds * world.random.uniform(1 - switches.batch_jitter, 1 + switches.batch_jitter)
    handle = world.new_text_id("Acx", size=48)
    batch = Batch(handle, catalog.id, now, now + seconds, allow_upsert, requests, len(requests), end=_end(switches))
    for request in requests:
        note_overlap(world, catalog, request.retailer_id, handle)
        catalog.in_flight[request.retailer_id] = handle
    catalog.batches[handle] = batch
    catalog.waiting.append(batch)
    return batch


def note_overlap(world: World, catalog: ProductCatalog, retailer_id: str, writer: str) -> None:
    """Record that a write meets an item that an unfinished batch also touches."""
    if other := catalog.in_flight.get(retailer_id):
        world.records.overlaps.append(Overlap(catalog.id, retailer_id, (other, writer), world.clock.now()))


def _end(switches: Switches) -> str:
    """Return the state that the next batch ends in, using up the switches that order a bad end."""
    for switch, end in (("failing_batches", "error"), ("canceled_batches", "canceled")):
        if ordered := getattr(switches, switch):
            setattr(switches, switch, ordered - 1)
            return end
    return "finished"


def settle(world: World, catalog: ProductCatalog) -> None:
    """Process every batch whose time has come, in the order of their finish."""
    now = world.clock.now()
    if not catalog.waiting:
        return
    due = [batch for batch in catalog.waiting if batch.finish_time <= now]
    if not due:
        return
    catalog.waiting = [batch for batch in catalog.waiting if batch.finish_time > now]
    for batch in sorted(due, key=lambda batch: batch.finish_time):
        _process(world, catalog, batch)


def _process(world: World, catalog: ProductCatalog, batch: Batch) -> None:
    requests = batch.requests
    if len({request.retailer_id for request in requests}) < len(requests):
        # Meta promises no order within a batch, so a repeated item gets none.
        world.random.shuffle(requests)
    # Unverified: how much of a batch that ends in `error` was done, as Meta says only that some may not be.
    done = {"finished": len(requests), "error": len(requests) // 2, "canceled": 0}[batch.end]
    for request in requests[:done]:
        for problem in _apply(world, catalog, batch, request):
            batch.errors.append({"line": request.line, "id": request.retailer_id, "message": problem})
    for request in requests:
        if catalog.in_flight.get(request.retailer_id) == batch.handle:
            del catalog.in_flight[request.retailer_id]
    batch.errors.sort(key=lambda error: error["line"])
    batch.requests, batch.processed = [], True


def _apply(world: World, catalog: ProductCatalog, batch: Batch, request: ItemRequest) -> list[str]:
    """Do one request or return why not."""
    line, method, retailer_id, data = request
    item = catalog.items.get(retailer_id)
    if method == "DELETE":
        if item is not None:
            remove_item(world, catalog, item, time=batch.finish_time)
        else:
            # Unverified: deleting what is absent is only a warning.
            warning = {"line": line, "id": retailer_id, "message": "The item to delete does not exist"}
            batch.warnings.append(warning)
        return []
    if method == "UPDATE" and item is None and not batch.allow_upsert:
        return ["The item to update does not exist and allow_upsert is false"]
    problems = check(data, creates=method == "CREATE" or item is None, switches=world.switches)
    if not problems and _warned(data, world.switches):
        batch.warnings.append({"line": line, "id": retailer_id, "message": "The title may not be shown everywhere"})
    if not problems:
        write_item(world, catalog, retailer_id, data, replaces=method == "CREATE", time=batch.finish_time)
    return problems


def write_item(
    world: World,
    catalog: ProductCatalog,
    retailer_id: str,
    data: Mapping[str, Any],
    *,
    replaces: bool = False,
    time: float | None = None,
) -> ProductItem:
    """Create or merge an item; reads show it after the switch's lag."""
    now = world.clock.now() if time is None else time
    old = catalog.items.get(retailer_id)
    kept = {} if old is None or replaces else orjson.loads(old.data)
    merged = {name: value for name, value in (kept | dict(data)).items() if value not in ("", None) and name != "id"}
    # orjson's bytes keep their generous buffer; a copy takes only what it holds, a fifth of it.
    written = bytes(memoryview(orjson.dumps(merged)))
    if old is None:
        item = ProductItem(world.new_id(), retailer_id, catalog.id, world.next_number(), written, now, now)
    else:
        item = ProductItem(old.id, retailer_id, catalog.id, old.sequence, written, old.create_time, now, old.writes + 1)
    _shadow(world, catalog, retailer_id, old, now=now)
    catalog.items[retailer_id] = item
    return world.add(item)


def remove_item(world: World, catalog: ProductCatalog, item: ProductItem, *, time: float | None = None) -> None:
    """Delete an item; reads still show it during the switch's lag."""
    _shadow(world, catalog, item.retailer_id, item, now=world.clock.now() if time is None else time)
    del catalog.items[item.retailer_id]
    world.forget(item)


def _shadow(world: World, catalog: ProductCatalog, retailer_id: str, old: ProductItem | None, *, now: float) -> None:
    lag = world.switches.read_lag_seconds
    if lag and now + lag > world.clock.now():
        earlier = catalog.shadows.get(retailer_id)
        catalog.shadows[retailer_id] = Shadow(earlier.previous if earlier and earlier.until > now else old, now + lag)


def visible_items(world: World, catalog: ProductCatalog) -> list[ProductItem]:
    """Return the items as reads see them now, in the order of their creation."""
    settle(world, catalog)
    now = world.clock.now()
    catalog.shadows = {key: shadow for key, shadow in catalog.shadows.items() if shadow.until > now}
    if not catalog.shadows:
        return list(catalog.items.values())
    shown = {**catalog.items, **{key: shadow.previous for key, shadow in catalog.shadows.items()}}
    return sorted((item for item in shown.values() if item is not None), key=lambda item: item.sequence)


def count_items(world: World, catalog: ProductCatalog) -> int:
    """Return how many items reads see now, without walking through them."""
    settle(world, catalog)
    now = world.clock.now()
    lagging = {key: shadow.previous for key, shadow in catalog.shadows.items() if shadow.until > now}
    return len(catalog.items) + sum((old is not None) - (key in catalog.items) for key, old in lagging.items())


def visible_item(world: World, catalog: ProductCatalog, retailer_id: str) -> ProductItem | None:
    """Return one item as reads see it now."""
    settle(world, catalog)
    shadow = catalog.shadows.get(retailer_id)
    if shadow is not None and shadow.until > world.clock.now():
        return shadow.previous
    return catalog.items.get(retailer_id)


def read_status(call: Call) -> Json:
    """Serve `GET /{catalog}/check_batch_request_status`."""
    world, catalog = call.world, call.node
    settle(world, catalog)
    batch = catalog.batches.get(call.text("handle"))
    lifetime = world.switches.handle_seconds
    if batch is None or (lifetime and world.clock.now() - batch.finish_time > lifetime):
        # Unverified: what an unknown handle answers.
        raise invalid_parameter("Param handle is not a valid batch handle of this catalog")
    priority = call.choice("error_priority", ("HIGH", "MEDIUM", "LOW", ""), "")
    errors = batch.errors if priority in {"", "HIGH"} else []
    warnings = batch.warnings if priority in {"", "MEDIUM", "LOW"} else []
    shown = world.switches.max_batch_errors
    load_ids = call.flag("load_ids_of_invalid_requests")
    status = {
        "handle": batch.handle,
        "status": batch_state(world, batch),
        "errors_total_count": len(errors),
        "errors": errors[:shown],
        "warnings_total_count": len(warnings),
        "warnings": warnings[:shown],
        "ids_of_invalid_requests": [*dict.fromkeys(error["id"] for error in batch.errors)] if load_ids else [],
    }
    return {"data": [status]}


def batch_state(world: World, batch: Batch) -> str:
    """Return the state that a handle shows now."""
    if batch.processed:
        return batch.end
    whole = batch.finish_time - batch.receive_time
    share = (world.clock.now() - batch.receive_time) / whole if whole else 1.0
    return next((state for until, state in STATES if share < until), "started")
