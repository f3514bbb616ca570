"""Catalogs themselves: created, listed, attached."""

from collections.abc import Awaitable

import grpc
import pytest
from sqlalchemy import update

from connector.connections.db import connections
from simulator import seeds
from simulator.state import Business
from stormcom.facebook.v1 import catalog_service_pb2 as pb
from tests.integration.catalog.shop import Shop, reason_of
from tests.integration.conftest import APP_ID

BUSINESS, CATALOG = "20000000000000001", "50000000000000001"


@pytest.fixture
async def bare(shop: Shop) -> Shop:
    """The store as it is when it chose a Page and no catalog."""
    async with shop.runtime.db.begin() as tx:
        await tx.execute(update(connections).values(catalog_id="", catalog_name="", catalog_attach_time=None))
    return shop


async def _refused(call: Awaitable[object]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)[0]


async def test_a_created_catalog_is_attached(bare: Shop) -> None:
    """A new catalog stands in the business and belongs to the connection from then on."""
    wish = pb.CreateCatalogRequest(store_id=bare.store_id, business_id=BUSINESS, name="Autumn", request_id="once")
    [first, again] = [(await bare.catalog.CreateCatalog(wish)).catalog for _ in range(2)]
    assert first == again
    business = bare.world.find(Business, BUSINESS)
    assert business is not None
    assert [CATALOG, first.catalog_id] == business.catalogs
    assert "CATALOG_ATTACHED" == await _refused(
        bare.catalog.CreateCatalog(pb.CreateCatalogRequest(store_id=bare.store_id, business_id=BUSINESS, name="More"))
    )


async def test_a_lost_answer_creates_no_second_catalog(bare: Shop) -> None:
    """When Meta's answer is lost, the catalog it made is found and attached."""
    bare.break_calls("owned_product_catalogs", "drop_answer", times=1, method="POST")
    wish = pb.CreateCatalogRequest(store_id=bare.store_id, business_id=BUSINESS, name="Autumn")
    created = (await bare.catalog.CreateCatalog(wish)).catalog
    business = bare.world.find(Business, BUSINESS)
    assert business is not None
    assert [CATALOG, created.catalog_id] == business.catalogs


async def test_a_call_that_was_cut_off_creates_no_second_catalog(bare: Shop) -> None:
    """When neither the answer nor the new catalog was to be seen, the next call finds the catalog instead of creating another."""
    bare.break_calls("owned_product_catalogs", "drop_answer", method="POST")
    bare.break_calls("owned_product_catalogs", "delay", method="GET", seconds=0)  # the look before
    bare.break_calls("owned_product_catalogs", "error", method="GET", code=2)  # the look after
    wish = pb.CreateCatalogRequest(store_id=bare.store_id, business_id=BUSINESS, name="Autumn", request_id="once")
    assert "META_UNAVAILABLE" == await _refused(bare.catalog.CreateCatalog(wish))
    created = (await bare.catalog.CreateCatalog(wish)).catalog
    business = bare.world.find(Business, BUSINESS)
    assert business is not None
    assert [CATALOG, created.catalog_id] == business.catalogs


async def test_a_foreign_business_is_refused(bare: Shop) -> None:
    """Only a business the merchant granted may hold the catalog."""
    wish = pb.CreateCatalogRequest(store_id=bare.store_id, business_id="999", name="Autumn")
    assert "BUSINESS_NOT_GRANTED" == await _refused(bare.catalog.CreateCatalog(wish))


async def test_catalogs_are_listed_in_pages(shop: Shop) -> None:
    """The catalogs within reach come in the order of their ids."""
    more = [{"id": f"5000000000000000{place}", "name": f"No {place}"} for place in (2, 3)]
    seeds.seed(shop.world, {**seeds.DEFAULT, "app_id": APP_ID, "catalogs": [*seeds.DEFAULT["catalogs"], *more]})
    first = await shop.catalog.ListCatalogs(pb.ListCatalogsRequest(store_id=shop.store_id, page_size=2))
    rest = pb.ListCatalogsRequest(store_id=shop.store_id, page_size=2, page_token=first.next_page_token)
    last = await shop.catalog.ListCatalogs(rest)
    assert [CATALOG, more[0]["id"], more[1]["id"]] == [one.catalog_id for one in (*first.catalogs, *last.catalogs)]
    assert "" == last.next_page_token


async def test_an_existing_catalog_is_attached_once(bare: Shop) -> None:
    """Attaching what is attached changes nothing; another one, and one out of reach, are refused."""
    wish = pb.AttachCatalogRequest(store_id=bare.store_id, catalog_id=CATALOG)
    for _ in range(2):
        assert CATALOG == (await bare.catalog.AttachCatalog(wish)).connection.catalog.catalog_id
    seeds.seed(
        bare.world,
        {**seeds.DEFAULT, "app_id": APP_ID, "catalogs": [{"id": "50000000000000002", "name": "Other"}]},
    )
    other = pb.AttachCatalogRequest(store_id=bare.store_id, catalog_id="50000000000000002")
    assert "CATALOG_ATTACHED" == await _refused(bare.catalog.AttachCatalog(other))
    absent = pb.AttachCatalogRequest(store_id=bare.store_id, catalog_id="404")
    assert "CATALOG_NOT_GRANTED" == await _refused(bare.catalog.AttachCatalog(absent))


async def test_a_sync_needs_a_catalog(bare: Shop) -> None:
    """Without a catalog there is nothing to sync into."""
    assert "CATALOG_NOT_ATTACHED" == await _refused(bare.sync())
