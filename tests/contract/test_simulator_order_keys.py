"""Idempotency of order calls: one key, one effect, one answer."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contract.order_world import Shop, open_shop

HYPHENS = str(UUID(int=7))


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


async def test_a_repeated_call_has_one_effect(shop: Shop) -> None:
    """Ten calls with one key and body at once get one answer and leave one effect."""
    order_id = await shop.place(lines=[{"quantity": 3}])
    await shop.done(f"{order_id}/acknowledge_order")
    body = {"idempotency_key": "once", "items": [{"retailer_id": "LAMP-1", "quantity": 1}]}
    answers = await asyncio.gather(*(shop.write(f"{order_id}/shipments", **body) for _ in range(10)))
    assert [(200, {"success": True})] * 10 == answers
    assert 1 == len(await shop.effects(kind="ship"))


async def test_a_failure_is_stored_as_well(shop: Shop) -> None:
    """A refused key stays refused although the reason has gone; a new key works."""
    order_id = await shop.place()
    await shop.done(f"{order_id}/acknowledge_order")
    await shop.switch(concurrent_orders=1)
    assert 2361050 == await shop.refused(f"{order_id}/shipments", idempotency_key="first")
    assert 2361050 == await shop.refused(f"{order_id}/shipments", idempotency_key="first")
    await shop.done(f"{order_id}/shipments", idempotency_key="second")


async def test_a_key_is_good_for_one_request(shop: Shop) -> None:
    """The same key with another body, or on another order, is refused and does nothing."""
    first, second = await shop.place_many(count=2)
    await shop.done(f"{first}/acknowledge_order", idempotency_key="k", merchant_order_reference="1")
    assert 100 == await shop.refused(f"{first}/acknowledge_order", idempotency_key="k", merchant_order_reference="2")
    assert 100 == await shop.refused(f"{second}/acknowledge_order", idempotency_key="k", merchant_order_reference="1")
    assert [first] == [one["order_id"] for one in await shop.effects()]


async def test_a_form_repeats_a_json_body(shop: Shop) -> None:
    """What a request says counts, not how it is encoded."""
    order_id = await shop.place()
    await shop.done(f"{order_id}/acknowledge_order")
    items = '[{"retailer_id": "LAMP-1", "quantity": 1}]'
    query = {"idempotency_key": "k", "items": items}
    status, answer, _ = await shop.client.graph("POST", f"{order_id}/shipments", shop.token, **query)
    assert (200, {"success": True}) == (status, answer)
    again = await shop.done(
        f"{order_id}/shipments", idempotency_key="k", items=[{"quantity": 1, "retailer_id": "LAMP-1"}]
    )
    assert ({"success": True}, 1) == (again, len(await shop.effects(kind="ship")))


@pytest.mark.parametrize("key", ["", "a b", "a_b", "ä", "x" * 101])
async def test_a_key_that_is_none_is_refused(shop: Shop, key: str) -> None:
    """A key is at most a hundred letters, digits and hyphens."""
    order_id = await shop.place()
    assert 100 == await shop.refused(f"{order_id}/acknowledge_order", idempotency_key=key)


async def test_hyphens_are_taken_unless_the_switch_is_strict(shop: Shop) -> None:
    """A UUID as it is usually written is a key, but for strict accounts."""
    order_id = await shop.place()
    await shop.switch(strict_order_keys=True)
    assert 100 == await shop.refused(f"{order_id}/acknowledge_order", idempotency_key=HYPHENS)
    await shop.switch(strict_order_keys=False)
    await shop.done(f"{order_id}/acknowledge_order", idempotency_key=HYPHENS)


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "drop_answer"},
        {"kind": "close"},
        {"kind": "status", "status": 502, "after": True},
        {"kind": "garbage", "after": True},
        {"kind": "error", "code": 1, "after": True},
    ],
    ids=lambda action: str(action["kind"]),
)
async def test_an_answer_may_be_lost_after_the_effect(shop: Shop, action: dict[str, object]) -> None:
    """Whatever becomes of the answer, the effect stands in the ledger, and the same key tells what happened."""
    order_id = await shop.place()
    await shop.done(f"{order_id}/acknowledge_order")
    fault = {"match": {"method": "POST", "path": "shipments$"}, "action": action}
    await shop.client.control("POST", "/faults", fault)
    lost = await asyncio.gather(shop.write(f"{order_id}/shipments", idempotency_key="k"), return_exceptions=True)
    assert (200, {"success": True}) != lost[0]
    assert ["k"] == [one["key"] for one in await shop.effects(kind="ship")]
    assert {"success": True} == await shop.done(f"{order_id}/shipments", idempotency_key="k")
    assert 1 == len(await shop.effects(kind="ship"))


async def test_a_snapshot_needs_no_key(shop: Shop) -> None:
    """The same totals told twice are done once, one parcel for each tracking."""
    order_id = await shop.place(lines=[{"retailer_id": "A", "quantity": 3, "price": "10.00"}])
    await shop.done(f"{order_id}/acknowledge_order")
    item = (await shop.read(f"{order_id}/items"))["data"][0]["id"]
    wanted = {"item_id": item, "fulfill_quantity": 2, "cancel_quantity": 1, "refund_quantity": 1}
    for _ in range(2):
        await shop.done(f"{order_id}/item_updates", merchant_order_reference="4711", items=[wanted])
    assert ["acknowledge", "cancel", "ship", "refund"] == [one["kind"] for one in await shop.effects()]
    truth = await shop.truth(order_id)
    assert ("COMPLETED", 2, 1, 1, 1000) == (
        truth["state"], *(truth["items"][0][name] for name in ("fulfilled", "cancelled", "refunded")), truth["refunded_total"],
    )  # fmt: skip


async def test_a_refused_snapshot_changes_nothing(shop: Shop) -> None:
    """What a snapshot would have shipped before its mistake is not shipped."""
    order_id = await shop.place(lines=[{"retailer_id": "A", "quantity": 3, "price": "10.00"}])
    await shop.done(f"{order_id}/acknowledge_order")
    before = await shop.truth(order_id)
    item = before["items"][0]["id"]
    wanted = {"item_id": item, "fulfill_quantity": 2, "refund_quantity": 3}
    assert 2382023 == await shop.refused(f"{order_id}/item_updates", merchant_order_reference="1", items=[wanted])
    assert before == await shop.truth(order_id)


async def test_a_snapshot_keeps_other_changes_away_and_returns_alive(shop: Shop) -> None:
    """An order that a snapshot changed is busy for a while; a return it had before is read by its id, and refunded there."""
    order_id = await shop.place(lines=[{"retailer_id": "A", "quantity": 2, "price": "10.00"}])
    await shop.done(f"{order_id}/acknowledge_order")
    one = [{"retailer_id": "A", "quantity": 1}]
    await shop.done(f"{order_id}/shipments", items=one)
    await shop.done(f"{order_id}/returns", items=one, merchant_return_id="RMA-1")
    return_id = (await shop.truth(order_id))["returns"][0]["id"]
    item = (await shop.read(f"{order_id}/items"))["data"][0]["id"]
    await shop.switch(busy_order_seconds=60)
    wanted = [{"item_id": item, "cancel_quantity": 1}]
    await shop.done(f"{order_id}/item_updates", merchant_order_reference="4711", items=wanted)
    refund = {"reason_code": "REFUND_FOR_RETURN", "return_id": return_id}
    assert 2361081 == await shop.refused(f"{order_id}/refunds", **refund)
    await shop.advance(61)
    await shop.done(f"{order_id}/refunds", **refund)
    assert "REFUNDED" == (await shop.read(return_id))["return_status"]


async def test_bulk_verdicts_are_of_each_order(shop: Shop) -> None:
    """One unknown order keeps no other back, and more than a hundred are refused."""
    placed = await shop.place_many(count=101)
    wanted = [{"id": placed[0], "merchant_order_reference": "1"}, {"id": "404"}, {"id": placed[1]}]
    verdicts = (await shop.done(f"{shop.account_id}/acknowledge_orders", orders=wanted))["orders"]
    unknown = {"error_code": 2361003, "error_message": "Invalid Order ID"}
    assert [
        {"id": placed[0], "state": "IN_PROGRESS"},
        {"id": "404", "error": unknown},
        {"id": placed[1], "state": "IN_PROGRESS"},
    ] == verdicts
    many = [{"id": one} for one in placed]
    assert 100 == await shop.refused(f"{shop.page_id}/acknowledge_orders", orders=many)


async def test_the_sellers_number_is_written_once(shop: Shop) -> None:
    """Another reference for the same order is refused; the same one again is not."""
    order_id = await shop.place()
    await shop.done(f"{order_id}/acknowledge_order", merchant_order_reference="1")
    await shop.done(f"{order_id}/acknowledge_order", merchant_order_reference="1")
    assert 100 == await shop.refused(f"{order_id}/acknowledge_order", merchant_order_reference="2")
    assert ("1", 1) == ((await shop.truth(order_id))["merchant_order_id"], len(await shop.effects()))
