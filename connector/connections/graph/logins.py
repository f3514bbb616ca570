"""How Meta says login: its dialogs, codes and tokens, what a token is, and what was granted with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connector.connections.model import Reach
from connector.connections.model.needs import BASIC
from connector.connections.model.needs import INSTAGRAM as INSTAGRAM
from connector.graph.call import Call, Effect
from connector.vault import Secret

SCOPES = BASIC
"""What we ask everybody for, and what for. None can be done without."""

# Unverified: subcodes of a failed code exchange.
CODE_EXPIRED, REDIRECT_MISMATCH, CODE_USED = 36007, 36008, 36009


@dataclass(frozen=True, slots=True)
class Issued:
    """A token just issued."""

    token: Secret


@dataclass(frozen=True, slots=True)
class Inspection:
    """What Meta says of a token. Times are None when there is no end; `subcode` tells why a dead one died."""

    app_id: str
    valid: bool
    user_id: str
    scopes: frozenset[str]
    expire_time: datetime | None
    data_access_expire_time: datetime | None
    kind: str = ""
    reach: Reach = field(default_factory=Reach)
    subcode: int = 0


def dialog(dialog_url: str, app_id: str, redirect_uri: str, state: str, *, scopes: Iterable[str] = BASIC) -> str:
    """Write the URL of the login dialog.

    `auth_type=rerequest` asks again for what was declined before.
    """
    # https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow (read 2026-11-21)
    # Unverified: auth_type.
    asked = {"scope": ",".join(dict.fromkeys((*scopes, INSTAGRAM))), "auth_type": "rerequest"}
    return _dialog(dialog_url, app_id, redirect_uri, state, asked)


def business_dialog(dialog_url: str, app_id: str, redirect_uri: str, state: str, *, config_id: str) -> str:
    """Write the URL of the dialog of Facebook Login for Business: a configuration at Meta says what is asked for."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/facebook-login-for-business. Without the override a
    # configuration for system users' tokens answers with something else than a code.
    asked = {"config_id": config_id, "override_default_response_type": "true"}
    return _dialog(dialog_url, app_id, redirect_uri, state, asked)


def _dialog(dialog_url: str, app_id: str, redirect_uri: str, state: str, asked: Mapping[str, str]) -> str:
    query = {"client_id": app_id, "redirect_uri": redirect_uri, "state": state, "response_type": "code", **asked}
    return f"{dialog_url}/dialog/oauth?{urlencode(query)}"


def exchange_code(app_id: str, app_secret: Secret, *, redirect_uri: str, code: str) -> Call[Issued]:
    """Turn the dialog's code into a token; works once, with the dialog's very redirect URI."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
    asked = {"client_id": app_id, "client_secret": app_secret.reveal(), "redirect_uri": redirect_uri, "code": code}
    return Call("GET", "oauth/access_token", params=asked, read=read_issued, effect=Effect.REPEATABLE)


def lengthen(app_id: str, app_secret: Secret, token: Secret) -> Call[Issued]:
    """Turn a short-lived user token into one of about 60 days."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
    asked = {
        "grant_type": "fb_exchange_token",
        "client_id": app_id,
        "client_secret": app_secret.reveal(),
        "fb_exchange_token": token.reveal(),
    }
    return Call("GET", "oauth/access_token", params=asked, read=read_issued, effect=Effect.REPEATABLE)


def inspect(token: Secret) -> Call[Inspection]:
    """Ask what a token is; to be sent with the app's own token."""
    # Unverified: https://developers.facebook.com/docs/graph-api/reference/debug_token
    return Call("GET", "debug_token", params={"input_token": token.reveal()}, read=_inspection)


def app_token(app_id: str, app_secret: Secret) -> Secret:
    """Write the app's own token."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens
    return Secret(f"{app_id}|{app_secret.reveal()}")


def permissions() -> Call[dict[str, str]]:
    """Tell each permission the person was asked for, and whether it is granted, declined or expired."""
    # SDK 26.0.3, user.py, get_permissions; the statuses are Unverified.
    return Call("GET", "me/permissions", read=_statuses)


def system_role(user_id: str) -> Call[str]:
    """Read the role of a system user."""
    # SDK 26.0.3, systemuser.py, SystemUser.Field. Unverified: that a system user may read its own.
    return Call("GET", user_id, params={"fields": "role"}, read=lambda answer: str(answer.get("role", "")))


def read_issued(answer: Any) -> Issued:
    """Read a token out of an answer."""
    return Issued(Secret(str(answer["access_token"])))


def _inspection(answer: Any) -> Inspection:
    facts = answer["data"]
    return Inspection(
        app_id=str(facts.get("app_id", "")),
        valid=facts["is_valid"] is True,
        user_id=str(facts.get("user_id", "")),
        scopes=frozenset(str(scope) for scope in facts.get("scopes", ())),
        expire_time=_end(facts.get("expires_at")),
        data_access_expire_time=_end(facts.get("data_access_expires_at")),
        kind=str(facts.get("type", "")),
        reach=Reach.of(_targets(facts.get("granular_scopes", ()))),
        subcode=int((facts.get("error") or {}).get("subcode") or 0),
    )


def _targets(entries: Any) -> dict[str, list[str]]:
    # Unverified: a permission without target_ids reaches everything the person has.
    return {str(one["scope"]): [str(target) for target in one.get("target_ids") or ()] for one in entries}


def _end(seconds: Any) -> datetime | None:
    # Unverified: 0 stands for no end.
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _statuses(answer: Any) -> dict[str, str]:
    return {str(entry["permission"]): str(entry["status"]) for entry in answer["data"]}
