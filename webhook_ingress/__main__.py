"""Serves HTTP (`python -m webhook_ingress`) until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import uvloop

from connector import log, metrics, start, tracing
from connector.db import migrations
from connector.runtime import open_runtime
from connector.settings import Settings, SettingsError
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving


async def serve(settings: Settings) -> None:
    """Serve until asked to stop; requests at work are finished first.

    Raises:
        SettingsError: an address cannot be listened on.

    """
    metrics.serve(settings.metrics_address)
    async with open_runtime(settings, pool_size=4) as runtime:
        await migrations.require_current(runtime.db)
        host, port = settings.webhook_address
        try:
            async with serving(create_app(runtime, proxies=settings.trusted_proxies), host, port) as bound:
                log.canonical("ingress.ready", address=f"{host}:{bound}")
                stop = asyncio.Event()
                for number in (signal.SIGTERM, signal.SIGINT):
                    asyncio.get_running_loop().add_signal_handler(number, stop.set)
                await stop.wait()
        except OSError as problem:
            raise SettingsError(f"WEBHOOK_ADDRESS cannot be listened on: {problem.strerror}") from None
        log.canonical("ingress.stopped")


def work(settings: Settings) -> None:
    """Serve, with traces."""
    tracing.configure("facebook-connector-ingress")
    uvloop.run(serve(settings))


if __name__ == "__main__":
    sys.exit(start.run(work))
