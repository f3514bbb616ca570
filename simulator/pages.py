"""Pages: their node, the apps subscribed to them, and how webhook updates find those apps."""

from typing import Any

from simulator.call import SUCCESS, Call, Json, NodeType, Route, attribute
from simulator.errors import GraphError, invalid_parameter
from simulator.state import Business, IGUser, Page, Profile, Token, UnifiedThread
from simulator.world import World

# Unverified: the task list; the field itself is documented.
ALL_TASKS = ("ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE")
# SDK 26.0.3, page.py, Page.SubscribedFields
SUBSCRIBABLE = frozenset(
    [
        "affiliation",
        "agent_messages",
        "agent_questions",
        "attire",
        "awards",
        "bio",
        "birthday",
        "business_integrity",
        "call_permission_reply",
        "call_settings_update",
        "calls",
        "category",
        "checkins",
        "comment_poll_response",
        "company_overview",
        "conversations",
        "culinary_team",
        "current_location",
        "description",
        "email",
        "feature_access_list",
        "feed",
        "follow",
        "founded",
        "general_info",
        "general_manager",
        "group_feed",
        "hometown",
        "hours",
        "inbox_labels",
        "invalid_topic_placeholder",
        "invoice_access_bank_slip_events",
        "invoice_access_invoice_change",
        "invoice_access_invoice_draft_change",
        "invoice_access_onboarding_status_active",
        "leadgen",
        "leadgen_fat",
        "leadgen_update",
        "live_videos",
        "local_delivery",
        "location",
        "marketing_message_clicks",
        "marketing_message_deliveries",
        "marketing_message_delivery_failed",
        "marketing_message_echoes",
        "marketing_message_reads",
        "marketing_messages_subscriber_upload_status",
        "mcom_invoice_change",
        "members",
        "mention",
        "merchant_review",
        "message_context",
        "message_deliveries",
        "message_echoes",
        "message_edits",
        "message_mention",
        "message_reactions",
        "message_reads",
        "message_template_status_update",
        "messages",
        "messaging_account_linking",
        "messaging_appointments",
        "messaging_checkout_updates",
        "messaging_customer_information",
        "messaging_direct_sends",
        "messaging_fblogin_account_linking",
        "messaging_feedback",
        "messaging_game_plays",
        "messaging_handovers",
        "messaging_in_thread_lead_form_submit",
        "messaging_integrity",
        "messaging_optins",
        "messaging_optouts",
        "messaging_payments",
        "messaging_policy_enforcement",
        "messaging_postbacks",
        "messaging_pre_checkouts",
        "messaging_referrals",
        "mission",
        "name",
        "page_about_story",
        "page_change_proposal",
        "page_upcoming_change",
        "parking",
        "payment_options",
        "payment_request_update",
        "personal_info",
        "personal_interests",
        "phone",
        "picture",
        "price_range",
        "product_review",
        "products",
        "public_transit",
        "publisher_subscriptions",
        "ratings",
        "registration",
        "response_feedback",
        "send_cart",
        "standby",
        "story_poll_response",
        "story_share",
        "user_action",
        "video_text_question_responses",
        "videos",
        "website",
    ]
)


def page_token(world: World, page: Page, caller: Token) -> str:
    """Return the caller's token for a Page: always the same while both live."""
    if caller.kind == "PAGE":
        return caller.value
    # Unverified: a Page token read with a long-lived user token has no expiry; any other ends with its user token.
    expire_time = None if caller.long_lived else caller.expire_time
    key = (page.id, caller.user_id, caller.app_id, caller.scopes, expire_time)
    known = world.page_tokens.get(key)
    if known is None or known.death is not None:
        known = world.page_tokens[key] = world.issue_token(
            "PAGE",
            caller.app_id,
            user_id=caller.user_id,
            page_id=page.id,
            scopes=caller.scopes,
            expire_time=expire_time,
        )
    return known.value


def _access_token(call: Call, page: Page) -> str | None:
    return page_token(call.world, page, call.token) if call.token else None


def _tasks(call: Call, page: Page) -> list[str] | None:
    user = call.world.nodes.get(call.token.user_id) if call.token else None
    return list(user.page_tasks.get(page.id, [])) if user else None


def list_subscribed_apps(call: Call) -> Json:
    """List the apps that get this Page's webhooks."""
    world = call.world
    return {
        "data": [
            {"id": app_id, "name": world.apps[app_id].name, "link": "https://apps.test/", "subscribed_fields": names}
            for app_id, names in call.node.fields_by_app.items()
        ]
    }


def subscribe_app(call: Call) -> Json:
    """Subscribe the calling app to the Page; the given list replaces the one before."""
    names = call.names("subscribed_fields")
    if unknown := [name for name in names if name not in SUBSCRIBABLE]:
        raise invalid_parameter(f"Param subscribed_fields has unknown values: {', '.join(unknown)}")
    if not names:
        raise invalid_parameter("Param subscribed_fields must name at least one field")
    switches = call.world.switches
    if refused := sorted({*names} & {*switches.refused_page_fields.split(",")}):
        # Unverified: that one field without its permission refuses them all.
        raise GraphError(f"(#200) To subscribe to {refused[0]} another permission is needed", code=200)
    if call.app:
        untold = switches.untold_page_fields.split(",")
        call.node.fields_by_app[call.app.id] = [name for name in names if name not in untold]
        call.node.failing_since.pop(call.app.id, None)
    return SUCCESS


def unsubscribe_app(call: Call) -> Json:
    """Unsubscribe the calling app from the Page."""
    if call.app:
        call.node.fields_by_app.pop(call.app.id, None)
    return SUCCESS


def account(page: Page, platform: str) -> str:
    """Return the id of who writes on the Page's side: the Page, or its Instagram account."""
    return page.instagram_id if platform == "INSTAGRAM" else page.id


def notify(
    world: World,
    page: Page,
    field: str,
    payload: dict[str, Any],
    *,
    key: str = "messaging",
    platform: str = "MESSENGER",
) -> int:
    """Tell an event to every app that subscribed to this field, both for the object and for this Page.

    An app that does not own the thread hears of it in `standby`, if it subscribed to that; tells how many apps hear of it.
    """
    object_, told = "instagram" if platform == "INSTAGRAM" else "page", 0
    for app_id, names in page.fields_by_app.items():
        app = world.apps[app_id]
        subscription = app.subscriptions.get(object_)
        aside = key == "messaging" and field != "messaging_handovers" and _owned_elsewhere(page, payload, app_id)
        wanted = "standby" if aside else field
        if wanted in names and subscription is not None and wanted in subscription.fields:
            world.outbox.tell(
                app, object_, account(page, platform), *(("standby", _aside(payload)) if aside else (key, payload))
            )
            told += 1
    return told


def _owned_elsewhere(page: Page, payload: dict[str, Any], app_id: str) -> bool:
    ends = [payload.get(end, {}).get("id", "") for end in ("sender", "recipient")]
    return any(page.owner_app_by_psid.get(end, "") not in ("", app_id) for end in ends)


def _aside(payload: dict[str, Any]) -> dict[str, Any]:
    # Secondary: a postback in standby has no payload.
    if "postback" not in payload:
        return payload
    return {**payload, "postback": {name: one for name, one in payload["postback"].items() if name != "payload"}}


def person(page: Page, psid: str, name: str) -> Profile:
    """Return the person of that PSID on the Page, new if need be."""
    if psid not in page.profiles:
        page.profiles[psid] = Profile(psid, page.id, name)
    return page.profiles[psid]


def thread(world: World, page: Page, psid: str, *, platform: str = "MESSENGER") -> UnifiedThread:
    """Return the conversation with a person, new if need be."""
    if psid not in page.threads:
        found = UnifiedThread(world.new_text_id("t_", size=12), page.id, psid, world.clock.now(), world.next_number())
        found.platform = platform
        page.threads[psid] = world.add(found)
    return page.threads[psid]


NODES = {
    "Page": NodeType(
        {
            "id": attribute("id"),
            "name": attribute("name"),
            "category": attribute("category"),
            "access_token": _access_token,
            "tasks": _tasks,
            "link": lambda _, page: f"https://www.facebook.com/{page.id}",
            "business": lambda call, page: call.world.find(Business, page.business_id),
            "instagram_business_account": lambda call, page: call.world.find(IGUser, page.instagram_id),
            "is_webhooks_subscribed": lambda _, page: bool(page.fields_by_app),
            "has_transitioned_to_new_page_experience": lambda *_: True,
        },
        default=("id", "name"),
    ),
}
METADATA = ("pages_manage_metadata",)
ROUTES = {
    ("Page", "GET", "subscribed_apps"): Route(list_subscribed_apps, METADATA, bucket="pages", page_token=True),
    ("Page", "POST", "subscribed_apps"): Route(subscribe_app, METADATA, bucket="pages", page_token=True),
    ("Page", "DELETE", "subscribed_apps"): Route(unsubscribe_app, METADATA, bucket="pages", page_token=True),
}
