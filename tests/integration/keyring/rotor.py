"""Workers that wrap tokens anew and are killed: `python -m tests.integration.keyring.rotor` reads a line for each from its input.

A line names the new key, the old key, and in which wrapping the worker dies; the answer is the signal that killed it.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace

from connector.runtime import open_runtime
from connector.settings import Settings
from connector.vault import LocalKey, Vault
from jobs.run import turn


class FatalKey(LocalKey):
    """A key whose use kills the process at once, as `kill -9` does."""

    def __init__(self, key: bytes, *, lives: int) -> None:
        super().__init__(key)
        self._lives = lives

    async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """Wrap a data key, or die."""
        self._lives -= 1
        if not self._lives:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().wrap(data_key, aad)


async def rotate(settings: Settings, *, new: int, old: int, lives: int) -> None:
    """Run what is due until the key kills us."""
    keys = settings.vault.keys
    vault = Vault({new: FatalKey(keys[new], lives=lives), old: LocalKey(keys[old])})
    async with open_runtime(settings, pool_size=1) as runtime:
        await turn(replace(runtime, vault=vault))


def serve() -> None:
    """Fork a worker for each line; what takes long, to begin, is done once."""
    settings = Settings.read(os.environ)
    for line in sys.stdin:
        new, old, lives = map(int, line.split())
        worker = os.fork()
        if not worker:
            asyncio.run(rotate(settings, new=new, old=old, lives=lives))
            os._exit(0)  # the line is the parent's to read on
        _, status = os.waitpid(worker, 0)
        sys.stdout.write(f"{os.WTERMSIG(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
