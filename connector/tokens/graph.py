"""How Meta says what a token is, renews one, and kills one or all: requests as values, readings of answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.graph.call import Call, Effect, read_success
from connector.tokens.model import Inspection, Kind
from connector.vault import Secret


def inspect(token: Secret, kind: Kind, *, at: datetime) -> Call[Inspection]:
    """Ask what a token is; to be sent with the app's own token."""
    # Unverified: https://developers.facebook.com/docs/graph-api/reference/debug_token
    params = {"input_token": token.reveal()}
    return Call("GET", "debug_token", params=params, read=lambda answer: _inspection(answer["data"], kind, at))


def renew(app_id: str, app_secret: Secret, token: Secret) -> Call[Secret]:
    """Turn a system user's token of 60 days into a new one; the old one lives on."""
    # SDK 26.0.3, business.py, create_system_user_access_token, knows the parameter; that a token is renewed so is Unverified:
    # https://developers.facebook.com/docs/marketing-api/system-users/install-apps-and-generate-tokens
    asked = {
        "grant_type": "fb_exchange_token",
        "client_id": app_id,
        "client_secret": app_secret.reveal(),
        "set_token_expires_in_60_days": "true",
        "fb_exchange_token": token.reveal(),
    }
    return Call("GET", "oauth/access_token", params=asked, read=_issued, effect=Effect.REPEATABLE)


def kill(app_id: str, app_secret: Secret, token: Secret) -> Call[bool]:
    """Kill one token; to be sent with the app's own token."""
    # Unverified: https://developers.facebook.com/docs/marketing-api/system-users/install-apps-and-generate-tokens
    asked = {"client_id": app_id, "client_secret": app_secret.reveal(), "revoke_token": token.reveal()}
    return Call("GET", "oauth/revoke", params=asked, read=read_success, effect=Effect.REPEATABLE)


def kill_all(user_id: str) -> Call[bool]:
    """Kill every token of a system user, to be sent with one of them."""
    # SDK 26.0.3, user.py, delete_access_tokens
    return Call("DELETE", f"{user_id}/access_tokens", read=read_success, effect=Effect.REPEATABLE)


def catalog(catalog_id: str) -> Call[str]:
    """See whether a catalog is within reach."""
    # SDK 26.0.3, productcatalog.py, api_get
    return Call("GET", catalog_id, params={"fields": "id"}, read=lambda answer: str(answer["id"]))


def _inspection(facts: Mapping[str, Any], kind: Kind, at: datetime) -> Inspection:
    error = facts.get("error") or {}
    return Inspection(
        kind=kind,
        valid=facts["is_valid"] is True,
        meta_type=str(facts.get("type", "")),
        app_id=str(facts.get("app_id", "")),
        user_id=str(facts.get("user_id", "")),
        page_id=str(facts.get("profile_id", "")),
        scopes=tuple(sorted(str(scope) for scope in facts.get("scopes") or ())),
        granular_scopes={
            str(one["scope"]): tuple(str(target) for target in one["target_ids"])
            for one in facts.get("granular_scopes") or ()
            if one.get("target_ids") is not None
        },
        issue_time=_time(facts.get("issued_at")),
        expire_time=_time(facts.get("expires_at")),
        data_access_expire_time=_time(facts.get("data_access_expires_at")),
        code=int(error.get("code") or 0),
        subcode=int(error.get("subcode") or 0),
        inspect_time=at,
    )


def _time(seconds: Any) -> datetime | None:
    # Unverified: 0 stands for no end.
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _issued(answer: Any) -> Secret:
    return Secret(str(answer["access_token"]))
