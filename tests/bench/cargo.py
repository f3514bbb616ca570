"""Files of messages, each preceded by its length: how requests reach the load generator and answers the baselines."""

from collections.abc import Iterable
from pathlib import Path

_LENGTH_BYTES = 4


def write_messages(path: Path, messages: Iterable[bytes]) -> Path:
    """Write the file."""
    with path.open("wb") as file:
        for message in messages:
            file.write(len(message).to_bytes(_LENGTH_BYTES))
            file.write(message)
    return path


def read_messages(path: Path) -> list[bytes]:
    """Read the file."""
    held, messages, place = path.read_bytes(), [], 0
    while place < len(held):
        begin = place + _LENGTH_BYTES
        place = begin + int.from_bytes(held[place:begin])
        messages.append(held[begin:place])
    return messages
