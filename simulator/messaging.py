"""Conversations as the Page reads them, what people write, and the webhook events of both.

Only the newest messages of a conversation can be read; older ones answer as if they were deleted.
"""

from typing import Any

from simulator.call import SUCCESS, Call, Json, NodeType, Route, Rows, attribute
from simulator.clock import graph_time
from simulator.errors import GraphError, invalid_parameter, missing_object
from simulator.pages import account, notify, person, thread
from simulator.state import IGUser, Message, Page, Profile, UnifiedThread
from simulator.tokens import page_of, require_scopes
from simulator.world import World

SCOPES = ("pages_messaging",)
# Unverified: recalled.
INSTAGRAM_SCOPES = ("instagram_manage_messages",)
# Unverified: the app id of Meta's own Page Inbox is recalled.
PAGE_INBOX_APP_ID = "263902037430900"


# --- what happens ----------------------------------------------------------------------------------------------------


def receive(
    world: World, page: Page, psid: str, *, name: str = "", platform: str = "MESSENGER", **content: Any
) -> Message:
    """Let a person write to the Page, or to its Instagram account: kept, window opened, webhook told."""
    who = person(page, psid, name or f"Person {psid[-4:]}")
    if platform == "INSTAGRAM":
        who.username = who.username or f"person.{psid[-4:]}"
    conversation = thread(world, page, who.id, platform=platform)
    message = keep(world, conversation, from_page=False, **content)
    conversation.last_buyer_time = message.time
    conversation.unread += 1
    notify(world, page, "messages", event(page, psid, message), platform=platform)
    return message


def keep(world: World, conversation: UnifiedThread, *, from_page: bool, **content: Any) -> Message:
    """Append a message to a conversation."""
    mid = world.new_text_id("m_", size=40)
    message = Message(mid, conversation.id, world.next_number(), world.clock.now(), from_page, **content)
    conversation.messages.append(world.add(message))
    conversation.update_time, conversation.sequence = message.time, message.sequence
    return message


def answer_in_inbox(world: World, page: Page, psid: str, text: str) -> Message:
    """Let a human answer in Meta's own inbox: an echo that no app of ours sent."""
    conversation = thread(world, page, person(page, psid, f"Person {psid[-4:]}").id)
    message = keep(world, conversation, from_page=True, text=text, app_id=PAGE_INBOX_APP_ID)
    conversation.unread = 0
    echo(world, page, psid, message)
    return message


def echo(world: World, page: Page, psid: str, message: Message) -> None:
    """Tell the Page's apps what was sent in its name, and that it arrived."""
    platform = page.threads[psid].platform
    # Unverified: Instagram tells echoes under `messages`, and no deliveries.
    field = "messages" if platform == "INSTAGRAM" else "message_echoes"
    notify(world, page, field, event(page, psid, message), platform=platform)
    if world.switches.auto_delivery and platform == "MESSENGER":
        watermark = int(message.time * 1_000)
        delivery = {"mids": [message.id], "watermark": watermark}
        notify(world, page, "message_deliveries", event_frame(psid, page.id, watermark) | {"delivery": delivery})


def event_frame(sender: str, recipient: str, milliseconds: int) -> dict[str, Any]:
    """Write what every messaging event has: who, to whom, when."""
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": milliseconds}


def event(page: Page, psid: str, message: Message) -> dict[str, Any]:
    """Write a message as its webhook event."""
    # Unverified: the shapes of messaging events are recalled.
    body: dict[str, Any] = {"mid": message.id}
    body |= {"text": message.text} if message.text else {}
    body |= {"attachments": message.attachments} if message.attachments else {}
    body |= {"reply_to": {"mid": message.reply_to}} if message.reply_to else {}
    milliseconds, own_id = int(message.time * 1_000), account(page, page.threads[psid].platform)
    if not message.from_page:
        if message.quick_replies:
            body["quick_reply"] = message.quick_replies[0]
        return event_frame(psid, own_id, milliseconds) | {"message": body}
    body |= {"is_echo": True}
    body |= {"app_id": int(message.app_id)} if message.app_id else {}
    body |= {"metadata": message.metadata} if message.metadata else {}
    return event_frame(own_id, psid, milliseconds) | {"message": body}


# --- what can be read ------------------------------------------------------------------------------------------------


def list_conversations(call: Call) -> Rows:
    """List conversations, the latest first."""
    page: Page = call.node
    # SDK 26.0.3, page.py, Page.get_conversations.
    platform = call.choice("platform", ("MESSENGER", "INSTAGRAM", "messenger", "instagram"), "MESSENGER").upper()
    if platform == "INSTAGRAM" and call.token:
        require_scopes(call.world, call.token, INSTAGRAM_SCOPES)
    folder = call.text("folder", "inbox").lower()
    threads = [
        one for one in page.threads.values() if _shown(call, one) and (one.platform, one.folder) == (platform, folder)
    ]
    if psid := call.text("user_id", ""):
        threads = [one for one in threads if one.psid == psid]
    after, before = call.number("updated_after_ms", 0), call.number("updated_before_ms", 0)
    threads = [
        one for one in threads if one.update_time * 1_000 >= after and (not before or one.update_time * 1_000 < before)
    ]
    # An update moves a conversation to the front: the last message's number is its place.
    return Rows(sorted(threads, key=_place), key=_place)


def _shown(call: Call, conversation: UnifiedThread) -> list[Message]:
    """Return the messages that reading shows by now, the oldest first."""
    until = call.world.clock.now() - call.world.switches.conversations_lag_seconds
    return [one for one in conversation.messages if one.time <= until]


def _place(conversation: UnifiedThread) -> tuple[int, ...]:
    return (-conversation.sequence,)


def list_messages(call: Call) -> Rows:
    """List the messages of a conversation, the latest first."""
    return Rows(_shown(call, call.node)[::-1], key=lambda message: (-message.sequence,))


def _conversation(call: Call, message: Message) -> UnifiedThread:
    return call.world.require(UnifiedThread, message.conversation_id, name="conversation_id")


def _detail(reader: Any) -> Any:
    """Guard a field that Meta shows for the newest messages only: lists leave it out, the message's own node fails."""

    def read(call: Call, message: Message) -> Json:
        messages = _conversation(call, message).messages
        newest = messages[-call.world.switches.readable_messages :]
        if message.sequence >= newest[0].sequence:
            return reader(call, message)
        if call.node is not message:
            return None
        # Unverified: the code, and what lists of messages do.
        raise invalid_parameter("The message is deleted or no longer available", subcode=33)

    return read


def _people(call: Call, conversation: UnifiedThread) -> dict[str, dict[str, str]]:
    page = page_of(call.world, conversation)
    profile = page.profiles[conversation.psid]
    mail = "{}@facebook.com".format  # Unverified: Graph gives placeholder addresses of this form
    if conversation.platform == "INSTAGRAM":
        own = call.world.require(IGUser, page.instagram_id, name="instagram_id")
        return {
            "person": {"username": profile.username, "id": profile.id},
            "page": {"username": own.username, "id": own.id},
        }
    return {
        "person": {"name": profile.name, "email": mail(profile.id), "id": profile.id},
        "page": {"name": page.name, "email": mail(page.id), "id": page.id},
    }


def _sender(*, of_page: bool) -> Any:
    def read(call: Call, message: Message) -> Json:
        people = _people(call, _conversation(call, message))
        return people["page" if message.from_page == of_page else "person"]

    return read


def _addressees(call: Call, message: Message) -> Json:
    return {"data": [_sender(of_page=False)(call, message)]}


def _attachments(_call: Call, message: Message) -> Json:
    if not message.attachments:
        return None
    return {"data": [_attachment(message, number, one) for number, one in enumerate(message.attachments)]}


def _attachment(message: Message, number: int, attachment: dict[str, Any]) -> dict[str, Any]:
    url = attachment.get("payload", {}).get("url", "")
    kind = attachment.get("type", "file")
    document: dict[str, Any] = {"id": f"{message.sequence}{number}", "name": url.rpartition("/")[2], "size": 1_024}
    if kind == "image":
        picture = {"url": url, "preview_url": url, "width": 500, "height": 500}
        return document | {"mime_type": "image/jpeg", "image_data": picture}
    return document | {"mime_type": f"{kind}/unknown", "file_url": url}


def _can_reply(call: Call, conversation: UnifiedThread) -> bool:
    last = conversation.last_buyer_time
    return last is not None and call.world.clock.now() - last < call.world.switches.response_window_seconds


def _profile_field(reader: Any) -> Any:
    def read(call: Call, profile: Profile) -> Json:
        if call.world.switches.hidden_profiles == "unsupported":
            raise missing_object("GET", profile.id)
        if not profile.reachable or call.world.switches.hidden_profiles == "consent":
            raise GraphError("(#230) The person has not consented to share the profile", code=230, status=403)
        return reader(profile)

    return read


def _picture(call: Call, profile: Profile) -> Json:
    # Unverified: that links to pictures end is recalled, as is `ext`, which says when.
    end = int(call.world.clock.now()) + 14 * 86_400
    return _profile_field(lambda one: f"https://pictures.test/{one.id}.jpg?ext={end}")(call, profile)


def _both(call: Call, conversation: UnifiedThread) -> Json:
    return {"data": list(_people(call, conversation).values())}


def read_thread_owner(call: Call) -> Json:
    """Tell which app owns the conversation with a person, by the handover protocol."""
    psid = call.text("recipient")
    if psid not in call.node.profiles:
        raise invalid_parameter("No matching user found", subcode=2018001)
    owner = call.node.owner_app_by_psid.get(psid) or (call.app.id if call.app else "")
    # SDK 26.0.3, pagethreadowner.py
    return {"data": [{"thread_owner": {"app_id": owner}}]}


def take_thread(call: Call) -> Json:
    """Serve `POST /{page}/take_thread_control`: the calling app owns the conversation from now on."""
    page: Page = call.node
    psid = str(call.structure("recipient", dict).get("id", ""))
    if psid not in page.profiles:
        raise invalid_parameter("No matching user found", subcode=2018001)
    if not call.world.switches.primary_receiver:
        # Unverified: recalled that another app than the primary receiver is refused, not how.
        raise GraphError("(#10) Only the Primary Receiver of the Page can take thread control", code=10, status=403)
    page.owner_app_by_psid[psid] = call.app.id if call.app else ""
    return SUCCESS


NODES = {
    "UnifiedThread": NodeType(
        {
            "id": attribute("id"),
            "link": lambda _, one: f"/{one.page_id}/inbox/{one.id}/",
            "snippet": lambda _, one: one.messages[-1].text[:100] if one.messages else None,
            "updated_time": lambda _, one: graph_time(one.update_time),
            "message_count": lambda call, one: len(_shown(call, one)),
            "unread_count": lambda _, one: one.unread,
            "participants": _both,
            "senders": _both,
            "can_reply": _can_reply,
            "folder": lambda _, one: one.folder,
            "is_owner": lambda *_: True,
            "is_subscribed": lambda *_: True,
            "scoped_thread_key": lambda _, one: one.id,
            "former_participants": lambda *_: {"data": []},
            "linked_group": lambda *_: None,
            "name": lambda call, one: page_of(call.world, one).profiles[one.psid].name,
        },
        default=("id", "link", "updated_time"),
        scopes=SCOPES,
    ),
    "Message": NodeType(
        {
            "id": attribute("id"),
            "created_time": lambda _, message: graph_time(message.time),
            "message": _detail(lambda _, message: message.text),
            "from": _detail(_sender(of_page=True)),
            "to": _detail(_addressees),
            "attachments": _detail(_attachments),
            "shares": lambda *_: None,
            "sticker": lambda *_: None,
            "reactions": lambda *_: None,
            "is_unsupported": lambda *_: False,
            "reply_to": lambda _, message: {"mid": message.reply_to} if message.reply_to else None,
            "tags": lambda _, message: {"data": [{"name": "sent" if message.from_page else "inbox"}]},
        },
        default=("id", "created_time"),
        scopes=SCOPES,
    ),
    "Profile": NodeType(
        {
            "id": attribute("id"),
            "name": _profile_field(lambda profile: profile.name),
            "first_name": _profile_field(lambda profile: profile.name.partition(" ")[0]),
            "last_name": _profile_field(lambda profile: profile.name.partition(" ")[2] or None),
            "profile_pic": _picture,
            "username": _profile_field(lambda profile: profile.username or None),
            "locale": _profile_field(lambda _: "en_US"),
            "timezone": _profile_field(lambda _: 0),
            "gender": _profile_field(lambda _: None),
        },
        default=("first_name", "last_name", "profile_pic", "id"),
        scopes=SCOPES,
    ),
}
ROUTES = {
    ("Page", "GET", "conversations"): Route(list_conversations, SCOPES, page_token=True),
    ("Page", "GET", "threads"): Route(list_conversations, SCOPES, page_token=True),
    ("Page", "POST", "take_thread_control"): Route(take_thread, SCOPES, bucket="messenger", page_token=True),
    ("Page", "GET", "thread_owner"): Route(read_thread_owner, SCOPES, page_token=True),
    ("UnifiedThread", "GET", "messages"): Route(list_messages, SCOPES),
}
