"""What Meta has switched off answers by date and by account, as Meta's own SDK meets it."""

import pytest
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from simulator import seeds
from tests.contract.sdk_session import SimulatedSession
from tests.contract.simulator_server import Meta

ORDERS = "commerce_account_manage_orders"


def _page(meta: Meta, **page: object) -> Page:
    """Seed the merchant's Page again, with the permission for orders."""
    pages = [{**seeds.DEFAULT["pages"][0], **page}]
    seeded = meta.control("POST", "/seed", {**seeds.DEFAULT, "pages": pages, "scopes": [*seeds.SCOPES, ORDERS]})
    api = FacebookAdsApi(SimulatedSession(meta.url, seeded["pages"][0]["token"]))
    return Page(seeded["pages"][0]["id"], api=api)


def _code(page: Page) -> int:
    with pytest.raises(FacebookRequestError) as refused:
        list(page.get_commerce_orders())
    return int(refused.value.api_error_code())


@pytest.mark.parametrize("code", [100, 3, 10, 12, 803])
def test_orders_are_refused_past_their_end(meta: Meta, code: int) -> None:
    """Past the date of the version that is called, orders are refused with the code the switch names."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": "2020-01-01", "retired_code": code})
    assert code == _code(_page(meta))


def test_orders_answer_before_their_end(meta: Meta) -> None:
    """Before the date a Page's orders are listed: it has none."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": "2100-01-01"})
    assert [] == list(_page(meta).get_commerce_orders())


@pytest.mark.parametrize(("word", "date"), [("kept", "2020-01-01"), ("ended", "2100-01-01")])
def test_an_account_may_differ_from_the_date(meta: Meta, word: str, date: str) -> None:
    """A Page keeps its orders, or has lost them, whatever the date says."""
    meta.control("PATCH", "/switches", {"orders_end_date_v26": date})
    page = _page(meta, orders=word)
    assert (100 if word == "ended" else 0) == (_code(page) if word == "ended" else len(list(page.get_commerce_orders())))


def test_orders_need_their_permission(meta: Meta, page: Page) -> None:
    """Without the merchant's permission the answer is about the permission, not about the end."""
    assert 200 == _code(page)


def test_a_date_that_is_none_is_refused(meta: Meta) -> None:
    """A switch for a date takes dates only, and names itself otherwise."""
    with pytest.raises(AssertionError, match="orders_end_date"):
        meta.control("PATCH", "/switches", {"orders_end_date": "soon"})
