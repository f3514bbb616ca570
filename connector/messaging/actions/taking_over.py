"""Takes a conversation from the app that controls it, while a person waits: the way out of THREAD_OWNED_ELSEWHERE."""

from uuid import UUID

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind
from connector.db.schema import Tx
from connector.messaging import db, graph
from connector.messaging.actions.telling import tell_conversation
from connector.messaging.actions.wishing import require_granted
from connector.messaging.db import notes
from connector.messaging.model import Conversation, Subject
from connector.runtime import Runtime


async def take_over(runtime: Runtime, store_id: str, conversation_id: UUID) -> Conversation:
    """Make a conversation ours at Meta; one that nobody else controls stays as it is.

    Raises:
        NotFound: CONVERSATION_NOT_FOUND.
        FailedPrecondition: the connection cannot send, or Meta does not let our app.
        Throttled, Unavailable: Meta did not do it now.

    """
    async with runtime.db.begin() as tx:
        conversation = await db.require(tx, store_id, conversation_id)
        connection = await connections.require_live(tx, store_id, conversation.connection_id)
        connection_actions.require_capability(connection, CapabilityKind.MESSAGING)
        require_granted(connection, conversation)
        if not conversation.owned_elsewhere:
            return conversation
        await connection_actions.require_open(runtime, tx, connection.environment)
    access = await connection_actions.access(runtime, connection, kind="page")
    await runtime.graph.send(graph.take_over(connection.page_id, conversation.psid), access)
    async with runtime.db.begin() as tx:
        return await _note(runtime, tx, await db.lock(tx, conversation.id), runtime.app(connection.environment).app_id)


async def _note(runtime: Runtime, tx: Tx, conversation: Conversation, app_id: str) -> Conversation:
    """Note that it is ours and tell StormCom, unless Meta's own word of something later was faster."""
    owner = {"app_id": app_id, "ours": True}
    changed = await notes.note(tx, Subject.OWNER, [(conversation.id, owner, runtime.now())])
    for one in changed:
        await tell_conversation(runtime, tx, one, "CHANGE_OWNER")
    return changed[0] if changed else conversation
