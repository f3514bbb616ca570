"""When a token's end is announced, what a look means, and which new token may take over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.connections.model.needs import BASIC
from connector.errors import FailedPrecondition
from connector.tokens.model import (
    Care,
    Inspection,
    Kind,
    Look,
    check_kept,
    check_new,
    check_tasks,
    data_access_alert,
    loss,
    to_renew,
    token_alert,
    warned_days,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
APP, PAGE, CATALOG, BUSINESS = "61", "30", "50", "20"
ALIVE = Inspection(
    Kind.USER, True, "USER", APP, "10", "", tuple(sorted(BASIC)), {}, NOW, NOW + timedelta(days=60), None, 0, 0, NOW
)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (None, None),
        (timedelta(days=14, seconds=1), None),
        (timedelta(days=14), 14),
        (timedelta(days=7, seconds=1), 14),
        (timedelta(days=7), 7),
        (timedelta(days=1, seconds=1), 7),
        (timedelta(days=1), 1),
        (timedelta(), 1),
        (timedelta(days=-3), 1),
    ],
)
def test_an_end_is_announced_by_the_smallest_number_of_days(left: timedelta | None, expected: int | None) -> None:
    """14, 7 and 1 days before, each until the next; without an end never."""
    assert expected == warned_days(None if left is None else NOW + left, at=NOW)


@pytest.mark.parametrize(
    ("kind", "left", "expected"),
    [
        ("SYSTEM_USER", timedelta(days=20), False),
        ("SYSTEM_USER", timedelta(days=19, hours=23), True),
        ("SYSTEM_USER", None, False),
        ("USER", timedelta(days=1), False),
    ],
)
def test_only_system_users_tokens_are_renewed(kind: str, left: timedelta | None, expected: bool) -> None:  # noqa: FBT001 – a table's column
    """A system user's token that ends within 20 days is renewed; a person's and one without an end are not."""
    token = replace(ALIVE, meta_type=kind, expire_time=None if left is None else NOW + left)
    assert expected is to_renew(token, at=NOW)
    assert not to_renew(replace(token, valid=False), at=NOW)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"valid": False}, "META_TOKEN_INVALID"),
        ({"app_id": "", "valid": False}, "META_TOKEN_INVALID"),
        ({"data_access_expire_time": NOW}, "DATA_ACCESS_EXPIRED"),
        ({"data_access_expire_time": NOW + timedelta(seconds=1)}, ""),
        ({"valid": False, "data_access_expire_time": NOW}, "META_TOKEN_INVALID"),
    ],
)
def test_what_ends_a_connection(changes: dict[str, Any], expected: str) -> None:
    """A dead user's token and the end of data access; the Page's token alone never does."""
    dead_page = replace(ALIVE, kind=Kind.PAGE, valid=False)
    assert expected == loss(Look(replace(ALIVE, **changes), dead_page), at=NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"app_id": "62"}, "APP_MISMATCH"),
        ({"valid": False}, "META_TOKEN_INVALID"),
        ({"app_id": "", "valid": False}, "META_TOKEN_INVALID"),
        ({"data_access_expire_time": NOW}, "DATA_ACCESS_EXPIRED"),
        ({"meta_type": "PAGE"}, "TOKEN_KIND_UNSUITABLE"),
        ({"meta_type": "APP"}, "TOKEN_KIND_UNSUITABLE"),
        ({"scopes": ()}, "SCOPES_MISSING"),
        ({"granular_scopes": {"pages_messaging": ("31",)}}, "SCOPE_WITHOUT_PAGE"),
        ({"granular_scopes": {"catalog_management": ("51",)}}, "SCOPE_WITHOUT_CATALOG"),
    ],
)
def test_a_token_that_cannot_do_the_work_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Each thing that a new token may lack has its reason."""
    with pytest.raises(FailedPrecondition) as refused:
        _check(replace(ALIVE, **changes))
    assert reason == refused.value.reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"meta_type": "SYSTEM_USER", "expire_time": None},
        {"granular_scopes": {"pages_messaging": ("31", PAGE), "catalog_management": (BUSINESS,)}},
    ],
)
def test_a_token_that_can_do_the_work_is_taken(changes: dict[str, Any]) -> None:
    """A person's and a system user's, limited to assets or not, as long as ours are among them."""
    _check(replace(ALIVE, **changes))


def _check(token: Inspection) -> None:
    check_new(token, app_id=APP, page_id=PAGE, catalog_id=CATALOG, business_id=BUSINESS, at=NOW)


def test_a_scope_less_is_named() -> None:
    """What the present token has and the new one has not is named, in order."""
    check_kept(("a", "b"), ("b", "a", "c"))
    with pytest.raises(FailedPrecondition) as refused:
        check_kept(("c", "b", "a"), ("b",))
    assert ("SCOPES_REDUCED", "a c") == (refused.value.reason, refused.value.metadata["scopes"])


def test_who_is_no_editor_cannot_take_over() -> None:
    """Tasks that Meta tells must be an editor's; tasks it does not tell are believed."""
    check_tasks(None, PAGE)
    check_tasks(("CREATE_CONTENT", "MODERATE", "ANALYZE"), PAGE)
    with pytest.raises(FailedPrecondition) as refused:
        check_tasks(("ANALYZE",), PAGE)
    assert "PAGE_ROLE_TOO_LOW" == refused.value.reason


@pytest.mark.parametrize(("kind", "fix"), [("USER", "Connect"), ("SYSTEM_USER", "RotateToken")])
def test_an_announcement_names_the_button(kind: str, fix: str) -> None:
    """Who must press what, and when it ends, stands in the alert; it holds no id of anybody."""
    alert = token_alert(replace(ALIVE, meta_type=kind), 7)
    assert ("TOKEN_EXPIRES_SOON", fix, True) == (alert.reason, alert.fix_rpc, "2027-01-20 at 12:00 UTC" in alert.body)
    access = data_access_alert(replace(ALIVE, data_access_expire_time=NOW), 1)
    assert ("DATA_ACCESS_EXPIRES_SOON", "Connect") == (access.reason, access.fix_rpc)
    assert not any(ALIVE.user_id in one.title + one.fix_rpc for one in (alert, access))


def test_a_doubt_lasts_a_day() -> None:
    """That Meta contradicted itself counts for a day."""
    care = Care(doubt_time=NOW)
    assert (True, False, False) == (
        care.doubted(NOW + timedelta(hours=23)), care.doubted(NOW + timedelta(days=1)), Care().doubted(NOW),
    )  # fmt: skip


def test_what_is_told_of_a_token_never_holds_it() -> None:
    """The document has the contract's names, and limited scopes in order."""
    limited = {"pages_messaging": (PAGE,), "catalog_management": (CATALOG,)}
    told = replace(ALIVE, granular_scopes=limited, code=190, subcode=463).document()
    assert [
        {"scope": "catalog_management", "target_ids": [CATALOG]},
        {"scope": "pages_messaging", "target_ids": [PAGE]},
    ] == told["granular_scopes"]
    assert ("KIND_USER", 190, 463) == (told["kind"], told["meta_code"], told["meta_subcode"])
