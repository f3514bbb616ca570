"""How login and assets are said to Meta, and how its answers are read."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.connections import graph
from connector.vault import Secret

SECRET = Secret("app-secret")


def test_the_dialog_asks_for_exactly_what_we_need() -> None:
    """The dialog's URL carries our app, the state, the redirect URI byte for byte, and every scope once."""
    url = graph.dialog("https://www.facebook.com/v26.0", "61", "https://a.example/b?c=d&e=f", "s-_")
    asked = parse_qs(urlsplit(url).query)
    assert "https://www.facebook.com/v26.0/dialog/oauth" == url.partition("?")[0]
    assert (["61"], ["https://a.example/b?c=d&e=f"], ["s-_"], ["code"]) == tuple(
        asked[name] for name in ("client_id", "redirect_uri", "state", "response_type")
    )
    assert sorted([*graph.SCOPES, graph.INSTAGRAM]) == sorted(asked["scope"][0].split(","))


def test_secrets_do_not_stand_in_paths() -> None:
    """What is logged of a call, its path, holds neither token nor secret nor code."""
    calls: list[Any] = [
        graph.exchange_code("61", SECRET, redirect_uri="https://a.example", code="the-code"),
        graph.lengthen("61", SECRET, Secret("the-token")),
        graph.inspect(Secret("the-token")),
    ]
    for call in calls:
        assert not {"the-code", "the-token", "app-secret"} & set(call.path.split("/"))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, None), (None, None), (1_800_000_000, datetime(2027, 1, 15, 8, tzinfo=UTC))]
)
def test_a_token_without_an_end_has_none(seconds: int | None, expected: datetime | None) -> None:
    """Zero and absence stand for a token that never ends."""
    facts = {"app_id": 61, "is_valid": True, "scopes": ["a"], "expires_at": seconds}
    inspection = graph.inspect(Secret("t")).read({"data": facts})
    assert (expected, "61") == (inspection.expire_time, inspection.app_id)


@pytest.mark.parametrize("is_valid", [False, None, "true", 1])
def test_only_a_plain_yes_makes_a_token_valid(is_valid: object) -> None:
    """Whatever else Meta may write there, only `true` counts."""
    assert not graph.inspect(Secret("t")).read({"data": {"is_valid": is_valid}}).valid


def test_permissions_say_what_became_of_each() -> None:
    """What was granted, declined, and granted but expired, is told apart."""
    rows = [{"permission": f"p{name}", "status": name} for name in ("granted", "declined", "expired")]
    expected = {"pgranted": "granted", "pdeclined": "declined", "pexpired": "expired"}
    assert expected == graph.permissions().read({"data": rows})


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        ({}, ""),
        ({"cursors": {"after": "c"}}, ""),
        ({"cursors": {"after": "c"}, "next": "https://graph.facebook.com/?access_token=x"}, "c"),
    ],
)
def test_a_list_goes_on_by_its_cursor_only(paging: dict[str, Any], after: str) -> None:
    """Meta's `next` address, which holds the token, is never taken; its absence is the end."""
    listed = graph.pages().read({"data": [{"id": "1"}], "paging": paging})
    assert (after, 1) == (listed.after, len(listed.entries))


def test_only_our_own_subscription_is_read() -> None:
    """What other apps subscribed to on the Page is not ours."""
    apps = [{"id": "62", "subscribed_fields": ["feed"]}, {"id": "61", "subscribed_fields": ["messages"]}]
    assert ("messages",) == graph.read_subscription("1", "61").read({"data": apps})
    assert () == graph.read_subscription("1", "63").read({"data": apps})


@pytest.mark.parametrize("answer", [{}, {"success": False}, {"success": "true"}, []])
def test_a_write_counts_only_when_meta_says_so(answer: Any) -> None:
    """Anything but `success: true` is not taken for a success."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        graph.subscribe("1", ["messages"]).read(answer)


def test_a_business_dialog_asks_by_its_configuration() -> None:
    """Login for Business names the configuration instead of scopes, and insists on a code."""
    url = graph.business_dialog("https://www.facebook.com/v26.0", "61", "https://a.example/b", "s-_", config_id="900")
    asked = parse_qs(urlsplit(url).query)
    assert (["900"], ["true"], ["code"], ["s-_"]) == tuple(
        asked[name] for name in ("config_id", "override_default_response_type", "response_type", "state")
    )
    assert not {"scope", "auth_type"} & asked.keys()


def test_an_inspection_tells_kind_reach_and_death() -> None:
    """What a token is, whom its permissions reach, and why a dead one died, is read from one answer."""
    granular = [{"scope": "pages_messaging", "target_ids": ["1"]}, {"scope": "business_management"}]
    facts = {
        "app_id": "61",
        "type": "SYSTEM_USER",
        "is_valid": False,
        "granular_scopes": granular,
        "error": {"subcode": 463},
    }
    inspection = graph.inspect(Secret("t")).read({"data": facts})
    assert ("SYSTEM_USER", {"pages_messaging": ("1",)}, 463) == (
        inspection.kind, inspection.reach.targets, inspection.subcode,
    )  # fmt: skip


@pytest.mark.parametrize("instagram", [False, True])
def test_instagram_is_asked_for_only_where_it_may_be_seen(instagram: bool) -> None:  # noqa: FBT001 – a table's column
    """Without the permission the field is not asked for: Meta would refuse the whole list."""
    for call in (graph.pages(instagram=instagram), graph.assigned_pages(instagram=instagram)):
        assert instagram is ("instagram_business_account" in call.params["fields"])
    page = graph.read_page({"id": "1", "instagram_business_account": {"id": "17", "username": "shop"}})
    assert page.instagram is not None
    assert ("17", "shop") == (page.instagram.id, page.instagram.username)
