"""Serves gRPC (`python -m connector`), or brings the database up to date (`python -m connector migrate`)."""

import asyncio
import os
import signal
import sys

import uvloop

from connector import log, metrics, start, tracing
from connector.db import migrations
from connector.runtime import open_runtime
from connector.server import build_server, set_serving
from connector.settings import Settings, SettingsError, read_database_url

_GRACE_SECONDS = 2.0  # unary calls are short; a stream's caller resumes elsewhere


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then refuse new calls, finish those at work, and stop.

    Raises:
        SettingsError: an address cannot be listened on.

    """
    metrics.serve(settings.metrics_address)
    async with open_runtime(settings, pool_size=16) as runtime:
        await migrations.require_current(runtime.db)
        server, checks = build_server(runtime, settings)
        host, port = settings.grpc_address
        try:
            port = server.add_insecure_port(f"{host}:{port}")
        except RuntimeError:
            raise SettingsError(
                f"GRPC_ADDRESS cannot be listened on: {host}:{port} is taken, or not one of this machine"
            ) from None
        await server.start()
        await set_serving(checks)
        log.canonical("server.ready", address=f"{host}:{port}")
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        await checks.enter_graceful_shutdown()
        await server.stop(_GRACE_SECONDS)
        log.canonical("server.stopped")


def main(arguments: list[str]) -> int:
    """Run; anything that keeps us from it is one sentence and exit code 1."""
    if arguments == ["migrate"]:
        return start.explained(lambda: migrations.upgrade(read_database_url(os.environ)))
    if arguments:
        print("usage: python -m connector [migrate]", file=sys.stderr)  # noqa: T201 – there is nothing to log yet
        return 2
    return start.run(_serve)


def _serve(settings: Settings) -> None:
    tracing.configure("facebook-connector")
    uvloop.run(serve(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
