"""What Meta tells of a conversation beside its messages: who owns the thread, where the person came from, what is allowed."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any
from uuid import UUID

from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.messaging.actions.meeting import meet, place
from connector.messaging.db import notes
from connector.messaging.model import Conversation, Noted, PersonMessage, Subject
from connector.runtime import Runtime

_WORDS = {
    Subject.OWNER: "CHANGE_OWNER",
    Subject.OWNER_REQUEST: "CHANGE_OWNER_REQUESTED",
    Subject.REFERRAL: "CHANGE_REFERRAL",
    Subject.OPT_IN: "CHANGE_OPT_IN",
    Subject.ACCOUNT_LINK: "CHANGE_ACCOUNT_LINK",
}


async def receive_notes(runtime: Runtime, tx: Tx, arrived: Sequence[tuple[Connection, Noted]]) -> None:
    """Note what is new, and tell StormCom; what is older than what is known changes nothing."""
    met = await meet(runtime, tx, arrived)
    for round_ in _rounds([(met[place(connection, signal)].id, connection, signal) for connection, signal in arrived]):
        drafts = []
        for subject in Subject:
            told_of = [
                (conversation_id, _body(runtime, connection, signal), signal.time)
                for conversation_id, connection, signal in round_
                if signal.subject is subject
            ]
            changed = await notes.note(tx, subject, told_of) if told_of else []
            drafts += [_draft(conversation, subject) for conversation in changed]
        await events.append(tx, *drafts, at=runtime.now())


_Arrived = tuple[UUID, Connection, Noted]


def _rounds(arrived: Sequence[_Arrived]) -> Iterator[list[_Arrived]]:
    """Part signals so that each conversation has one in each round: those of one conversation stay in their order."""
    queues: dict[UUID, list[_Arrived]] = {}
    for one in arrived:
        queues.setdefault(one[0], []).append(one)
    for round_ in zip_longest(*queues.values()):
        yield [one for one in round_ if one is not None]


async def note_referrals(runtime: Runtime, tx: Tx, arrived: Sequence[tuple[Connection, PersonMessage]]) -> None:
    """Note where people came from, of those whose message or button tells."""
    told = [
        (connection, Noted(signal.psid, Subject.REFERRAL, signal.send_time, signal.referral, channel=signal.channel))
        for connection, signal in arrived
        if signal.referral
    ]
    if told:
        await receive_notes(runtime, tx, told)


def _body(runtime: Runtime, connection: Connection, signal: Noted) -> Mapping[str, Any]:
    """Add to an owner whether that is our app, unless the signal itself tells."""
    if signal.subject is not Subject.OWNER:
        return signal.body
    app = runtime.apps.get(connection.environment)
    return {"ours": app is not None and signal.body["app_id"] == app.app_id, **signal.body}


def _draft(conversation: Conversation, subject: Subject) -> Draft:
    return Draft(
        conversation.store_id,
        conversation.connection_id,
        f"conversation:{conversation.id}",
        "conversation_changed",
        {"conversation": conversation.document(), "change": _WORDS[subject]},
    )
