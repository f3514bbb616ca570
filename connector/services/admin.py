"""FacebookAdmin: every RPC and the function that answers it."""

from collections.abc import AsyncIterator
from typing import Any

from connector.audit import rpc as audit
from connector.privacy import rpc as privacy
from connector.runtime import Runtime
from connector.webhooks import rpc as webhooks
from stormcom.facebook.v1 import admin_service_pb2 as admin_pb
from stormcom.facebook.v1 import admin_service_pb2_grpc as admin_grpc


class Admin(admin_grpc.FacebookAdminServicer):
    """FacebookAdmin."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def DeletePersonalData(
        self, request: admin_pb.DeletePersonalDataRequest, _: Any
    ) -> admin_pb.DeletePersonalDataResponse:
        return await privacy.delete_personal_data(self._runtime, request)

    async def GetDeletion(self, request: admin_pb.GetDeletionRequest, _: Any) -> admin_pb.GetDeletionResponse:
        return await privacy.get_deletion(self._runtime, request)

    async def ListDeletions(self, request: admin_pb.ListDeletionsRequest, _: Any) -> admin_pb.ListDeletionsResponse:
        return await privacy.list_deletions(self._runtime, request)

    async def GetPrivacySettings(
        self, request: admin_pb.GetPrivacySettingsRequest, _: Any
    ) -> admin_pb.GetPrivacySettingsResponse:
        return await privacy.get_privacy_settings(self._runtime, request)

    async def UpdatePrivacySettings(
        self, request: admin_pb.UpdatePrivacySettingsRequest, _: Any
    ) -> admin_pb.UpdatePrivacySettingsResponse:
        return await privacy.update_privacy_settings(self._runtime, request)

    async def ListAuditEntries(
        self, request: admin_pb.ListAuditEntriesRequest, _: Any
    ) -> admin_pb.ListAuditEntriesResponse:
        return await audit.list_audit_entries(self._runtime, request)

    async def VerifyAudit(self, request: admin_pb.VerifyAuditRequest, _: Any) -> admin_pb.VerifyAuditResponse:
        return await audit.verify_audit(self._runtime, request)

    def ExportAudit(self, request: admin_pb.ExportAuditRequest, _: Any) -> AsyncIterator[admin_pb.ExportAuditResponse]:
        return audit.export_audit(self._runtime, request)

    async def ListUnknownPages(
        self, request: admin_pb.ListUnknownPagesRequest, _: Any
    ) -> admin_pb.ListUnknownPagesResponse:
        return await webhooks.list_unknown_pages(self._runtime, request)
