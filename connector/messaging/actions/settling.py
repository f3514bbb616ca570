"""What became of a message whose call was cut off."""

from datetime import datetime
from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused
from connector.graph.call import Call
from connector.graph.faults import REASONS, Kind
from connector.messaging import db, graph
from connector.messaging.actions import outcomes
from connector.messaging.model import Channel, Posted, State, account, find_posted, next_look, proves_absence
from connector.runtime import Runtime


async def settle(runtime: Runtime, task: Taken) -> None:
    """Find out what became of a message whose call was cut off, by reading the conversation back.

    Found: SENT. Provably absent: FAILED. Neither after 24 hours: it stays UNKNOWN, and only Meta's echo can still settle it.
    """
    message_id = UUID(task.arguments["message_id"])
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        message = await db.get(tx, message_id)
        if message is None or message.state is not State.UNKNOWN:
            await outbox.done(tx, task, at=runtime.now())
            return
        conversation = await db.require(tx, message.store_id, message.conversation_id)
        connection = await connections.require_live(tx, message.store_id, message.connection_id)
        call = graph.read_back(connection.page_id, conversation.psid, conversation.channel)
        await connection_actions.require_room(runtime, tx, connection, call.bucket)
    posted, complete = await _read(runtime, connection, conversation.channel, call)
    async with runtime.db.begin() as tx:
        await db.lock(tx, conversation.id)
        await outbox.hold(tx, task)
        due = await _judge(
            runtime, tx, message_id, account(connection, conversation.channel), posted, complete=complete
        )
        await (outbox.again(tx, task, due) if due else outbox.done(tx, task, at=runtime.now()))


async def _read(
    runtime: Runtime, connection: Connection, channel: Channel, call: Call[tuple[tuple[Posted, ...], bool]]
) -> tuple[tuple[Posted, ...], bool]:
    """Read a conversation back; what Instagram refuses shows nothing and concerns nothing else."""
    access = await connection_actions.access(runtime, connection, kind="page")
    try:
        return await runtime.graph.send(call, access)
    except MetaRefused as refusal:
        if channel is Channel.MESSENGER or refusal.reason == REASONS[Kind.TOKEN]:
            raise
        return (), False


async def _judge(
    runtime: Runtime, tx: Tx, message_id: UUID, page_id: str, posted: tuple[Posted, ...], *, complete: bool
) -> datetime | None:
    """Settle an UNKNOWN message by what Meta shows; tells when to look again, None for never."""
    message = await db.get(tx, message_id)
    if message is None or message.state is not State.UNKNOWN:
        return None
    known = await db.known_mids(tx, message.connection_id, [one.mid for one in posted])
    found = find_posted(message, posted, page_id=page_id, known=known)
    if found is not None:
        await outcomes.prove(runtime, tx, message, found.mid, found.create_time)
        return None
    if proves_absence(message, posted, complete=complete, now=runtime.now()):
        await outcomes.fail(runtime, tx, message, "META_UNAVAILABLE", attempt_time=message.attempt_time)
        return None
    due = next_look(message, now=runtime.now())
    if due is None:
        await outcomes.tell_changed(runtime, tx, [message])
        await outcomes.watch_unsettled(runtime, tx, message.store_id, message.connection_id)
    return due
