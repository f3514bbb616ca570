"""FacebookMessages: every RPC and the function that answers it."""

from typing import Any

from connector.messaging import rpc as messaging
from connector.runtime import Runtime
from stormcom.facebook.v1 import message_service_pb2 as message_pb
from stormcom.facebook.v1 import message_service_pb2_grpc as message_grpc


class Messages(message_grpc.FacebookMessagesServicer):
    """FacebookMessages."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetMessage(self, request: message_pb.GetMessageRequest, _: Any) -> message_pb.GetMessageResponse:
        return await messaging.get_message(self._runtime, request)

    async def CancelMessage(self, request: message_pb.CancelMessageRequest, _: Any) -> message_pb.CancelMessageResponse:
        return await messaging.cancel_message(self._runtime, request)

    async def RetryMessage(self, request: message_pb.RetryMessageRequest, _: Any) -> message_pb.RetryMessageResponse:
        return await messaging.retry_message(self._runtime, request)

    async def UploadAttachment(
        self, request: message_pb.UploadAttachmentRequest, _: Any
    ) -> message_pb.UploadAttachmentResponse:
        return await messaging.upload_attachment(self._runtime, request)

    async def ListMessageTemplates(
        self, request: message_pb.ListMessageTemplatesRequest, _: Any
    ) -> message_pb.ListMessageTemplatesResponse:
        return await messaging.list_message_templates(self._runtime, request)

    async def CreateMessageTemplate(
        self, request: message_pb.CreateMessageTemplateRequest, _: Any
    ) -> message_pb.CreateMessageTemplateResponse:
        return await messaging.create_message_template(self._runtime, request)

    async def DeleteMessageTemplate(
        self, request: message_pb.DeleteMessageTemplateRequest, _: Any
    ) -> message_pb.DeleteMessageTemplateResponse:
        return await messaging.delete_message_template(self._runtime, request)

    async def GetSendingSettings(
        self, request: message_pb.GetSendingSettingsRequest, _: Any
    ) -> message_pb.GetSendingSettingsResponse:
        return await messaging.get_sending_settings(self._runtime, request)

    async def UpdateSendingSettings(
        self, request: message_pb.UpdateSendingSettingsRequest, _: Any
    ) -> message_pb.UpdateSendingSettingsResponse:
        return await messaging.update_sending_settings(self._runtime, request)
