"""FacebookConversations: how callers watch conversations, work with them, and have them read back."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from connector.messaging import actions
from connector.messaging.actions import Sight, Watched
from connector.messaging.rpc.ids import read_conversation_id
from connector.rpc import read
from connector.runtime import Runtime
from stormcom.facebook.v1 import conversation_pb2
from stormcom.facebook.v1 import conversation_service_pb2 as pb

# Acknowledged events go after seven days: who was away for longer begins anew.
_LONGEST_AWAY = timedelta(days=6)


async def get_conversation(runtime: Runtime, request: pb.GetConversationRequest) -> pb.GetConversationResponse:
    """Read one conversation."""
    conversation_id = read_conversation_id(request.conversation_id)
    found, gaps = await actions.get_conversation(runtime, request.store_id, conversation_id)
    return pb.GetConversationResponse(
        conversation=conversation_pb2.Conversation(**found.document()),
        gaps=[conversation_pb2.MessageGap(**one.document()) for one in gaps],
    )


async def watch_conversations(
    runtime: Runtime, request: pb.WatchConversationsRequest
) -> AsyncIterator[pb.WatchConversationsResponse]:
    """Tell conversations as they are now, then those that change."""
    conversation_id = read_conversation_id(request.conversation_id) if request.conversation_id else None
    scope = (request.store_id, request.connection_id, request.conversation_id)
    position = _read_token(runtime, request.resume_token, *scope)
    limit = read.page_size(request.page_size)
    watched = Watched(request.store_id, request.connection_id, conversation_id)
    initial = position is None
    async for sight in actions.watch(runtime, watched, position=position, limit=limit):
        yield _write_sight(runtime, sight, scope, initial=initial and not sight.changed)


def _write_sight(
    runtime: Runtime, sight: Sight, scope: tuple[object, ...], *, initial: bool
) -> pb.WatchConversationsResponse:
    now = runtime.now().isoformat()
    return pb.WatchConversationsResponse(
        conversation=conversation_pb2.Conversation(**sight.conversation.document()),
        messages=[conversation_pb2.Message(**one.document()) for one in sight.messages],
        resume_token="" if sight.position is None else read.write_page_token([sight.position, now], *scope),
        initial=initial,
    )


def _read_token(runtime: Runtime, token: str, *scope: object) -> int | None:
    """Read where a stream goes on; None where it begins."""
    parts = read.page_token(token, *scope, parts=2)
    if parts is None or runtime.now() - datetime.fromisoformat(str(parts[1])) > _LONGEST_AWAY:
        return None
    return int(parts[0])


async def mark_read(runtime: Runtime, request: pb.MarkReadRequest) -> pb.MarkReadResponse:
    """Mark messages as read."""
    conversation_id = read_conversation_id(request.conversation_id)
    found = await actions.mark_read(runtime, request.store_id, conversation_id, message_id=request.up_to_message_id)
    return pb.MarkReadResponse(conversation=conversation_pb2.Conversation(**found.document()))


async def set_typing(runtime: Runtime, request: pb.SetTypingRequest) -> pb.SetTypingResponse:
    """Show that somebody types, or no longer."""
    conversation_id = read_conversation_id(request.conversation_id)
    until = await actions.set_typing(runtime, request.store_id, conversation_id, typing=request.typing)
    answer = pb.SetTypingResponse()
    answer.expire_time.FromDatetime(until)
    return answer


async def assign_conversation(runtime: Runtime, request: pb.AssignConversationRequest) -> pb.AssignConversationResponse:
    """Give a conversation to an agent, or to nobody."""
    conversation_id = read_conversation_id(request.conversation_id)
    agent_id = read.foreign_id(request.agent_id, "agent_id") if request.agent_id else ""
    found = await actions.assign(runtime, request.store_id, conversation_id, agent_id=agent_id)
    return pb.AssignConversationResponse(conversation=conversation_pb2.Conversation(**found.document()))


async def take_conversation(runtime: Runtime, request: pb.TakeConversationRequest) -> pb.TakeConversationResponse:
    """Take a conversation from the app that controls it."""
    conversation_id = read_conversation_id(request.conversation_id)
    found = await actions.take_over(runtime, request.store_id, conversation_id)
    return pb.TakeConversationResponse(conversation=conversation_pb2.Conversation(**found.document()))


async def begin_backfill(runtime: Runtime, request: pb.BeginBackfillRequest) -> pb.BeginBackfillResponse:
    """Have a connection's conversations read back."""
    since = read.instant(request.since_time, "since_time") if request.HasField("since_time") else None
    found = await actions.begin_backfill(runtime, request.store_id, request.connection_id, since=since)
    return pb.BeginBackfillResponse(backfills=[conversation_pb2.Backfill(**one.document()) for one in found])


async def get_backfill(runtime: Runtime, request: pb.GetBackfillRequest) -> pb.GetBackfillResponse:
    """Tell how far reading back has come."""
    found = await actions.list_backfills(runtime, request.store_id, request.connection_id)
    return pb.GetBackfillResponse(backfills=[conversation_pb2.Backfill(**one.document()) for one in found])
