"""What every RPC passes through: caller and store · deadline · repeated requests · the audit · errors · one log line.

Health and reflection are answered without a credential; every other method needs a role (`callers.POLICY`).
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Self, cast

import grpc
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from connector import deadline, log, metrics, tracing
from connector.db import walls
from connector.errors import ConnectorError, InvalidInput, Overloaded
from connector.rpc import calling, recording, replies
from connector.rpc.bombs import is_bomb
from connector.rpc.callers import SERVICES, Gate, require_complete
from connector.rpc.read import foreign_id, storable
from connector.rpc.status import code_of, understand, write_status
from connector.runtime import Runtime
from connector.settings import Limits

_STATUS_DETAILS = "grpc-status-details-bin"

Context = grpc.aio.ServicerContext[Any, Any]
Details = grpc.HandlerCallDetails
Handler = Any  # grpc.RpcMethodHandler, whose parameters exist in its type stubs only
Serve = Callable[..., Any]


_OURS = "/stormcom."


class Door(grpc.aio.ServerInterceptor):
    """Lets a call in, or says why not; sees it out with a status and a log line."""

    def __init__(self, runtime: Runtime, gate: Gate, *, limits: Limits, walled: bool) -> None:
        self._runtime = runtime
        self._gate = gate
        self._limits, self._calls = limits, 0
        self._wall = walls.only if walled else _no_wall
        self._methods = {
            f"/{method.containing_service.full_name}/{method.name}": method
            for one in SERVICES
            for method in one.methods
        }
        require_complete(method.name for method in self._methods.values())

    async def intercept_service(
        self, continuation: Callable[[Details], Awaitable[Handler | None]], details: Details
    ) -> Handler | None:
        """Wrap a method of ours; anything else is health, reflection, or unknown to the server."""
        handler = await continuation(details)
        method = self._methods.get(details.method)
        if method is None or handler is None:
            ours = details.method.startswith(
                _OURS
            )  # a service that nobody wrote into the table is not served unguarded
            return None if ours else handler
        metadata = dict(details.invocation_metadata or ())
        codec: dict[str, Any] = {
            "request_deserializer": partial(_parse, method.input_type, handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._streaming(method, cast("Serve", handler.unary_stream), metadata), **codec
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(method, cast("Serve", handler.unary_unary), metadata), **codec
        )

    def _unary(self, method: MethodDescriptor, serve: Serve, metadata: dict[str, Any]) -> Serve:
        response_type = GetMessageClass(method.output_type)

        async def answer(request: Message | None, context: Context) -> Message:
            async with _Line(method, request, metadata, self._runtime, context) as line, self._room():
                request, line.caller = await self._admit(method, request, metadata)
                async with self._inside(request, context):
                    if recording.changes(method, request):
                        return await replies.once(
                            self._runtime,
                            request,
                            response_type,
                            lambda wish: recording.recorded(
                                self._runtime, method.name, wish, lambda: serve(wish, context)
                            ),
                        )
                    return await serve(request, context)  # type: ignore[no-any-return] # the servicer's own response type

        return answer

    def _streaming(self, method: MethodDescriptor, serve: Serve, metadata: dict[str, Any]) -> Serve:
        # Writes instead of yielding: gRPC drops a generator whose reader leaves, and it would end later, in a context of nobody's.
        async def answer(request: Message | None, context: Context) -> None:
            async with _Line(method, request, metadata, self._runtime, context) as line, self._room():
                request, line.caller = await self._admit(method, request, metadata)
                await context.send_initial_metadata(
                    ()
                )  # the caller sees that it is let in before there is anything to say
                # gRPC ends a stream at its caller's deadline; without one it may go on for ever.
                with self._wall(request.store_id), deadline.known(context.time_remaining()):  # type: ignore[attr-defined] # as in replies
                    async with aclosing(serve(request, context)) as responses:
                        async for response in responses:
                            await context.write(response)

        return answer

    @asynccontextmanager
    async def _inside(self, request: Message, context: Context) -> AsyncIterator[None]:
        """Limit what a unary call sees to its store, and how long it takes."""
        wished, longest = context.time_remaining(), self._limits.longest_deadline.total_seconds()
        seconds = self._limits.deadline.total_seconds() if wished is None else min(wished, longest)
        with self._wall(request.store_id):  # type: ignore[attr-defined] # as in replies
            async with deadline.within(seconds):
                yield

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        """Count a call, unary or stream, for as long as it lasts; refuse one too many."""
        if self._calls >= self._limits.calls:
            raise Overloaded("TOO_MANY_CALLS", "The connector has too many calls at once: repeat the call in a second")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    async def _admit(
        self, method: MethodDescriptor, request: Message | None, metadata: dict[str, Any]
    ) -> tuple[Message, str]:
        """Tell what is asked, and who asks; a stranger is not told what is wrong with a request."""
        caller = await self._gate.admit(str(metadata.get("authorization", "")), now=self._runtime.now())
        if request is None:
            name = method.input_type.full_name
            raise InvalidInput.of("", "FIELD_INVALID", f"The bytes are no {name}, or hold too much for one: split it")
        caller.require(method.name, foreign_id(request.store_id, "store_id"))  # type: ignore[attr-defined] # as in replies
        storable(request)
        actor = recording.read_actor(metadata)
        calling.enter(caller.subject, caller.stores, role=caller.role.name, actor=actor)
        return request, caller.subject


@contextmanager
def _no_wall(_store_id: str) -> Iterator[None]:
    yield


def _parse(kind: Descriptor, parse: Callable[[bytes], Message], said: bytes) -> Message | None:
    """Read a request; None when it cannot or should not be read, since gRPC's own answer would quote the exception."""
    try:
        return None if is_bomb(kind, said) else parse(said)
    except DecodeError:
        return None


class _Line:
    """The canonical line of one RPC, its span and its metric; turns an error into a status on the way out."""

    def __init__(
        self,
        method: MethodDescriptor,
        request: Message | None,
        metadata: dict[str, Any],
        runtime: Runtime,
        context: Context,
    ) -> None:
        self._method, self._runtime, self._context = method.name, runtime, context
        self._bound = {"store_id": getattr(request, "store_id", ""), "rpc": method.name}
        self._span = tracing.span(
            f"rpc {method.name}", parent=metadata.get("traceparent"), store_id=self._bound["store_id"]
        )
        self._unit = log.unit(**self._bound)
        self.caller = ""

    async def __aenter__(self) -> Self:
        self._begin = time.perf_counter()
        self._unit.__enter__()
        self._span.__enter__()
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        code, reason, status = grpc.StatusCode.OK, "", None
        if isinstance(error, TimeoutError):
            code = grpc.StatusCode.DEADLINE_EXCEEDED
        elif isinstance(error, Exception):
            known: ConnectorError = understand(error)
            code, reason, status = code_of(known), known.reason, write_status(known, now=self._runtime.now())
        elif error is not None:
            code = grpc.StatusCode.CANCELLED
        seconds = time.perf_counter() - self._begin
        metrics.rpcs.labels(self._method, code.name).observe(seconds)
        log.canonical(
            "rpc.served", status=code.name, reason=reason, caller=self.caller, duration_ms=round(seconds * 1000, 1)
        )
        if code is not grpc.StatusCode.OK:
            tracing.fail(reason or code.name)
        self._span.__exit__(None, None, None)
        self._unit.__exit__(None, None, None)
        if status is not None:
            self._context.set_trailing_metadata(((_STATUS_DETAILS, status.SerializeToString()),))
            await self._context.abort(code, status.message)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            await self._context.abort(code, "The call's deadline passed; what it began may still be done")
