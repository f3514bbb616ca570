"""Money of orders as Graph tells it: promotions of every kind, payments for each parcel, refunds, transactions and payouts."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.order_world import Shop, open_shop

DAY = 86_400


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


def amount(money: dict[str, str]) -> Decimal:
    """Return what Graph wrote."""
    return Decimal(money["amount"])


async def _taken(shop: Shop, **document: Any) -> str:
    order_id = await shop.place(**document)
    await shop.done(f"{order_id}/acknowledge_order")
    return order_id


async def _sums(shop: Shop, order_id: str) -> dict[str, str]:
    details = (await shop.read(order_id, fields="estimated_payment_details"))["estimated_payment_details"]
    flat = {**details.pop("subtotal"), **details}
    return {name: money["amount"] for name, money in flat.items() if name != "tax_remitted"}


ITEM = {"level": "item", "amount": "1.00"}
ORDER = {"level": "order", "amount": "1.00", "coupon": "SAVE"}
SHIPPING = {"level": "shipping", "amount": "2.00"}
META = {"sponsor": "facebook"}


@pytest.mark.parametrize(
    ("promotion", "price", "items", "shipping", "total", "by_meta"),
    [
        (None, "10.00", "30.00", "5.00", "36.00", "0.00"),
        (ITEM, "9.00", "27.00", "5.00", "33.00", "0.00"),
        (ITEM | META, "10.00", "30.00", "5.00", "36.00", "3.00"),
        (ORDER, "10.00", "29.00", "5.00", "35.00", "0.00"),
        (ORDER | META, "10.00", "30.00", "5.00", "36.00", "1.00"),
        (SHIPPING, "10.00", "30.00", "3.00", "34.00", "0.00"),
        (SHIPPING | META, "10.00", "30.00", "5.00", "36.00", "2.00"),
    ],
)
async def test_a_promotion_shows_where_it_belongs(
    shop: Shop, *, promotion: dict[str, str] | None, price: str, items: str, shipping: str, total: str, by_meta: str
) -> None:
    """The seller's item-level discount is in the price, order-level ones in the sums, and Meta's in what Meta pays."""
    line = {"retailer_id": "A", "quantity": 3, "price": "10.00", "tax": "1.00"}
    promotions = [promotion] if promotion else []
    order_id = await shop.place(lines=[line], shipping={"price": "5.00"}, promotions=promotions)
    sums = await _sums(shop, order_id)
    told = (await shop.read(f"{order_id}/items"))["data"][0]["price_per_unit"]["amount"]
    assert (price, items, shipping, total, by_meta) == (
        told, sums["items"], sums["shipping"], sums["total_amount"], sums["facebook_paid_amount"],
    )  # fmt: skip
    assert Decimal(total) - Decimal(by_meta) == Decimal(sums["buyer_paid_amount"])


async def test_the_subtotal_may_be_told_before_discounts(shop: Shop) -> None:
    """By switch the subtotals are gross; the total is the same."""
    order_id = await shop.place(lines=[{"price": "10.00"}], promotions=[ORDER])
    net = await _sums(shop, order_id)
    await shop.switch(order_discounts_in_subtotal=False)
    gross = await _sums(shop, order_id)
    assert ("9.00", "10.00", net["total_amount"]) == (net["items"], gross["items"], gross["total_amount"])


async def test_an_order_level_discount_is_split_over_parcels(shop: Shop) -> None:
    """A cent that cannot be divided goes to one of three parcels, and all parts are the discount."""
    line = {"retailer_id": "A", "quantity": 3, "price": "10.00"}
    order_id = await _taken(shop, lines=[line], promotions=[ORDER])
    one = [{"retailer_id": "A", "quantity": 1}]
    await shop.done(f"{order_id}/shipments", items=one)
    await shop.done(f"{order_id}/cancellations", items=one)
    await shop.done(f"{order_id}/shipments")
    payments = (await shop.read(f"{order_id}/payments", fields="subtotal,items,total_amount"))["data"]
    cancelled = (await shop.read(f"{order_id}/cancellations"))["data"]
    lines = [row["items"]["data"][0] for row in (payments[0], cancelled[0], payments[1])]
    parts = [amount(line["promotion_allocations"][0]["allocation_amount"]) for line in lines]
    assert [Decimal("0.33"), Decimal("0.34"), Decimal("0.33")] == parts
    assert ["9.67", "9.67"] == [payment["subtotal"]["items"]["amount"] for payment in payments]
    details = (await shop.read(f"{order_id}/items", fields="promotion_details"))["data"][0]["promotion_details"]["data"]
    assert [("1.00", "order_level", "merchant", "SAVE", False)] == [
        (
            one["applied_amount"]["amount"], one["target_granularity"], one["sponsor"], one["coupon_code"],
            one["applied_after_tax"],
        )
        for one in details
    ]  # fmt: skip


async def test_order_level_offers_are_refunded_by_amount(shop: Shop) -> None:
    """Units are refused where an order-level offer applies; amounts are taken."""
    order_id = await _taken(shop, lines=[{"retailer_id": "A", "price": "10.00"}], promotions=[ORDER])
    await shop.done(f"{order_id}/shipments")
    line = {"retailer_id": "A"}
    by_units = [{**line, "item_refund_quantity": 1}]
    by_amount = [{**line, "item_refund_amount": {"amount": "9.00", "currency": "USD"}}]
    assert 100 == await shop.refused(f"{order_id}/refunds", reason_code="WRONG_ITEM", items=by_units)
    await shop.done(f"{order_id}/refunds", reason_code="WRONG_ITEM", items=by_amount)
    left = (await shop.read(f"{order_id}/items", fields="amount_available_for_refund"))["data"][0]
    assert "0.00" == left["amount_available_for_refund"]["amount"]


async def test_buy_x_get_y_makes_two_lines_that_only_item_id_tells_apart(shop: Shop) -> None:
    """The units that are got are a line of their own, and the seller's id of both is refused."""
    promotion = {"level": "buy_x_get_y", "amount": "10.00", "quantity": 1}
    lines = [{"retailer_id": "A", "quantity": 3, "price": "10.00"}]
    order_id = await _taken(shop, lines=lines, promotions=[promotion])
    items = (await shop.read(f"{order_id}/items"))["data"]
    assert [(2, "10.00"), (1, "0.00")] == [(one["quantity"], one["price_per_unit"]["amount"]) for one in items]
    assert 100 == await shop.refused(f"{order_id}/shipments", items=[{"retailer_id": "A", "quantity": 1}])
    await shop.done(f"{order_id}/shipments", items=[{"item_id": items[1]["id"], "quantity": 1}])
    assert "IN_PROGRESS" == (await shop.truth(order_id))["state"]


async def test_a_parcel_is_paid_and_read_back(shop: Shop) -> None:
    """Each parcel has a payment; the first one pays for the shipping, and carriers come back in small letters."""
    line = {"retailer_id": "A", "quantity": 2, "price": "10.00", "tax": "0.99"}
    order_id = await _taken(shop, lines=[line], shipping={"price": "5.00", "tax": "0.40"})
    tracking = {"carrier": "UPS", "tracking_number": "1Z"}
    one = [{"retailer_id": "A", "quantity": 1}]
    await shop.done(f"{order_id}/shipments", items=one, tracking_info=tracking, external_shipment_id="box_1")
    await shop.done(f"{order_id}/shipments")
    payments = (await shop.read(f"{order_id}/payments"))["data"]
    assert [("5.00", "0.90", "15.90"), ("0.00", "0.49", "10.49")] == [
        (row["subtotal"]["shipping"]["amount"], row["tax"]["amount"], row["total_amount"]["amount"]) for row in payments
    ]
    shipments = (await shop.read(f"{order_id}/shipments"))["data"]
    assert ({"carrier": "ups", "tracking_number": "1Z"}, "box_1", "0.50") == (
        shipments[0]["tracking_info"],
        shipments[0]["external_shipment_id"],
        shipments[0]["items"]["data"][0]["tax"]["final_tax"]["amount"],
    )
    assert "tracking_info" not in shipments[1]
    await shop.done(
        f"{order_id}/update_shipment", external_shipment_id="box_1", tracking_info={**tracking, "tracking_number": "2Z"}
    )
    again = (await shop.read(f"{order_id}/shipments"))["data"]
    assert "2Z" == again[0]["tracking_info"]["tracking_number"]


async def test_each_lines_shipping_is_charged_with_its_first_parcel(shop: Shop) -> None:
    """Options of lines are preferred; the order's own sums them up."""
    lines = [
        {"retailer_id": name, "price": "10.00", "shipping": {"price": price}}
        for name, price in (("A", "3.00"), ("B", "4.00"))
    ]
    order_id = await _taken(shop, lines=lines)
    whole = (await shop.read(order_id, fields="selected_shipping_option"))["selected_shipping_option"]
    await shop.done(f"{order_id}/shipments", items=[{"retailer_id": "B", "quantity": 1}])
    payment = (await shop.read(f"{order_id}/payments"))["data"][0]
    assert ("7.00", "4.00") == (whole["price"]["amount"], payment["subtotal"]["shipping"]["amount"])


async def test_a_charge_that_fails_cannot_be_refunded(shop: Shop) -> None:
    """Without transaction_details there is nothing to give back."""
    await shop.switch(failing_captures=1)
    order_id = await _taken(shop)
    await shop.done(f"{order_id}/shipments")
    assert "transaction_details" not in (await shop.read(f"{order_id}/payments"))["data"][0]
    assert 1818107 == await shop.refused(f"{order_id}/refunds", reason_code="WRONG_ITEM")


async def test_a_refund_tells_what_went_back(shop: Shop) -> None:
    """Items, shipping and tax, the tax as a negative amount, less deductions."""
    line = {"retailer_id": "A", "quantity": 2, "price": "10.00", "tax": "2.00"}
    order_id = await _taken(shop, lines=[line], shipping={"price": "5.00", "tax": "0.50"})
    await shop.done(f"{order_id}/shipments")
    await shop.done(
        f"{order_id}/refunds",
        reason_code="BUYERS_REMORSE",
        items=[{"retailer_id": "A", "item_refund_quantity": 1}],
        shipping={"shipping_refund": {"amount": "5.00", "currency": "USD"}},
        deductions=[{"deduction_type": "RETURN_SHIPPING", "deduction_amount": {"amount": "3.00", "currency": "USD"}}],
    )
    refund = (await shop.read(f"{order_id}/refunds"))["data"][0]
    sums = {name: refund["refund_amount"][name]["amount"] for name in ("subtotal", "shipping", "tax", "total")}
    assert {"subtotal": "10.00", "shipping": "5.00", "tax": "-1.50", "total": "13.50"} == sums
    assert [("A", 1, "10.00")] == [
        (one["retailer_id"], one["quantity"], one["refund_subtotal"]["amount"]) for one in refund["items"]["data"]
    ]


@pytest.mark.parametrize("tax_remitted", [True, False])
async def test_payouts_are_the_money_of_the_orders(shop: Shop, tax_remitted: bool) -> None:  # noqa: FBT001 - a column
    """What is charged less what is refunded, less fees and remitted tax, is in the balance and then in the payouts."""
    # From noon on, so that both are of one day.
    await shop.advance(1.5 * DAY - (await shop.client.control("GET", "/state"))["time"] % DAY)
    line = {"retailer_id": "A", "price": "20.00", "tax": "2.00"}
    order_id = await _taken(shop, lines=[line], tax_remitted=tax_remitted)
    await shop.done(f"{order_id}/shipments")
    half = [{"retailer_id": "A", "item_refund_amount": {"amount": "10.00", "currency": "USD"}}]
    await shop.done(f"{order_id}/refunds", reason_code="WRONG_ITEM", items=half)
    gross = Decimal("10.00") if tax_remitted else Decimal("11.00")
    net = gross - gross / 20
    waiting = (await shop.read(f"{shop.account_id}/commerce_payouts"))["data"]
    assert [("", net)] == [(one["payout_date"], amount(one["amount"])) for one in waiting]
    await shop.advance(3 * DAY)
    paid = (await shop.read(f"{shop.page_id}/commerce_payouts"))["data"]
    assert [("COMPLETED", net)] == [(one["status"], amount(one["amount"])) for one in paid]
    reference = paid[0]["payout_reference_id"]
    rows = (await shop.read(f"{shop.page_id}/commerce_transactions", payout_reference_id=reference))["data"]
    assert (["SALE", "REFUND"], net) == (
        [row["transaction_type"] for row in rows],
        sum(amount(row["net_payment_amount"]) for row in rows),
    )
    assert [order_id] * 2 == [row["order_id"] for row in rows]
    assert "id" not in rows[0]


async def test_payouts_are_found_by_their_time(shop: Shop) -> None:
    """A span of time without payouts has none but the balance."""
    order_id = await _taken(shop)
    await shop.done(f"{order_id}/shipments")
    await shop.advance(3 * DAY)
    now = int((await shop.client.control("GET", "/state"))["time"])
    assert [] == (await shop.read(f"{shop.page_id}/commerce_payouts", start_time=now))["data"]
    assert 1 == len((await shop.read(f"{shop.page_id}/commerce_payouts", end_time=now))["data"])
