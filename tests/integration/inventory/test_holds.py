"""Holds: pieces kept aside, all of it or nothing, until they are sold, released, or their time has come."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from sqlalchemy import select, text

from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import ConnectorError
from connector.inventory import actions
from connector.inventory.db.holds import hold_lines, holds
from connector.inventory.model.holds import Hold as Held
from connector.inventory.model.holds import Want, Wish
from connector.registry.db.catalogue import items
from stormcom.facebook.v1 import inventory_service_pb2 as pb
from stormcom.facebook.v1.inventory_pb2 import Hold, InventoryResult
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, product, reason_of, shirt
from tests.integration.inventory.shelf import events, hold, inventory, line, perform, quantity, seen


async def reserved(shop: Shop) -> dict[str, int]:
    """Tell what is reserved of items, and make sure that it is what active holds hold."""
    held = select(hold_lines.c.retailer_id, hold_lines.c.quantity).join(holds).where(holds.c.state == "ACTIVE")
    counted: Counter[str] = Counter()
    async with shop.runtime.db.begin() as tx:
        rows = (await tx.execute(select(items.c.retailer_id, items.c.reserved).where(items.c.reserved > 0))).all()
        for name, pieces in (await tx.execute(held)).all():
            counted[name] += pieces
    told = {row.retailer_id: row.reserved for row in rows}
    assert dict(counted) == told
    return told


async def had(shop: Shop, *wants: tuple[str, int]) -> bool:
    """Try to reserve; any failure but missing stock rises."""
    try:
        await hold(shop, *wants, request_id=str(uuid4()))
    except grpc.aio.AioRpcError as refused:
        if reason_of(refused) == ("STOCK_INSUFFICIENT",):
            return False
        raise
    return True


async def release(shop: Shop, held: Hold) -> Hold:
    """Release a hold."""
    request = pb.ReleaseHoldRequest(store_id=shop.store_id, hold_id=held.hold_id)
    return (await inventory(shop).ReleaseHold(request)).hold


async def complete(shop: Shop, held: Hold, *lines: Any) -> pb.CompleteHoldResponse:
    """Complete a hold."""
    request = pb.CompleteHoldRequest(store_id=shop.store_id, hold_id=held.hold_id, lines=lines)
    return await inventory(shop).CompleteHold(request)


async def test_what_is_held_is_not_offered(stocked: Shop) -> None:
    """A hold takes its pieces off Meta's shelf, and its release puts them back."""
    held = await hold(stocked, ("p1", 4), ("p2/M", 2), purpose="order", reference="1001")
    assert (Hold.STATE_ACTIVE, [("sc_p1", 4), ("sc_p2.M", 2)], "order", "1001") == (
        held.state, [(one.retailer_id, one.quantity) for one in held.lines], held.purpose, held.reference,
    )  # fmt: skip
    await stocked.settle(minutes=1)
    assert (("in stock", 1), ("out of stock", 0)) == (quantity(stocked, "sc_p1"), quantity(stocked, "sc_p2.M"))
    assert Hold.STATE_RELEASED == (await release(stocked, held)).state
    await stocked.settle(minutes=1)
    assert (("in stock", 5), {}) == (quantity(stocked, "sc_p1"), await reserved(stocked))


async def test_all_of_it_or_nothing(shelved: Shop) -> None:
    """One line that cannot be had refuses them all, and is named with what is available."""
    await hold(shelved, ("p2/S", 1))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await hold(shelved, ("p1", 5), ("p2/S", 1))
    assert ("STOCK_INSUFFICIENT", "lines[1]", "p2", "S", "0") == reason_of(
        refused.value, "line", "product_id", "variant_id", "available"
    )
    assert {"sc_p2.S": 1} == await reserved(shelved)


@pytest.mark.parametrize("wants", [("nobody", 1), ("p2", 1), ("p2/XL", 1)])
async def test_what_is_not_sold_cannot_be_held(shelved: Shop, wants: tuple[str, int]) -> None:
    """An unknown item is answered as such."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await hold(shelved, wants)
    assert ("ITEM_NOT_FOUND", "lines[0]") == reason_of(refused.value, "line")


async def test_a_hold_expires(stocked: Shop) -> None:
    """When its time has come it is expired for everybody, and its pieces are offered again by itself."""
    held = await hold(stocked, ("p1", 4), hours=1)
    await hold(stocked, ("p2/S", 1), hours=2)
    await stocked.settle(minutes=1)
    stocked.clock.advance(hours=1)
    read = pb.GetHoldRequest(store_id=stocked.store_id, hold_id=held.hold_id)
    assert Hold.STATE_EXPIRED == (await inventory(stocked).GetHold(read)).hold.state
    await stocked.settle(minutes=1)
    assert (("in stock", 5), {"sc_p2.S": 1}) == (quantity(stocked, "sc_p1"), await reserved(stocked))
    stocked.clock.advance(hours=1)
    await stocked.turn()
    assert {} == await reserved(stocked)


async def test_what_an_expired_hold_held_can_be_reserved_at_once(shelved: Shop) -> None:
    """Before any task ran: all it held, of every item, is there for the next; also while another asks for more than there is."""
    await hold(shelved, ("p1", 5), ("p2/S", 1), hours=1)
    shelved.clock.advance(hours=1)
    assert not await had(shelved, ("p1", 6))
    assert {} == await reserved(shelved)
    assert await had(shelved, ("p1", 5))
    assert {"sc_p1": 5} == await reserved(shelved)
    assert (0, 1) == ((await seen(shelved, "sc_p1")).offered, (await seen(shelved, "sc_p2.S")).offered)


@pytest.mark.parametrize("first", ["turn", "clock", "reserve"])
async def test_an_expiry_is_told_once(shelved: Shop, first: str) -> None:
    """Whoever finds that the time is over: one event, with the hold as it was; ends that callers ask for are none."""
    held = await hold(shelved, ("p1", 4), hours=1, purpose="checkout_link", reference="7")
    await release(shelved, await hold(shelved, ("p2/S", 1), hours=1))
    shelved.clock.advance(hours=1)
    if first == "clock":
        await perform(shelved, Task.EXPIRE_HOLDS)
    elif first == "reserve":
        await hold(shelved, ("p1", 1))
    await shelved.turn()
    await perform(shelved, Task.EXPIRE_HOLDS)
    [told] = [one for one in await events(shelved) if one.HasField("hold_expired")]
    expired = told.hold_expired.hold
    assert (f"hold:{held.hold_id}", held.hold_id, Hold.STATE_EXPIRED, "checkout_link", "7") == (
        told.ordering_key, expired.hold_id, expired.state, expired.purpose, expired.reference,
    )  # fmt: skip
    assert (list(held.lines), held.expire_time, True) == (
        list(expired.lines), expired.expire_time, expired.HasField("end_time"),
    )  # fmt: skip


async def test_pieces_are_held_in_the_callers_transaction(shelved: Shop) -> None:
    """Whoever makes something of held pieces keeps both or neither: what its transaction takes back was never held, or released."""
    runtime, wish = shelved.runtime, Wish((Want("p1", "", 2),), timedelta(hours=1), "order", "1001")

    async def take_back(act: Callable[[Tx, Connection], Awaitable[object]]) -> None:
        async with runtime.db.connect() as tx:
            await act(tx, await connections.require(tx, shelved.store_id, ""))
            await tx.rollback()

    def reserve(tx: Tx, connection: Connection) -> Awaitable[list[Held | ConnectorError]]:
        return actions.reserve_in(tx, connection, [wish], at=runtime.now(), new_id=runtime.new_id)

    await take_back(reserve)
    assert {} == await reserved(shelved)
    async with runtime.db.begin() as tx:
        [kept] = await reserve(tx, await connections.require(tx, shelved.store_id, ""))
    assert not isinstance(kept, ConnectorError)
    await take_back(lambda tx, _: actions.release_in(tx, shelved.store_id, kept.id, at=runtime.now()))
    assert {"sc_p1": 2} == await reserved(shelved)


async def test_a_hold_can_last_longer(shelved: Shop) -> None:
    """An extension counts from now and never shortens; what has ended is not brought back."""
    held = await hold(shelved, ("p1", 1), hours=2)
    extend = pb.ExtendHoldRequest(store_id=shelved.store_id, hold_id=held.hold_id)
    extend.duration.FromSeconds(60)
    stub = inventory(shelved)
    assert held.expire_time == (await stub.ExtendHold(extend)).hold.expire_time
    shelved.clock.advance(hours=1.5)
    extend.duration.FromSeconds(3600)
    assert held.expire_time.seconds < (await stub.ExtendHold(extend)).hold.expire_time.seconds
    shelved.clock.advance(hours=1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ExtendHold(extend)
    assert ("HOLD_ENDED", "EXPIRED") == reason_of(refused.value, "state")


async def test_a_sale_is_counted_once(stocked: Shop) -> None:
    """Completed with the stock after the sale, hold and stock change in one step: what is offered is right at every moment."""
    held = await hold(stocked, ("p1", 2))
    await stocked.settle(minutes=1)
    before = len(stocked.batches())
    answer = await complete(stocked, held, line("p1", 2, 3))
    assert (Hold.STATE_COMPLETED, [InventoryResult.OUTCOME_ACCEPTED]) == (
        answer.hold.state, [one.outcome for one in answer.results],
    )  # fmt: skip
    await stocked.settle(minutes=1)
    assert (("in stock", 3), before, {}) == (
        quantity(stocked, "sc_p1"),
        len(stocked.batches()),
        await reserved(stocked),
    )


async def test_a_sale_told_before_is_counted_once_in_the_end(shelved: Shop) -> None:
    """Stock that comes before the completion counts the sale twice until then, and never sells a piece twice."""
    held = await hold(shelved, ("p1", 2))
    await shelved.stock(line("p1", 2, 3))
    assert 1 == (await seen(shelved, "sc_p1")).offered
    await complete(shelved, held)
    assert (3, 0) == ((await seen(shelved, "sc_p1")).offered, (await seen(shelved, "sc_p1")).reserved)


async def test_completing_again_changes_nothing(shelved: Shop) -> None:
    """A completed hold stays so, its line is stale, and it can no longer be released."""
    held = await hold(shelved, ("p1", 2))
    await complete(shelved, held, line("p1", 2, 3))
    again = await complete(shelved, held, line("p1", 2, 3))
    assert [InventoryResult.OUTCOME_STALE] == [one.outcome for one in again.results]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await release(shelved, held)
    assert ("HOLD_ENDED", "COMPLETED") == reason_of(refused.value, "state")


async def test_a_wrong_line_completes_nothing(shelved: Shop) -> None:
    """When the stock after the sale is refused, the hold stays as it is."""
    held = await hold(shelved, ("p1", 2))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await complete(shelved, held, line("p1", 2, 3, price=Money(currency_code="USD", minor_units=1)))
    assert ("CURRENCY_MISMATCH",) == reason_of(refused.value)
    assert {"sc_p1": 2} == await reserved(shelved)


@pytest.mark.parametrize("ending", ["release", "expire"])
async def test_what_has_ended_cannot_be_completed(shelved: Shop, ending: str) -> None:
    """The caller is told to send the stock itself; a second release stays silent."""
    held = await hold(shelved, ("p1", 2))
    if ending == "release":
        await release(shelved, held)
    else:
        shelved.clock.advance(hours=1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await complete(shelved, held, line("p1", 2, 3))
    assert ("HOLD_ENDED",) == reason_of(refused.value)
    assert (5, 0) == ((await seen(shelved, "sc_p1")).quantity, (await release(shelved, held)).end_time.nanos // 10**9)


async def test_less_stock_than_held_breaks_nothing(shelved: Shop) -> None:
    """When StormCom counts less than is held, nothing is offered, the hold stays, and its end is no loss."""
    held = await hold(shelved, ("p1", 4))
    await shelved.stock(line("p1", 2, 1))
    told = await seen(shelved, "sc_p1")
    assert (1, 4, 0) == (told.quantity, told.reserved, told.offered)
    await release(shelved, held)
    assert 1 == (await seen(shelved, "sc_p1")).offered


async def test_a_deleted_product_lets_its_holds_end(stocked: Shop) -> None:
    """A hold outlives its product; releasing it brings nothing back and breaks nothing."""
    held = await hold(stocked, ("p1", 4), ("p2/S", 1))
    await stocked.delete("p1")
    await stocked.settle(minutes=1)
    await complete(stocked, held, line("p2", 2, 0, "S"))
    assert ({}, False) == (await reserved(stocked), "sc_p1" in stocked.shelf)


async def test_a_repeated_call_makes_one_hold(shelved: Shop) -> None:
    """The same `request_id` is the same hold, also when the first answer was lost before it was kept."""
    request_id = str(uuid4())
    first = await hold(shelved, ("p1", 2), request_id=request_id)
    async with shelved.runtime.db.begin() as tx:
        await tx.execute(text("DELETE FROM requests"))  # as if the server had died before it kept the answer
    again = await hold(shelved, ("p1", 2), request_id=request_id)
    assert (first.hold_id, {"sc_p1": 2}) == (again.hold_id, await reserved(shelved))


async def test_holds_are_listed(shelved: Shop) -> None:
    """Newest first, page by page, by reference, and only the active ones when asked."""
    made = [await hold(shelved, ("p1", 1), reference=f"r{number % 2}") for number in range(4)]
    await release(shelved, made[0])
    stub = inventory(shelved)
    named: dict[str, Any] = {"store_id": shelved.store_id}
    page = await stub.ListHolds(pb.ListHoldsRequest(**named, page_size=3))
    rest = await stub.ListHolds(pb.ListHoldsRequest(**named, page_size=3, page_token=page.next_page_token))
    assert [one.hold_id for one in reversed(made)] == [one.hold_id for one in (*page.holds, *rest.holds)]
    active = await stub.ListHolds(pb.ListHoldsRequest(**named, active_only=True, reference="r0"))
    assert [made[2].hold_id] == [one.hold_id for one in active.holds]


@pytest.mark.parametrize("hold_id", ["nonsense", "783c87f7-8f66-4bb6-8dfa-168f3e1eb955", "foreign"])
async def test_a_foreign_hold_is_a_missing_one(shelved: Shop, hold_id: str) -> None:
    """Whatever the id, it is answered in the same words."""
    if hold_id == "foreign":
        hold_id = (await hold(shelved, ("p1", 1))).hold_id
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory(shelved).GetHold(pb.GetHoldRequest(store_id="store_2", hold_id=hold_id))
    assert ("HOLD_NOT_FOUND", "No such hold in this store") == (*reason_of(refused.value), refused.value.details())


async def test_ended_holds_are_forgotten_after_a_month(shelved: Shop) -> None:
    """They can be looked at for thirty days."""
    held = await hold(shelved, ("p1", 1))
    await release(shelved, held)
    shelved.clock.advance(days=31)
    await perform(shelved, Task.EXPIRE_HOLDS)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory(shelved).GetHold(pb.GetHoldRequest(store_id=shelved.store_id, hold_id=held.hold_id))
    assert ("HOLD_NOT_FOUND",) == reason_of(refused.value)


async def test_64_callers_never_reserve_more_than_there_is(shelved: Shop) -> None:
    """However many ask at once for whatever mixture, what they got is what was there, and not one piece more."""
    pieces = {"p3/A": 7, "p3/B": 3, "p4": 10}
    await shelved.upsert(shirt("p3", "A", "B"), product("p4"))
    await shelved.stock(line("p3", 2, 7, "A"), line("p3", 2, 3, "B"), line("p4", 2, 10))
    wishes = [(("p3/A", 1), ("p4", 1)), (("p4", 2),), (("p3/B", 1), ("p3/A", 1)), (("p3/B", 2),)]

    async def caller(number: int) -> Counter[str]:
        got: Counter[str] = Counter()
        for turn in range(4):
            wants = wishes[(number + turn) % len(wishes)]
            if await had(shelved, *wants):
                got.update(dict(wants))
        return got

    got = sum(await asyncio.gather(*map(caller, range(64))), Counter())
    assert dict(got) == {
        name.removeprefix("sc_").replace(".", "/"): count for name, count in (await reserved(shelved)).items()
    }
    assert [] == [name for name, count in got.items() if count > pieces[name]]
    assert 10 == got["p4"]


async def test_callers_that_leave_reserve_all_or_nothing(shelved: Shop) -> None:
    """A caller killed in the middle of its call leaves a whole hold or none; what is reserved is what is held."""
    await shelved.stock(line("p1", 2, 100))
    calls = [asyncio.create_task(hold(shelved, ("p1", 1), ("p2/S", 1))) for _ in range(20)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await hold(shelved, ("p1", 1))  # behind them all
    assert (await reserved(shelved)).get("sc_p2.S", 0) <= 1


@pytest.mark.parametrize("pieces", [-1, 6])
async def test_the_database_itself_refuses_an_oversell(shelved: Shop, database_url: str, pieces: int) -> None:
    """Whatever code writes it: nothing below zero, and never more than is there at the moment of reserving."""
    assert 5 == (await seen(shelved, "sc_p1")).quantity
    with psycopg.connect(database_url) as direct, pytest.raises(psycopg.errors.CheckViolation):
        direct.execute("UPDATE items SET reserved = %s WHERE retailer_id = 'sc_p1'", [pieces])
