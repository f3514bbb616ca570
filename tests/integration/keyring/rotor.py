"""A worker that wraps tokens anew and is killed: `python -m tests.integration.keyring.rotor COUNT`, from within its COUNTth wrapping."""

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


async def rotate(settings: Settings, lives: int) -> None:
    """Run what is due until the key kills us."""
    ring = settings.vault
    async with open_runtime(settings, pool_size=1) as runtime:
        keys = {number: LocalKey(key) for number, key in ring.keys.items()}
        keys[ring.sealing_key_id] = FatalKey(ring.keys[ring.sealing_key_id], lives=lives)
        await turn(replace(runtime, vault=Vault(keys, sealing_key_id=ring.sealing_key_id)))


if __name__ == "__main__":
    asyncio.run(rotate(Settings.read(os.environ), int(sys.argv[1])))
