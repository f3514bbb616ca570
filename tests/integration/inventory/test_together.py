"""Many calls at once: they share transactions, and are answered as if they had come one after the other."""

import asyncio

import grpc

from stormcom.facebook.v1.inventory_pb2 import InventoryResult
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, product, reason_of
from tests.integration.inventory.shelf import line

ACCEPTED, STALE = InventoryResult.OUTCOME_ACCEPTED, InventoryResult.OUTCOME_STALE


async def test_the_newest_of_many_at_once_wins(shop: Shop) -> None:
    """However calls for one item meet, the newest is stored, and every newer one than those before it was accepted."""
    await shop.upsert(product("p1"))
    versions = [9, 3, 20, 4, 15]
    answers = await asyncio.gather(*(shop.stock(line("p1", version, version)) for version in versions))
    outcomes = dict(zip(versions, (one.outcome for [one] in answers), strict=True))
    assert ACCEPTED == outcomes[20]
    assert [STALE] == [one.outcome for one in await shop.stock(line("p1", 20, 1))]
    await shop.sync()
    await shop.settle(minutes=1)
    assert 20 == shop.shelf["sc_p1"]["quantity_to_sell_on_facebook"]


async def test_a_refused_call_takes_no_other_with_it(shelved: Shop) -> None:
    """A call with a price in another currency is refused whole; those stored together with it are not."""
    await shelved.upsert(product("p3"))
    foreign = Money(currency_code="KWD", minor_units=1)
    calls = [
        shelved.stock(line("p1", 2, 5)),
        shelved.stock(line("p1", 3, 6, price=foreign), line("p3", 3, 6)),
        shelved.stock(line("p3", 2, 7)),
    ]
    first, refused, last = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(refused, grpc.aio.AioRpcError)
    assert ("CURRENCY_MISMATCH",) == reason_of(refused)
    assert [ACCEPTED, ACCEPTED] == [one.outcome for answer in (first, last) for one in answer]  # type: ignore[union-attr] # not refused


async def test_large_calls_meet(shelved: Shop) -> None:
    """Calls with many lines that meet are all stored."""
    count = 300
    await shelved.upsert(*(product(f"q{number}") for number in range(count)))
    calls = (shelved.stock(*(line(f"q{number}", version, version) for number in range(count))) for version in (2, 3, 4))
    answers = await asyncio.gather(*calls)
    assert count == sum(one.outcome == ACCEPTED for one in answers[-1])
