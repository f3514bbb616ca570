"""What the processes of a development stack are told: keys made once per checkout, free ports, addresses of each other.

Promises that secrets of a real installation, standing in the developer's shell, never reach a development stack.
"""

import base64
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.folders import CONNECTOR_FOLDER, private

HOST = "127.0.0.1"
PORTS_TRIED = 200

# Variables that say where a real installation is or open its secrets; a development stack sets its own.
WITHHELD_PREFIXES = ("META_", "VAULT_", "CALLER_", "DEVELOPMENT_TOKEN", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL")


@dataclass(slots=True)
class Ports:
    """Gives out ports nobody listens on, each once."""

    given: set[int] = field(default_factory=set)

    def next_free(self, preferred: int) -> str:
        """Return `host:port` with the preferred port or the next free one; 0 = any free port."""
        for port in range(preferred, preferred + PORTS_TRIED) if preferred else [0] * PORTS_TRIED:
            found = _bindable(port)
            if found is not None and found not in self.given:
                self.given.add(found)
                return f"{HOST}:{found}"
        raise OSError(f"no free port on {HOST} from {preferred} to {preferred + PORTS_TRIED}")


def development_secrets(folder: Path = CONNECTOR_FOLDER) -> dict[str, str]:
    """Return the checkout's development keys and tokens; make them on first use."""
    path = private(folder) / "development.env"
    if not path.exists():
        attempt = path.with_name(f"{path.name}.{os.getpid()}")
        attempt.touch(mode=0o600)
        attempt.write_text("".join(f"{name}={value}\n" for name, value in _new_secrets().items()))
        try:
            path.hardlink_to(attempt)  # the first of two at once wins, complete
        except FileExistsError:
            pass  # then the other's are as good as ours
        finally:
            attempt.unlink()
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the processes may keep of the developer's shell."""
    return {name: value for name, value in environ.items() if not name.startswith(WITHHELD_PREFIXES)}


def _new_secrets() -> dict[str, str]:
    return {
        "VAULT_KEYS": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "DEVELOPMENT_TOKEN": secrets.token_hex(24),  # no dash in front: it is pasted behind options
        "META_TEST_APP_ID": str(10**14 + secrets.randbelow(9 * 10**14)),
        "META_TEST_APP_SECRETS": secrets.token_hex(16),
        "META_TEST_VERIFY_TOKEN": secrets.token_hex(16),
    }


def _bindable(port: int) -> int | None:
    with socket.socket() as listener:
        try:
            listener.bind((HOST, port))
        except OSError:
            return None
        return int(listener.getsockname()[1])
