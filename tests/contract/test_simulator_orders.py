"""Orders as an app reads and acknowledges them."""

from collections.abc import AsyncIterator
from itertools import chain

import pytest
import pytest_asyncio

from tests.contract.order_world import Shop, open_shop


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose orders this app manages."""
    async with open_shop() as found:
        yield found


async def test_an_order_reads_as_documented(shop: Shop) -> None:
    """Every documented member is there, and total is items plus shipping plus tax."""
    order_id = await shop.place(
        lines=[{"retailer_id": "A", "quantity": 2, "price": "20.00", "tax": "0.30"}],
        shipping={"price": "10.00", "tax": "0.15"},
    )
    fields = "channel,order_status,estimated_payment_details,buyer_details,shipping_address,items"
    order = await shop.read(order_id, fields=fields)
    details = order["estimated_payment_details"]
    assert ("50.45", "40.00", "10.00", "0.45") == (
        details["total_amount"]["amount"],
        details["subtotal"]["items"]["amount"],
        details["subtotal"]["shipping"]["amount"],
        details["tax"]["amount"],
    )
    assert ("facebook", {"state": "CREATED"}, "Boston") == (
        order["channel"],
        order["order_status"],
        order["shipping_address"]["city"],
    )
    assert {"id", "retailer_id", "product_id", "quantity", "price_per_unit"} == order["items"]["data"][0].keys()


async def test_a_new_order_is_listed_and_acknowledged(shop: Shop) -> None:
    """A list without a state holds new orders; an acknowledged one is in progress and leaves it."""
    order_id = await shop.place()
    listed = await shop.read(f"{shop.account_id}/commerce_orders")
    assert [order_id] == [one["id"] for one in listed["data"]]
    assert {"id": order_id, "state": "IN_PROGRESS"} == await shop.done(
        f"{order_id}/acknowledge_order", merchant_order_reference="4711"
    )
    assert [] == (await shop.read(f"{shop.page_id}/commerce_orders"))["data"]
    assert ["acknowledge"] == [one["kind"] for one in await shop.effects()]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_all_pages_together_are_all_orders(shop: Shop, newest_first: bool) -> None:  # noqa: FBT001 – a column
    """Walking the pages forth and back shows every order once, whichever way they are sorted."""
    await shop.switch(orders_newest_first=newest_first)
    placed = await shop.place_many(count=7)
    seen: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        page = await shop.read(f"{shop.page_id}/commerce_orders", limit=3, **after)
        seen.append([one["id"] for one in page["data"]])
        if "next" not in page["paging"]:
            break
        after = {"after": page["paging"]["cursors"]["after"]}
    assert [3, 3, 1] == [len(one) for one in seen]
    assert (placed[::-1] if newest_first else placed) == [*chain(*seen)]
    back = await shop.read(f"{shop.page_id}/commerce_orders", limit=3, before=page["paging"]["cursors"]["before"])
    assert (seen[1], True) == ([one["id"] for one in back["data"]], "previous" in back["paging"])
