"""Payouts, transactions and what orders should bring: read from Meta, each once, to the last minor unit."""

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from connector.connections import db as connections
from connector.connections.model import Block, CapabilityKind
from connector.connections.model.capabilities import Cause
from connector.connections.model.needs import REPORTS
from connector.db import outbox
from connector.db.outbox import Task
from stormcom.facebook.v1 import payout_service_pb2 as pb
from stormcom.facebook.v1.payout_service_pb2_grpc import FacebookPayoutsStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.order_changes.doings import act, pieces, ship, taken
from tests.integration.orders.conftest import PAGE, Mall

if TYPE_CHECKING:
    from stormcom.facebook.v1.payout_service_pb2_grpc import FacebookPayoutsAsyncStub

Balance = pb.OrderBalance


@pytest.fixture
def payouts(mall: Mall, channel: grpc.aio.Channel) -> "FacebookPayoutsAsyncStub":
    """The service, for the store of `mall`."""
    return FacebookPayoutsStub(channel)


async def pull(mall: Mall, payouts: "FacebookPayoutsAsyncStub") -> None:
    """Read payouts now, and do whatever follows."""
    await mall.look()
    await payouts.PullPayouts(pb.PullPayoutsRequest(store_id=STORE))
    await mall.turn()


async def transactions(payouts: "FacebookPayoutsAsyncStub", **which: Any) -> list[pb.Transaction]:
    """List transactions, newest first."""
    asked = pb.ListTransactionsRequest(store_id=STORE, page_size=500, **which)
    return list((await payouts.ListTransactions(asked)).transactions)


async def balances(payouts: "FacebookPayoutsAsyncStub", **which: Any) -> list[pb.OrderBalance]:
    """List how orders' money compares."""
    return list((await payouts.ListOrderBalances(pb.ListOrderBalancesRequest(store_id=STORE, **which))).balances)


async def test_what_was_shipped_is_told_and_then_paid(mall: Mall, payouts: "FacebookPayoutsAsyncStub") -> None:
    """A charge stands in the balance first and in its payout later, as one and the same transaction."""
    order = await taken(mall)
    ship(mall, order)
    await pull(mall, payouts)
    (one,) = await transactions(payouts)
    assert (order.order_id, "local-1", "SALE", "") == (
        one.order_id,
        one.local_order_id,
        one.type,
        one.payout_reference_id,
    )
    assert (5_700, 300) == (one.net_amount.minor_units, one.processing_fee.minor_units)
    (waiting,) = (await payouts.ListPayouts(pb.ListPayoutsRequest(store_id=STORE))).payouts
    assert (pb.Payout.STATE_PENDING, 5_700, False) == (
        waiting.state,
        waiting.amount.minor_units,
        waiting.HasField("payout_time"),
    )
    assert [Balance.STATE_PENDING] == [one.state for one in await balances(payouts)]
    mall.clock.advance(days=4)
    await pull(mall, payouts)
    (paid,) = (await payouts.ListPayouts(pb.ListPayoutsRequest(store_id=STORE))).payouts
    (one,) = await transactions(payouts, payout_reference_id=paid.payout_reference_id)
    assert (pb.Payout.STATE_COMPLETED, 5_700, paid.transfer_id) == (
        paid.state,
        paid.amount.minor_units,
        one.transfer_id,
    )
    (balance,) = await balances(payouts)
    assert (Balance.STATE_SETTLED, 6_000, 6_000, 300, 0) == (
        balance.state, balance.expected.minor_units, balance.received.minor_units, balance.fees.minor_units, balance.difference.minor_units,
    )  # fmt: skip


@pytest.mark.parametrize("currency", ["USD", "GBP"])
async def test_money_comes_out_to_the_last_minor_unit(
    mall: Mall, payouts: "FacebookPayoutsAsyncStub", currency: str
) -> None:
    """Parcels, cancelled pieces, discounts of the merchant's and of Meta's, shipping and refunds: all that was charged is received."""
    price, tax, off = "9.99", "1.00", "1.00"
    order = await taken(
        mall,
        currency=currency,
        tax_remitted=currency == "USD",
        lines=[{"retailer_id": "sc_p1", "quantity": 7, "price": price, "tax": tax}, {"retailer_id": "sc_p3", "quantity": 3, "price": price, "tax": tax}],
        shipping={"price": price, "tax": tax},
        promotions=[{"level": "order", "amount": off}, {"level": "order", "amount": off, "sponsor": "facebook"}],
    )  # fmt: skip
    ship(mall, order, 3, 1)
    mall.clock.advance(seconds=5)
    await act(mall, order, "cancel", items=pieces(order, 2))
    ship(mall, order)
    part = [{"item_id": order.lines[0].line_id, "item_refund_amount": {"amount": price, "currency": currency}}]
    await act(mall, order, "refund", by="meta", items=part)
    shipping = {"shipping_refund": {"amount": price, "currency": currency}}
    await act(mall, order, "refund", by="meta", shipping=shipping)
    mall.clock.advance(days=4)
    await pull(mall, payouts)
    (balance,) = await balances(payouts)
    told = await transactions(payouts, order_id=order.order_id)
    brought = sum(one.net_amount.minor_units + one.processing_fee.minor_units for one in told)
    there = mall.meta(order.external_order_id)
    left = sum(one.total - there.tax_remitted * one.tax for one in there.payments) - sum(
        one.total - there.tax_remitted * one.tax for one in there.refunds
    )
    assert (Balance.STATE_SETTLED, left, brought) == (
        balance.state,
        balance.expected.minor_units,
        balance.received.minor_units,
    )
    assert (["REFUND", "REFUND", "SALE", "SALE"], left) == (sorted(one.type for one in told), brought)


async def test_reading_twice_and_page_by_page_keeps_each_once(mall: Mall, payouts: "FacebookPayoutsAsyncStub") -> None:
    """Short pages, two transactions alike in everything, and readings that overlap: each is kept once, no more, no fewer."""
    order = await taken(mall, lines=[{"retailer_id": "sc_p1", "quantity": 3, "price": "20.00"}])
    for _ in range(3):
        ship(mall, order, 1)
    mall.world.switches.change(short_page_share=0.5)
    for _ in range(3):
        await pull(mall, payouts)
        mall.clock.advance(days=2)
    told = await transactions(payouts)
    assert (3, 3 * 1_900) == (len(told), sum(one.net_amount.minor_units for one in told))
    assert [3 * 1_900] == [
        one.amount.minor_units for one in (await payouts.ListPayouts(pb.ListPayoutsRequest(store_id=STORE))).payouts
    ]
    pages: list[pb.Transaction] = []
    request = pb.ListTransactionsRequest(store_id=STORE, page_size=2)
    while True:
        page = await payouts.ListTransactions(request)
        pages += page.transactions
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert told == pages


async def test_what_differs_raises_one_alert_until_it_fits(mall: Mall, payouts: "FacebookPayoutsAsyncStub") -> None:
    """A transfer that failed is overdue after 30 days, with the order named; the alert ends when the money came."""
    order = await taken(mall)
    ship(mall, order)
    await mall.look()
    mall.world.switches.change(failed_payouts=True)
    mall.clock.advance(days=4)
    await pull(mall, payouts)
    assert [Balance.STATE_PENDING] == [one.state for one in await balances(payouts)]
    mall.clock.advance(days=30)
    await pull(mall, payouts)
    await pull(mall, payouts)
    assert [order.order_id] == [one.order_id for one in await balances(payouts, state=Balance.STATE_OVERDUE)]
    assert [("ORDER_MONEY_DIFFERS", False)] == [one for one in await mall.alerts() if "MONEY" in one[0]]
    mall.world.switches.change(failed_payouts=False)
    await pull(mall, payouts)
    assert [] == await balances(payouts, state=Balance.STATE_OVERDUE)
    assert [("ORDER_MONEY_DIFFERS", False), ("ORDER_MONEY_DIFFERS", True)] == [
        one for one in await mall.alerts() if "MONEY" in one[0]
    ]


async def test_the_account_is_asked_what_the_page_does_not_know(
    mall: Mall, payouts: "FacebookPayoutsAsyncStub"
) -> None:
    """When the Page's list is gone the account's is read; when both are, the reading ends quietly and the capability is looked at."""
    ship(mall, await taken(mall))
    gone = {"kind": "error", "code": 12, "message": "This endpoint has been deprecated."}
    fault = {"match": {"path": f"{PAGE}/commerce_payouts"}, "times": 1, "action": gone}
    await mall.control("POST", "/faults", fault)
    await pull(mall, payouts)
    assert (1, 1) == (
        len((await payouts.ListPayouts(pb.ListPayoutsRequest(store_id=STORE))).payouts),
        len(await transactions(payouts)),
    )


async def test_without_the_permission_or_the_road_it_is_quiet(mall: Mall, payouts: "FacebookPayoutsAsyncStub") -> None:
    """Where Meta retired orders, or the merchant gave no permission for reports, nobody asks Meta, and a pull says why."""
    async with mall.runtime.db.begin() as tx:
        connection = await connections.require(tx, STORE, "", lock=True)
        scopes = [one for one in connection.granted_scopes if one != REPORTS]
        await connections.change(tx, connection.id, granted_scopes=scopes, at=mall.clock())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payouts.PullPayouts(pb.PullPayoutsRequest(store_id=STORE))
    assert ("SCOPES_MISSING",) == reason_of(refused.value)
    async with mall.runtime.db.begin() as tx:
        connection = await connections.require(tx, STORE, "", lock=True)
        dead = {CapabilityKind.ORDER_MANAGEMENT: Block("CAPABILITY_RETIRED_BY_META", mall.clock(), Cause.STANDING)}
        await connections.stand(tx, connection.id, dead, at=mall.clock())
        key = f"every:{Task.PULL_PAYOUTS}:{connection.id}"
        await outbox.add(tx, Task.PULL_PAYOUTS, due=mall.clock(), connection_id=connection.id, key=key)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payouts.PullPayouts(pb.PullPayoutsRequest(store_id=STORE))
    assert ("CAPABILITY_RETIRED_BY_META",) == reason_of(refused.value)
    await mall.turn()
    assert [] == [
        one.edge for one in mall.world.records.calls if one.edge in {"commerce_payouts", "commerce_transactions"}
    ]


async def test_transactions_are_exported(mall: Mall, payouts: "FacebookPayoutsAsyncStub") -> None:
    """The CSV has a head, a line for each transaction of the window, and Meta's words as texts."""
    ship(mall, await taken(mall, address={"state": "=1+1"}))
    await pull(mall, payouts)
    window = pb.ExportTransactionsRequest(store_id=STORE)
    told = b"".join([piece.chunk async for piece in payouts.ExportTransactions(window)])
    head, line = csv.reader(io.StringIO(told.decode(), newline=""))
    cells = dict(zip(head, line, strict=True))
    assert ("57.00", "3.00", "USD", "'=1+1", "local-1") == tuple(
        cells[name] for name in ("net_amount", "processing_fee", "currency", "region", "local_order_id")
    )
    window.until_time.FromDatetime(mall.clock().replace(tzinfo=None) - timedelta(days=1))
    assert told.splitlines(keepends=True)[:1] == [piece.chunk async for piece in payouts.ExportTransactions(window)]
