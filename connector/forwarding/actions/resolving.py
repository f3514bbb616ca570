"""Finds the conversation that an answer to a forwarded mail belongs to."""

from uuid import UUID

from connector.errors import NotFound
from connector.forwarding import db
from connector.forwarding.model import Talk
from connector.forwarding.model.answers import PURPOSE, read_token, same_mark
from connector.runtime import Runtime


async def resolve(runtime: Runtime, store_id: str, address: str) -> Talk:
    """Tell the conversation, by the address that an answer was sent to.

    Raises:
        NotFound: REPLY_ADDRESS_UNKNOWN; also another store's, a changed one, and when no mail server is set.

    """
    await runtime.pseudonyms.ready()
    found = read_token(runtime.mail.reply_to, address) if runtime.mail else None
    if found is None or not same_mark(found[1], mark_of(runtime, store_id, found[0])):
        raise _unknown()
    async with runtime.db.begin() as tx:
        talk = await db.talk(tx, store_id, found[0])
    if talk is None:
        raise _unknown()
    return talk


def mark_of(runtime: Runtime, store_id: str, conversation_id: UUID) -> bytes:
    """Make the mark that only we can make over a store's conversation. Needs `pseudonyms.ready` before."""
    return runtime.pseudonyms.of(PURPOSE, store_id, str(conversation_id))


def _unknown() -> NotFound:
    return NotFound("REPLY_ADDRESS_UNKNOWN", "No conversation in this store has that address")
