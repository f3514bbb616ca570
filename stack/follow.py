"""Shows log files as they grow, each line under the name of its process."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BufferedReader
from pathlib import Path

LOOK_EVERY = timedelta(milliseconds=100)


async def follow(logs: Mapping[str, Path], write: Callable[[str], None]) -> None:
    """Write what the logs hold and then what is added, line by line, until cancelled."""
    files = {name: path.open("rb") for name, path in logs.items()}
    width = max(map(len, files), default=0)
    try:
        while True:
            for name, file in files.items():
                for line in _whole_lines(file):
                    write(f"{name:{width}} | {line}")
            await asyncio.sleep(LOOK_EVERY.total_seconds())
    finally:
        for file in files.values():
            file.close()


def _whole_lines(file: BufferedReader) -> list[str]:
    """Read to the last line's end; what follows it waits for the next look."""
    added = file.read()
    whole, newline, rest = added.rpartition(b"\n")
    file.seek(-len(rest), 1)
    return whole.decode(errors="replace").split("\n") if newline else []
