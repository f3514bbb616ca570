"""HTTP/2 as no gRPC client speaks it: pings without end, calls that are reset at once, messages that are too large."""

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from connector.runtime import Runtime
from connector.server import build_server, open_port, set_serving
from connector.settings import Settings
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc

# https://www.rfc-editor.org/rfc/rfc9113 (HTTP/2): the connection's preface, types of frames, and an error code.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7
MAX_CONCURRENT_STREAMS = 3
END_HEADERS, CANCEL, ENHANCE_YOUR_CALM = 4, 8, 11


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header as HPACK writes one that is not to be remembered (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


CALL = b"".join(
    literal(name, value)
    for name, value in (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/stormcom.facebook.v1.FacebookConnector/GetStatus"),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    )
)


@pytest.fixture
async def address(runtime: Runtime, settings: Settings) -> AsyncIterator[str]:
    """A server on a port, with the limits of production."""
    free = replace(settings, grpc_address=("127.0.0.1", 0))
    server, checks = build_server(runtime, free)
    address = open_port(server, free)
    await server.start()
    await set_serving(checks)
    yield address
    await server.stop(0)


async def healthy(address: str) -> bool:
    """Tell whether a caller who behaves is served."""
    async with grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def opened(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(PREFACE + frame(SETTINGS))
    return reader, writer


async def test_who_pings_without_end_is_shown_out(address: str) -> None:
    """A flood of pings ends its own connection with ENHANCE_YOUR_CALM; others are served meanwhile."""
    reader, writer = await opened(address)
    writer.write(frame(PING, bytes(8)) * 50)
    assert await healthy(address)
    kinds: dict[int, bytes] = {}
    async with asyncio.timeout(30):
        while GOAWAY not in kinds:
            head = await reader.readexactly(9)
            kinds[head[3]] = await reader.readexactly(int.from_bytes(head[:3]))
    assert ENHANCE_YOUR_CALM == struct.unpack(">I", kinds[GOAWAY][4:8])[0]
    writer.close()


async def test_who_hoards_streams_is_told_the_limit(address: str, settings: Settings) -> None:
    """A connection learns at once how many calls it may have, and what exceeds that is reset; others are served meanwhile."""
    reader, writer = await opened(address)
    limit, refused = settings.doors.limits.streams, 0
    for stream in range(1, 2 * limit + 3, 2):
        writer.write(frame(HEADERS, CALL, flags=END_HEADERS, stream=stream))
    told: dict[int, int] = {}
    async with asyncio.timeout(30):
        while not told or not refused:
            head = await reader.readexactly(9)
            body = await reader.readexactly(int.from_bytes(head[:3]))
            if head[3] == SETTINGS and not told:
                told = dict(struct.iter_unpack(">HI", body))
            refused += head[3] == RST_STREAM
    assert (limit, True) == (told[MAX_CONCURRENT_STREAMS], await healthy(address))
    writer.close()


async def test_calls_that_are_reset_at_once_harm_nobody_else(address: str) -> None:
    """A thousand calls, each reset as soon as it was made, leave the server to those who wait for answers."""
    _, writer = await opened(address)
    for stream in range(1, 2001, 2):
        reset = frame(RST_STREAM, struct.pack(">I", CANCEL), stream=stream)
        writer.write(frame(HEADERS, CALL, flags=END_HEADERS, stream=stream) + reset)
    assert await healthy(address)
    writer.close()
    assert await healthy(address)


async def test_a_message_above_the_limit_is_refused(address: str, settings: Settings) -> None:
    """GRPC itself refuses what is larger than the limit, before it is read; the connection stays usable."""
    token = (("authorization", f"Bearer {settings.development_token.reveal()}"),)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = connector_grpc.FacebookConnectorStub(channel)
        huge = pb.GetStatusRequest(store_id="s" * (settings.doors.limits.message_bytes + 1))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetStatus(huge, metadata=token)
        assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
        with pytest.raises(grpc.aio.AioRpcError) as after:
            await stub.GetStatus(pb.GetStatusRequest(store_id="s"), metadata=token)
        assert grpc.StatusCode.FAILED_PRECONDITION == after.value.code()
