"""The load generator, a process of its own: so many callers side by side, each with its next request as soon as it has its answer.

    python -m tests.bench.load grpc ADDRESS FILE --path /package.Service/Method [--token …]
    python -m tests.bench.load http ADDRESS FILE

FILE holds the requests, serialized beforehand so that the generator costs little: messages, or whole HTTP requests. The first ones
warm up and are not counted. Prints a JSON object; any answer but OK (or 200) ends it with an error.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import orjson
import uvloop

from tests.bench.cargo import read_messages
from tests.bench.measure import percentile

Send = Callable[[bytes], Awaitable[None]]
_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length:"


@asynccontextmanager
async def open_grpc(address: str, path: str, token: str) -> AsyncIterator[Send]:
    """Open a channel; answers are not parsed."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)

        async def send(request: bytes) -> None:
            await call(request, metadata=metadata)

        yield send


@asynccontextmanager
async def open_http(address: str) -> AsyncIterator[Send]:
    """Open one connection and keep it."""
    host, _, port = address.rpartition(":")
    transport, line = await asyncio.get_running_loop().create_connection(_Line, host, int(port))

    async def send(request: bytes) -> None:
        answered = line.expect()
        transport.write(request)
        await answered

    try:
        yield send
    finally:
        transport.close()


class _Line(asyncio.Protocol):
    """One HTTP/1.1 connection, one request at a time; reads no more of an answer than its status and length."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answered: asyncio.Future[None] | None = None

    def expect(self) -> asyncio.Future[None]:
        """Hand out what the next answer settles."""
        self._answered = asyncio.get_running_loop().create_future()
        return self._answered

    def data_received(self, data: bytes) -> None:
        """Settle what is expected, once an answer is complete."""
        self._received += data
        head, end, body = bytes(self._received).partition(_HEAD_END)
        if self._answered and end and len(body) >= _length(head):
            self._received.clear()
            if head.split(b" ", 2)[1] == b"200":
                self._answered.set_result(None)
            else:
                self._answered.set_exception(RuntimeError(head.decode()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is still expected."""
        if self._answered and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server hung up"))


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(_LENGTH)
    return int(rest.split(b"\r\n", 1)[0] or 0)


async def drive(senders: list[Send], requests: list[bytes], *, warm_up: int) -> dict[str, float]:
    """Send every request once; tell how many a second were answered after the warm-up, and how long one took."""
    await _drain(senders, iter(requests[:warm_up]), [])
    latencies: list[float] = []
    begin = time.perf_counter()
    await _drain(senders, iter(requests[warm_up:]), latencies)
    seconds = time.perf_counter() - begin
    return {
        "rate": len(latencies) / seconds,
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
    }


async def _drain(senders: list[Send], requests: Iterator[bytes], latencies: list[float]) -> None:
    async def caller(send: Send) -> None:
        for request in requests:
            begin = time.perf_counter()
            await send(request)
            latencies.append(time.perf_counter() - begin)

    async with asyncio.TaskGroup() as group:
        for send in senders:
            group.create_task(caller(send))


async def main(options: argparse.Namespace) -> None:
    """Open the lines, drive, print."""
    async with AsyncExitStack() as lines:
        if options.protocol == "grpc":
            one = await lines.enter_async_context(open_grpc(options.address, options.path, options.token))
            senders = [one] * options.callers
        else:
            senders = [await lines.enter_async_context(open_http(options.address)) for _ in range(options.callers)]
        requests = read_messages(options.requests) * options.repeat
        result = await drive(senders, requests, warm_up=min(options.warm_up, len(requests) // 5))
    sys.stdout.write(orjson.dumps(result).decode())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=("grpc", "http"))
    parser.add_argument("address")
    parser.add_argument("requests", type=Path)
    parser.add_argument("--path", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=512)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        uvloop.run(main(_options()))
    except* Exception as failures:  # noqa: BLE001 - the top of a process: one of many alike is enough to tell
        sys.exit(repr(failures.exceptions[0]))
