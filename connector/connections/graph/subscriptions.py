"""How Meta says webhook subscriptions: a Page's to our app, and our app's to kinds of objects."""

from collections.abc import Sequence
from typing import Any

from connector.connections.model import AppSubscription
from connector.graph.call import Call, Effect, read_success
from connector.vault import Secret


def page_bucket(page_id: str) -> str:
    """Name the rate limit that a Page's calls other than messages count against."""
    return f"pages:{page_id}"


def subscribe(page_id: str, names: Sequence[str]) -> Call[bool]:
    """Subscribe our app to the Page; replaces the whole list of fields."""
    # SDK 26.0.3, page.py, create_subscribed_app; that it replaces the list is Unverified.
    fields = {"subscribed_fields": list(names)}
    return Call(
        "POST",
        f"{page_id}/subscribed_apps",
        body=fields,
        read=read_success,
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
        "DELETE", f"{page_id}/subscribed_apps", read=read_success, bucket=page_bucket(page_id), effect=Effect.REPEATABLE
    )


def app_subscriptions(app_id: str) -> Call[tuple[AppSubscription, ...]]:
    """List where the app's webhooks go; to be sent with the app's own token."""
    # SDK 26.0.3, application.py, get_subscriptions; the shape of the answer is Unverified.
    return Call("GET", f"{app_id}/subscriptions", read=lambda answer: tuple(map(read_app_subscription, answer["data"])))


def read_app_subscription(entry: Any) -> AppSubscription:
    """Read one entry of that list."""
    fields = frozenset(str(one["name"] if isinstance(one, dict) else one) for one in entry.get("fields", ()))
    return AppSubscription(
        str(entry["object"]), str(entry.get("callback_url", "")), entry.get("active") is not False, fields
    )


def subscribe_app(app_id: str, name: str, fields: Sequence[str], callback_url: str, verify_token: Secret) -> Call[bool]:
    """Set where the app's webhooks of one kind of object go; Meta asks the address at once whether it expects them."""
    # SDK 26.0.3, application.py, create_subscription; that it adds fields to those already there is Unverified.
    body = {
        "object": name,
        "callback_url": callback_url,
        "fields": ",".join(fields),
        "verify_token": verify_token.reveal(),
        "include_values": True,
    }
    return Call("POST", f"{app_id}/subscriptions", body=body, read=read_success, effect=Effect.REPEATABLE)
