"""Orders over time: Meta's own checks, the app that is registered or not, buyers who change their mind, and the webhooks of it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from simulator import seeds
from simulator.orders.access import MANAGE_ORDERS
from simulator.orders.notices import SHAPES
from tests.contract.order_world import SCOPES, Shop, open_shop
from tests.contract.simulator_client import VERIFY, receiving, subscribe
from tests.contract.simulator_server import APP_ID

HALF_AN_HOUR, DAY = 1_800, 86_400


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


async def _listed(shop: Shop, **params: Any) -> list[str]:
    return [one["id"] for one in (await shop.read(f"{shop.account_id}/commerce_orders", **params))["data"]]


async def test_who_bought_is_hidden_while_meta_checks(shop: Shop) -> None:
    """During the checks the items are there and the buyer is not; afterwards the order is CREATED with its buyer."""
    order_id = await shop.place(processing_seconds=HALF_AN_HOUR)
    fields = {"fields": "order_status,buyer_details,shipping_address,items"}
    hidden = await shop.read(order_id, **fields)
    assert ("FB_PROCESSING", {"id", "order_status", "items"}) == (hidden["order_status"]["state"], hidden.keys())
    await shop.advance(HALF_AN_HOUR)
    shown = await shop.read(order_id, **fields)
    assert ("CREATED", "Béatrice Buyer") == (shown["order_status"]["state"], shown["buyer_details"]["name"])


async def test_an_order_may_vanish(shop: Shop) -> None:
    """An order that fails Meta's checks is gone as if it had never been."""
    order_id = await shop.place(processing_seconds=HALF_AN_HOUR, vanishes=True)
    assert [order_id] == await _listed(shop, state="FB_PROCESSING")
    await shop.advance(HALF_AN_HOUR)
    assert [] == await _listed(shop, state="FB_PROCESSING,CREATED,IN_PROGRESS,COMPLETED")
    assert 803 == await shop.refused(f"{order_id}/acknowledge_order")
    for path in (order_id, f"{order_id}/items"):
        assert 803 == (await shop.client.graph("GET", path, shop.token))[1]["error"]["code"]


async def test_checks_that_last_a_day_may_be_ended_by_cancelling(shop: Shop) -> None:
    """Nothing can be done during the checks, but for a cancellation after a day."""
    order_id = await shop.place(processing_seconds=10 * DAY)
    for edge in ("acknowledge_order", "shipments", "cancellations"):
        assert 2361081 == await shop.refused(f"{order_id}/{edge}")
    await shop.advance(DAY)
    await shop.done(f"{order_id}/cancellations")
    assert "COMPLETED" == (await shop.truth(order_id))["state"]


async def test_without_an_app_orders_advance_by_themselves(shop: Shop) -> None:
    """Nobody's acknowledgement is awaited where no app is registered."""
    await shop.change(order_app_ids=[])
    order_id = await shop.place()
    assert "IN_PROGRESS" == (await shop.truth(order_id))["state"]
    await shop.done(f"{shop.account_id}/order_management_apps")
    apps = await shop.read(f"{shop.account_id}/order_management_apps")
    assert [APP_ID] == [one["id"] for one in apps["data"]]


async def test_an_app_lets_go_of_the_orders(shop: Shop) -> None:
    """DELETE ends the registration of the caller."""
    answer = await shop.client.graph("DELETE", f"{shop.account_id}/order_management_apps", shop.token)
    assert (200, []) == (answer[0], (await shop.read(f"{shop.account_id}/order_management_apps"))["data"])


async def test_all_units_settled_complete_an_order(shop: Shop) -> None:
    """An order is COMPLETED once every unit is shipped or cancelled, not before."""
    order_id = await shop.place(lines=[{"retailer_id": "A", "quantity": 3}])
    await shop.done(f"{order_id}/acknowledge_order")
    await shop.done(f"{order_id}/shipments", items=[{"retailer_id": "A", "quantity": 1}])
    assert "IN_PROGRESS" == (await shop.truth(order_id))["state"]
    await shop.done(f"{order_id}/cancellations")
    status = (await shop.read(f"{order_id}/items", fields="status"))["data"][0]["status"]
    assert ("COMPLETED", {"in_progress": 0, "fulfilled": 1, "cancelled": 2}) == (
        (await shop.truth(order_id))["state"],
        status,
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("no_shipments", [0, 2]),
        ("HAS_FULFILLMENTS", [1]),
        ("has_cancellations", [2]),
        ("no_cancellations,no_shipments", [0]),
        ("has_refunds", [1]),
        ("no_refunds", [0, 2]),
    ],
)
async def test_filters_add_up(shop: Shop, filters: str, expected: list[int]) -> None:
    """Filters in either case narrow the list; several states widen it."""
    placed = await shop.place_many(count=3)
    for order_id in placed:
        await shop.done(f"{order_id}/acknowledge_order")
    await shop.done(f"{placed[1]}/shipments")
    await shop.done(f"{placed[1]}/refunds", reason_code="WRONG_ITEM")
    await shop.client.control("POST", f"/orders/{placed[2]}/cancel", {"by": "buyer"})
    found = await _listed(shop, state="in_progress,completed", filters=filters)
    assert [placed[place] for place in expected] == sorted(found)


async def test_times_bound_the_list(shop: Shop) -> None:
    """`updated_after` and `updated_before` go by the last change, which every change renews."""
    first = await shop.place(age_seconds=100)
    second = await shop.place(age_seconds=50)
    now = int((await shop.client.control("GET", "/state"))["time"])
    assert [second] == await _listed(shop, updated_after=now - 70)
    assert [first] == await _listed(shop, updated_before=now - 70)
    await shop.client.control("POST", f"/orders/{first}/touch", {})
    assert [first, second] == await _listed(shop, updated_after=now - 70)


@pytest.mark.parametrize("params", [{"state": "NEW"}, {"filters": "nice"}, {"updated_after": "soon"}, {"after": "!"}])
async def test_a_wrong_list_is_refused(shop: Shop, params: dict[str, str]) -> None:
    """Unknown words, times and cursors are code 100."""
    status, answer, _ = await shop.client.graph("GET", f"{shop.page_id}/commerce_orders", shop.token, **params)
    assert (400, 100) == (status, answer["error"]["code"])


async def test_a_buyer_asks_for_a_return_and_gets_the_money(shop: Shop) -> None:
    """A return goes from the buyer's wish over the seller's word to its refund, once for each unit."""
    order_id = await shop.place(lines=[{"retailer_id": "A", "price": "10.00"}])
    await shop.done(f"{order_id}/acknowledge_order")
    await shop.done(f"{order_id}/shipments")
    body = {"items": [{"retailer_id": "A", "quantity": 1}], "reason": "TOO_SMALL"}
    asked = await shop.client.control("POST", f"/orders/{order_id}/return", body)
    return_id = asked["returns"][0]["id"]
    assert ["REQUESTED"] == [one["return_status"] for one in (await shop.read(f"{shop.account_id}/returns"))["data"]]
    await shop.done(f"{order_id}/returns", items=body["items"], update={"return_id": return_id, "status": "APPROVED"})
    assert 100 == await shop.refused(f"{order_id}/returns", items=[{"retailer_id": "A", "quantity": 1}])
    await shop.done(f"{order_id}/refunds", reason_code="REFUND_FOR_RETURN", return_id=return_id)
    assert ["REFUNDED"] == [one["return_status"] for one in (await shop.read(f"{order_id}/returns"))["data"]]


async def test_others_act_through_the_control_api(shop: Shop) -> None:
    """What buyer and Meta do is in the edges and in the ledger with their names."""
    order_id = await shop.place(lines=[{"retailer_id": "A", "quantity": 2, "price": "10.00"}])
    await shop.done(f"{order_id}/acknowledge_order")
    one = [{"retailer_id": "A", "quantity": 1}]
    reason = {"reason_code": "CUSTOMER_REQUESTED"}
    await shop.client.control("POST", f"/orders/{order_id}/cancel", {"items": one, "cancel_reason": reason})
    await shop.done(f"{order_id}/shipments")
    await shop.client.control("POST", f"/orders/{order_id}/refund", {"by": "meta"})
    refund = (await shop.read(f"{order_id}/refunds"))["data"][0]
    assert ("FACEBOOK_INITIATED", "10.00") == (
        refund["refund_reason"]["reason_code"],
        refund["refund_amount"]["amount"],
    )
    assert [("acknowledge", "app"), ("cancel", "buyer"), ("ship", "app"), ("refund", "meta")] == [
        (effect["kind"], effect["by"]) for effect in await shop.effects()
    ]


@pytest.mark.parametrize("shape", sorted(SHAPES))
async def test_a_webhook_has_the_shape_of_the_switch(shop: Shop, shape: str) -> None:
    """Each shape says which order changed, in its own object, field and entry."""
    object_, field, whose = SHAPES[shape]
    async with receiving() as receiver:
        await subscribe(shop.client, receiver, "messages")
        if object_ != "page":
            options = {"object": object_, "callback_url": receiver.url, "verify_token": VERIFY, "fields": field}
            await shop.client.graph("POST", f"{APP_ID}/subscriptions", shop.client.seed["app"]["token"], **options)
        await shop.switch(order_webhooks=shape)
        order_id = await shop.place(processing_seconds=60)
        await receiver.wait_for(1)
        document = json.loads(receiver.bodies[0])
        entry = document["entry"][0]
        assert (object_, field, order_id) == (
            document["object"],
            entry["changes"][0]["field"],
            entry["changes"][0]["value"]["order_id"],
        )
        owner = {"page": shop.page_id, "account": shop.account_id}.get(whose)
        assert owner in {None, entry["id"]}
        await shop.advance(60)
        await receiver.wait_for(2)
        assert "CREATED" == json.loads(receiver.bodies[1])["entry"][0]["changes"][0]["value"]["state"]


async def test_there_are_no_webhooks_unless_switched_on(shop: Shop) -> None:
    """By default nobody is told of an order."""
    async with receiving() as receiver:
        await subscribe(shop.client, receiver, "messages")
        await shop.place()
    assert {"waiting": 0, "total": 0} == (await shop.client.control("GET", "/state"))["deliveries"]


# --- whose token, and until when -------------------------------------------------------------------------------------


async def test_a_token_needs_an_editor_behind_it(shop: Shop) -> None:
    """A Page's token of somebody who only moderates reads no orders."""
    pages = [{"id": shop.page_id, "tasks": ["MODERATE", "MESSAGING"]}]
    seeded = await shop.client.control("POST", "/seed", {**seeds.DEFAULT, "pages": pages, "scopes": SCOPES})
    token = seeded["pages"][0]["token"]
    status, answer, _ = await shop.client.graph("GET", f"{shop.page_id}/commerce_orders", token)
    assert (403, 200) == (status, answer["error"]["code"])


async def test_a_persons_token_is_refused_and_a_system_users_is_not(shop: Shop) -> None:
    """Orders take the Page's token or a system user's, never a person's."""
    order_id = await shop.place()
    seeded = await shop.client.control("POST", "/seed", {**seeds.DEFAULT, "scopes": SCOPES})
    person = await shop.client.graph("GET", f"{shop.account_id}/commerce_orders", seeded["user"]["token"])
    body = {"scopes": [*MANAGE_ORDERS], "pages": [shop.page_id], "business_id": seeded["businesses"][0]["id"]}
    system = await shop.client.control("POST", "/system-users", body)
    listed = await shop.client.graph("GET", f"{shop.account_id}/commerce_orders", system["token"])
    assert (210, [order_id]) == (person[1]["error"]["code"], [one["id"] for one in listed[1]["data"]])


async def test_a_test_account_is_seen_by_admins_only(shop: Shop) -> None:
    """An editor does not even see that a test account's orders exist; its orders say that they are tests."""
    await shop.change(is_test=True)
    order_id = await shop.place()
    assert (await shop.read(order_id, fields="is_test_order"))["is_test_order"]
    pages = [{"id": shop.page_id, "tasks": ["CREATE_CONTENT"]}]
    seeded = await shop.client.control("POST", "/seed", {**seeds.DEFAULT, "pages": pages, "scopes": SCOPES})
    answer = await shop.client.graph("GET", order_id, seeded["pages"][0]["token"])
    assert (100, 33) == (answer[1]["error"]["code"], answer[1]["error"]["error_subcode"])


@pytest.mark.parametrize("edge", ["", "items", "payments", "refunds"])
async def test_reading_needs_its_permission(shop: Shop, edge: str) -> None:
    """Without a commerce permission orders cannot be read."""
    order_id = await shop.place()
    seeded = await shop.client.control("POST", "/seed", dict(seeds.DEFAULT))
    answer = await shop.client.graph("GET", f"{order_id}/{edge}".rstrip("/"), seeded["pages"][0]["token"])
    assert (403, 200) == (answer[0], answer[1]["error"]["code"])


async def test_all_of_orders_ends_with_them(shop: Shop) -> None:
    """Past the end neither nodes nor edges nor changes are left, and registering is over."""
    order_id = await shop.place()
    await shop.client.control("POST", "/seed", {**seeds.DEFAULT, "pages": [{"id": shop.page_id, "orders": "ended"}]})
    for path in (
        order_id,
        f"{order_id}/items",
        f"{shop.account_id}/commerce_orders",
        f"{shop.page_id}/commerce_payouts",
    ):
        answer = await shop.client.graph("GET", path, shop.token)
        assert (400, 100) == (answer[0], answer[1]["error"]["code"])
    for path in (f"{order_id}/shipments", f"{shop.account_id}/order_management_apps"):
        assert 100 == await shop.refused(path)


@pytest.mark.parametrize(
    ("end", "alive"),
    [("2100-01-01", {"items", "acknowledge_order", "shipments"}), ("sdk", {"shipments"})],
)
async def test_orders_may_end_piece_by_piece(shop: Shop, end: str, alive: set[str]) -> None:
    """By switch each endpoint ends when Meta's SDK lost it, though the rest still answers."""
    order_id = await shop.place()
    await shop.client.control("POST", "/seed", {**seeds.DEFAULT, "pages": [{"id": shop.page_id, "orders": ""}]})
    await shop.switch(orders_end_date_v26="2100-01-01", orders_end_as_sdk=end == "sdk")
    statuses = {
        "items": (await shop.client.graph("GET", f"{order_id}/items", shop.token))[0],
        "acknowledge_order": (await shop.write(f"{order_id}/acknowledge_order"))[0],
    }
    await shop.client.control("PATCH", "/switches", {"orders_end_as_sdk": False})
    await shop.write(f"{order_id}/acknowledge_order")
    await shop.client.control("PATCH", "/switches", {"orders_end_as_sdk": end == "sdk"})
    statuses["shipments"] = (await shop.write(f"{order_id}/shipments"))[0]
    assert alive == {edge for edge, status in statuses.items() if status == 200}
