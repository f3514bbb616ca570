"""What Meta shall tell us, and how what it tells differs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.connections.model import (
    ESSENTIAL,
    FIELDS,
    AppSubscription,
    Subscription,
    app_gaps,
    compare,
    wanted_fields,
    wanted_objects,
)
from connector.connections.model.subscriptions import Cause
from connector.values import CapabilityKind
from simulator.pages import SUBSCRIBABLE
from tests.unit.connections.test_model import BARE, NOW

HERE = "https://fb.example/webhooks/facebook"


def test_every_field_is_one_of_metas() -> None:
    """Nothing is asked for that Meta's SDK does not know, and every field has its reason."""
    assert set() == set(FIELDS) - SUBSCRIBABLE
    assert all(why for _, why in FIELDS.values())


def test_fields_follow_permissions() -> None:
    """What conversations need is always wanted; what another capability needs, once its permission is granted; nothing drops the other."""
    bare = wanted_fields(replace(BARE, granted_scopes=()), Subscription(), at=NOW)
    full = wanted_fields(replace(BARE, granted_scopes=("catalog_management",)), Subscription(), at=NOW)
    assert set(ESSENTIAL) <= set(bare) < set(full)
    assert {"merchant_review", "product_review"} == set(full) - set(bare)


def test_a_refused_field_is_left_out_for_a_day() -> None:
    """What Meta refuses is not asked for again and again, and not given up for ever."""
    refused = Subscription(refused=("feed",), refuse_time=NOW)
    assert "feed" not in wanted_fields(BARE, refused, at=NOW + timedelta(hours=23))
    assert "feed" in wanted_fields(BARE, refused, at=NOW + timedelta(hours=25))


@pytest.mark.parametrize(
    ("found", "cause"),
    [(("a", "b"), None), (("b", "a"), None), ((), Cause.ABSENT), (("a",), Cause.LACKING), (("a", "b", "c"), Cause.SURPLUS),
     (("a", "c"), Cause.LACKING)],
)  # fmt: skip
def test_lists_are_compared_as_sets(found: Sequence[str], cause: Cause | None) -> None:
    """Nothing at all, too few and too many are told apart; the order says nothing."""
    assert cause is compare(found, ("a", "b")).cause


def test_old_drops_are_forgotten() -> None:
    """A drop counts for a day."""
    kept = Subscription(drop_times=(NOW - timedelta(hours=25), NOW - timedelta(hours=23)))
    assert (NOW - timedelta(hours=23),) == kept.drops(at=NOW)


def _hook(name: str, **changes: object) -> AppSubscription:
    fields = frozenset(wanted_objects(())[name])
    return replace(AppSubscription(name, HERE, True, fields), **changes)  # type: ignore[arg-type] # a table


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        (_hook("page"), None),
        (_hook("page", fields=frozenset([*FIELDS, "leadgen"])), None),
        (_hook("page", callback_url="", fields=frozenset()), None),
        (_hook("page", callback_url="https://other.example/webhooks/facebook"), "foreign"),
        (_hook("page", active=False), "inactive"),
        (_hook("page", fields=frozenset(["messages"])), "lacking"),
    ],
)
def test_an_apps_webhooks_are_judged_by_object(page: AppSubscription, wrong: str | None) -> None:
    """Each object's address, switch and fields count; more fields than we need do no harm."""
    others = [_hook(name) for name in wanted_objects(()) if name != "page"]
    assert ({"page": wrong} if wrong else {}) == app_gaps([page, *others], wanted_objects(()), HERE)
    assert {"page": "absent"} == app_gaps(others, wanted_objects(()), HERE)


def test_permissions_follow_the_apps_capabilities() -> None:
    """An app that asks merchants for more hears of more permissions."""
    assert "ads_management" not in wanted_objects(())["permissions"]
    assert "ads_management" in wanted_objects([CapabilityKind.CONVERSIONS])["permissions"]
