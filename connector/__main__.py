"""Serves gRPC (`python -m connector`), or brings the database up to date (`python -m connector migrate`), shows the vault's keys in use (`keys`), sets our apps' webhooks at Meta (`webhooks`)."""

import asyncio
import os
import signal
import sys

import uvloop

from connector import log, metrics, start, tracing
from connector.connections import actions as connections
from connector.db import migrations, walls
from connector.errors import ConnectorError
from connector.keyring import actions as keyring
from connector.rpc.keys import open_keys
from connector.runtime import open_runtime
from connector.server import build_server, open_port, set_serving
from connector.settings import Settings, SettingsError, read_database_url

_GRACE_SECONDS = 2.0  # unary calls are short; a stream's caller resumes elsewhere


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then refuse new calls, finish those at work, and stop.

    Raises:
        SettingsError: an address cannot be listened on, a certificate or callers' keys cannot be used.

    """
    metrics.serve(settings.metrics_address)
    async with open_runtime(settings, pool_size=16) as runtime, open_keys(settings, runtime.now) as keys:
        await migrations.require_current(runtime.db)
        if settings.row_security:
            await walls.require(runtime.db)
        else:
            log.warn("wall.off", remedy="DATABASE_ROW_SECURITY=required")
        server, checks = build_server(runtime, settings, keys)
        address = open_port(server, settings)
        await server.start()
        await set_serving(checks)
        log.canonical("server.ready", address=address, tls=settings.doors.tls is not None)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        await checks.enter_graceful_shutdown()
        await server.stop(_GRACE_SECONDS)
        log.canonical("server.stopped")


async def show_keys(settings: Settings) -> None:
    """Print who is on which key of the vault, and which may be removed."""
    async with open_runtime(settings, pool_size=1) as runtime:
        await migrations.require_current(runtime.db)
        for use in await keyring.look(runtime):
            print(f"key {use.key_id}: {use.token_count} tokens, {use.standing}")  # noqa: T201 – the one who runs it reads it


async def keep_webhooks(settings: Settings) -> None:
    """Set the webhooks of every app that we are, and print how they stand.

    Raises:
        SettingsError: some are not as they should be; the message says which, and why.

    """
    wrong = []
    async with open_runtime(settings, pool_size=1) as runtime:
        await migrations.require_current(runtime.db)
        for environment in runtime.apps:
            try:
                gaps = await connections.keep_app_webhooks(runtime, environment, repair=True)
            except ConnectorError as problem:
                gaps = {"all": problem.message}
            wrong += [f"{environment} {name}: {what}" for name, what in gaps.items()]
            if not gaps:
                print(f"{environment}: Meta sends our webhooks here")  # noqa: T201 – the one who runs it reads it
    if wrong:
        raise SettingsError("\n".join(["Webhooks at Meta are not as they should be:", *wrong]))


def main(arguments: list[str]) -> int:
    """Run; anything that keeps us from it is one sentence and exit code 1."""
    if arguments == ["migrate"]:
        return start.explained(_migrate)
    if arguments == ["keys"]:
        return start.run(lambda settings: uvloop.run(show_keys(settings)))
    if arguments == ["webhooks"]:
        return start.run(lambda settings: uvloop.run(keep_webhooks(settings)))
    if arguments:
        print("usage: python -m connector [migrate | keys | webhooks]", file=sys.stderr)  # noqa: T201 – there is nothing to log yet
        return 2
    return start.run(_serve)


def _migrate() -> None:
    from connector.db.migrations import history  # noqa: PLC0415 – Alembic is a fifth of a start, and no server needs it

    if left := history.upgrade(read_database_url(os.environ)):
        print(  # noqa: T201 – the one who runs it reads it
            f"The tables are up to date. Row-level security needs an administrator: {left}; then migrate again.",
            file=sys.stderr,
        )


def _serve(settings: Settings) -> None:
    tracing.configure("facebook-connector")
    uvloop.run(serve(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
