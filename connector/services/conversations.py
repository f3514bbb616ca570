"""FacebookConversations: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.messaging.rpc import desk
from connector.runtime import Runtime
from stormcom.facebook.v1 import conversation_service_pb2 as pb
from stormcom.facebook.v1 import conversation_service_pb2_grpc as conversation_grpc


class Conversations(conversation_grpc.FacebookConversationsServicer):
    """FacebookConversations."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetConversation(self, request: pb.GetConversationRequest, _: Any) -> pb.GetConversationResponse:
        return await desk.get_conversation(self._runtime, request)

    def WatchConversations(
        self, request: pb.WatchConversationsRequest, _: Any
    ) -> AsyncIterator[pb.WatchConversationsResponse]:
        return desk.watch_conversations(self._runtime, request)

    async def MarkRead(self, request: pb.MarkReadRequest, _: Any) -> pb.MarkReadResponse:
        return await desk.mark_read(self._runtime, request)

    async def SetTyping(self, request: pb.SetTypingRequest, _: Any) -> pb.SetTypingResponse:
        return await desk.set_typing(self._runtime, request)

    async def AssignConversation(self, request: pb.AssignConversationRequest, _: Any) -> pb.AssignConversationResponse:
        return await desk.assign_conversation(self._runtime, request)

    async def TakeConversation(self, request: pb.TakeConversationRequest, _: Any) -> pb.TakeConversationResponse:
        return await desk.take_conversation(self._runtime, request)

    async def BeginBackfill(self, request: pb.BeginBackfillRequest, _: Any) -> pb.BeginBackfillResponse:
        return await desk.begin_backfill(self._runtime, request)

    async def GetBackfill(self, request: pb.GetBackfillRequest, _: Any) -> pb.GetBackfillResponse:
        return await desk.get_backfill(self._runtime, request)
