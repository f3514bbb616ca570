"""How callers ask for conversations and messages."""

from datetime import datetime
from uuid import UUID

from connector.errors import InvalidInput
from connector.messaging import actions
from connector.messaging.actions import Leaf
from connector.messaging.db import Place, Wanted, words_of
from connector.messaging.model import Channel
from connector.messaging.rpc.ids import read_conversation_id
from connector.rpc import read
from connector.rpc.places import read_place, write_place
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2

LONGEST_QUERY = 100
_CHANNELS = {
    conversation_pb2.CHANNEL_UNSPECIFIED: None,
    conversation_pb2.CHANNEL_MESSENGER: Channel.MESSENGER,
    conversation_pb2.CHANNEL_INSTAGRAM: Channel.INSTAGRAM,
}


async def list_conversations(runtime: Runtime, request: pb.ListConversationsRequest) -> pb.ListConversationsResponse:
    """List a connection's conversations, the one with the newest message first."""
    wanted, size = _wanted(request), read.page_size(request.page_size)
    scope = (request.store_id, request.connection_id, *(str(getattr(wanted, name)) for name in Wanted.__slots__))
    found = await actions.list_conversations(
        runtime,
        request.store_id,
        request.connection_id,
        wanted,
        limit=size + 1,
        after=read_place(request.page_token, *scope),
    )
    more = found[size - 1] if len(found) > size else None
    return pb.ListConversationsResponse(
        conversations=[conversation_pb2.Conversation(**one.document()) for one in found[:size]],
        next_page_token=write_place(more.last_message_time, more.id, *scope) if more and more.last_message_time else "",
    )


def _wanted(request: pb.ListConversationsRequest) -> Wanted:
    if request.channel not in _CHANNELS:
        raise InvalidInput.of("channel", "FIELD_INVALID", "must be CHANNEL_MESSENGER or CHANNEL_INSTAGRAM")
    if request.agent_id and request.unassigned_only:
        raise InvalidInput.of("agent_id", "FIELD_INVALID", "must be empty together with unassigned_only")
    agent = read.foreign_id(request.agent_id, "agent_id") if request.agent_id else None
    words = words_of(read.within(request.query, "query", limit=LONGEST_QUERY))
    if request.query and not words:
        raise InvalidInput.of("query", "FIELD_INVALID", "needs a word with a letter or digit")
    return Wanted(
        unread_only=request.unread_only,
        since=read.instant(request.since_time, "since_time") if request.HasField("since_time") else None,
        channel=_CHANNELS[request.channel],
        agent_id="" if request.unassigned_only else agent,
        words=words,
    )


async def list_messages(runtime: Runtime, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
    """List a conversation's messages in the wanted order, and where some are missing."""
    size, first = read.page_size(request.page_size), request.oldest_first
    scope = (request.store_id, request.conversation_id, first)
    conversation_id = read_conversation_id(request.conversation_id)
    if request.around_message_id and request.page_token:
        raise InvalidInput.of("around_message_id", "FIELD_INVALID", "must be empty together with page_token")
    if request.around_message_id:
        around = request.around_message_id
        leaf = await actions.list_around(runtime, request.store_id, conversation_id, around, limit=size)
    else:
        place, newer = _read_way(request.page_token, *scope) or (None, first)
        leaf = await actions.list_messages(
            runtime, request.store_id, conversation_id, limit=size, place=place, newer=newer
        )
    return _write_leaf(leaf, scope, oldest_first=first)


def _write_leaf(leaf: Leaf, scope: tuple[object, ...], *, oldest_first: bool) -> pb.ListMessagesResponse:
    older = _write_way(leaf, scope, newer=False) if leaf.older else ""
    newer = _write_way(leaf, scope, newer=True) if leaf.newer else ""
    order = 1 if oldest_first else -1
    return pb.ListMessagesResponse(
        messages=[conversation_pb2.Message(**one.document()) for one in leaf.messages[::order]],
        gaps=[conversation_pb2.MessageGap(**one.document()) for one in leaf.gaps[::order]],
        next_page_token=newer if oldest_first else older,
        previous_page_token=older if oldest_first else newer,
    )


def _write_way(leaf: Leaf, scope: tuple[object, ...], *, newer: bool) -> str:
    """Write where a list goes on, and in which direction; nowhere when the page is empty."""
    if not leaf.messages:
        return ""
    end = leaf.messages[-1 if newer else 0]
    return read.write_page_token([end.send_time.isoformat(), str(end.id), int(newer)], *scope)


def _read_way(token: str, *scope: object) -> tuple[Place, bool] | None:
    """Read where a list goes on, and in which direction."""
    way = read.page_token(token, *scope, parts=3)
    return None if way is None else ((datetime.fromisoformat(str(way[0])), UUID(str(way[1]))), bool(way[2]))
