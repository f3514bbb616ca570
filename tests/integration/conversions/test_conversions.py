"""Conversions reach the pixel once each, hashed; what Meta would refuse is refused here or found alone."""

import asyncio
import hashlib
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sqlalchemy import text

from connector.connections import db as connections
from connector.connections.model import CapabilityKind
from connector.conversions import db
from connector.conversions.actions.keeping import plan
from connector.conversions.model.values import Pixel
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import metadata
from stormcom.facebook.v1 import conversion_service_pb2 as pb
from stormcom.facebook.v1.attribution_pb2 import AttributedLine, OrderTotals
from stormcom.facebook.v1.attribution_service_pb2 import RecordAttributedOrderRequest
from stormcom.facebook.v1.attribution_service_pb2_grpc import FacebookAttributionStub
from stormcom.facebook.v1.conversion_pb2 import BuyerMatch, Conversion, ConversionDraft, ConversionItem
from stormcom.facebook.v1.conversion_service_pb2_grpc import FacebookConversionsStub
from stormcom.facebook.v1.event_service_pb2 import PullEventsRequest
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, reason_of
from tests.integration.conversions.conftest import PIXEL, ControlApi, pixel
from tests.integration.privacy.test_together import until_they_wait

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.conversion_service_pb2_grpc import FacebookConversionsAsyncStub

BUYER = BuyerMatch(emails=["Buyer@Example.com"], client_user_agent="Mozilla/5.0", client_ip_address="203.0.113.9")


def conversions(shop: Shop) -> "FacebookConversionsAsyncStub":
    """Speak to the service."""
    return FacebookConversionsStub(shop.channel)


def purchase(event_id: str, **changes: Any) -> ConversionDraft:
    """Make a purchase that nobody refuses, with some fields as told."""
    fields: dict[str, Any] = {
        "event_name": "Purchase",
        "event_source_url": "https://shop.example/thanks",
        "buyer": BUYER,
        "value": Money(currency_code="BDT", minor_units=125_050),
        "items": [ConversionItem(product_id="p1", quantity=2, price=Money(currency_code="BDT", minor_units=62_525))],
    }
    return ConversionDraft(event_id=event_id, **fields | changes)


async def send(shop: Shop, *drafts: ConversionDraft) -> list[pb.SendConversionEventsResponse.Result]:
    """Report conversions."""
    request = pb.SendConversionEventsRequest(store_id=shop.store_id, events=drafts)
    return list((await conversions(shop).SendConversionEvents(request)).results)


async def states(shop: Shop) -> dict[str, str]:
    """Tell how far reports came, by `event_id`."""
    answer = await conversions(shop).ListConversions(pb.ListConversionsRequest(store_id=shop.store_id))
    return {one.event_id: Conversion.State.Name(one.state).removeprefix("STATE_") for one in answer.conversions}


async def test_a_conversion_reaches_the_pixel_hashed(shop: Shop) -> None:
    """Meta gets the buyer's hash, the catalog's own ids and exact amounts; nothing of the buyer stays with us."""
    (result,) = await send(shop, purchase("o1"))
    await shop.turn()
    (event,) = pixel(shop).events
    assert [hashlib.sha256(b"buyer@example.com").hexdigest()] == event["user_data"]["em"]
    assert {"value": 1250.5, "currency": "BDT", "content_type": "product", "content_ids": ["sc_p1"], "num_items": 2,
            "contents": [{"id": "sc_p1", "quantity": 2, "item_price": 625.25}]} == event["custom_data"]  # fmt: skip
    assert ("website", "o1", False) == (event["action_source"], event["event_id"], result.repeated_event)
    assert {"o1": "SENT"} == await states(shop)
    async with shop.runtime.db.begin() as tx:
        for name in metadata.tables:
            rows = (await tx.execute(text(f"SELECT CAST(t AS text) FROM {name} t"))).scalars()  # noqa: S608 – our own tables
            assert not [row for row in rows if "buyer@example.com" in row.lower() or "203.0.113.9" in row]


async def test_an_event_counts_once_whoever_repeats_it(shop: Shop, control_api: ControlApi) -> None:
    """Repeated by the caller, or by us after a lost answer: it counts once at Meta."""
    await control_api(
        "POST", "/faults", {"match": {"path": f"{PIXEL}/events"}, "times": 2, "action": {"kind": "drop_answer"}}
    )
    await send(shop, purchase("o1"))
    (again,) = await send(shop, purchase("o1"))
    for _ in range(4):
        await shop.turn()
        shop.clock.advance(seconds=30)
    assert again.repeated_event
    assert (["o1"], 3) == ([event["event_id"] for event in pixel(shop).events], pixel(shop).received)
    assert {"o1": "SENT"} == await states(shop)


async def test_an_attributed_order_counts_once(shop: Shop) -> None:
    """Meta learns of the order's value, its items by the catalog's ids and where it was placed; telling of it again counts nothing twice."""
    bdt, total = partial(Money, currency_code="BDT"), Money(currency_code="BDT", minor_units=131_050)
    line = AttributedLine(
        product_id="p1", quantity=2, unit_price=bdt(minor_units=62_525), total=bdt(minor_units=125_050)
    )
    wish = RecordAttributedOrderRequest(
        store_id=shop.store_id, local_order_id="o1", lines=[line], buyer=BUYER, event_source_url="https://shop.example/thanks",
        totals=OrderTotals(subtotal=bdt(minor_units=125_050), shipping=bdt(minor_units=6_000), total=total),
        checkout_link="https://shop.example/c?products=sc_p1:2&cart_origin=instagram&fbclid=IwAR1",
    )  # fmt: skip
    await FacebookAttributionStub(shop.channel).RecordAttributedOrder(wish)
    (again,) = await send(shop, purchase("order.o1"))
    await shop.turn()
    (event,) = pixel(shop).events
    assert (True, "Purchase", "website", "order.o1") == (
        again.repeated_event, event["event_name"], event["action_source"], event["event_id"],
    )  # fmt: skip
    assert {"value": 1310.5, "currency": "BDT", "order_id": "o1", "content_type": "product", "content_ids": ["sc_p1"], "num_items": 2,
            "contents": [{"id": "sc_p1", "quantity": 2, "item_price": 625.25}]} == event["custom_data"]  # fmt: skip
    assert event["user_data"]["fbc"].endswith(".IwAR1")


async def test_one_wrong_event_keeps_no_other_from_counting(shop: Shop) -> None:
    """Meta refuses the whole batch for one event: that one is found, told, and all others count."""
    drafts = [purchase(f"o{number}") for number in range(40)]
    await send(shop, *drafts)
    async with shop.runtime.db.begin() as tx:  # something we do not know to be wrong
        await tx.execute(
            text(
                """UPDATE conversions SET body = body || '{"action_source": "carrier_pigeon"}' WHERE event_id = 'o17'"""
            )
        )
    await shop.turn()
    found = await states(shop)
    assert "REJECTED" == found.pop("o17")
    assert {"SENT"} == set(found.values())
    assert 39 == len(pixel(shop).events)
    pulled = await FacebookEventsStub(shop.channel).PullEvents(PullEventsRequest(store_id=shop.store_id))
    (failed,) = [event.conversions_failed for event in pulled.events if event.HasField("conversions_failed")]
    assert [("o17", "META_REJECTED")] == [(one.event_id, one.reason) for one in failed.conversions]


async def test_what_waited_too_long_is_told_and_not_sent(shop: Shop, control_api: ControlApi) -> None:
    """After two days without an answer a repetition might count twice: it is UNKNOWN; what never went out in time has EXPIRED."""
    await control_api(
        "POST", "/faults", {"match": {"path": f"{PIXEL}/events"}, "times": 1, "action": {"kind": "drop_answer"}}
    )
    await send(shop, purchase("asked"))
    await shop.turn()
    shop.clock.advance(days=3)
    late = purchase("late")
    late.event_time.FromDatetime(shop.clock() - timedelta(days=6, hours=23))
    async with shop.runtime.db.begin() as tx:
        await tx.execute(text("UPDATE tasks SET due_time = NULL WHERE name = 'SEND_CONVERSIONS'"))
    await send(shop, late)
    shop.clock.advance(hours=2)
    await shop.turn()
    assert {"asked": "UNKNOWN", "late": "EXPIRED"} == await states(shop)
    assert 1 == pixel(shop).received


async def test_items_that_the_registry_does_not_know_are_left_out_and_told(shop: Shop) -> None:
    """Ids that are not the catalog's never reach the pixel: they break ads."""
    items = [ConversionItem(retailer_id="nobody"), ConversionItem(retailer_id="sc_p1"), ConversionItem(product_id="p9")]
    (result,) = await send(shop, purchase("o1", items=items))
    await shop.turn()
    assert [0, 2] == list(result.unknown_items)
    assert ["sc_p1"] == pixel(shop).events[0]["custom_data"]["content_ids"]


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"event_name": ""}, "FIELD_REQUIRED", "events[0].event_name"),
        ({"event_source_url": ""}, "FIELD_REQUIRED", "events[0].event_source_url"),
        ({"event_source_url": "shop"}, "LINK_NOT_ABSOLUTE", "events[0].event_source_url"),
        ({"buyer": BuyerMatch(emails=["a@b.cd"])}, "FIELD_REQUIRED", "events[0].buyer.client_user_agent"),
        ({"buyer": BuyerMatch()}, "FIELD_REQUIRED", "events[0].buyer"),
        ({"value": None}, "FIELD_REQUIRED", "events[0].value"),
        ({"value": Money(currency_code="XXX")}, "CURRENCY_UNKNOWN", "events[0].value.currency_code"),
        ({"action_source": 99}, "FIELD_INVALID", "events[0].action_source"),
        ({"items": [ConversionItem()]}, "FIELD_REQUIRED", "events[0].items[0].retailer_id"),
    ],
)
async def test_what_meta_would_refuse_is_refused_at_once(
    shop: Shop, changes: dict[str, Any], reason: str, field: str
) -> None:
    """A report that would take its batch down is refused, naming the field."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(shop, purchase("o1", **changes))
    assert (reason, field) == reason_of(refused.value, "field")


async def test_what_is_too_old_is_refused(shop: Shop) -> None:
    """Meta takes seven days, and what happened in a shop of bricks for 62."""
    old = purchase("o1")
    old.event_time.FromDatetime(shop.clock() - timedelta(days=8))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(shop, old)
    assert ("CONVERSION_TOO_OLD",) == reason_of(refused.value)
    old.action_source = ConversionDraft.ACTION_SOURCE_PHYSICAL_STORE
    await send(shop, old)
    await shop.turn()
    assert {"o1": "SENT"} == await states(shop)


async def test_without_a_pixel_nothing_is_taken(shop: Shop) -> None:
    """A report that could go nowhere is refused; what waits when the pixel goes is not sent."""
    await send(shop, purchase("o1"))
    await conversions(shop).SetPixel(pb.SetPixelRequest(store_id=shop.store_id))
    await shop.turn()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(shop, purchase("o2"))
    assert ("PIXEL_NOT_SET",) == reason_of(refused.value)
    assert (0, {"o1": "PENDING"}) == (pixel(shop).received, await states(shop))


async def test_what_no_turn_comes_to_ends_all_the_same(shop: Shop) -> None:
    """A report without a pixel is not kept for good: when Meta would take it no more, it is EXPIRED, told, and its buyer forgotten."""
    await send(shop, purchase("o1"))
    await conversions(shop).SetPixel(pb.SetPixelRequest(store_id=shop.store_id))
    await shop.turn()
    shop.clock.advance(days=8)
    async with shop.runtime.db.begin() as tx:
        await outbox.add(tx, Task.SWEEP, due=shop.clock(), key="sweep")
    await shop.turn()
    async with shop.runtime.db.begin() as tx:
        assert [None] == list(await tx.scalars(text("SELECT body FROM conversions")))
    pulled = await FacebookEventsStub(shop.channel).PullEvents(PullEventsRequest(store_id=shop.store_id))
    (failed,) = [event.conversions_failed for event in pulled.events if event.HasField("conversions_failed")]
    assert [("o1", "CONVERSION_TOO_OLD")] == [(one.event_id, one.reason) for one in failed.conversions]
    assert {"o1": "EXPIRED"} == await states(shop)


async def test_tests_and_limited_use_travel_along(shop: Shop) -> None:
    """The code of Meta's test view and limited data use are said with every event."""
    kept = pb.Pixel(pixel_id=PIXEL, test_event_code="TEST12345", limited_data_use=True)
    await conversions(shop).SetPixel(pb.SetPixelRequest(store_id=shop.store_id, pixel=kept))
    assert kept == (await conversions(shop).GetPixel(pb.GetPixelRequest(store_id=shop.store_id))).pixel
    await send(shop, purchase("o1"))
    await shop.turn()
    (event,) = pixel(shop).events
    assert ("TEST12345", ["LDU"]) == (event["test_event_code"], event["data_processing_options"])


async def test_a_permission_that_is_gone_blocks_conversions_only(shop: Shop, control_api: ControlApi) -> None:
    """Meta's refusal for a missing permission is told as the capability's state; a report after a new consent goes out."""
    await control_api("POST", "/users/10000000000000001/permissions",
                      {"app_id": "610000000000001", "permission": "ads_management", "status": "declined"})  # fmt: skip
    await send(shop, purchase("o1"))
    await shop.turn()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(shop, purchase("o2"))
    assert reason_of(refused.value)[0] in {"META_PERMISSION_MISSING", "SCOPES_MISSING"}
    assert {"o1": "PENDING"} == await states(shop)


async def standing(shop: Shop) -> tuple[str, str]:
    """Tell whether conversions can be reported, and why not."""
    async with shop.runtime.db.begin() as tx:
        one = (await connections.require(tx, shop.store_id, "")).capability(CapabilityKind.CONVERSIONS)
    return one.state, one.reason


async def share(control_api: ControlApi, pixel_id: str, *, shared: bool) -> None:
    """Take a pixel away from the app, or give it one."""
    wish = {"pixel_id": pixel_id, "business_id": "20000000000000001", "shared": shared}
    await control_api("POST", "/pixels", wish)


async def test_a_pixel_that_was_taken_away_loses_nothing(shop: Shop, control_api: ControlApi) -> None:
    """What waits stays, the capability is blocked and names the button, told once; when the pixel is back, all is sent within six hours."""
    await send(shop, purchase("o1"), purchase("o2"))
    await share(control_api, PIXEL, shared=False)
    await shop.turn()
    shop.clock.advance(hours=6, minutes=1)
    await shop.turn()
    assert {"o1": "PENDING", "o2": "PENDING"} == await states(shop)
    assert ("BLOCKED", "PIXEL_OUT_OF_REACH") == await standing(shop)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(shop, purchase("o3"))
    assert ("PIXEL_OUT_OF_REACH",) == reason_of(refused.value)
    await share(control_api, PIXEL, shared=True)
    shop.clock.advance(hours=6, minutes=1)
    await shop.turn()
    assert {"o1": "SENT", "o2": "SENT"} == await states(shop)
    assert ("ACTIVE", "") == await standing(shop)
    pulled = await FacebookEventsStub(shop.channel).PullEvents(PullEventsRequest(store_id=shop.store_id))
    told = [event.connection_changed for event in pulled.events if event.HasField("connection_changed")]
    reasons = [[one.reason for one in change.connection.capabilities if one.reason] for change in told]
    assert 1 == sum("PIXEL_OUT_OF_REACH" in each for each in reasons)


async def test_a_pixel_is_tried_though_nothing_waits(shop: Shop, control_api: ControlApi) -> None:
    """Once all that waited is too old, a pixel that comes back is found out all the same."""
    await send(shop, purchase("o1"))
    await share(control_api, PIXEL, shared=False)
    await shop.turn()
    shop.clock.advance(days=8)
    await shop.turn()
    assert ({"o1": "EXPIRED"}, ("BLOCKED", "PIXEL_OUT_OF_REACH")) == (await states(shop), await standing(shop))
    await share(control_api, PIXEL, shared=True)
    shop.clock.advance(hours=6, minutes=1)
    await shop.turn()
    assert ("ACTIVE", "") == await standing(shop)


async def test_another_pixel_takes_what_waits(shop: Shop, control_api: ControlApi) -> None:
    """SetPixel is the button: what the old pixel did not get, the new one gets at once."""
    await send(shop, purchase("o1"))
    await share(control_api, PIXEL, shared=False)
    await shop.turn()
    await share(control_api, "81000000000000002", shared=True)
    await conversions(shop).SetPixel(
        pb.SetPixelRequest(store_id=shop.store_id, pixel=pb.Pixel(pixel_id="81000000000000002"))
    )
    assert ("ACTIVE", "") == await standing(shop)
    await shop.turn()
    assert ({"o1": "SENT"}, 0) == (await states(shop), pixel(shop).received)


async def test_a_pixel_named_while_another_is_refused_is_tried_at_once(shop: Shop, control_api: ControlApi) -> None:
    """SetPixel in the midst of the refusal is no wish that is lost: the new pixel waits no six hours."""
    await send(shop, purchase("o1"))
    await share(control_api, PIXEL, shared=False)
    await share(control_api, "81000000000000002", shared=True)
    async with shop.runtime.db.begin() as tx:
        connection = await connections.require(tx, shop.store_id, "", lock=True)  # the refusal is noted there
        turn = asyncio.ensure_future(shop.turn())
        await until_they_wait(shop.runtime, 1, turn)
        assert not turn.done(), "nothing was refused"
        await db.write_pixel(tx, connection.id, Pixel("81000000000000002"), at=shop.clock())
        await plan(tx, connection.id, at=shop.clock())
    await turn
    assert ({"o1": "SENT"}, ("ACTIVE", "")) == (await states(shop), await standing(shop))
