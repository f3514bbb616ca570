"""What somebody wants to be sent: checked, stored, and the task that sends it asked for."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind, Connection
from connector.db.outbox import Task
from connector.db.schema import Tx, plain
from connector.errors import AlreadyExists, FailedPrecondition, InvalidInput, NotFound
from connector.messaging import db
from connector.messaging.actions import outcomes
from connector.messaging.model import (
    APPROVED,
    Asked,
    Channel,
    Conversation,
    Kind,
    Message,
    Origin,
    Part,
    Sender,
    State,
    Wish,
    channels,
    medium,
    policy,
)
from connector.registry.db import catalogue
from connector.runtime import Runtime

# Unverified: recalled that Instagram knows texts, files, buttons and cards.
_MESSENGER_ONLY = frozenset({Kind.PRODUCTS, Kind.RECEIPT, Kind.UTILITY})
_STEP = timedelta(microseconds=1)


async def send_message(runtime: Runtime, store_id: str, conversation_id: UUID, wish: Wish) -> list[Message]:
    """Store the wish to send something, and ask for the task that does it. The same `request_id` returns the same messages.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND, or what the wish names.
        AlreadyExists: REQUEST_ID_REUSED, for something else or another person.
        FailedPrecondition: the connection cannot send, MESSAGING_WINDOW_CLOSED and its kin, or what the wish names is not ready.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        return await store_wish(runtime, tx, conversation.id, wish)


async def send_receipt(
    runtime: Runtime, tx: Tx, store_id: str, conversation_id: UUID, *, request_id: str, receipt: Part
) -> Message:
    """Have a receipt sent, in the caller's transaction: after an order that came out of a conversation.

    Raises:
        NotFound, AlreadyExists, FailedPrecondition: as `send_message`; nothing is stored then.

    """
    conversation = await db.require(tx, store_id, conversation_id)
    wish = Wish(request_id, (receipt,), Sender.AUTOMATION)
    return (await store_wish(runtime, tx, conversation.id, wish))[-1]


async def store_wish(runtime: Runtime, tx: Tx, conversation_id: UUID, wish: Wish) -> list[Message]:
    """Store a wish in the caller's transaction."""
    conversation = await db.lock(tx, conversation_id)
    if known := await db.by_request(tx, conversation.store_id, wish.request_id):
        return _same_wish(known, conversation, wish)
    connection = await require_sendable(runtime, tx, conversation, wish)
    told = await _disclosed(tx, conversation, wish)
    parts = [await _ready(runtime, tx, connection, part) for part in told.parts]
    shared = await _shared(tx, conversation, told) | {"disclosed": told is not wish}
    stored: list[Message] = []
    for number, part in enumerate(parts):
        values = {"part": number, "send_time": runtime.now() + number * _STEP, **_values(part)}
        message = await db.keep(tx, runtime.new_id(), conversation, **shared, **values)
        if message is None:  # the same id came at the same moment, for another conversation
            raise _reused(wish.request_id)
        stored.append(message)
    await db.refresh(tx, conversation.id)
    await ask_to_send(runtime, tx, connection, stored[0])
    return stored


async def require_sendable(runtime: Runtime, tx: Tx, conversation: Conversation, wish: Wish) -> Connection:
    """Refuse what may not be sent now.

    Raises:
        FailedPrecondition: saying what is in the way, and what may be sent instead.

    """
    connection = await connections.require_live(tx, conversation.store_id, conversation.connection_id)
    connection_actions.require_capability(connection, CapabilityKind.MESSAGING)
    require_granted(connection, conversation)
    for part in wish.parts:
        await require_allowed(runtime, tx, conversation, wish.sender, part.kind)
    return connection


def require_granted(connection: Connection, conversation: Conversation) -> None:
    """Refuse what takes place where the merchant lets us do nothing (any more).

    Raises:
        FailedPrecondition: INSTAGRAM_NOT_GRANTED.

    """
    if conversation.channel not in channels(connection):
        message = "Instagram's messages are not granted: the merchant connects again and allows them"
        named = {"connection_id": str(connection.id)}
        raise FailedPrecondition("INSTAGRAM_NOT_GRANTED", message, fix="Connect.begin", **named)


async def require_allowed(runtime: Runtime, tx: Tx, conversation: Conversation, sender: Sender, kind: Kind) -> Any:
    """Decide by which of Meta's rules something may be sent now.

    Raises:
        FailedPrecondition: by none.

    """
    if kind in _MESSENGER_ONLY and conversation.channel is not Channel.MESSENGER:
        words = "This does not exist on Instagram: send a text"
        raise FailedPrecondition("CONTENT_NOT_ON_CHANNEL", words, content=kind, channel=conversation.channel)
    if conversation.owned_elsewhere:
        owner = conversation.owner.get("app_id", "")
        fix = "Take it over (TakeConversation), answer in the other app, or wait until it passes the conversation back."
        message = f"Another app controls this conversation. {fix}"
        raise FailedPrecondition("THREAD_OWNED_ELSEWHERE", message, fix=fix, owner_app_id=owner)
    human_agent = await db.human_agent(tx, conversation.connection_id, at=runtime.now())
    asked = Asked(sender, conversation.channel, template=kind is Kind.UTILITY, human_agent=human_agent)
    return policy(asked, conversation.person_time, now=runtime.now())


async def ask_to_send(runtime: Runtime, tx: Tx, connection: Connection, message: Message) -> None:
    """Ask for the task that sends what waits in a conversation; bulk begins when its turn comes."""
    due = runtime.now()
    if message.bulk:
        way = medium(message.kind, message.content)
        due = await db.line_up(tx, connection, way, per_second=runtime.paces.bulk, at=due)
    await outcomes.ask(tx, Task.SEND_MESSAGE, message, due=due, connection_id=connection.id)


def _same_wish(known: list[Message], conversation: Conversation, wish: Wish) -> list[Message]:
    """Recognise a wish by what it says; a disclosure may stand before it, and a file has Meta's id by now."""
    texts = "\n".join(one.text for one in known)
    same = [(one.conversation_id, one.sender, one.bulk) for one in known[:1]]
    said = all(plain(part.text) in texts for part in wish.parts)
    kinds = [one.kind for one in known][-len(wish.parts) :]
    contents = [{**one.content} for one in known][-len(wish.parts) :]
    matches = kinds == [part.kind for part in wish.parts] and all(
        ours.get(name) == value
        for ours, part in zip(contents, wish.parts, strict=True)
        for name, value in part.content.items()
    )
    if same != [(conversation.id, wish.sender, wish.bulk)] or not said or not matches:
        raise _reused(wish.request_id)
    return known


def _reused(request_id: str) -> AlreadyExists:
    message = "This request_id was used for another message: take a new one for a new wish"
    return AlreadyExists("REQUEST_ID_REUSED", message, request_id=request_id)


async def _disclosed(tx: Tx, conversation: Conversation, wish: Wish) -> Wish:
    """Let a program's first message in a conversation say that it is one, where the Page's settings have words for it."""
    if wish.sender is not Sender.AUTOMATION or wish.parts[0].kind is Kind.UTILITY:
        return wish
    words = await db.disclosure(tx, conversation.connection_id)
    return wish if not words or await db.spoken(tx, conversation.id) else wish.disclosing(words)


async def _shared(tx: Tx, conversation: Conversation, wish: Wish) -> dict[str, Any]:
    return {
        "request_id": wish.request_id,
        "origin": Origin.STORMCOM,
        "state": State.PENDING,
        "sender": wish.sender,
        "agent_id": wish.agent_id,
        "agent_name": wish.agent_name,
        "bulk": wish.bulk,
        "reply_to_mid": await _answered(tx, conversation, wish.reply_to),
    }


def _values(part: Part) -> dict[str, Any]:
    return {"kind": part.kind, "text": part.text, "content": dict(part.content), "attachments": part.attachments}


async def _answered(tx: Tx, conversation: Conversation, message_id: UUID | None) -> str:
    """Find Meta's id of the message that is answered."""
    if message_id is None:
        return ""
    answered = await db.require_message(tx, conversation.store_id, message_id)
    if answered.conversation_id != conversation.id:
        raise db.missing_message(str(message_id))
    if not answered.mid:
        words = "that message has no id of Meta's (yet): answer without it, or when it is SENT"
        raise InvalidInput.of("reply_to_message_id", "FIELD_INVALID", words)
    return answered.mid


async def _ready(runtime: Runtime, tx: Tx, connection: Connection, part: Part) -> Part:
    """Check what a part names, and add what is known of it.

    Raises:
        NotFound, FailedPrecondition: an upload, a template or a product that is not there, or not ready.

    """
    check = _CHECKS.get(part.kind)
    return part if check is None else await check(_Naming(runtime, tx, connection), part)


@dataclass(frozen=True, slots=True)
class _Naming:
    """Where what a part names is looked for."""

    runtime: Runtime
    tx: Tx
    connection: Connection


async def _uploaded(naming: _Naming, part: Part) -> Part:
    named = part.content.get("upload_id", "")
    if not named:
        return part
    upload = await db.require_upload(naming.tx, naming.connection.store_id, UUID(named), at=naming.runtime.now())
    if not upload.attachment_id or upload.connection_id != naming.connection.id:
        raise db.missing_upload(named)
    known = {"type": upload.kind, "attachment_id": upload.attachment_id}
    shown = tuple(replace(one, type=upload.kind, title=upload.file_name) for one in part.attachments)
    return replace(part, content={**part.content, **known}, attachments=shown)


async def _confirmed(naming: _Naming, part: Part) -> Part:
    names = part.content["retailer_ids"]
    confirmed = await catalogue.confirmed(naming.tx, naming.connection.id, names)
    if missing := [name for name in names if name not in confirmed]:
        raise not_showable(missing)
    return part


def not_showable(names: list[str]) -> FailedPrecondition:
    """Say which products cannot be shown as cards."""
    message = "Meta has not confirmed these products, or does not show them now: GetItem tells where each stands"
    return FailedPrecondition(
        "PRODUCT_NOT_SHOWABLE", message, fix="Send products that are CONFIRMED.", retailer_ids=" ".join(names[:10])
    )


async def _approved(naming: _Naming, part: Part) -> Part:
    name, language = part.content["template_name"], part.content["language"]
    template = await db.find_template(naming.tx, naming.connection.id, name, language)
    told = {"template_name": name, "language": language}
    if template is None:
        words = "The Page has no such template in this language: ListMessageTemplates names those it has"
        raise NotFound("TEMPLATE_NOT_FOUND", words, **told)
    if template.status != APPROVED:
        words = "Meta has not approved this template, or has stopped it: wait for Meta, or create another"
        raise FailedPrecondition("TEMPLATE_NOT_APPROVED", words, meta_status=template.status, **told)
    if len(part.content["parameters"]) != template.parameter_count:
        words = f"the template has {template.parameter_count} places; give exactly as many"
        raise InvalidInput.of("utility.parameters", "FIELD_INVALID", words)
    return part


_CHECKS = {Kind.ATTACHMENT: _uploaded, Kind.PRODUCTS: _confirmed, Kind.UTILITY: _approved}
