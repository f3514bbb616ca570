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

    async def NackEvents(self, request: event_pb.NackEventsRequest, _: Any) -> event_pb.NackEventsResponse:
        return await events.nack_events(self._runtime, request)

    async def ListConsumers(self, request: event_pb.ListConsumersRequest, _: Any) -> event_pb.ListConsumersResponse:
        return await events.list_consumers(self._runtime, request)

    async def SetConsumer(self, request: event_pb.SetConsumerRequest, _: Any) -> event_pb.SetConsumerResponse:
        return await events.set_consumer(self._runtime, request)

    async def DeleteConsumer(self, request: event_pb.DeleteConsumerRequest, _: Any) -> event_pb.DeleteConsumerResponse:
        return await events.delete_consumer(self._runtime, request)

    async def ListDeadLetters(
        self, request: event_pb.ListDeadLettersRequest, _: Any
    ) -> event_pb.ListDeadLettersResponse:
        return await events.list_dead_letters(self._runtime, request)

    async def RedriveDeadLetters(
        self, request: event_pb.RedriveDeadLettersRequest, _: Any
    ) -> event_pb.RedriveDeadLettersResponse:
        return await events.redrive_dead_letters(self._runtime, request)

    async def ReplayEvents(self, request: event_pb.ReplayEventsRequest, _: Any) -> event_pb.ReplayEventsResponse:
        return await events.replay_events(self._runtime, request)
