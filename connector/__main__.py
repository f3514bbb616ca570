"""Serves gRPC (`python -m connector`), or brings the database up to date (`python -m connector migrate`)."""

import asyncio
import os
import signal
import sys

import sqlalchemy.exc
import uvloop

from connector import log, metrics, tracing
from connector.db import migrations
from connector.runtime import open_runtime
from connector.server import build_server, set_serving
from connector.settings import Settings, SettingsError, read_database_url

_GRACE_SECONDS = 2.0  # unary calls are short; a stream's caller resumes elsewhere


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then refuse new calls, finish those at work, and stop."""
    async with open_runtime(settings, pool_size=16) as runtime:
        await migrations.require_current(runtime.db)
        server, checks = build_server(runtime, settings)
        host, port = settings.grpc_address
        port = server.add_insecure_port(f"{host}:{port}")
        await server.start()
        await set_serving(checks)
        metrics.serve(settings.metrics_address)
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
    try:
        if arguments == ["migrate"]:
            migrations.upgrade(read_database_url(os.environ))
            return 0
        if arguments:
            print("usage: python -m connector [migrate]", file=sys.stderr)  # noqa: T201 – as below
            return 2
        settings = Settings.read(os.environ)
        log.configure(level=settings.log_level, form=settings.log_format)
        tracing.configure("facebook-connector")
        uvloop.run(serve(settings))
    except (SettingsError, migrations.WrongSchemaError, RuntimeError) as problem:
        print(problem, file=sys.stderr)  # noqa: T201 – the one place that speaks to a terminal
        return 1
    except sqlalchemy.exc.OperationalError as problem:
        print(f"The database at DATABASE_URL cannot be reached: {problem.orig}", file=sys.stderr)  # noqa: T201 – as above
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
