"""FacebookEvents: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.events import rpc as events
from connector.runtime import Runtime
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1 import event_service_pb2_grpc as event_grpc


class Events(event_grpc.FacebookEventsServicer):
    """FacebookEvents."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def PullEvents(self, request: event_pb.PullEventsRequest, _: Any) -> event_pb.PullEventsResponse:
        return await events.pull_events(self._runtime, request)

    async def AckEvents(self, request: event_pb.AckEventsRequest, _: Any) -> event_pb.AckEventsResponse:
        return await events.ack_events(self._runtime, request)

    def Subscribe(self, request: event_pb.SubscribeRequest, _: Any) -> AsyncIterator[event_pb.SubscribeResponse]:
        return events.subscribe(self._runtime, request)
