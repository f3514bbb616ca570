"""Who calls, and what they may do: bearer tokens, roles, and the one table that gives every method its role.

A caller's token is a JWT signed by one of the callers' keys (asymmetric algorithms only, pinned by the key), with `aud`, `iat`,
`exp`, `sub`, `role` and `stores` (ids, or `*`), and short-lived. In development a fixed token may do everything. Whatever is not
allowed is denied.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

import jwt

from connector.errors import Forbidden, Unauthenticated
from connector.rpc.keys import Keys, read_given
from connector.settings import Settings
from stormcom.facebook.v1 import (
    admin_service_pb2,
    adoption_service_pb2,
    attribution_service_pb2,
    business_extension_service_pb2,
    catalog_service_pb2,
    category_service_pb2,
    checkout_service_pb2,
    connector_service_pb2,
    conversation_service_pb2,
    conversion_service_pb2,
    diagnostic_service_pb2,
    event_service_pb2,
    feed_service_pb2,
    forwarding_service_pb2,
    health_service_pb2,
    inventory_service_pb2,
    message_service_pb2,
    operation_service_pb2,
    order_command_service_pb2,
    order_service_pb2,
    payout_service_pb2,
    push_service_pb2,
    token_service_pb2,
    webhook_service_pb2,
)

_LEEWAY = timedelta(seconds=30)
_REMEMBERED = 1024


class Role(IntEnum):
    """What a caller may do; each role may do what the ones before it may."""

    READER = 1
    AGENT = 2
    MANAGER = 3
    PLATFORM = 4


SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (connector_service_pb2, "FacebookConnector"),
        (business_extension_service_pb2, "FacebookBusinessExtension"),
        (catalog_service_pb2, "FacebookCatalog"),
        (category_service_pb2, "FacebookCategories"),
        (inventory_service_pb2, "FacebookInventory"),
        (message_service_pb2, "FacebookMessages"),
        (adoption_service_pb2, "FacebookAdoption"),
        (checkout_service_pb2, "FacebookCheckout"),
        (attribution_service_pb2, "FacebookAttribution"),
        (conversion_service_pb2, "FacebookConversions"),
        (feed_service_pb2, "FacebookFeeds"),
        (token_service_pb2, "FacebookTokens"),
        (operation_service_pb2, "FacebookOperations"),
        (order_service_pb2, "FacebookOrders"),
        (order_command_service_pb2, "FacebookOrderCommands"),
        (payout_service_pb2, "FacebookPayouts"),
        (event_service_pb2, "FacebookEvents"),
        (push_service_pb2, "FacebookPushes"),
        (forwarding_service_pb2, "FacebookForwarding"),
        (webhook_service_pb2, "FacebookWebhooks"),
        (diagnostic_service_pb2, "FacebookDiagnostics"),
        (admin_service_pb2, "FacebookAdmin"),
        (health_service_pb2, "FacebookHealth"),
        (conversation_service_pb2, "FacebookConversations"),
    )
)

_ROLES = {
    Role.READER: """
        ExportTransactions ListOrderBalances ListPayouts ListTransactions
        GetOrder GetOrderManagement ListOrders
        GetCommand ListCommands ListReturns
        BuildCheckoutLink GetAttributedOrder GetCheckoutUrl GetDraftOrder GetPixel ListAttributedOrders ListConversions ListDraftOrders RunCheckoutSelfTest
        GetMessage GetSendingSettings ListMessageTemplates
        GetBackfill GetConversation WatchConversations
        GetCatalogSettings GetDeletion GetHold GetInstallation GetInventory GetItem GetOperation GetPrivacySettings GetStatus ListCatalogs ListCategories ListChecks
        ListConversations ListDeletions ListDiagnostics ListExplanations ListFeedUploads ListFeeds ListHolds ListInventory ListItems
        ListDeliveries ListMessages ListSignals ListOperations ListProductSets ListScannedItems PreviewSync ResolveRetailerIds SearchTaxonomy
        WatchOperation WatchStatus
    """,
    Role.AGENT: """
        AssignConversation MarkRead SetTyping TakeConversation
        CancelMessage RetryMessage UploadAttachment
        AnswerDraftOrder ResolveCheckoutLink SendMessage
    """,
    Role.MANAGER: """
        PullPayouts
        AckOrderImport AssociateOrderManagement PollOrders ReleaseOrderManagement RetryOrder
        AcknowledgeOrders CancelCommand CancelOrder FulfillOrder RefundOrder ResolveReturn RestateOrder RetryCommand UpdateShipment
        RecordAttributedOrder SendConversionEvents SetCheckoutUrl SetPixel AbandonSnapshot ApplyAdoption AttachCatalog BeginInstall BeginSnapshot CancelOperation CommitSnapshot CompleteHold CompleteInstall
        ConfirmChange Connect CreateCatalog DeleteCategories DeletePersonalData DeleteProducts DeleteReviews Disconnect ExtendHold
        InspectToken ListAuditEntries PlanAdoption PutNavigation PutPromotions PutReviews PutSnapshotProducts RefreshInstallation ReleaseHold RepairInstallation ReserveStock RetryItems
        RevokeTokens RotateToken RunDiagnostics ScanCatalog SetCategories SetFeed SyncCatalog Uninstall UpdateCatalogSettings
        CreateMessageTemplate DeleteMessageTemplate UpdateSendingSettings
        DismissSignals GetDelivery GetSignal ReplayDeliveries ReplayDelivery ReplaySignals
        BeginBackfill
        GetMailForwarding TestMailForwarding UpdateMailForwarding
        UpdateInventory UpdatePrivacySettings UploadFeed UpsertProducts
    """,
    Role.PLATFORM: """
        AckEvents ConfigurePush DeleteConsumer DeletePush EnablePush ExportAudit GetPush ListConsumers ListDeadLetters ListPushes
        NackEvents PullEvents RedriveDeadLetters ReplayEvents SetConsumer Subscribe TestPush VerifyAudit
        ListUnknownPages ResolveReplyAddress
    """,
}

POLICY: Mapping[str, Role] = {method: role for role, methods in _ROLES.items() for method in methods.split()}
"""The least role for every method of every service, by the method's name."""


def require_complete(methods: Iterable[str]) -> None:
    """Refuse to serve a method that the table does not name.

    Raises:
        RuntimeError: naming the methods.

    """
    missing = sorted(set(methods) - set(POLICY))
    if missing:
        raise RuntimeError(f"no role is set for {', '.join(missing)}: add them to connector.rpc.callers")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a valid token."""

    subject: str
    role: Role
    stores: frozenset[str]
    expire_time: datetime

    def require(self, method: str, store_id: str) -> None:
        """Refuse what the caller may not do, without a word on what exists.

        Raises:
            Forbidden: the role does not reach the method, or the store is not one of the caller's.

        """
        if self.role < POLICY[method] or not ("*" in self.stores or store_id in self.stores):
            raise Forbidden("STORE_NOT_ALLOWED", "This credential does not allow that call for this store")


class Gate:
    """Turns an `authorization` header into a caller."""

    def __init__(self, settings: Settings, keys: Keys | None = None) -> None:
        self._audience = settings.caller_audience
        self._longest = settings.caller_token_limit
        self._development_token = settings.development_token
        self._keys = keys or Keys(read_given(settings.caller_jwks))
        self._known: dict[str, Caller] = {}
        self._generation = 0

    async def admit(self, authorization: str, *, now: datetime) -> Caller:
        """Tell who calls.

        Raises:
            Unauthenticated: no token, or one that is not valid now.

        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("CREDENTIALS_MISSING", "Send the header `authorization: Bearer <token>`")
        if self._development_token and hmac.compare_digest(token.encode(), self._development_token.reveal().encode()):
            return Caller("development", Role.PLATFORM, frozenset({"*"}), now + timedelta(days=1))
        if self._generation != self._keys.generation or len(self._known) >= _REMEMBERED:
            self._generation = self._keys.generation
            self._known.clear()
        caller = self._known.get(token)
        if caller is None:
            caller = self._known[token] = await self._verify(token)
        if caller.expire_time + _LEEWAY <= now:
            self._known.pop(token, None)
            raise _invalid()
        return caller

    async def _verify(self, token: str) -> Caller:
        try:
            key = await self._keys.find(str(jwt.get_unverified_header(token).get("kid", "")))
            if key is None:
                raise _invalid()
            claims = jwt.decode(
                token,
                key,
                algorithms=[str(key.algorithm_name)],
                audience=self._audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "aud", "sub"]},
            )
            if claims["exp"] - claims["iat"] > self._longest.total_seconds():
                raise _invalid()
            return _read_claims(claims)
        except (
            jwt.PyJWTError,
            ValueError,
            KeyError,
            TypeError,
            OverflowError,
            OSError,
        ):  # the last two: a time out of range
            raise _invalid() from None


def _read_claims(claims: dict[str, Any]) -> Caller:
    stores = claims["stores"]
    if not isinstance(stores, list) or not all(isinstance(store, str) for store in stores):
        raise _invalid()
    return Caller(
        str(claims["sub"]),
        Role[str(claims["role"]).upper()],
        frozenset(stores),
        datetime.fromtimestamp(claims["exp"], UTC),
    )


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        "CREDENTIALS_INVALID",
        "The bearer token is not valid: wrong key, signature, audience, claims, too long-lived, or expired",
    )
