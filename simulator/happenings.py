"""What else happens between people and a Page: reactions, edits, buttons, referrals, opt-ins, carts, threads passed on, comments.

Each is one `POST /_simulator/pages/{page_id}/happenings` with its `kind`; the world changes where it has a place for it, and every
app that listens is told. A wrong member answers 400 and changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator.messaging import PAGE_INBOX_APP_ID, event_frame
from simulator.pages import account, notify, person, thread
from simulator.state import Message, Page
from simulator.world import World

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """What happens: to which Page and person, and what the caller said about it."""

    world: World
    page: Page
    psid: str
    said: Document

    def text(self, name: str, default: str = "") -> str:
        """Read a text that the caller gave."""
        value = self.said.get(name, default)
        if not isinstance(value, str):
            raise ValueError(f"{name}: expected a string")
        return value

    def message(self) -> Message:
        """Find the message that it is about."""
        mid = self.text("mid")
        found = self.page.threads.get(self.psid)
        message = next((one for one in found.messages if one.id == mid), None) if found else None
        if message is None:
            raise ValueError(f"mid: no such message in the conversation with {self.psid}")
        return message


def _react(one: Happening) -> Document:
    mid = one.message().id
    if one.said.get("kind") == "unreact":
        return {"reaction": {"action": "unreact", "mid": mid}}
    sign = {"reaction": one.text("reaction", "love"), "emoji": one.text("emoji", "\u2764")}
    return {"reaction": {"action": "react", "mid": mid, **sign}}


def _edit(one: Happening) -> Document:
    message = one.message()
    message.text, message.edits = one.text("text"), message.edits + 1
    return {"message_edit": {"mid": message.id, "text": message.text, "num_edit": message.edits}}


def _unsend(one: Happening) -> Document:
    message = one.message()
    message.text, message.attachments = "", []
    return {"message": {"mid": message.id, "is_deleted": True}}


def _read(one: Happening) -> Document:
    return {"read": {"watermark": int(one.world.clock.now() * 1_000)}}


def _referral(one: Happening) -> Document:
    named: Document = {name: one.text(name) for name in ("ref", "ad_id", "referer_uri") if name in one.said}
    return {"source": one.text("source", "SHORTLINK"), "type": "OPEN_THREAD", **named}


def _postback(one: Happening) -> Document:
    pressed = {"title": one.text("title", "Get Started"), "payload": one.text("payload", "GET_STARTED")}
    came = {"referral": _referral(one)} if "ref" in one.said or "ad_id" in one.said else {}
    mid = {} if one.world.switches.postbacks_without_mid else {"mid": one.world.new_text_id("m_", size=40)}
    return {"postback": {**mid, **pressed, **came}}


def _opt_in(one: Happening) -> Document:
    stopped = one.said.get("kind") == "stop"
    status = {"notification_messages_status": "STOP_NOTIFICATIONS"} if stopped else {}
    token = one.world.new_text_id("", size=24)
    told = {"title": one.text("title", "News"), "payload": one.text("payload"), "notification_messages_token": token}
    return {"optin": {"type": "notification_messages", **told, **status}}


def _link(one: Happening) -> Document:
    if one.said.get("kind") == "unlink":
        return {"account_linking": {"status": "unlinked"}}
    return {"account_linking": {"status": "linked", "authorization_code": one.text("code", "code")}}


def _pass(one: Happening) -> Document:
    """Give the thread to an app; nobody named: to Meta's own inbox."""
    before, after = one.page.owner_app_by_psid.get(one.psid, ""), one.text("app_id", PAGE_INBOX_APP_ID)
    one.page.owner_app_by_psid[one.psid] = after
    previous = {"previous_owner_app_id": before} if before else {}
    return {"pass_thread_control": {"new_owner_app_id": after, "metadata": one.text("metadata"), **previous}}


def _take(one: Happening) -> Document:
    """Let an app take the thread. Who lost it is told; the new owner only where the switch says so."""
    before, after = one.page.owner_app_by_psid.get(one.psid, ""), one.text("app_id", PAGE_INBOX_APP_ID)
    one.page.owner_app_by_psid[one.psid] = after
    owner = {"new_owner_app_id": after} if one.world.switches.take_names_owner else {}
    return {"take_thread_control": {"previous_owner_app_id": before, "metadata": one.text("metadata"), **owner}}


def _request(one: Happening) -> Document:
    asking = one.text("app_id", PAGE_INBOX_APP_ID)
    return {"request_thread_control": {"requested_owner_app_id": asking, "metadata": one.text("metadata")}}


def _cart(one: Happening) -> Document:
    # https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/send-cart (read 2026-11-21)
    products = one.said.get("products")
    if not isinstance(products, list) or not products or not all(isinstance(each, dict) for each in products):
        raise ValueError("products: expected a list of {id, retailer_id, name, unit_price, currency, quantity}")
    return {"order": {"products": products, "note": one.text("note")}}


def _feedback(one: Happening) -> Document:
    question: Document = {"type": "csat", "payload": one.text("score", "5")}
    question |= {"follow_up": {"type": "free_form", "payload": one.text("text")}} if "text" in one.said else {}
    return {"messaging_feedback": {"feedback_screens": [{"screen_id": 0, "questions": {"question": question}}]}}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of happening: the field that apps subscribe to, and how its event is written."""

    field: str
    write: Callable[[Happening], Document]


# Unverified: all shapes but the cart's are recalled.
KINDS: Mapping[str, Kind] = {
    "react": Kind("message_reactions", _react),
    "unreact": Kind("message_reactions", _react),
    "edit": Kind("message_edits", _edit),
    "unsend": Kind("messages", _unsend),
    "read": Kind("message_reads", _read),
    "postback": Kind("messaging_postbacks", _postback),
    "referral": Kind("messaging_referrals", lambda one: {"referral": _referral(one)}),
    "optin": Kind("messaging_optins", _opt_in),
    "stop": Kind("messaging_optins", _opt_in),
    "optout": Kind("messaging_optouts", lambda one: {"optout": {"type": one.text("type", "notification_messages")}}),
    "link": Kind("messaging_account_linking", _link),
    "unlink": Kind("messaging_account_linking", _link),
    "pass": Kind("messaging_handovers", _pass),
    "take": Kind("messaging_handovers", _take),
    "release": Kind("messaging_handovers", _pass),
    "request": Kind("messaging_handovers", _request),
    "cart": Kind("send_cart", _cart),
    "feedback": Kind("messaging_feedback", _feedback),
}
MEMBERS = (
    "kind psid platform mid text reaction emoji ref ad_id referer_uri source title payload type code app_id metadata products"
    " note score"
)
# What a messaging app subscribes to unless told otherwise.
DEFAULT_FIELDS = (
    "messages", "message_deliveries", "message_reads", "message_echoes", "message_reactions", "message_edits",
    "messaging_postbacks", "messaging_optins", "messaging_referrals", "messaging_handovers", "standby",
    "messaging_policy_enforcement", "send_cart", "feed", "merchant_review", "messaging_optouts", "messaging_account_linking",
    "messaging_feedback", "message_template_status_update", "mention", "ratings", "product_review",
)  # fmt: skip
TOPICS = {
    "feed",
    "mention",
    "ratings",
    "merchant_review",
    "product_review",
    "message_template_status_update",
    "conversations",
}


def happen(world: World, request: web.Request, document: Document) -> Document:
    """Let something happen between a person and a Page, or its Instagram account (platform).

    {kind: react | unreact | edit | unsend | read | postback | referral | optin | stop | optout | link | unlink | pass | take |
    release | request | cart | feedback, psid, …}
    """
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    kind = KINDS.get(str(document.get("kind")))
    if kind is None:
        raise ValueError(f"kind: expected one of {sorted(KINDS)}, got {document.get('kind')!r}")
    psid = document.get("psid") or next(iter(page.profiles), "")
    if not isinstance(psid, str) or not psid.isascii() or not psid.isdecimal():
        raise ValueError(f"psid: expected an id, a string of digits; got {psid!r}")
    platform = document.get("platform", page.threads[psid].platform if psid in page.threads else "MESSENGER")
    if platform not in ("MESSENGER", "INSTAGRAM") or (platform == "INSTAGRAM" and not page.instagram_id):
        raise ValueError("platform: expected MESSENGER, or INSTAGRAM and a Page with such an account")
    thread(world, page, person(page, psid, f"Person {psid[-4:]}").id, platform=platform)
    content = kind.write(Happening(world, page, psid, document))
    payload = event_frame(psid, account(page, platform), int(world.clock.now() * 1_000)) | content
    return {"psid": psid, "apps": notify(world, page, kind.field, payload, platform=platform), "event": payload}


def enforce_policy(world: World, request: web.Request, document: Document) -> Document:
    """Let Meta enforce a policy on a Page: action (block, unblock, warning), reason."""
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    action, reason = document.get("action"), document.get("reason", "Spam")
    if action not in ("block", "unblock", "warning") or not isinstance(reason, str):
        raise ValueError(f"action: expected block, unblock or warning, got {action!r}; reason: a string")
    now = int(world.clock.now() * 1_000)
    payload = {
        "recipient": {"id": page.id},
        "timestamp": now,
        "policy_enforcement": {"action": action, "reason": reason},
    }
    return {"apps": notify(world, page, "messaging_policy_enforcement", payload)}


def change_in_public(world: World, request: web.Request, document: Document) -> Document:
    """Tell a change of a Page: field (feed, mention, ratings, merchant_review …) and its value, as Meta would."""
    page = world.require(Page, request.match_info["page_id"], name="page_id")
    field, value = document.get("field"), document.get("value", {})
    if field not in TOPICS or not isinstance(value, dict):
        raise ValueError(f"field: expected one of {sorted(TOPICS)}, got {field!r}; value: an object")
    when = {} if "created_time" in value else {"created_time": int(world.clock.now())}
    payload = {"field": field, "value": {**value, **when}}
    return {"apps": notify(world, page, str(field), payload, key="changes")}


ROUTES = (
    ("POST", "/_simulator/pages/{page_id}/happenings", happen, MEMBERS),
    ("POST", "/_simulator/pages/{page_id}/policy", enforce_policy, "action reason"),
    ("POST", "/_simulator/pages/{page_id}/changes", change_in_public, "field value"),
)
