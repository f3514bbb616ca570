"""What Meta has switched off answers by date and by account, as Meta's own SDK meets it."""

from collections.abc import Callable, Iterator

import pytest
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from simulator import seeds
from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_server import Meta

ORDERS = "commerce_account_manage_orders"


@pytest.fixture
def seller(meta: Meta) -> Iterator[Callable[..., Page]]:
    """Seed the merchant's Page again, with the permission for orders and whatever is told of it."""
    sessions = []

    def seller(**facts: object) -> Page:
        pages = [{**seeds.DEFAULT["pages"][0], **facts}]
        seeded = meta.control("POST", "/seed", {**seeds.DEFAULT, "pages": pages, "scopes": [*seeds.SCOPES, ORDERS]})
        sessions.append(SimulatedSession(meta.url, seeded["pages"][0]["token"]))
        return Page(seeded["pages"][0]["id"], api=FacebookAdsApi(sessions[-1]))

    yield seller
    for session in sessions:
        session.requests.close()


def _code(page: Page) -> int:
    with pytest.raises(FacebookRequestError) as refused:
        list(page.get_commerce_orders())
    return int(refused.value.api_error_code())


@pytest.mark.parametrize("code", [100, 3, 10, 12, 803])
def test_orders_are_refused_past_their_end(meta: Meta, seller: Callable[..., Page], code: int) -> None:
    """Past the date of the version that is called, orders are refused with the code the switch names."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": "2020-01-01", "retired_code": code})
    assert code == _code(seller())


def test_orders_answer_before_their_end(meta: Meta, seller: Callable[..., Page]) -> None:
    """Before the date a Page's orders are listed: it has none."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": "2100-01-01"})
    assert [] == list(seller().get_commerce_orders())


def test_an_account_may_lose_orders_before_the_date(meta: Meta, seller: Callable[..., Page]) -> None:
    """A Page that has lost its orders has lost them, whatever the date says."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": "2100-01-01"})
    assert 100 == _code(seller(orders="ended"))


def test_an_account_may_keep_orders_past_the_date(meta: Meta, seller: Callable[..., Page]) -> None:
    """A Page that keeps its orders keeps them, whatever the date says."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": "2020-01-01"})
    assert [] == list(seller(orders="kept").get_commerce_orders())


def test_orders_need_their_permission(meta: Meta, page: Page) -> None:
    """Without the merchant's permission the answer is about the permission, not about the end."""
    assert 200 == _code(page)


def test_a_date_that_is_none_is_refused(meta: Meta) -> None:
    """A switch for a date takes dates only, and names itself otherwise."""
    with pytest.raises(AssertionError, match="orders_end_date"):
        meta.control("PATCH", "/switches", {"orders_end_date": "soon"})
