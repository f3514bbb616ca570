"""How Meta says what a token is, and how it is renewed and killed."""

from datetime import UTC, datetime

from connector.graph.call import Effect
from connector.tokens import graph
from connector.tokens.model import Kind
from connector.vault import Secret

NOW, TOKEN, SECRET = datetime(2026, 11, 21, tzinfo=UTC), Secret("EAAtoken"), Secret("app-secret")


def test_everything_meta_says_is_read() -> None:
    """Kind, owner, scopes, what they are limited to, and the ends; 0 is no end."""
    facts = {
        "app_id": 61, "type": "SYSTEM_USER", "is_valid": True, "issued_at": 1_760_000_000, "expires_at": 0,
        "data_access_expires_at": 1_770_000_000, "user_id": 10, "profile_id": 30, "scopes": ["b", "a"],
        "granular_scopes": [{"scope": "a", "target_ids": [1, "2"]}, {"scope": "b"}],
    }  # fmt: skip
    read = graph.inspect(TOKEN, Kind.USER, at=NOW).read({"data": facts})
    assert ("61", "10", "30", ("a", "b"), {"a": ("1", "2")}) == (
        read.app_id, read.user_id, read.page_id, read.scopes, read.granular_scopes,
    )  # fmt: skip
    assert (None, datetime(2026, 2, 2, 2, 40, tzinfo=UTC)) == (read.expire_time, read.data_access_expire_time)


def test_a_dead_token_tells_why() -> None:
    """Code and subcode of a dead token are kept; what Meta leaves out is empty."""
    facts = {"is_valid": False, "error": {"code": 190, "subcode": 463, "message": "expired"}}
    read = graph.inspect(TOKEN, Kind.PAGE, at=NOW).read({"data": facts})
    assert (False, 190, 463, (), None) == (read.valid, read.code, read.subcode, read.scopes, read.issue_time)


def test_killing_and_renewing_may_be_repeated() -> None:
    """A lost answer is no reason to stop: the second killing finds nothing, the second renewal another token."""
    calls = graph.kill("61", SECRET, TOKEN), graph.kill_all("10"), graph.renew("61", SECRET, TOKEN)
    assert [Effect.REPEATABLE] * 3 == [call.effect for call in calls]
    assert "true" == calls[2].params["set_token_expires_in_60_days"]
    assert "***" == str(calls[2].read({"access_token": "EAAnew"}))
