"""Serves HTTP (`python -m webhook_ingress`) until SIGTERM or SIGINT; with WEBHOOK_PROCESSES above 1, by several processes."""

import asyncio
import os
import signal
import sys

import uvloop

from connector import log, metrics, start, tracing
from connector.db import migrations
from connector.runtime import open_runtime
from connector.settings import Settings, SettingsError
from webhook_ingress import crew
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving


async def serve(settings: Settings, *, member: bool = False) -> None:
    """Serve until asked to stop, a member of several also until its parent is gone; requests at work are finished first.

    Raises:
        SettingsError: an address cannot be listened on.

    """
    metrics.serve(settings.metrics_address)
    async with open_runtime(settings, pool_size=4) as runtime:
        await migrations.require_current(runtime.db)
        host, port = settings.webhook_address
        app = create_app(runtime, proxies=settings.trusted_proxies)
        try:
            async with serving(app, host, port, shared=member) as bound:
                log.canonical("ingress.ready", address=f"{host}:{bound}")
                await _until_stopped(member=member)
        except OSError as problem:
            raise SettingsError(f"WEBHOOK_ADDRESS cannot be listened on: {problem.strerror}") from None
        log.canonical("ingress.stopped")


async def _until_stopped(*, member: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ends = [asyncio.create_task(stop.wait()), *([asyncio.create_task(crew.orphaned())] if member else [])]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()


def work(settings: Settings) -> None:
    """Serve, with traces; or have others serve."""
    member = crew.MEMBER in os.environ
    if settings.webhook_processes > 1 and not member:
        uvloop.run(crew.supervise(settings, os.environ))
        return
    tracing.configure("facebook-connector-ingress")
    uvloop.run(serve(settings, member=member))


if __name__ == "__main__":
    sys.exit(start.run(work))
