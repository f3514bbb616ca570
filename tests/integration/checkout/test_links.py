"""Checkout links, over gRPC, against a real catalog; Meta is never asked, and there is no Redis in these tests at all."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import func, select, text, update

from connector.checkout.db import LOOK_UP
from connector.connections.db import connections
from connector.db import walls
from connector.db.schema import metadata
from connector.registry.db.names import aliases
from stormcom.facebook.v1 import checkout_service_pb2 as pb
from stormcom.facebook.v1.checkout_pb2 import (
    ORDER_CHANNEL_MESSENGER,
    CheckoutLine,
    CheckoutWarning,
    TrackingParameter,
)
from stormcom.facebook.v1.checkout_service_pb2_grpc import FacebookCheckoutStub
from stormcom.facebook.v1.money_pb2 import Money
from tests.integration.catalog.shop import Shop, product, reason_of, shirt
from tests.integration.checkout.conftest import CONNECTION
from tests.integration.conftest import STORE
from tests.integration.inventory.shelf import line as stock

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.checkout_service_pb2_grpc import FacebookCheckoutAsyncStub

AVAILABLE, CUT, OUT, GONE, CHOICE, UNKNOWN = (
    CheckoutLine.STATE_AVAILABLE,
    CheckoutLine.STATE_QUANTITY_CUT,
    CheckoutLine.STATE_OUT_OF_STOCK,
    CheckoutLine.STATE_UNAVAILABLE,
    CheckoutLine.STATE_CHOICE_NEEDED,
    CheckoutLine.STATE_UNKNOWN,
)
PAGE = "https://shop.example/fb-checkout"


def checkout(shop: Shop) -> "FacebookCheckoutAsyncStub":
    """Speak to the checkout service."""
    return FacebookCheckoutStub(shop.channel)


async def resolve(
    shop: Shop, link: str, *, hold: timedelta | None = None, **fields: Any
) -> pb.ResolveCheckoutLinkResponse:
    """Resolve a link."""
    duration = None
    if hold is not None:
        duration = Duration()
        duration.FromTimedelta(hold)
    request = pb.ResolveCheckoutLinkRequest(store_id=shop.store_id, link=link, hold_duration=duration, **fields)
    return await checkout(shop).ResolveCheckoutLink(request)


def told(answer: pb.ResolveCheckoutLinkResponse) -> list[tuple[str, int, int]]:
    """Tell the lines in short: name, state, granted pieces."""
    return [(line.retailer_id, line.state, line.granted_quantity) for line in answer.lines]


@pytest.mark.parametrize(
    ("products", "lines"),
    [
        ("sc_p1:2", [("sc_p1", AVAILABLE, 2)]),
        ("sc_p1:9", [("sc_p1", CUT, 5)]),
        ("sc_p3:9000", [("sc_p3", AVAILABLE, 9_000)]),
        ("sc_p1:2,sc_p1:1", [("sc_p1", AVAILABLE, 3)]),
        ("sc_p2.M:1,sc_p1:1", [("sc_p2.M", AVAILABLE, 1), ("sc_p1", AVAILABLE, 1)]),
        ("SKU-9_sc_p2.M:1", [("sc_p2.M", AVAILABLE, 1)]),
        ("SKU_p1:1", [("sc_p1", AVAILABLE, 1)]),
        ("p1:1,sc_p1:1", [("sc_p1", AVAILABLE, 2)]),
        ("old 7:1", [("sc_p1", AVAILABLE, 1)]),
        ("sc_p2:1", [("", CHOICE, 0)]),
        ("nobody:1,sc_p1:1", [("", UNKNOWN, 0), ("sc_p1", AVAILABLE, 1)]),
    ],
)
async def test_a_link_becomes_the_lines_of_today(
    shelved: Shop, products: str, lines: list[tuple[str, int, int]]
) -> None:
    """Names of today, former ones, prefixed ones and whole products lead to items, with what can be had of them."""
    async with shelved.runtime.db.begin() as tx:
        named = {"connection_id": CONNECTION, "alias": "old 7", "retailer_id": "sc_p1"}
        await tx.execute(aliases.insert().values(**named, create_time=shelved.clock()))
    assert lines == told(await resolve(shelved, f"{PAGE}?products={products}"))


async def test_a_line_shows_what_a_cart_needs(shelved: Shop) -> None:
    """Price, title, page and image of each item come along, and so do coupon, tracking and warnings."""
    answer = await resolve(shelved, f"{PAGE}?products=x_sc_p1:2&coupon=SPRING&cart_origin=messenger&fbclid=abc")
    (line,) = answer.lines
    assert ("p1", "Scarf p1", "https://shop.example/p1") == (line.product_id, line.title, line.link)
    assert (Money(currency_code="BDT", minor_units=125_000), "https://cdn.example/p1.jpg") == (
        line.price,
        line.image_link,
    )
    assert ("SPRING", ORDER_CHANNEL_MESSENGER, True, True) == (
        answer.coupon,
        answer.channel,
        answer.complete,
        answer.buyable,
    )
    assert [
        TrackingParameter(name="cart_origin", value="messenger"),
        TrackingParameter(name="fbclid", value="abc"),
    ] == list(answer.tracking)
    assert [CheckoutWarning(kind=CheckoutWarning.KIND_FORMER_ID, text="x_sc_p1")] == list(answer.warnings)
    assert answer.fbc.endswith(".abc")


async def test_a_sale_that_is_over_no_longer_counts(shelved: Shop) -> None:
    """Outside of its sale's time an item costs what it does without the sale."""
    product_ = product("p4", compare_at_price=Money(currency_code="BDT", minor_units=200_000))
    product_.sale_end_time.FromDatetime(shelved.clock() + timedelta(hours=1))
    await shelved.upsert(product_)
    prices = []
    for _ in range(2):
        (line,) = (await resolve(shelved, "products=sc_p4:1")).lines
        prices.append(line.price.minor_units)
        shelved.clock.advance(hours=2)
    assert [125_000, 200_000] == prices


async def test_a_product_that_got_variants_leads_to_one_of_them(shelved: Shop) -> None:
    """An id of a product that has variants by now leads to the variant that took its place; never to nothing."""
    await shelved.upsert(shirt("p1", "S", "M", version=2), shirt("p3", "L", version=2))
    answer = await resolve(shelved, "products=sc_p1:1,sc_p3:1")
    assert [("sc_p1", "S", AVAILABLE), ("sc_p3", "L", AVAILABLE)] == [
        (line.retailer_id, line.variant_id, line.state) for line in answer.lines
    ]


async def test_nothing_left_still_names_every_line_and_a_way_on(shelved: Shop) -> None:
    """Sold out, deleted and unknown items are each named with why, and the buyer is led to a page of the store."""
    await shelved.delete("p3")
    await shelved.stock(stock("p1", 2, 0))
    answer = await resolve(shelved, "products=sc_p1:1,sc_p3:1,nobody:1")
    assert [OUT, GONE, UNKNOWN] == [line.state for line in answer.lines]
    assert (False, "https://shop.example/p1") == (answer.buyable, answer.fallback_link)


async def test_another_stores_items_are_unknown(shelved: Shop) -> None:
    """A link with another store's ids names them as unknown; a store that never connected gets the same answer."""
    request = pb.ResolveCheckoutLinkRequest(store_id="store_9", link="products=sc_p1:1")
    answer = await checkout(shelved).ResolveCheckoutLink(request)
    assert ([("", UNKNOWN, 0)], "", "") == (told(answer), answer.connection_id, answer.fallback_link)


@pytest.mark.parametrize("state", ["NEEDS_LOGIN", "DISCONNECTED", "AWAITING_LOGIN"])
async def test_links_work_whatever_state_the_connection_is_in(shelved: Shop, state: str) -> None:
    """Buyers come also while the store is half connected, or not any more."""
    async with shelved.runtime.db.begin() as tx:
        await tx.execute(update(connections).values(state=state))
    assert [("sc_p1", AVAILABLE, 1)] == told(await resolve(shelved, "products=sc_p1:1"))


_MANY = (
    """
    INSERT INTO items (connection_id, retailer_id, product_id, variant_id, whole, heir, usual, wanted, desire_time)
    SELECT :connection, 'x' || number, 'x' || number, '', true, '', false, false, now() FROM generate_series(1, 1000) AS number
    """,
    """
    INSERT INTO aliases (connection_id, alias, retailer_id, create_time)
    SELECT :connection, 'old' || number, 'x' || number, now() FROM generate_series(1, 1000) AS number
    """,
)


async def test_a_link_is_looked_up_by_name_behind_the_wall(shelved: Shop) -> None:
    """However many items a store has, each name goes to its own through an index: also where row-level security watches."""
    async with shelved.runtime.db.begin() as tx:
        for filling in _MANY:
            await tx.execute(text(filling), {"connection": CONNECTION})
        await tx.execute(text("ANALYZE items, aliases"))
    given = {"store": STORE, "connection": None, "names": ["sc_p1"]}
    with walls.only(STORE):
        async with shelved.runtime.db.begin() as tx:
            plan = list(await tx.scalars(text(f"EXPLAIN {LOOK_UP}"), given))
    through = " ".join(line for line in plan if "Index Cond" in line)
    assert (True, True) == ("(retailer_id = named.today)" in through, "(alias = asked.name)" in through)


async def test_resolving_without_a_hold_leaves_no_trace(shelved: Shop) -> None:
    """A read writes nothing: no row anywhere, not even in the audit."""

    async def rows() -> Counter[str]:
        async with shelved.runtime.db.begin() as tx:
            return Counter(
                {
                    name: await tx.scalar(select(func.count()).select_from(table))
                    for name, table in metadata.tables.items()
                }
            )

    before = await rows()
    await resolve(shelved, "products=sc_p1:1", request_id="r1")
    assert before == await rows()


async def test_what_is_granted_is_kept_aside_until_its_time(shelved: Shop) -> None:
    """A hold covers all granted pieces, for one buyer; the next one gets what is left; repeating the call changes nothing."""
    link = "products=sc_p1:4,sc_p2.S:5,nobody:1"
    first = await resolve(shelved, link, hold=timedelta(minutes=15), request_id="r1")
    again = await resolve(shelved, link, hold=timedelta(minutes=15), request_id="r1")
    second = await resolve(shelved, link, hold=timedelta(minutes=15), request_id="r2")
    assert [("sc_p1", AVAILABLE, 4), ("sc_p2.S", CUT, 1), ("", UNKNOWN, 0)] == told(first)
    assert {"sc_p1": 4, "sc_p2.S": 1} == {line.retailer_id: line.quantity for line in first.hold.lines}
    assert first == again
    assert [("sc_p1", CUT, 1), ("sc_p2.S", OUT, 0), ("", UNKNOWN, 0)] == told(second)
    shelved.clock.advance(minutes=16)
    assert [("sc_p1", AVAILABLE, 4), ("sc_p2.S", CUT, 1), ("", UNKNOWN, 0)] == told(
        await resolve(shelved, link, hold=timedelta(minutes=1), request_id="r3")
    )


async def test_a_link_of_five_hundred_lines_is_answered_whole(shelved: Shop) -> None:
    """The longest link gets a line for each entry, and a hold of what there is."""
    products = ",".join(["sc_p1:2", *(f"n{number}:1" for number in range(498)), "sc_p2.M:1"])
    answer = await resolve(shelved, f"{PAGE}?products={products}", hold=timedelta(minutes=1), request_id="r1")
    assert [UNKNOWN] * 498 == [line.state for line in answer.lines[1:-1]]
    assert {"sc_p1": 2, "sc_p2.M": 1} == {line.retailer_id: line.quantity for line in answer.hold.lines}


async def test_a_hold_that_a_lost_call_made_is_found_again(shelved: Shop) -> None:
    """A call that died after its commit, and is run again, answers with the hold it made."""
    first = await resolve(shelved, "products=sc_p1:5", hold=timedelta(minutes=15), request_id="r1")
    async with shelved.runtime.db.begin() as tx:
        await tx.execute(text("DELETE FROM requests"))
    again = await resolve(shelved, "products=sc_p1:5", hold=timedelta(minutes=15), request_id="r1")
    assert (first.hold.hold_id, [("sc_p1", AVAILABLE, 5)]) == (again.hold.hold_id, told(again))


async def test_however_many_come_at_once_no_piece_is_promised_twice(shelved: Shop) -> None:
    """Twenty buyers ask for the same five pieces at once: five are granted."""
    asked = (
        resolve(shelved, "products=sc_p1:2", hold=timedelta(minutes=5), request_id=f"r{number}") for number in range(20)
    )
    granted = [line.granted_quantity for answer in await asyncio.gather(*asked) for line in answer.lines]
    assert 5 == sum(granted)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"link": ""}, ("FIELD_REQUIRED", "link")),
        ({"link": "x" * 16_385}, ("FIELD_TOO_LONG", "link")),
        ({"link": "products=a", "hold_duration": Duration(seconds=60)}, ("FIELD_REQUIRED", "request_id")),
        (
            {"link": "products=a", "hold_duration": Duration(seconds=0), "request_id": "r"},
            ("FIELD_INVALID", "hold_duration"),
        ),
        ({"link": "products=a", "connection_id": "x"}, ("CONNECTION_NOT_FOUND", "")),
    ],
)
async def test_only_the_call_itself_can_be_wrong(
    shelved: Shop, fields: dict[str, Any], reason: tuple[str, str]
) -> None:
    """A call is refused for its own fields only, never for what a link says."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await checkout(shelved).ResolveCheckoutLink(pb.ResolveCheckoutLinkRequest(store_id=shelved.store_id, **fields))
    assert reason == reason_of(refused.value, "field")


async def set_url(shop: Shop, url: str) -> str:
    """Set the checkout page."""
    named = {"store_id": shop.store_id, "connection_id": str(CONNECTION)}
    return (await checkout(shop).SetCheckoutUrl(pb.SetCheckoutUrlRequest(**named, url=url))).url


async def test_a_built_link_leads_back_to_what_it_was_built_of(shelved: Shop) -> None:
    """What BuildCheckoutLink writes, ResolveCheckoutLink reads: items, coupon, channel, conversation and draft order."""
    await set_url(shelved, f"{PAGE}?lang=bn#top")
    request = pb.BuildCheckoutLinkRequest(
        store_id=shelved.store_id,
        connection_id=str(CONNECTION),
        items=[pb.CheckoutItem(product_id="p2", variant_id="M", quantity=2), pb.CheckoutItem(retailer_id="sc_p1")],
        coupon="A&B",
        channel=ORDER_CHANNEL_MESSENGER,
        conversation_id="c-1",
        draft_order_id="d-1",
        tracking=[TrackingParameter(name="utm_campaign", value="é=1")],
    )
    link = (await checkout(shelved).BuildCheckoutLink(request)).link
    answer = await resolve(shelved, link)
    assert link.startswith(f"{PAGE}?lang=bn&products=")
    assert [("sc_p2.M", AVAILABLE, 2), ("sc_p1", AVAILABLE, 1)] == told(answer)
    assert ("A&B", ORDER_CHANNEL_MESSENGER, "c-1", "d-1") == (
        answer.coupon,
        answer.channel,
        answer.conversation_id,
        answer.draft_order_id,
    )
    assert TrackingParameter(name="utm_campaign", value="é=1") in answer.tracking


async def test_a_coupon_travels_alone(shelved: Shop) -> None:
    """A link without items brings a coupon to the store; one without either is refused."""
    await set_url(shelved, PAGE)
    named: dict[str, Any] = {"store_id": shelved.store_id, "connection_id": str(CONNECTION)}
    link = (await checkout(shelved).BuildCheckoutLink(pb.BuildCheckoutLinkRequest(**named, coupon="SaVe 10%"))).link
    answer = await resolve(shelved, link)
    assert ("SaVe 10%", [], "https://shop.example/") == (answer.coupon, list(answer.lines), answer.fallback_link)
    for blank in ("", " "):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await checkout(shelved).BuildCheckoutLink(pb.BuildCheckoutLinkRequest(**named, coupon=blank))
        assert ("FIELD_REQUIRED", "items") == reason_of(refused.value, "field")


async def test_a_page_that_nobody_can_open_is_refused(shelved: Shop) -> None:
    """The checkout URL is public and https; without one no link can be built."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await set_url(shelved, "https://127.0.0.1/checkout")
    assert ("LINK_NOT_ABSOLUTE", "url") == reason_of(refused.value, "field")
    named: dict[str, Any] = {"store_id": shelved.store_id, "connection_id": str(CONNECTION)}
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await checkout(shelved).BuildCheckoutLink(
            pb.BuildCheckoutLinkRequest(**named, items=[pb.CheckoutItem(retailer_id="sc_p1")])
        )
    assert ("CHECKOUT_URL_NOT_SET",) == reason_of(missing.value)


async def test_the_self_test_opens_what_meta_would(shelved: Shop) -> None:
    """Every notation is tried with real items and the store's own page; nothing is wanting."""
    await set_url(shelved, PAGE)
    request = pb.RunCheckoutSelfTestRequest(store_id=shelved.store_id, connection_id=str(CONNECTION))
    answer = await checkout(shelved).RunCheckoutSelfTest(request)
    assert (True, "") == (answer.passed, answer.message)
    assert {"ONE_ITEM", "SEVERAL_ITEMS", "ENCODED_TWICE", "UNKNOWN_ID", "TOO_MANY_PIECES"} <= {
        trial.name for trial in answer.trials
    }
    assert all(trial.link.startswith(f"{PAGE}?products=") for trial in answer.trials)


async def test_the_self_test_finds_an_item_that_cannot_be_bought(shelved: Shop) -> None:
    """An alias that leads to an item no longer sold is told; an empty catalog is no success."""
    request = pb.RunCheckoutSelfTestRequest(store_id=shelved.store_id, connection_id=str(CONNECTION))
    async with shelved.runtime.db.begin() as tx:
        await tx.execute(text("UPDATE items SET wanted = false"))
    assert False is (await checkout(shelved).RunCheckoutSelfTest(request)).passed
