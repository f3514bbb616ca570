"""How callers ask for conversations and messages."""

from connector.messaging import actions
from connector.messaging.rpc.places import read_conversation_id, read_place, write_place
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import conversation_pb2


async def list_conversations(runtime: Runtime, request: pb.ListConversationsRequest) -> pb.ListConversationsResponse:
    """List a connection's conversations, the one with the newest message first."""
    since = read.instant(request.since_time, "since_time") if request.HasField("since_time") else None
    size = read.page_size(request.page_size)
    scope = (request.store_id, request.connection_id, request.unread_only, since)
    found = await actions.list_conversations(
        runtime,
        request.store_id,
        request.connection_id,
        limit=size + 1,
        after=read_place(request.page_token, *scope),
        unread_only=request.unread_only,
        since=since,
    )
    more = found[size - 1] if len(found) > size else None
    return pb.ListConversationsResponse(
        conversations=[conversation_pb2.Conversation(**one.document()) for one in found[:size]],
        next_page_token=write_place(more.last_message_time, more.id, *scope) if more and more.last_message_time else "",
    )


async def list_messages(runtime: Runtime, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
    """List a conversation's messages, the newest first."""
    size, scope = read.page_size(request.page_size), (request.store_id, request.conversation_id)
    found = await actions.list_messages(
        runtime,
        request.store_id,
        read_conversation_id(request.conversation_id),
        limit=size + 1,
        after=read_place(request.page_token, *scope),
    )
    more = found[size - 1] if len(found) > size else None
    return pb.ListMessagesResponse(
        messages=[conversation_pb2.Message(**one.document()) for one in found[:size]],
        next_page_token=write_place(more.send_time, more.id, *scope) if more else "",
    )
