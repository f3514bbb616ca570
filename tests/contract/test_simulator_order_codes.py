"""Every documented refusal of order calls is reached by the mistake that it names, and changes nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from simulator.orders.refusals import CODES
from tests.contract.order_world import Shop, open_shop
from tests.contract.simulator_server import APP_ID

UPS = {"carrier": "ups", "tracking_number": "1Z"}
REASON = {"reason_code": "WRONG_ITEM"}
ADDRESS = {"country": "GB"}


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


class Case:
    """One order of two lines, A and B of two units each, taken in by the seller."""

    def __init__(self, shop: Shop, order_id: str, lines: dict[str, str]) -> None:
        self.shop, self.order_id, self.lines = shop, order_id, lines

    async def do(self, edge: str, **body: Any) -> None:
        """Do something that works."""
        await self.shop.done(f"{self.order_id}/{edge}", **body)

    async def fail(self, edge: str, **body: Any) -> int:
        """Do something that is refused; return the code."""
        return await self.shop.refused(f"{self.order_id}/{edge}", **body)

    def items(self, *names: str, **more: Any) -> list[dict[str, Any]]:
        """Name lines by the seller's id."""
        return [{"retailer_id": name, **(more or {"quantity": 2})} for name in names]


@pytest_asyncio.fixture
async def case(shop: Shop) -> Case:
    """An order on its way."""
    lines = [{"retailer_id": name, "quantity": 2, "price": "10.00", "tax": "1.00"} for name in ("A", "B")]
    order_id = await shop.place(lines=lines, shipping={"price": "5.00", "tax": "0.50"})
    await shop.done(f"{order_id}/acknowledge_order")
    items = (await shop.read(f"{order_id}/items"))["data"]
    return Case(shop, order_id, {one["retailer_id"]: one["id"] for one in items})


def money(amount: str) -> dict[str, str]:
    """Write an amount."""
    return {"amount": amount, "currency": "USD"}


async def _ship_shipped_line(case: Case) -> int:
    await case.do("shipments", items=case.items("A"))
    return await case.fail("shipments", items=case.items("A"))


async def _cancel_cancelled_order(case: Case) -> int:
    await case.do("cancellations")
    return await case.fail("cancellations")


async def _cancel_cancelled_line(case: Case) -> int:
    await case.do("cancellations", items=case.items("A"))
    return await case.fail("cancellations", items=case.items("A"))


async def _cancel_shipped_order(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("cancellations")


async def _refund_cancelled_order(case: Case) -> int:
    await case.do("cancellations")
    return await case.fail("refunds", **REASON)


async def _refund_unshipped_order(case: Case) -> int:
    return await case.fail("refunds", **REASON)


async def _ship_cancelled_order(case: Case) -> int:
    await case.do("cancellations")
    return await case.fail("shipments")


async def _ship_fulfilled_order(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("shipments")


async def _refund_refunded_order(case: Case) -> int:
    await case.do("shipments")
    await case.do("refunds", **REASON)
    return await case.fail("refunds", **REASON)


async def _acknowledge_unknown(case: Case) -> int:
    answer = await case.shop.done(f"{case.shop.page_id}/acknowledge_orders", orders=[{"id": "404"}])
    return int(answer["orders"][0]["error"]["error_code"])


async def _acknowledge_shipped(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("acknowledge_order")


async def _change_at_once(case: Case) -> int:
    await case.shop.switch(concurrent_orders=1)
    return await case.fail("shipments")


async def _refund_before_capture(case: Case) -> int:
    await case.shop.switch(capture_seconds=60)
    await case.do("shipments")
    return await case.fail("refunds", **REASON)


async def _change_while_busy(case: Case) -> int:
    await case.shop.switch(busy_order_seconds=60)
    await case.do("shipments", items=case.items("A"))
    return await case.fail("shipments", items=case.items("B"))


async def _ship_from_nowhere(case: Case) -> int:
    await case.shop.switch(origin_postal_code_required=True)
    return await case.fail("shipments")


async def _tax_too_much(case: Case) -> int:
    return await case.fail("shipments", shipping_tax_details={"tax": money("0.51")})


async def _refund_too_much_tax(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("refunds", **REASON, adjustment_amount=money("100.00"))


async def _manage_anothers(case: Case) -> int:
    await case.shop.change(order_app_ids=["610"])
    return await case.shop.refused(f"{case.shop.account_id}/order_management_apps")


async def _onboarded_elsewhere(case: Case) -> int:
    await case.shop.change(instagram_elsewhere=True)
    return await case.shop.refused(f"{case.shop.account_id}/order_management_apps")


async def _ship_nothing(case: Case) -> int:
    return await case.fail("shipments", items=[])


async def _refund_unknown_line(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("refunds", **REASON, items=case.items("C", item_refund_quantity=1))


async def _refund_too_much_shipping(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("refunds", **REASON, shipping={"shipping_refund": money("5.01")})


async def _refund_too_much(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("refunds", **REASON, items=case.items("A", item_refund_amount=money("20.01")))


async def _refund_nothing(case: Case) -> int:
    await case.do("shipments")
    return await case.fail("refunds", **REASON, shipping={"shipping_refund": money("0.00")})


async def _track_twice(case: Case) -> int:
    await case.do("shipments", items=case.items("A"), tracking_info=UPS)
    return await case.fail("shipments", items=case.items("B"), tracking_info=UPS)


async def _disabled(case: Case) -> int:
    await case.shop.change(merchant_status="EXTERNALLY_DISABLED")
    return await case.fail("shipments")


async def _refund_refunded_line(case: Case) -> int:
    await case.do("shipments")
    await case.do("refunds", **REASON, items=case.items("A", item_refund_quantity=2))
    return await case.fail("refunds", **REASON, items=case.items("A", item_refund_quantity=1))


async def _snapshot(case: Case, line: str, **wanted: Any) -> int:
    items = [{"item_id": case.lines.get(line, "404"), **wanted}]
    return await case.fail("item_updates", merchant_order_reference="4711", items=items)


async def _snapshot_tracks_nothing(case: Case) -> int:
    return await _snapshot(case, "A", fulfill_quantity=0, tracking_info=[UPS])


async def _snapshot_refunds_refunded(case: Case) -> int:
    await case.do("shipments")
    amount = case.items("A", item_refund_amount=money("20.00"))
    await case.do("refunds", **REASON, items=amount)
    return await _snapshot(case, "A", refund_quantity=1)


async def _snapshot_unknown_line(case: Case) -> int:
    return await _snapshot(case, "C", refund_quantity=1)


async def _snapshot_refunds_nothing(case: Case) -> int:
    order_id = await case.shop.place(lines=[{"retailer_id": "GIFT", "price": "0.00"}], shipping={"price": "5.00"})
    await case.shop.done(f"{order_id}/acknowledge_order")
    await case.shop.done(f"{order_id}/shipments")
    item = (await case.shop.read(f"{order_id}/items"))["data"][0]["id"]
    return await Case(case.shop, order_id, {"GIFT": item}).fail(
        "item_updates", merchant_order_reference="4712", items=[{"item_id": item, "refund_quantity": 1}]
    )


async def _snapshot_refunds_too_much_shipping(case: Case) -> int:
    await case.do("shipments")
    return await _snapshot(case, "A", refund_quantity=1, shipping_refund=money("5.01"))


MISTAKES: dict[int, Callable[[Case], Awaitable[int]]] = {
    1818015: _ship_shipped_line,
    1818048: _cancel_cancelled_order,
    1818049: _cancel_cancelled_line,
    1818050: _cancel_shipped_order,
    1818105: _refund_cancelled_order,
    1818107: _refund_unshipped_order,
    1818111: _ship_cancelled_order,
    1818214: _ship_fulfilled_order,
    1818215: _refund_refunded_order,
    2361003: _acknowledge_unknown,
    2361009: _acknowledge_shipped,
    2361050: _change_at_once,
    2361076: _refund_before_capture,
    2361081: _change_while_busy,
    2361084: _ship_from_nowhere,
    2361086: _tax_too_much,
    2361091: _refund_too_much_tax,
    2361126: _manage_anothers,
    2361163: _onboarded_elsewhere,
    2361357: _ship_nothing,
    2382021: _refund_unknown_line,
    2382022: _refund_too_much_shipping,
    2382023: _refund_too_much,
    2382030: _refund_nothing,
    2382045: _track_twice,
    2382052: _disabled,
    2382319: _refund_refunded_line,
    2382322: _snapshot_tracks_nothing,
    2382323: _snapshot_refunds_refunded,
    2382324: _snapshot_unknown_line,
    2382325: _snapshot_refunds_nothing,
    2382326: _snapshot_refunds_too_much_shipping,
}


@pytest.mark.parametrize("code", sorted(CODES))
async def test_each_mistake_has_its_code(case: Case, code: int) -> None:
    """The mistake is refused with exactly its code."""
    assert code == await MISTAKES[code](case)


@pytest.mark.parametrize(
    ("place", "told"),
    [("subcode", (-1, 1818214)), ("subcode_of_100", (100, 1818214)), ("code", (1818214, None))],
)
async def test_the_code_stands_where_the_switch_says(case: Case, place: str, told: tuple[int, int | None]) -> None:
    """A code stands under -1, under 100 or by itself."""
    await case.shop.switch(order_code_place=place)
    await case.do("shipments")
    _, answer = await case.shop.write(f"{case.order_id}/shipments")
    assert told == (answer["error"]["code"], answer["error"].get("error_subcode"))


@pytest.mark.parametrize("path", ["404/acknowledge_order", "404/shipments", "404/order_management_apps"])
async def test_what_is_unknown_is_803(shop: Shop, path: str) -> None:
    """An order or account that is not there is 803."""
    assert 803 == await shop.refused(path)


@pytest.mark.parametrize(
    ("edge", "body", "named"),
    [
        ("shipments", {"items": [{"retailer_id": "A", "quantity": 3}]}, "only 2"),
        ("shipments", {"items": [{"retailer_id": "A", "quantity": 0}]}, "quantity"),
        ("shipments", {"items": [{"retailer_id": "A", "item_id": "1", "quantity": 1}]}, "retailer_id or item_id"),
        ("shipments", {"items": [{"retailer_id": "A", "quantity": 1}] * 2}, "twice"),
        ("shipments", {"items": [{"retailer_id": "C", "quantity": 1}]}, "line"),
        ("shipments", {"tracking_info": {"carrier": "pigeon", "tracking_number": "1"}}, "OTHER"),
        ("shipments", {"tracking_info": [UPS]}, "tracking_info"),
        ("shipments", {"external_shipment_id": "a-b"}, "external_shipment_id"),
        ("shipments", {"fulfillment": {"warehouse": "1"}}, "warehouse"),
        ("shipments", {"merchant_order_reference": " "}, "merchant_order_reference"),
        ("cancellations", {"cancel_reason": {"reason_code": "NO"}}, "reason_code"),
        ("cancellations", {"restock_items": "perhaps"}, "restock_items"),
        ("refunds", {}, "reason_code"),
        ("refunds", {"reason_code": "FACEBOOK_INITIATED"}, "reason_code"),
        ("refunds", {**REASON, "return_id": "7"}, "return_id"),
        ("update_shipment", {"tracking_info": UPS}, "external_shipment_id"),
        ("update_shipment", {"shipment_id": "7", "tracking_info": UPS}, "no such shipment"),
        ("returns", {"items": [], "update": {"status": "APPROVED"}}, "return_id"),
        ("item_updates", {"items": []}, "merchant_order_reference"),
        ("acknowledge_order", {"merchant_order_reference": "x" * 101}, "merchant_order_reference"),
    ],
)
async def test_what_is_malformed_is_named(case: Case, edge: str, body: dict[str, Any], named: str) -> None:
    """A wrong parameter is refused with code 100 and its name, and the ledger stays as it was."""
    before = await case.shop.effects()
    status, answer = await case.shop.write(f"{case.order_id}/{edge}", **body)
    assert (400, 100, True) == (status, answer["error"]["code"], named in answer["error"]["message"]), answer
    assert before == await case.shop.effects()


@pytest.mark.parametrize("order_app_ids", [[APP_ID], []])
async def test_whose_orders_nobody_else_manages_may_be_changed(case: Case, order_app_ids: list[str]) -> None:
    """The registered app may change orders, and any app where none is registered."""
    await case.shop.change(order_app_ids=order_app_ids)
    await case.do("shipments")
    assert "COMPLETED" == (await case.shop.truth(case.order_id))["state"]
