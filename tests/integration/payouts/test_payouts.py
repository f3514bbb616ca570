"""Payouts, transactions and what orders should bring: read from Meta, each once, to the last minor unit."""

from typing import Any

import grpc
import pytest

from stormcom.facebook.v1 import payout_service_pb2 as pb
from stormcom.facebook.v1.payout_service_pb2_grpc import FacebookPayoutsStub
from tests.integration.conftest import STORE
from tests.integration.order_changes.doings import ship, taken
from tests.integration.orders.conftest import Mall

Balance = pb.OrderBalance


@pytest.fixture
def payouts(mall: Mall, channel: grpc.aio.Channel) -> FacebookPayoutsStub:
    """The service, for the store of `mall`."""
    return FacebookPayoutsStub(channel)


async def pull(mall: Mall, payouts: FacebookPayoutsStub) -> None:
    """Read payouts now, and do whatever follows."""
    await mall.look()
    await payouts.PullPayouts(pb.PullPayoutsRequest(store_id=STORE))
    await mall.turn()


async def transactions(payouts: FacebookPayoutsStub, **which: Any) -> list[pb.Transaction]:
    """List transactions, newest first."""
    asked = pb.ListTransactionsRequest(store_id=STORE, page_size=500, **which)
    return list((await payouts.ListTransactions(asked)).transactions)


async def balances(payouts: FacebookPayoutsStub, **which: Any) -> list[pb.OrderBalance]:
    """List how orders' money compares."""
    return list((await payouts.ListOrderBalances(pb.ListOrderBalancesRequest(store_id=STORE, **which))).balances)


async def test_what_was_shipped_is_told_and_then_paid(mall: Mall, payouts: FacebookPayoutsStub) -> None:
    """A charge stands in the balance first and in its payout later, as one and the same transaction."""
    order = await taken(mall)
    ship(mall, order)
    await pull(mall, payouts)
    (one,) = await transactions(payouts)
    assert (order.order_id, "local-1", "CHARGE", "") == (
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
