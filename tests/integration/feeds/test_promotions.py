"""Promotions: handed in over gRPC, written into Meta's feed of offers, fetched by Meta; gated."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from sqlalchemy import update

from connector.connections.db import connections
from connector.connections.model.capabilities import Block
from connector.settings import Settings
from connector.values import CapabilityKind
from simulator.feed_state import CommercePartnerIntegration
from stormcom.facebook.v1 import feed_service_pb2 as pb
from stormcom.facebook.v1.feed_pb2 import Promotion
from tests.integration.catalog.shop import product, reason_of, shirt
from tests.integration.feeds.fair import PROMOTIONS, Fair
from tests.unit.feeds.offers import bdt, promotion

INTEGRATION = "8800000000000001"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an app that may show promotions too."""
    allowed = frozenset({CapabilityKind.PROMOTIONS})
    return replace(settings, apps={name: replace(app, capabilities=allowed) for name, app in settings.apps.items()})


async def put(fair: Fair, *promotions: Promotion) -> None:
    """Hand in all promotions there are."""
    await fair.feeds.PutPromotions(pb.PutPromotionsRequest(store_id=fair.store_id, promotions=promotions))


async def brought(fair: Fair) -> dict[str, dict[str, str]]:
    """Upload the feed, and tell what Meta has then, without empty cells."""
    await fair.upload(PROMOTIONS)
    await fair.settle()
    assert "SUCCEEDED" == await fair.state()
    return {
        name: {column: cell for column, cell in cells.items() if cell}
        for name, cells in fair.meta_feeds[0].offers.items()
    }


async def test_promotions_reach_metas_feed_of_offers(fair: Fair) -> None:
    """Percent, amounts and codes arrive in Meta's words; products by their names there, those with variants by their group."""
    await fair.upsert(product("a"), shirt("b", "S", "M"))
    await fair.switch(PROMOTIONS)
    code = promotion(
        "2", application=Promotion.APPLICATION_CODE, target=Promotion.TARGET_ORDER, percent_off=None, amount_off=bdt(12_050),
        coupon_codes=["SAVE", "Save2"], public_coupon_code="SAVE", end_time=datetime(2026, 12, 1, tzinfo=UTC),
        min_subtotal=bdt(100_000), min_quantity=2, redeem_limit_per_buyer=1, usage_limit=500, terms='Not with "others"',
    )  # fmt: skip
    on_some = promotion("1", product_ids=["a", "b", "never"], set_retailer_ids=["set_1"], exclude_sale_priced=True)
    shipping = promotion(
        "3", application=Promotion.APPLICATION_AUTOMATIC, target=Promotion.TARGET_SHIPPING, percent_off=100
    )
    await put(fair, on_some, code, shipping, promotion("4", product_ids=["never"]))
    same = {"title": "Spring", "start_date_time": "1793491200"}
    assert {
        "1": same | {
            "offer_id": "1", "value_type": "PERCENTAGE", "percent_off": "10", "application_type": "SALE",
            "target_type": "LINE_ITEM", "target_granularity": "ITEM_LEVEL", "target_selection": "SPECIFIC_PRODUCTS",
            "target_product_retailer_ids": '["sc_a"]', "target_product_group_retailer_ids": '["sc_b"]',
            "target_product_set_retailer_ids": '["set_1"]', "exclude_sale_priced_products": "YES",
        },
        "2": same | {
            "offer_id": "2", "value_type": "FIXED_AMOUNT", "fixed_amount_off": "120.50 BDT", "application_type": "BUYER_APPLIED",
            "target_type": "LINE_ITEM", "target_granularity": "ORDER_LEVEL", "target_selection": "ALL_CATALOG_PRODUCTS",
            "end_date_time": "1796083200", "coupon_codes": '["SAVE","Save2"]', "public_coupon_code": "SAVE",
            "redeem_limit_per_user": "1", "min_subtotal": "1000.00 BDT", "min_quantity": "2", "usage_limit": "500",
            "offer_terms": 'Not with "others"', "exclude_sale_priced_products": "NO",
        },
        "3": same | {
            "offer_id": "3", "value_type": "PERCENTAGE", "percent_off": "100", "application_type": "AUTOMATIC_AT_CHECKOUT",
            "target_type": "SHIPPING", "target_shipping_option_types": '["STANDARD"]', "target_granularity": "ORDER_LEVEL",
            "target_selection": "ALL_CATALOG_PRODUCTS", "exclude_sale_priced_products": "NO",
        },
    } == await brought(fair)  # fmt: skip
    assert 3 == (await fair.last()).row_count


async def test_a_promotion_that_is_over_leaves_with_the_next_upload(fair: Fair) -> None:
    """What is handed in takes the place of what was, and none takes all away, at Meta as well."""
    await fair.switch(PROMOTIONS)
    for wanted in (("1", "2"), ("2", "3"), ()):
        await put(fair, *map(promotion, wanted))
        assert list(wanted) == list(await brought(fair))


async def test_promotions_may_go_to_the_integration(fair: Fair) -> None:
    """With a commerce integration, promotions are one of its files, and no feed of the catalog is made."""
    integration = fair.world.add(CommercePartnerIntegration(INTEGRATION, "50000000000000001"))
    await fair.switch(PROMOTIONS, integration_id=INTEGRATION)
    await put(fair, promotion("1"))
    await fair.upload(PROMOTIONS)
    await fair.turn()
    fair.clock.advance(seconds=2)
    await integration.updates[0].ended.wait()
    await fair.settle(minutes=20 * 60)
    assert ("SUCCEEDED", ["1"], []) == (await fair.state(), list(integration.offers), fair.meta_feeds)


async def test_metas_refusal_of_offers_is_told(fair: Fair, control_api: Any) -> None:
    """A merchant whom Meta lets have none learns it with the upload; nothing else is touched, and the products' feed goes on."""
    refusal = {"kind": "error", "code": 100, "message": "Offers are not available for this shop", "status": 400}
    await control_api(
        "POST", "/faults", {"match": {"path": "product_feeds", "method": "POST"}, "times": 1, "action": refusal}
    )
    await fair.switch(PROMOTIONS)
    await put(fair, promotion("1"))
    await fair.upload(PROMOTIONS)
    await fair.settle()
    last = await fair.last()
    assert ("FAILED", "META_REJECTED") == (await fair.state(), last.reason)
    assert "Offers are not available for this shop" in last.message


async def test_promotions_are_gated(fair: Fair) -> None:
    """While the feed is off nothing is taken, and nothing is uploaded before something was handed in."""
    for prepare, call, reason in (
        (False, put(fair, promotion("1")), "FEED_NOT_ENABLED"),
        (True, fair.upload(PROMOTIONS), "FEED_NOT_READY"),
    ):
        if prepare:
            await fair.switch(PROMOTIONS)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert (reason,) == reason_of(refused.value)


async def test_a_capability_that_is_blocked_stops_promotions(fair: Fair) -> None:
    """While PROMOTIONS is blocked, an upload is refused with the reason, before Meta is asked."""
    await fair.switch(PROMOTIONS)
    await put(fair, promotion("1"))
    block = Block("META_PERMISSION_MISSING", fair.clock(), missing=("catalog_management",))
    async with fair.runtime.db.begin() as tx:
        await tx.execute(update(connections).values(blocks={"PROMOTIONS": block.document()}))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await fair.upload(PROMOTIONS)
    assert ("META_PERMISSION_MISSING", "catalog_management") == reason_of(refused.value, "missing")
