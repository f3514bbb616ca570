"""How Meta says login, assets and a Page's webhook subscription: requests as values, readings of answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from connector.connections.model import Business, Catalog, Page
from connector.graph.call import Call, Effect, Listed, read_list
from connector.vault import Secret

T = TypeVar("T")
Entries = Listed[Mapping[str, Any]]
"""Entries as Meta writes them."""

# https://developers.facebook.com/docs/permissions (read 2026-11-21); pages_show_list, pages_manage_metadata and
# pages_messaging are Unverified: recalled, as are the calls they are said to open.
SCOPES: Mapping[str, str] = {
    "business_management": "businesses and their catalogs",
    "catalog_management": "products, stock and price",
    "pages_manage_metadata": "the Page's webhook subscription",
    "pages_messaging": "messages in and out",
    "pages_read_engagement": "the Page's name and tasks",
    "pages_show_list": "the list of Pages",
}
"""What we ask for, and what for. None can be done without."""

# SDK 26.0.3, page.py, Page.SubscribedFields.
SUBSCRIBED_FIELDS = (
    "messages",
    "message_deliveries",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "message_reads",
    "messaging_handovers",
    "messaging_optins",
    "messaging_policy_enforcement",
    "messaging_postbacks",
    "messaging_referrals",
    "send_cart",
    "standby",
)
"""What a Page tells us: everything `connector.webhooks` reads."""

# Unverified: Meta's largest page is recalled as 100.
_PAGE_SIZE = "100"

# Unverified: subcodes of a failed code exchange.
CODE_EXPIRED, CODE_USED = 36007, 36009


@dataclass(frozen=True, slots=True)
class Issued:
    """A token just issued."""

    token: Secret


@dataclass(frozen=True, slots=True)
class Inspection:
    """What Meta says of a token. Times are None when there is no end."""

    app_id: str
    valid: bool
    user_id: str
    scopes: frozenset[str]
    expire_time: datetime | None
    data_access_expire_time: datetime | None


def dialog(dialog_url: str, app_id: str, redirect_uri: str, state: str) -> str:
    """Write the URL of the login dialog.

    `auth_type=rerequest` asks again for what was declined before.
    """
    # https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow (read 2026-11-21)
    # Unverified: auth_type.
    query = {
        "client_id": app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "response_type": "code",
        "scope": ",".join(SCOPES),
        "auth_type": "rerequest",
    }
    return f"{dialog_url}/dialog/oauth?{urlencode(query)}"


def exchange_code(app_id: str, app_secret: Secret, *, redirect_uri: str, code: str) -> Call[Issued]:
    """Turn the dialog's code into a token; works once, with the dialog's very redirect URI."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
    asked = {"client_id": app_id, "client_secret": app_secret.reveal(), "redirect_uri": redirect_uri, "code": code}
    return Call("GET", "oauth/access_token", params=asked, read=_issued, effect=Effect.REPEATABLE)


def lengthen(app_id: str, app_secret: Secret, token: Secret) -> Call[Issued]:
    """Turn a short-lived user token into one of about 60 days."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
    asked = {
        "grant_type": "fb_exchange_token",
        "client_id": app_id,
        "client_secret": app_secret.reveal(),
        "fb_exchange_token": token.reveal(),
    }
    return Call("GET", "oauth/access_token", params=asked, read=_issued, effect=Effect.REPEATABLE)


def inspect(token: Secret) -> Call[Inspection]:
    """Ask what a token is; to be sent with the app's own token."""
    # Unverified: https://developers.facebook.com/docs/graph-api/reference/debug_token
    return Call("GET", "debug_token", params={"input_token": token.reveal()}, read=_inspection)


def app_token(app_id: str, app_secret: Secret) -> Secret:
    """Write the app's own token."""
    # Unverified: https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens
    return Secret(f"{app_id}|{app_secret.reveal()}")


def permissions() -> Call[frozenset[str]]:
    """List the permissions the person granted, without those declined or expired."""
    # SDK 26.0.3, user.py, get_permissions; the statuses are Unverified.
    return Call("GET", "me/permissions", read=_granted)


def pages(after: str = "") -> Call[Entries]:
    """List the Pages the person granted."""
    # https://developers.facebook.com/docs/graph-api/reference/user/accounts (read 2026-11-21)
    return _list("me/accounts", "id,name,tasks", after)


def businesses(after: str = "") -> Call[Entries]:
    """List the person's businesses."""
    # SDK 26.0.3, user.py, get_businesses
    return _list("me/businesses", "id,name", after)


def catalogs(business_id: str, after: str = "") -> Call[Entries]:
    """List a business's catalogs."""
    # SDK 26.0.3, business.py, get_owned_product_catalogs
    return _list(f"{business_id}/owned_product_catalogs", "id,name,product_count", after)


def page_token(page_id: str) -> Call[Issued]:
    """Derive a Page's token from the person's."""
    # facebook-for-magento2, GET /{page}?fields=access_token (read 2026-11-21)
    return Call("GET", page_id, params={"fields": "access_token"}, read=_issued)


def page_bucket(page_id: str) -> str:
    """Name the rate limit that a Page's calls other than messages count against."""
    return f"pages:{page_id}"


def subscribe(page_id: str) -> Call[bool]:
    """Subscribe our app to the Page; replaces the whole list of fields."""
    # SDK 26.0.3, page.py, create_subscribed_app; that it replaces the list is Unverified.
    fields = {"subscribed_fields": list(SUBSCRIBED_FIELDS)}
    return Call(
        "POST",
        f"{page_id}/subscribed_apps",
        body=fields,
        read=_success,
        bucket=page_bucket(page_id),
        effect=Effect.REPEATABLE,
    )


def read_subscription(page_id: str, app_id: str) -> Call[tuple[str, ...]]:
    """Read which fields our app is subscribed to on the Page; none when it is not."""

    def read(answer: Any) -> tuple[str, ...]:
        ours = [app for app in answer["data"] if str(app["id"]) == app_id]
        return tuple(str(name) for app in ours for name in app.get("subscribed_fields", ()))

    # SDK 26.0.3, page.py, get_subscribed_apps; the shape of the answer is Unverified.
    return Call("GET", f"{page_id}/subscribed_apps", read=read, bucket=page_bucket(page_id))


def unsubscribe(page_id: str) -> Call[bool]:
    """Unsubscribe our app from the Page."""
    # SDK 26.0.3, page.py, delete_subscribed_apps
    return Call(
        "DELETE", f"{page_id}/subscribed_apps", read=_success, bucket=page_bucket(page_id), effect=Effect.REPEATABLE
    )


def read_page(entry: Mapping[str, Any]) -> Page:
    """Read a Page of a list."""
    return Page(str(entry["id"]), str(entry.get("name", "")), tuple(str(task) for task in entry.get("tasks", ())))


def read_business(entry: Mapping[str, Any]) -> Business:
    """Read a business of a list."""
    return Business(str(entry["id"]), str(entry.get("name", "")))


def read_catalog(entry: Mapping[str, Any], business_id: str) -> Catalog:
    """Read a catalog of a list."""
    return Catalog(str(entry["id"]), str(entry.get("name", "")), business_id, int(entry.get("product_count") or 0))


def _list(path: str, fields: str, after: str) -> Call[Entries]:
    params = {"fields": fields, "limit": _PAGE_SIZE} | ({"after": after} if after else {})
    return Call("GET", path, params=params, read=_listed)


def _listed(answer: Any) -> Entries:
    return read_list(answer, answer["data"])


def _issued(answer: Any) -> Issued:
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
    )


def _end(seconds: Any) -> datetime | None:
    # Unverified: 0 stands for no end.
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _granted(answer: Any) -> frozenset[str]:
    return frozenset(str(entry["permission"]) for entry in answer["data"] if entry["status"] == "granted")


def _success(answer: Any) -> bool:
    if answer["success"] is not True:
        raise ValueError("Meta did not say that it worked")
    return True
