"""The simulator for Meta's SDK and for plain HTTP, fresh for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.productcatalog import ProductCatalog
from facebook_business.api import FacebookAdsApi

from tests.contract.sdk_parameters import unknown_parameters
from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_client import Client, plain_client
from tests.contract.simulator_server import Meta, running_meta


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """A simulator with the default world, and a plain HTTP client of it."""
    async with plain_client() as found:
        yield found


@pytest.fixture
def meta() -> Iterator[Meta]:
    """A fresh simulator with the default world."""
    with running_meta() as running:
        yield running


@pytest.fixture
def user_api(meta: Meta) -> Iterator[FacebookAdsApi]:
    """The SDK with the merchant's token; afterwards every parameter it sent must be one it knows itself."""
    session = SimulatedSession(meta.url, meta.seed["user"]["token"])
    yield FacebookAdsApi(session)
    session.requests.close()
    assert unknown_parameters(meta.control("GET", "/calls")["calls"]) == []


@pytest.fixture
def page_api(meta: Meta) -> Iterator[FacebookAdsApi]:
    """The SDK with the Page's token."""
    session = SimulatedSession(meta.url, meta.seed["pages"][0]["token"])
    yield FacebookAdsApi(session)
    session.requests.close()
    assert unknown_parameters(meta.control("GET", "/calls")["calls"]) == []


@pytest.fixture
def catalog(meta: Meta, user_api: FacebookAdsApi) -> ProductCatalog:
    """The merchant's catalog as the SDK sees it."""
    return ProductCatalog(meta.seed["catalogs"][0]["id"], api=user_api)


@pytest.fixture
def page(meta: Meta, page_api: FacebookAdsApi) -> Page:
    """The merchant's Page as the SDK sees it, with the Page's own token."""
    return Page(meta.seed["pages"][0]["id"], api=page_api)
