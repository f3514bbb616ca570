"""The Send API: what a Page may write to whom, and when.

    up to 24 h after the person's last message    RESPONSE, UPDATE
    up to 7 days                                  MESSAGE_TAG with HUMAN_AGENT, by apps that have the feature
    any time                                      UTILITY with an approved template

It refuses everything else with the code and subcode that Messenger uses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.call import Call, Json, Route
from simulator.errors import GraphError, invalid_parameter
from simulator.messaging import SCOPES, echo, keep
from simulator.pages import thread
from simulator.payloads import check_template, require_length, require_object
from simulator.state import Message, Page, Profile, UnifiedThread
from simulator.templates import require_usable
from simulator.tokens import require_app

NODES: dict[str, Any] = {}
# SDK 26.0.3, page.py: Page.MessagingType, Page.SenderAction
MESSAGING_TYPES = ("RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY")
SENDER_ACTIONS = ("MARK_SEEN", "TYPING_ON", "TYPING_OFF", "REACT", "UNREACT")
# Rejected since 2026-04-27 (secondary).
DEAD_TAGS = ("CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE")
CONTENT_TYPES = ("text", "user_phone_number", "user_email")
ATTACHMENT_TYPES = ("image", "audio", "video", "file", "template")
# Unverified: all limits below are recalled.
MAX_TEXT = 2_000
MAX_METADATA = 1_000
MAX_QUICK_REPLIES = 13
MAX_QUICK_REPLY_TITLE = 20
MAX_PAYLOAD = 1_000
MAX_FILE_BYTES = 25_000_000
MAX_IMAGE_BYTES = 8_000_000


def send(call: Call) -> Json:
    """Serve `POST /{page}/messages`."""
    page: Page = call.node
    app = require_app(call.app)
    profile = _recipient(call, page)
    if action := call.text("sender_action", ""):
        return _act(call, page, profile, action.upper())
    message = _read_message(call, call.structure("message", dict))
    conversation = thread(call.world, page, profile.id)
    _require_policy(call, page, conversation, message)
    owner = page.owner_app_by_psid.get(profile.id)
    if owner and owner != app.id:
        raise GraphError("(#10) Another app controls this thread now", code=10, subcode=2018300, status=403)
    sent = keep(call.world, conversation, from_page=True, app_id=app.id, tag=call.text("tag", ""), **message)
    conversation.unread = 0
    echo(call.world, page, profile.id, sent)
    return {"recipient_id": profile.id, "message_id": sent.id} | _keep_reusable(call, message["attachments"])


def upload(call: Call) -> Json:
    """Serve `POST /{page}/message_attachments`: keep an attachment for messages to come."""
    attachment = _read_attachment(call, call.structure("message", dict).get("attachment"))
    if kept := _keep_reusable(call, [attachment]):
        return kept
    raise invalid_parameter("message.attachment.payload.is_reusable must be true")


def _keep_reusable(call: Call, attachments: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give a reusable attachment its id."""
    for attachment in attachments:
        if attachment["payload"].get("is_reusable") in (True, "true"):
            attachment_id = call.world.new_id()
            call.node.attachments[attachment_id] = dict(attachment)
            return {"attachment_id": attachment_id}
    return {}


def _recipient(call: Call, page: Page) -> Profile:
    recipient = call.structure("recipient", dict)
    psid = recipient.get("id")
    if not isinstance(psid, str | int):
        raise invalid_parameter("Param recipient must be an object with an id")
    profile = page.profiles.get(str(psid))
    if profile is None:
        raise invalid_parameter("No matching user found", subcode=2018001)
    if not profile.reachable:
        raise GraphError("(#551) This person isn't available right now.", code=551, subcode=1545041)
    return profile


def _act(call: Call, page: Page, profile: Profile, action: str) -> Json:
    if action not in SENDER_ACTIONS:
        raise invalid_parameter(f"Param sender_action must be one of {{{', '.join(SENDER_ACTIONS)}}}")
    if "message" in call.params:
        raise invalid_parameter("Param sender_action cannot be combined with message")
    conversation = thread(call.world, page, profile.id)
    conversation.actions.append(action)
    if action == "MARK_SEEN":
        conversation.unread = 0
    return {"recipient_id": profile.id}


def _require_policy(call: Call, page: Page, conversation: UnifiedThread, message: Mapping[str, Any]) -> None:
    """Raise unless the messaging type allows a message now."""
    switches, app = call.world.switches, require_app(call.app)
    messaging_type = call.text("messaging_type", "RESPONSE")
    if messaging_type not in MESSAGING_TYPES:
        raise invalid_parameter(f"Param messaging_type must be one of {{{', '.join(MESSAGING_TYPES)}}}")
    last = conversation.last_buyer_time
    age = float("inf") if last is None else call.world.clock.now() - last
    if messaging_type in {"RESPONSE", "UPDATE"}:
        if age >= switches.response_window_seconds:
            raise _outside_window()
    elif messaging_type == "MESSAGE_TAG":
        _require_tag(call)
        if not app.human_agent:
            raise GraphError(
                "(#10) The app does not have the Human Agent feature", code=10, subcode=2018278, status=403
            )
        if age >= switches.human_agent_window_seconds:
            raise _outside_window()
    else:
        wanted = [one["payload"] for one in message["attachments"] if one["type"] == "utility_template"]
        if not wanted:
            raise invalid_parameter("A UTILITY message needs message.template with the name of an approved template")
        require_usable(call.world, page, wanted[0])


def _outside_window() -> GraphError:
    # Secondary: several repositories quote 10/2018278.
    return GraphError("(#10) This message is sent outside of allowed window.", code=10, subcode=2018278, status=403)


def _require_tag(call: Call) -> None:
    tag = call.text("tag")
    if tag in DEAD_TAGS:
        raise invalid_parameter(f"The message tag {tag} is no longer supported")
    if tag != "HUMAN_AGENT":
        raise invalid_parameter("Param tag must be one of {HUMAN_AGENT}")


# --- the message -----------------------------------------------------------------------------------------------------


def _read_message(call: Call, document: Mapping[str, Any]) -> dict[str, Any]:
    """Read and check the `message` object."""
    text, attachment = document.get("text"), document.get("attachment")
    template = document.get("template")
    if text is not None and attachment is not None:
        raise invalid_parameter("message: text and attachment cannot be in one message; send two", subcode=2018034)
    if text is not None and (not isinstance(text, str) or not text):
        # Unverified: 2018032 for an empty text is recalled.
        raise invalid_parameter("message.text must be a string that is not empty", subcode=2018032)
    if text is None and attachment is None and template is None:
        raise invalid_parameter("message must have text, attachment or template", subcode=2018032)
    require_length("message.text", text or "", MAX_TEXT)
    require_length("message.metadata", document.get("metadata", ""), MAX_METADATA)
    attachments = [_read_attachment(call, attachment)] if attachment is not None else []
    if template is not None:
        # Unverified: the send shape of utility templates is recalled.
        attachments = [{"type": "utility_template", "payload": require_object("message.template", template)}]
    return {
        "text": text or "",
        "attachments": attachments,
        "quick_replies": _read_quick_replies(document.get("quick_replies", [])),
        "metadata": document.get("metadata", ""),
        "reply_to": _read_answered(call, document.get("reply_to") or {}),
    }


def _read_answered(call: Call, answered: Any) -> str:
    """Check which message is answered. Unverified: that an unknown one is refused."""
    mid = str(require_object("message.reply_to", answered).get("mid", ""))
    if mid and call.world.find(Message, mid) is None:
        raise invalid_parameter("message.reply_to.mid is no message of this conversation")
    return mid


def _read_quick_replies(replies: Any) -> list[dict[str, Any]]:
    if not isinstance(replies, list) or len(replies) > MAX_QUICK_REPLIES:
        raise invalid_parameter(f"message.quick_replies must be an array of at most {MAX_QUICK_REPLIES}")
    for reply in replies:
        if not isinstance(reply, dict) or reply.get("content_type") not in CONTENT_TYPES:
            raise invalid_parameter("message.quick_replies: content_type must be text, user_phone_number or user_email")
        if reply["content_type"] == "text":
            require_length("message.quick_replies.title", reply.get("title"), MAX_QUICK_REPLY_TITLE)
            require_length("message.quick_replies.payload", reply.get("payload"), MAX_PAYLOAD)
    return replies


def _read_attachment(call: Call, attachment: Any) -> dict[str, Any]:
    if not isinstance(attachment, dict) or attachment.get("type") not in ATTACHMENT_TYPES:
        raise invalid_parameter(f"message.attachment.type must be one of {{{', '.join(ATTACHMENT_TYPES)}}}")
    payload = require_object("message.attachment.payload", attachment.get("payload"))
    if attachment["type"] == "template":
        check_template(call.world, payload)
    elif attachment_id := payload.get("attachment_id"):
        if str(attachment_id) not in call.node.attachments:
            raise invalid_parameter("message.attachment.payload.attachment_id is no attachment of this Page")
        return dict(call.node.attachments[str(attachment_id)])
    elif uploaded := call.params.get("filedata"):
        return {"type": attachment["type"], "payload": payload | _read_upload(uploaded, attachment["type"])}
    elif not str(payload.get("url", "")).startswith(("http://", "https://")):
        raise invalid_parameter("message.attachment.payload must have a url or an attachment_id, or filedata be sent")
    return attachment


def _read_upload(uploaded: Any, kind: str) -> dict[str, str]:
    """Check a file that came in the same multipart body; what becomes of it is a URL of ours."""
    if not isinstance(uploaded, dict):
        raise invalid_parameter("Param filedata must be a file in a multipart body")
    if uploaded["size_bytes"] > (MAX_IMAGE_BYTES if kind == "image" else MAX_FILE_BYTES):
        raise invalid_parameter("Attachment size exceeds allowable limit", subcode=2018109)
    return {"url": f"https://files.test/{uploaded['filename']}"}


ROUTES = {
    ("Page", "POST", "messages"): Route(send, SCOPES, bucket="messenger", page_token=True),
    ("Page", "POST", "message_attachments"): Route(upload, SCOPES, bucket="messenger", page_token=True),
}
