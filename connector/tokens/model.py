"""What Meta says of a token, when its end is announced, and what a look at both tokens means for the connection. Pure.

A person's or system user's token serves the catalog, the Page's is derived from it. The first one dead: the connection needs a
login. Only the Page's dead: messages stop, the catalog goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.alerts.model import Alert
from connector.connections.model.assets import Page
from connector.connections.model.needs import BASIC
from connector.connections.model.reach import EDITOR_TASKS, Reach, TokenKind, missing_tasks
from connector.errors import FailedPrecondition

INSPECTED_EVERY = timedelta(hours=6)
WARNED_DAYS = (1, 7, 14)
"""How many days before its end a token's is announced."""
RENEWED_BEFORE = timedelta(days=20)
"""How long before its end a system user's token is renewed: well before anybody is warned."""
GRACE = timedelta(minutes=2)
"""How long an old token lives on beside the new one: longer than any call takes, so that none under way loses its token."""
KILL_TIME = timedelta(days=1)
"""How long Meta is asked to kill a token; then it is wiped alive, and the status says so."""
DOUBTED = timedelta(days=1)
"""For how long after Meta refused a token that it calls valid a second refusal is believed."""


class Kind(StrEnum):
    """Whose token it is."""

    USER = "USER"
    PAGE = "PAGE"
    LOGIN = "LOGIN"  # of a login whose choice is open


@dataclass(frozen=True, slots=True)
class Inspection:
    """What Meta said of a token. Times are None when there is no end."""

    kind: Kind
    valid: bool
    meta_type: str
    app_id: str
    user_id: str
    page_id: str
    scopes: tuple[str, ...]
    granular_scopes: Mapping[str, tuple[str, ...]]
    issue_time: datetime | None
    expire_time: datetime | None
    data_access_expire_time: datetime | None
    code: int
    subcode: int
    inspect_time: datetime

    @property
    def renewable(self) -> bool:
        """Tell whether Meta renews it: a system user's, if it is alive and has an end."""
        return self.valid and self.meta_type == TokenKind.SYSTEM_USER and self.expire_time is not None

    def document(self) -> dict[str, Any]:
        """Write it with the contract's field names."""
        same = ("valid", "meta_type", "app_id", "user_id", "page_id", "issue_time", "expire_time", "inspect_time")
        granular = [{"scope": scope, "target_ids": list(ids)} for scope, ids in sorted(self.granular_scopes.items())]
        return {name: getattr(self, name) for name in same} | {
            "kind": f"KIND_{self.kind}",
            "scopes": list(self.scopes),
            "granular_scopes": granular,
            "data_access_expire_time": self.data_access_expire_time,
            "meta_code": self.code,
            "meta_subcode": self.subcode,
        }


@dataclass(frozen=True, slots=True)
class Look:
    """Both tokens of a connection as Meta sees them; `seen` is the Page, None when Meta did not list it.

    `page_token` is a new one, sealed, when the Page's was dead and could be derived anew.
    """

    user: Inspection
    page: Inspection
    seen: Page | None = None
    page_token: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Retired:
    """A token on its way out: sealed as it was, out of reach of all other work, until Meta has killed it."""

    id: int
    kind: Kind
    user_id: str
    sealed: bytes = field(repr=False)
    every: bool
    forced: bool
    kill_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Care:
    """What was said of a connection's tokens: the smallest number of days announced, and when Meta contradicted itself."""

    token_days: int | None = None
    data_access_days: int | None = None
    doubt_time: datetime | None = None

    def doubted(self, at: datetime) -> bool:
        """Tell whether Meta refused a token lately that it calls valid."""
        return self.doubt_time is not None and at - self.doubt_time < DOUBTED


def loss(look: Look, *, at: datetime) -> str:
    """Tell why the connection cannot go on with these tokens, as a value of ErrorReason; empty when it can."""
    if not look.user.valid:
        return "META_TOKEN_INVALID"
    end = look.user.data_access_expire_time
    return "DATA_ACCESS_EXPIRED" if end is not None and end <= at else ""


def warned_days(end: datetime | None, *, at: datetime) -> int | None:
    """Tell which announcement is due: the smallest number of days that the end is not further away than."""
    return None if end is None else next((days for days in WARNED_DAYS if end - at <= timedelta(days=days)), None)


def to_renew(user: Inspection, *, at: datetime) -> bool:
    """Tell whether it is time for a token to be renewed that can be."""
    return user.renewable and user.expire_time is not None and user.expire_time - at < RENEWED_BEFORE


def token_alert(user: Inspection, days: int) -> Alert:
    """Announce the end of a token."""
    if user.meta_type == TokenKind.SYSTEM_USER:
        mend, fix = "Renewing it failed: hand in a new token with RotateToken, or connect again.", "RotateToken"
    else:
        mend, fix = "Meta does not let us renew a person's token: the merchant connects again.", "Connect"
    body = f"Meta's token stops working {_on(user.expire_time)}; then nothing is sent or received any more. {mend}"
    return Alert("TOKEN_EXPIRES_SOON", f"The link to Facebook ends within {_days(days)}", body, fix_rpc=fix)


def data_access_alert(user: Inspection, days: int) -> Alert:
    """Announce the end of data access."""
    body = (
        f"Meta ends our access to the merchant's data {_on(user.data_access_expire_time)}, 90 days after the last login. "
        "The merchant connects again; nothing else is lost."
    )
    title = f"Facebook wants a new login within {_days(days)}"
    return Alert("DATA_ACCESS_EXPIRES_SOON", title, body, fix_rpc="Connect")


def _days(days: int) -> str:
    return "a day" if days == 1 else f"{days} days"


def _on(end: datetime | None) -> str:
    return f"on {end:%Y-%m-%d at %H:%M} UTC" if end else "soon"


def check_new(user: Inspection, *, app_id: str, page_id: str, catalog_id: str, business_id: str, at: datetime) -> None:
    """Refuse a token that could not do the connection's work.

    Raises:
        FailedPrecondition: APP_MISMATCH, META_TOKEN_INVALID, DATA_ACCESS_EXPIRED, TOKEN_KIND_UNSUITABLE, SCOPES_MISSING,
            SCOPE_WITHOUT_PAGE, SCOPE_WITHOUT_CATALOG.

    """
    # Of a token that Meta never heard of it does not tell an app.
    if user.app_id != app_id and (user.app_id or user.valid):
        raise foreign()
    if not user.valid:
        raise FailedPrecondition("META_TOKEN_INVALID", "Meta does not accept the new token", fix="Connect.begin")
    if user.data_access_expire_time is not None and user.data_access_expire_time <= at:
        message = "The new token's access to data has ended: the person logs in first"
        raise FailedPrecondition("DATA_ACCESS_EXPIRED", message, fix="Connect.begin")
    if user.meta_type not in set(TokenKind):
        message = "The token is neither a person's nor a system user's: hand in one of these"
        raise FailedPrecondition("TOKEN_KIND_UNSUITABLE", message, kind=user.meta_type)
    if missing := " ".join(sorted(BASIC.keys() - set(user.scopes))):
        message = f"The token does not have {missing}: make one with every scope the connector needs"
        raise FailedPrecondition("SCOPES_MISSING", message, fix="Connect.begin", scopes=missing)
    reach = Reach.of(user.granular_scopes)
    if short := " ".join(reach.scopes_without_page(BASIC, page_id)):
        message = f"The token has {short} for other Pages only: assign the connection's Page as well"
        raise FailedPrecondition("SCOPE_WITHOUT_PAGE", message, page_id=page_id, scopes=short)
    if catalog_id and (short := " ".join(reach.scopes_without_catalog(catalog_id, business_id))):
        message = f"The token has {short} for other catalogs only: assign the connection's catalog as well"
        raise FailedPrecondition("SCOPE_WITHOUT_CATALOG", message, catalog_id=catalog_id, scopes=short)


def foreign() -> FailedPrecondition:
    """Say that a token was made for another app."""
    return FailedPrecondition("APP_MISMATCH", "The token belongs to another Meta app: check where it was made")


def check_kept(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Refuse fewer scopes than before.

    Raises:
        FailedPrecondition: SCOPES_REDUCED.

    """
    if lost := " ".join(sorted(set(before) - set(after))):
        message = f"The new token lacks {lost}: hand in another, or say allow_fewer_scopes"
        raise FailedPrecondition("SCOPES_REDUCED", message, scopes=lost)


def check_tasks(tasks: tuple[str, ...] | None, page_id: str) -> None:
    """Refuse somebody who is no editor of the Page; whose tasks Meta does not tell is believed.

    Raises:
        FailedPrecondition: PAGE_ROLE_TOO_LOW.

    """
    if tasks is not None and (short := " ".join(missing_tasks(tasks, EDITOR_TASKS))):
        message = f"Who is behind the new token may not do {short} on the Page: give these tasks, or hand in another"
        raise FailedPrecondition("PAGE_ROLE_TOO_LOW", message, page_id=page_id, tasks=short)


def page_not_granted(page_id: str) -> FailedPrecondition:
    """Say that a token does not reach the connection's Page."""
    message = "The new token does not reach the connection's Page: assign it, or tick it in Meta's dialog"
    return FailedPrecondition("PAGE_NOT_GRANTED", message, fix="Connect.begin", page_id=page_id)


def catalog_not_granted(catalog_id: str) -> FailedPrecondition:
    """Say that a token does not reach the connection's catalog."""
    message = "The new token does not reach the connection's catalog: assign it to the system user, or its business"
    return FailedPrecondition("CATALOG_NOT_GRANTED", message, fix="Connect.begin", catalog_id=catalog_id)
