"""Calls the connector: bearer token, deadlines, and the same `request_id` for every attempt at one wish.

Tries again only when the connector could not be reached or is at work on the very same wish; everything else is the caller's to
decide. gRPC's own retries are off: one policy, in one place.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self, TypeVar, cast

import grpc
from google.protobuf.message import Message

from client.failures import CallFailed, read_failure
from stormcom.facebook.v1.admin_service_pb2_grpc import FacebookAdminStub
from stormcom.facebook.v1.adoption_service_pb2_grpc import FacebookAdoptionStub
from stormcom.facebook.v1.attribution_service_pb2_grpc import FacebookAttributionStub
from stormcom.facebook.v1.business_extension_service_pb2_grpc import FacebookBusinessExtensionStub
from stormcom.facebook.v1.catalog_service_pb2_grpc import FacebookCatalogStub
from stormcom.facebook.v1.category_service_pb2_grpc import FacebookCategoriesStub
from stormcom.facebook.v1.checkout_service_pb2_grpc import FacebookCheckoutStub
from stormcom.facebook.v1.connector_service_pb2_grpc import FacebookConnectorStub
from stormcom.facebook.v1.conversion_service_pb2_grpc import FacebookConversionsStub
from stormcom.facebook.v1.diagnostic_service_pb2_grpc import FacebookDiagnosticsStub
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from stormcom.facebook.v1.feed_service_pb2_grpc import FacebookFeedsStub
from stormcom.facebook.v1.health_service_pb2_grpc import FacebookHealthStub
from stormcom.facebook.v1.inventory_service_pb2_grpc import FacebookInventoryStub
from stormcom.facebook.v1.operation_service_pb2_grpc import FacebookOperationsStub
from stormcom.facebook.v1.order_command_service_pb2_grpc import FacebookOrderCommandsStub
from stormcom.facebook.v1.order_service_pb2_grpc import FacebookOrdersStub
from stormcom.facebook.v1.token_service_pb2_grpc import FacebookTokensStub

# grpc's callables are generic in their type stubs only, hence the quotes below.
Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

FIRST_PAUSE = timedelta(milliseconds=100)
LONGEST_PAUSE = timedelta(seconds=5)
# Longer than gRPC tries to connect (20 s): a stream that lasted longer was open.
HEALTHY_AFTER = timedelta(seconds=25)
MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024
CHANNEL_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT_BYTES),
    # A stream may be silent for hours: only pings tell that the other side is gone.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


def open_channel(address: str, *, tls: bool = False) -> grpc.Channel:
    """Open a channel to `host:port`; nothing is sent before the first call. With `tls`, the machine's roots are trusted."""
    if tls:
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(), options=CHANNEL_OPTIONS)
    return grpc.insecure_channel(address, options=CHANNEL_OPTIONS)


def find_pause(failure: CallFailed, attempt: int) -> timedelta | None:
    """Decide how long to wait before attempt `attempt + 1`; None when another one would be no use or no good."""
    busy = failure.code is grpc.StatusCode.ABORTED and failure.reason == "REQUEST_IN_PROGRESS"
    if failure.code is not grpc.StatusCode.UNAVAILABLE and not busy:
        return None
    doubled: timedelta = min(FIRST_PAUSE * 2 ** min(attempt - 1, 10), LONGEST_PAUSE)
    # Never earlier than asked, never all callers at once.
    return (failure.retry_after or timedelta()) + doubled * random.uniform(0.5, 1)  # noqa: S311 - spreads, hides nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One store's way to the connector.

    `deadline` bounds each attempt, `patience` all attempts at one wish together. Safe to share among threads.
    """

    channel: grpc.Channel
    token: str
    store_id: str
    deadline: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(seconds=60)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    connector: FacebookConnectorStub = field(init=False)
    business_extension: FacebookBusinessExtensionStub = field(init=False)
    catalog: FacebookCatalogStub = field(init=False)
    categories: FacebookCategoriesStub = field(init=False)
    inventory: FacebookInventoryStub = field(init=False)
    adoption: FacebookAdoptionStub = field(init=False)
    feeds: FacebookFeedsStub = field(init=False)
    operations: FacebookOperationsStub = field(init=False)
    order_commands: FacebookOrderCommandsStub = field(init=False)
    orders: FacebookOrdersStub = field(init=False)
    conversions: FacebookConversionsStub = field(init=False)
    checkout: FacebookCheckoutStub = field(init=False)
    attribution: FacebookAttributionStub = field(init=False)
    events: FacebookEventsStub = field(init=False)
    diagnostics: FacebookDiagnosticsStub = field(init=False)
    health: FacebookHealthStub = field(init=False)
    admin: FacebookAdminStub = field(init=False)
    tokens: FacebookTokensStub = field(init=False)

    def __post_init__(self) -> None:
        """Bind the services to the channel."""
        object.__setattr__(self, "connector", FacebookConnectorStub(self.channel))
        object.__setattr__(self, "business_extension", FacebookBusinessExtensionStub(self.channel))
        object.__setattr__(self, "catalog", FacebookCatalogStub(self.channel))
        object.__setattr__(self, "categories", FacebookCategoriesStub(self.channel))
        object.__setattr__(self, "inventory", FacebookInventoryStub(self.channel))
        object.__setattr__(self, "adoption", FacebookAdoptionStub(self.channel))
        object.__setattr__(self, "feeds", FacebookFeedsStub(self.channel))
        object.__setattr__(self, "operations", FacebookOperationsStub(self.channel))
        object.__setattr__(self, "order_commands", FacebookOrderCommandsStub(self.channel))
        object.__setattr__(self, "orders", FacebookOrdersStub(self.channel))
        object.__setattr__(self, "conversions", FacebookConversionsStub(self.channel))
        object.__setattr__(self, "checkout", FacebookCheckoutStub(self.channel))
        object.__setattr__(self, "attribution", FacebookAttributionStub(self.channel))
        object.__setattr__(self, "events", FacebookEventsStub(self.channel))
        object.__setattr__(self, "diagnostics", FacebookDiagnosticsStub(self.channel))
        object.__setattr__(self, "health", FacebookHealthStub(self.channel))
        object.__setattr__(self, "admin", FacebookAdminStub(self.channel))
        object.__setattr__(self, "tokens", FacebookTokensStub(self.channel))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request) -> Response:
        """Call a method, again where that is safe and of use. Fills in `store_id` and, where there is one, `request_id`.

        Raises:
            CallFailed: it failed for good, or `patience` ran out.

        """
        wish = self._complete(request)
        return self._insist(lambda timeout: method(wish, timeout=timeout, metadata=self._metadata()), wish)

    def list_all(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request, *, field: str
    ) -> Iterator[Any]:
        """List everything, page by page as it is read: the entries of the answer's repeated `field`."""
        wish = type(request)()
        wish.CopyFrom(request)
        while True:
            page = self.call(method, wish)
            yield from getattr(page, field)
            token = str(getattr(page, "next_page_token", ""))
            if not token:
                return
            wish.MergeFrom(type(request)(page_token=token))

    def watch(
        self,
        method: "grpc.UnaryStreamMultiCallable[Request, Response]",
        request: Request,
        *,
        resume: Callable[[Request, Response], None] = lambda _request, _response: None,
    ) -> Iterator[Response]:
        """Stream a method's answers; a broken stream is opened again after `resume` moved the request behind the last answer.

        Raises:
            CallFailed: it failed for good, or one attempt after the other failed until `patience` ran out.

        """
        wish = self._complete(request)
        attempt, since = 0, self.clock()
        while True:
            opened = self.clock()
            stream = method(wish, metadata=self._metadata())
            try:
                for answer in stream:
                    attempt, opened = 0, self.clock()
                    resume(wish, answer)
                    yield answer
            except grpc.RpcError as error:
                # A stream that stood for long without an event was healthy: its break begins a new series.
                if attempt == 0 or self.clock() - opened > HEALTHY_AFTER.total_seconds():
                    attempt, since = 0, self.clock()
                attempt += 1
                self._pause(error, wish, attempt=attempt, since=since)
            else:
                return
            finally:
                stream.cancel()

    def _insist(self, attempt_once: Callable[[float], Response], wish: Message) -> Response:
        start, attempt = self.clock(), 0
        while True:
            left = self.patience.total_seconds() - (self.clock() - start)
            try:
                return attempt_once(max(0.001, min(self.deadline.total_seconds(), left)))
            except grpc.RpcError as error:
                attempt += 1
                self._pause(error, wish, attempt=attempt, since=start)

    def _pause(self, error: grpc.RpcError, wish: Message, *, attempt: int, since: float) -> None:
        """Wait before the next attempt, or raise when there shall be none."""
        method = type(wish).DESCRIPTOR.name.removesuffix("Request")
        # What gRPC raises is the call itself; its type does not say so.
        failure = read_failure(cast("grpc.Call", error), method=method, request_id=getattr(wish, "request_id", ""))
        pause = find_pause(failure, attempt)
        if pause is None or self.clock() - since + pause.total_seconds() >= self.patience.total_seconds():
            raise failure from error
        self.sleep(pause.total_seconds())

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def _complete(self, request: Request) -> Request:
        """Copy a request with the store and an id of the wish filled in; what the caller set stays."""
        wish = type(request)()
        wish.CopyFrom(request)
        for name, value in (("store_id", self.store_id), ("request_id", str(uuid.uuid4()))):
            if name in wish.DESCRIPTOR.fields_by_name and not getattr(wish, name):
                setattr(wish, name, value)
        return wish
