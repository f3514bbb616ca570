"""How Meta says a Page's webhook subscription."""

from typing import Any

from connector.graph.call import Call, Effect, read_success

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
