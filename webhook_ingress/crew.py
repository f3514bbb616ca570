"""Several processes that serve one address: the kernel deals the connections out among them (SO_REUSEPORT).

This process serves nothing itself. It holds the address, starts the processes, starts one again that died, and ends them when it is asked to.
A process whose parent is gone, however it went, finishes what is at work and ends: its standard input has closed.
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from connector import log
from connector.settings import Settings, SettingsError

MEMBER = "CONNECTOR_INGRESS_MEMBER"
"""The variable that tells a process that it is one of several."""

_GRACE = timedelta(seconds=12)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=0.5), timedelta(seconds=8)
_STEADY_AFTER = timedelta(seconds=30)


async def supervise(settings: Settings, environ: Mapping[str, str]) -> None:
    """Serve by so many processes until asked to stop.

    Raises:
        SettingsError: the address cannot be had.

    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _address(*settings.webhook_address) as address:
        keepers = [
            asyncio.create_task(_keep_up(place, _told(environ, settings, place, address)), name=f"ingress {place}")
            for place in range(settings.webhook_processes)
        ]
        log.canonical("ingress.crew", address=address, process_count=len(keepers))
        await stop.wait()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
    log.canonical("ingress.crew_stopped")


@contextmanager
def _address(host: str, port: int) -> Iterator[str]:
    """Hold an address without listening on it: nobody else takes it while no process is up, and port 0 is the same for all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind((host, port))
        except OSError as problem:
            raise SettingsError(f"WEBHOOK_ADDRESS cannot be listened on: {problem.strerror}") from None
        bound = held.getsockname()[1]
        yield f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"


def _told(environ: Mapping[str, str], settings: Settings, place: int, address: str) -> dict[str, str]:
    told = {**environ, MEMBER: str(place), "WEBHOOK_ADDRESS": address}
    if settings.metrics_address:
        host, port = settings.metrics_address
        told["METRICS_ADDRESS"] = f"{host}:{port + place if port else 0}"
    return told


async def _keep_up(place: int, environ: Mapping[str, str]) -> None:
    """Run a process, and again whenever it died; the pause doubles unless it ran steadily. Ends with it."""
    pause, clock = _FIRST_PAUSE, asyncio.get_running_loop().time
    while True:
        began = clock()
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "webhook_ingress", stdin=PIPE, env=environ)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        if clock() - began > _STEADY_AFTER.total_seconds():
            pause = _FIRST_PAUSE
        log.warn("ingress.member_ended", place=place, exit_code=code, pause_seconds=pause.total_seconds())
        await asyncio.sleep(pause.total_seconds())
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE.total_seconds()):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def orphaned() -> None:
    """Return when the parent is gone: it holds the other end of this process's standard input, and never writes."""
    gone = asyncio.Event()

    def look() -> None:
        if not os.read(0, 1):
            asyncio.get_running_loop().remove_reader(0)
            gone.set()

    asyncio.get_running_loop().add_reader(0, look)
    await gone.wait()
