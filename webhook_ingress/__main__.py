"""Serves HTTP (`python -m webhook_ingress`) until SIGTERM or SIGINT."""

import asyncio
import os
import signal
import sys

import sqlalchemy.exc
import uvloop

from connector import log, metrics, tracing
from connector.db import migrations
from connector.runtime import open_runtime
from connector.settings import Settings, SettingsError
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving


async def serve(settings: Settings) -> None:
    """Serve until asked to stop; requests at work are finished first."""
    async with open_runtime(settings, pool_size=4) as runtime:
        await migrations.require_current(runtime.db)
        host, port = settings.webhook_address
        async with serving(create_app(runtime), host, port) as bound:
            metrics.serve(settings.metrics_address)
            log.canonical("ingress.ready", address=f"{host}:{bound}")
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()
        log.canonical("ingress.stopped")


def main() -> int:
    """Run; anything that keeps us from it is one sentence and exit code 1."""
    try:
        settings = Settings.read(os.environ)
        log.configure(level=settings.log_level, form=settings.log_format)
        tracing.configure("facebook-connector-ingress")
        uvloop.run(serve(settings))
    except (SettingsError, migrations.WrongSchemaError, RuntimeError) as problem:
        print(problem, file=sys.stderr)  # noqa: T201 – the one place that speaks to a terminal
        return 1
    except sqlalchemy.exc.OperationalError as problem:
        print(f"The database at DATABASE_URL cannot be reached: {problem.orig}", file=sys.stderr)  # noqa: T201 – as above
        return 1
    except OSError as problem:
        print(f"WEBHOOK_ADDRESS cannot be listened on: {problem.strerror}", file=sys.stderr)  # noqa: T201 – as above
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
