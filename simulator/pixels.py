"""Pixels and the Conversions API: takes batches of events whole or not at all, and counts each event once.

What counted stands in the pixel's ledger: `GET /_simulator/pixels/{pixel_id}/events`. It refuses what Meta is known or recalled to
refuse; one wrong event takes its whole batch down.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from simulator.call import Call, Json, NodeType, Route, attribute
from simulator.errors import invalid_parameter, missing_object
from simulator.state import Business
from simulator.world import World

SCOPES = ("ads_management",)
# SDK 26.0.3, serverside/action_source.py
SOURCES = {
    "email", "website", "app", "phone_call", "chat", "physical_store", "system_generated", "business_messaging", "other",
}  # fmt: skip
# SDK 26.0.3, serverside/user_data.py: what is hashed, and what is not.
HASHED = {
    "em",
    "ph",
    "ge",
    "db",
    "ln",
    "fn",
    "ct",
    "st",
    "zp",
    "country",
    "f5first",
    "f5last",
    "fi",
    "dobd",
    "dobm",
    "doby",
}
PLAIN = {
    "external_id", "client_ip_address", "client_user_agent", "fbc", "fbp", "subscription_id", "fb_login_id", "lead_id",
    "madid", "anon_id", "ctwa_clid", "page_id",
}  # fmt: skip
_HASH = re.compile("[0-9a-f]{64}|[0-9a-f]{32}")
# Unverified: recalled, as are the age, the size of a batch, what a website needs, and for how long events are recognised.
MOST_EVENTS, DAY_SECONDS = 1_000, 86_400.0
OLDEST_SECONDS, OLDEST_IN_STORE_SECONDS, RECOGNISED_SECONDS = 7 * DAY_SECONDS, 62 * DAY_SECONDS, 2 * DAY_SECONDS


@dataclass(slots=True)
class AdsPixel:
    """A pixel (dataset), and what counted there; `received` counts repetitions too. One that is not `shared` is out of every app's reach."""

    id: str
    business_id: str
    name: str = "Pixel"
    received: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    counted: dict[tuple[str, str], float] = field(default_factory=dict)
    shared: bool = True


def create_events(call: Call) -> Json:
    """Take a batch of events."""
    require_shared(call)
    pixel, now = call.node, call.world.clock.now()
    data = call.structure("data", list)
    if not 1 <= len(data) <= MOST_EVENTS:
        raise invalid_parameter(f"Param data must hold 1 to {MOST_EVENTS} events")
    events = [orjson.loads(one) if isinstance(one, str) else one for one in data]
    for place, event in enumerate(events):
        for wrong in _faults(event, now):
            raise invalid_parameter(f"data[{place}]: {wrong}")
    test = call.text("test_event_code", "")
    pixel.received += len(events)
    for event in events:
        _count(pixel, event, now, test)
    return {"events_received": len(events), "messages": [], "fbtrace_id": call.world.new_text_id("A", size=15)}


def require_shared(call: Call) -> None:
    """Raise when the pixel was taken away from the app. Unverified: that Meta then says what it says of absent objects."""
    if not call.node.shared:
        raise missing_object(call.method, call.node.id)


def _count(pixel: AdsPixel, event: dict[str, Any], now: float, test: str) -> None:
    """Count an event, unless it was counted lately; what is tested counts nowhere."""
    name = event["event_name"], str(event.get("event_id", ""))
    last = pixel.counted.get(name) if name[1] else None
    if last is not None and now - last < RECOGNISED_SECONDS:
        return
    pixel.counted[name] = now
    pixel.events.append({**event, **({"test_event_code": test} if test else {})})


def _faults(event: Any, now: float) -> Iterator[str]:
    """Tell what is wrong with an event."""
    if not isinstance(event, dict) or not isinstance(event.get("event_name"), str) or not event["event_name"]:
        yield "event_name is required"
        return
    source, time = event.get("action_source"), event.get("event_time")
    if source not in SOURCES:
        yield f"action_source must be one of {sorted(SOURCES)}"
    oldest = OLDEST_IN_STORE_SECONDS if source == "physical_store" else OLDEST_SECONDS
    if not isinstance(time, int) or isinstance(time, bool) or not now - oldest <= time <= now + 3_600:
        yield "event_time must be in seconds, at most 7 days old and not in the future"
    yield from _faults_of_user(event.get("user_data"))
    if source == "website" and not (event.get("event_source_url") and event["user_data"].get("client_user_agent")):
        yield "a website's event needs event_source_url and client_user_agent"
    yield from _faults_of_custom(event["event_name"], event.get("custom_data", {}))


def _faults_of_user(user: Any) -> Iterator[str]:
    if not isinstance(user, dict) or not user:
        yield "user_data needs at least one parameter"
        return
    if unknown := user.keys() - HASHED - PLAIN:
        yield f"user_data has unknown parameters {sorted(unknown)}"
    for name in user.keys() & HASHED:
        values = user[name] if isinstance(user[name], list) else [user[name]]
        if not all(isinstance(one, str) and _HASH.fullmatch(one) for one in values):
            yield f"user_data.{name} must be hashed"


def _faults_of_custom(event_name: str, custom: Any) -> Iterator[str]:
    if not isinstance(custom, dict):
        yield "custom_data must be an object"
        return
    currency, value = custom.get("currency"), custom.get("value")
    # SDK 26.0.3, serverside/normalize.py: it sends the code in small letters.
    if currency is not None and not re.fullmatch("[A-Za-z]{3}", str(currency)):
        yield "custom_data.currency must be an ISO 4217 code"
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if event_name == "Purchase" and not (numeric and currency):
        yield "a Purchase needs value and currency"


def put_pixel(world: World, _request: web.Request, document: dict[str, Any]) -> dict[str, Any]:
    """Give a business a pixel; `shared` false takes it away from the app, true, or nothing, gives it back."""
    pixel_id, business_id = str(document.get("pixel_id") or world.new_id()), str(document.get("business_id", ""))
    if not isinstance(shared := document.get("shared", True), bool):
        raise ValueError(f"shared: expected true or false, got {shared!r}")
    world.require(Business, business_id, name="business_id")
    pixel = world.find(AdsPixel, pixel_id) or AdsPixel(pixel_id, business_id)
    pixel.shared = shared
    world.add(pixel)
    return {"pixel_id": pixel_id}


def list_events(world: World, request: web.Request, _document: dict[str, Any]) -> dict[str, Any]:
    """Tell what counted at a pixel, and how many events came in all."""
    pixel = world.require(AdsPixel, request.match_info["pixel_id"], name="pixel_id")
    return {"received": pixel.received, "events": pixel.events}


NODES = {"AdsPixel": NodeType({name: attribute(name) for name in ("id", "name")}, scopes=SCOPES, guard=require_shared)}
# SDK 26.0.3, adspixel.py, create_event. Unverified: that ads_management is enough.
ROUTES = {("AdsPixel", "POST", "events"): Route(create_events, SCOPES)}
CONTROL = (
    ("POST", "/_simulator/pixels", put_pixel, "pixel_id business_id shared"),
    ("GET", "/_simulator/pixels/{pixel_id}/events", list_events, ""),
)
