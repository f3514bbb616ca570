"""How far a token reaches, which tasks count, and what a consent takes away."""

from dataclasses import replace
from typing import Any

import pytest

from connector.connections.model import EDITOR_TASKS, Catalog, Offer, Page, Reach, losses, missing_tasks
from connector.connections.model.reach import surplus_tasks
from tests.unit.connections.test_model import BARE

PAGES = ("pages_messaging", "pages_show_list", "catalog_management")


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ({}, ()),
        ({"pages_messaging": ["1"]}, ()),
        ({"pages_messaging": ["2"]}, ("pages_messaging",)),
        ({"pages_messaging": ["2"], "pages_show_list": ["2", "3"]}, ("pages_messaging", "pages_show_list")),
        ({"pages_messaging": []}, ()),
        ({"catalog_management": ["2"]}, ()),
        ({"pages_read_user_content": ["2"]}, ()),
    ],
)
def test_a_permission_for_other_pages_does_not_reach_this_one(
    targets: dict[str, list[str]], expected: tuple[str, ...]
) -> None:
    """Only Page permissions that we ask for, and that name other Pages, fall short; unnamed or empty ones reach everything."""
    assert expected == Reach.of(targets).scopes_without_page(PAGES, "1")


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ({}, ()),
        ({"catalog_management": ["5"]}, ()),
        ({"catalog_management": ["20"]}, ()),
        ({"catalog_management": ["6"]}, ("catalog_management",)),
        ({"pages_messaging": ["6"]}, ()),
    ],
)
def test_a_permission_for_a_business_reaches_its_catalogs(
    targets: dict[str, list[str]], expected: tuple[str, ...]
) -> None:
    """A catalog is reached by its own id or its business's."""
    assert expected == Reach.of(targets).scopes_without_catalog("5", "20")


@pytest.mark.parametrize(
    ("tasks", "missing", "surplus"),
    [
        (("CREATE_CONTENT", "MESSAGING", "MODERATE"), (), ()),
        ((), ("CREATE_CONTENT", "MESSAGING", "MODERATE"), ()),
        (("ADVERTISE", "MANAGE", "MESSAGING"), ("CREATE_CONTENT", "MODERATE"), ("ADVERTISE", "MANAGE")),
    ],
)
def test_tasks_are_too_few_or_too_many(
    tasks: tuple[str, ...], missing: tuple[str, ...], surplus: tuple[str, ...]
) -> None:
    """Of a Page's tasks we tell those we lack, and those the merchant may take away."""
    assert (missing, surplus) == (missing_tasks(tasks), surplus_tasks(tasks))
    assert tuple(task for task in missing if task in EDITOR_TASKS) == missing_tasks(tasks, EDITOR_TASKS)


@pytest.mark.parametrize(
    ("connection", "lost"),
    [
        ({"page_id": "1"}, None),
        ({"page_id": "1", "catalog_id": "5"}, None),
        ({"page_id": "2"}, (True, False)),
        ({"page_id": "1", "catalog_id": "6"}, (False, True)),
        ({"page_id": "2", "catalog_id": "6"}, (True, True)),
    ],
)
def test_what_is_not_offered_is_lost(connection: dict[str, Any], lost: tuple[bool, bool] | None) -> None:
    """A connection loses the Page or catalog that the last consent does not name; one without a catalog has none to lose."""
    offer = Offer(pages=(Page("1", "One"),), catalogs=(Catalog("5", "Five"),))
    told = [(loss.page_lost, loss.catalog_lost) for loss in losses(offer, [replace(BARE, **connection)])]
    assert ([] if lost is None else [lost]) == told


def test_an_offer_is_read_as_it_was_written() -> None:
    """An offer survives being stored, with Instagram, kind and reach; one of an earlier version is read too."""
    page: Any = Page("1", "One", ("MODERATE",))
    offer = Offer(pages=(page,), user_id="9", token_kind="SYSTEM_USER", reach=Reach.of({"a": ["1"]}))
    old = {name: value for name, value in offer.document().items() if name not in {"token_kind", "reach"}}
    assert (offer, replace(offer, token_kind="", reach=Reach())) == (Offer.of(offer.document()), Offer.of(old))
