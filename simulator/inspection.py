"""The reading half of the control API: state, items, calls, deliveries, messages. Secrets are masked."""

import time
from typing import Any

import orjson
from aiohttp import web

from simulator.batches import batch_state, settle
from simulator.products import image_state, review_state
from simulator.state import Application, Message, Page, ProductCatalog, ProductItem, UnifiedThread
from simulator.world import World

Document = dict[str, Any]
DEFAULT_LIMIT = 1_000
SHOWN_BATCHES = 100


def app_document(app: Application) -> Document:
    """Describe an app without its secrets."""
    return {
        "app_id": app.id,
        "name": app.name,
        "require_proof": app.require_proof,
        "redirect_uris": app.redirect_uris,
        "subscriptions": [
            {"object": one.object, "callback_url": one.callback_url, "fields": one.fields}
            for one in app.subscriptions.values()
        ],
    }


def read_state(world: World, _request: web.Request, _document: Document) -> Document:
    """Show everything at a glance: time, apps, Pages, catalogs, overlaps, limits, counts, CPU."""
    return {
        "time": world.clock.now(),
        "cpu_seconds": time.process_time(),
        "calls": world.records.call_count,
        "apps": [app_document(app) for app in world.apps.values()],
        "tokens": len(world.tokens),
        "pages": [_page(page) for page in world.all(Page)],
        "catalogs": [_catalog(world, catalog) for catalog in world.catalogs()],
        "overlaps": world.records.overlaps,
        "crowds": world.records.crowds,
        "limits": {"used": world.limits.usage(), "refused": world.limits.refused, "buckets": world.limits.accounts()},
        "faults": len(world.faults.listed()),
        "deliveries": {"waiting": len(world.outbox.waiting), "total": len(world.outbox.deliveries)},
    }


def _page(page: Page) -> Document:
    return {
        "id": page.id,
        "name": page.name,
        "subscribed": page.fields_by_app,
        "people": len(page.profiles),
        "conversations": len(page.threads),
        "messages": sum(len(thread.messages) for thread in page.threads.values()),
    }


def _catalog(world: World, catalog: ProductCatalog) -> Document:
    settle(world, catalog)
    return {
        "id": catalog.id,
        "name": catalog.name,
        "business_id": catalog.business_id,
        "items": len(catalog.items),
        "product_sets": len(catalog.sets),
        "batch_count": len(catalog.batches),
        "batches": [
            {
                "handle": batch.handle,
                "status": batch_state(world, batch),
                "size": batch.size,
                "errors": len(batch.errors),
                "receive_time": batch.receive_time,
                "finish_time": batch.finish_time,
            }
            for batch in list(catalog.batches.values())[-SHOWN_BATCHES:]
        ],
    }


def list_items(world: World, request: web.Request, _document: Document) -> Document:
    """List the items of a catalog as they truly are, without lag.

    ?limit=&after=<sequence>&retailer_id=
    """
    catalog = world.require(ProductCatalog, request.match_info["catalog_id"], name="catalog_id")
    settle(world, catalog)
    limit, after = _number(request, "limit", DEFAULT_LIMIT), _number(request, "after", 0)
    if wanted := request.query.get("retailer_id"):
        found = [catalog.items[wanted]] if wanted in catalog.items else []
    else:
        found = [item for item in catalog.items.values() if item.sequence > after]
    page = found[:limit]
    return {
        "total": len(catalog.items),
        "items": [_item(world, item) for item in page],
        "after": page[-1].sequence if len(found) > limit else None,
    }


def _item(world: World, item: ProductItem) -> Document:
    data = orjson.loads(item.data)
    return {
        "id": item.id,
        "retailer_id": item.retailer_id,
        "data": data,
        "writes": item.writes,
        "create_time": item.create_time,
        "update_time": item.update_time,
        "review_status": review_state(world, item, data),
        "image_fetch_status": image_state(world, item, data),
    }


def list_calls(world: World, request: web.Request, _document: Document) -> Document:
    """List the Graph calls after a number.

    ?since=&limit=&path=<part of the path>
    """
    since, limit = _number(request, "since", 0), _number(request, "limit", DEFAULT_LIMIT)
    part = request.query.get("path", "")
    calls = [one for one in world.records.calls if one.sequence > since and part in one.path][:limit]
    return {"calls": calls, "last": calls[-1].sequence if calls else since, "total": world.records.call_count}


def list_deliveries(world: World, request: web.Request, _document: Document) -> Document:
    """List the webhook deliveries after a number, with every try.

    ?since=&limit=
    """
    since, limit = _number(request, "since", 0), _number(request, "limit", DEFAULT_LIMIT)
    chosen = [one for one in world.outbox.deliveries.values() if one.id > since][:limit]
    return {
        "deliveries": [
            {
                "id": one.id,
                "app_id": one.app_id,
                "url": one.url,
                "body": one.body.decode(errors="replace"),
                "updates": one.updates,
                "state": one.state,
                "answer": one.answer,
                "create_time": one.create_time,
                "attempts": [{"time": attempt.time, "outcome": attempt.outcome} for attempt in one.attempts],
            }
            for one in chosen
        ],
        "unpacked": len(world.outbox.updates),
    }


def list_messages(world: World, request: web.Request, _document: Document) -> Document:
    """List what a Page and its people wrote to each other, oldest first.

    ?page_id=&psid=
    """
    page = world.require(Page, request.query.get("page_id", ""), name="page_id")
    psid = request.query.get("psid", "")
    threads = [thread for thread in page.threads.values() if psid in {"", thread.psid}]
    rows = [(message, thread) for thread in threads for message in thread.messages]
    rows.sort(key=lambda row: row[0].sequence)
    return {
        "messages": [_message(message, thread) for message, thread in rows],
        "actions": {thread.psid: thread.actions for thread in threads},
    }


def _message(message: Message, thread: UnifiedThread) -> Document:
    return {
        "mid": message.id,
        "psid": thread.psid,
        "conversation_id": thread.id,
        "from_page": message.from_page,
        "text": message.text,
        "attachments": message.attachments,
        "quick_replies": message.quick_replies,
        "metadata": message.metadata,
        "app_id": message.app_id,
        "tag": message.tag,
        "sent_time": int(message.time * 1_000),
    }


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not value.isdecimal():
        raise ValueError(f"{name}: expected a number of at least 0, got {value!r}")
    return int(value)
