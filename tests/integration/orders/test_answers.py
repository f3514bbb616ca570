"""StormCom's answer, and what Meta is told of it."""

from typing import Any

import grpc
import pytest

from connector.registry.db.orders import mapping_of
from simulator.standing import CommerceMerchantSettings
from stormcom.facebook.v1 import inventory_service_pb2 as inventory
from stormcom.facebook.v1 import order_service_pb2 as pb
from stormcom.facebook.v1.inventory_service_pb2_grpc import FacebookInventoryStub
from tests.integration.catalog.shop import reason_of
from tests.integration.conftest import STORE
from tests.integration.orders.conftest import Mall, Order

ACKNOWLEDGE = "acknowledge_orders"


async def test_an_answer_is_kept_and_meta_is_told_once(mall: Mall) -> None:
    """Mapping, stock, event and Meta agree: the order is acknowledged under StormCom's id, by one effect, and its pieces are free."""
    order = await mall.bought()
    assert (1, 2) == (len(order.hold_ids), await held(mall))
    await mall.answer(order, "local-1")
    assert 0 == await held(mall)
    await mall.turn()
    after = await mall.get(order.external_order_id)
    assert (Order.IMPORT_STATE_ACKNOWLEDGED, "local-1") == (after.import_state, after.local_order_id)
    (effect,) = mall.effects("acknowledge")
    assert "local-1" == effect.details["merchant_order_reference"]
    assert ["order_received", "order_acknowledged", "order_state_changed"] == await mall.told()
    async with mall.runtime.db.begin() as tx:
        mapping = await mapping_of(tx, STORE, "FACEBOOK", order.external_order_id)
    assert mapping is not None
    assert "local-1" == mapping.local_order_id


async def held(mall: Mall) -> int:
    """Count the pieces that holds keep aside."""
    asked = inventory.ListHoldsRequest(store_id=STORE, active_only=True)
    found = await FacebookInventoryStub(mall.shop.channel).ListHolds(asked)
    return sum(line.quantity for hold in found.holds for line in hold.lines)


async def test_the_first_answer_counts(mall: Mall) -> None:
    """Repeating an answer changes nothing, another one is refused, and one id of StormCom's stands for one order."""
    first, second = await mall.bought(), await mall.bought()
    await mall.answer(first, "local-1")
    assert "local-1" == (await mall.answer(first, "local-1", outcome="OUTCOME_DUPLICATE")).local_order_id
    for order, said, reason in (
        (first, {"local_order_id": "local-2"}, "ORDER_ALREADY_ANSWERED"),
        (first, {"outcome": "OUTCOME_REJECTED", "reject_reason": "no"}, "ORDER_ALREADY_ANSWERED"),
        (second, {"local_order_id": "local-1"}, "LOCAL_ORDER_TAKEN"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await mall.answer(order, **said)
        assert (reason,) == reason_of(refused.value)


async def test_a_refused_order_stands_still_until_it_is_retried(mall: Mall) -> None:
    """A refusal frees the pieces, says why, and can be taken back: the order is told anew with a greater version."""
    order = await mall.bought()
    await mall.answer(order, outcome="OUTCOME_REJECTED", reject_reason="No such warehouse")
    await mall.turn()
    after = await mall.get(order.external_order_id)
    assert (Order.IMPORT_STATE_REJECTED, "ORDER_REJECTED", "No such warehouse") == (
        after.import_state, after.problem.reason, after.problem.message,
    )  # fmt: skip
    assert (0, []) == (await held(mall), list(mall.effects("acknowledge")))
    await mall.orders.RetryOrder(pb.RetryOrderRequest(store_id=STORE, order_id=order.order_id))
    await mall.turn()
    assert [1, 2] == [one["order"]["version"] for one in await mall.told("order_received")]
    assert "local-1" == (await mall.answer(order, "local-1")).local_order_id


async def test_a_lost_answer_of_meta_has_one_effect(mall: Mall) -> None:
    """When Meta did it and its answer was lost, the same orders go again under the same key, and it stays one effect."""
    order = await mall.bought()
    mall.shop.break_calls(ACKNOWLEDGE, "drop_answer")
    await mall.answer(order, "local-1")
    await mall.turn()
    assert Order.IMPORT_STATE_IMPORTED == (await mall.get(order.external_order_id)).import_state
    late = await mall.bought()
    await mall.answer(late, "local-2")  # a new wish does not change what goes under the old key
    mall.clock.advance(minutes=11)
    await mall.turn()
    assert [Order.IMPORT_STATE_ACKNOWLEDGED] * 2 == [one.import_state for one in await mall.find()]
    assert 2 == len(mall.effects("acknowledge"))


async def test_a_refusal_of_one_holds_no_other_back(mall: Mall) -> None:
    """Each order of a batch has its verdict: what Meta does not know goes into quarantine with Meta's words, the rest is done."""
    orders = [await mall.bought() for _ in range(3)]
    for place, order in enumerate(orders):
        await mall.answer(order, f"local-{place}")
    account = mall.world.require(
        CommerceMerchantSettings, mall.meta(orders[1].external_order_id).account_id, name="account"
    )
    gone = account.orders.orders.pop(orders[1].external_order_id)
    await mall.turn()
    account.orders.orders[gone.id] = gone
    states = [(await mall.get(order.external_order_id)).import_state for order in orders]
    done, bad = Order.IMPORT_STATE_ACKNOWLEDGED, Order.IMPORT_STATE_QUARANTINED
    assert [done, bad, done] == states
    await mall.orders.RetryOrder(pb.RetryOrderRequest(store_id=STORE, order_id=orders[1].order_id))
    await mall.turn()
    assert done == (await mall.get(gone.id)).import_state


async def test_what_is_beyond_acknowledgement_is_done(mall: Mall) -> None:
    """An order that was shipped or cancelled at Meta meanwhile waits for nobody, wherever Meta writes its code: StormCom has it."""
    for place in ("code", "subcode", "subcode_of_100"):
        mall.world.switches.change(order_code_place=place)
        order = await mall.bought()
        await mall.control("POST", f"/orders/{order.external_order_id}/cancel", {"by": "buyer"})
        await mall.answer(order, place)
        await mall.turn()
        after = await mall.get(order.external_order_id)
        assert (Order.IMPORT_STATE_ACKNOWLEDGED, Order.STATE_CANCELLED) == (after.import_state, after.state)


async def test_a_busy_order_is_acknowledged_a_little_later(mall: Mall) -> None:
    """What Meta refuses for the moment is repeated under a new key, soon."""
    order = await mall.bought()
    mall.meta(order.external_order_id).busy_until = mall.world.clock.now() + 30
    await mall.answer(order, "local-1")
    await mall.turn()
    assert Order.IMPORT_STATE_IMPORTED == (await mall.get(order.external_order_id)).import_state
    mall.clock.advance(seconds=61)
    await mall.turn()
    assert Order.IMPORT_STATE_ACKNOWLEDGED == (await mall.get(order.external_order_id)).import_state


async def test_an_answer_that_says_nothing_is_refused(mall: Mall) -> None:
    """A wrong answer names its field, and changes nothing."""
    order = await mall.bought()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"outcome": 0}, "FIELD_REQUIRED"),
        ({"outcome": 9}, "FIELD_INVALID"),
        ({"local_order_id": ""}, "FIELD_REQUIRED"),
        ({"outcome": "OUTCOME_REJECTED"}, "FIELD_REQUIRED"),
        ({"outcome": "OUTCOME_REJECTED", "reject_reason": "x", "local_order_id": "a"}, "FIELD_INVALID"),
        ({"local_order_id": "a", "reject_reason": "x"}, "FIELD_INVALID"),
    ]
    for said, reason in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await mall.answer(order, **said)
        assert (reason,) == reason_of(refused.value)
    assert Order.IMPORT_STATE_IMPORTING == (await mall.get(order.external_order_id)).import_state


async def test_what_metas_answer_leaves_out_is_told_again_under_a_new_key(mall: Mall) -> None:
    """Meta answered, and not for this order: the same key would bring the same answer, so the order goes under another one."""
    order = await mall.bought()
    mall.shop.break_calls("acknowledge_orders", "status", status=200, body='{"orders": []}')
    await mall.answer(order, "local-1")
    await mall.turn()
    mall.clock.advance(minutes=10)
    await mall.turn()
    calls = [call for call in mall.world.records.calls if call.path.endswith("/acknowledge_orders")]
    assert (2, 2) == (len(calls), len({call.parameters["idempotency_key"] for call in calls}))
    assert Order.IMPORT_STATE_ACKNOWLEDGED == (await mall.get(order.external_order_id)).import_state
