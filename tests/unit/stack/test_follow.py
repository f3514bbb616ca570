"""How `make up` shows what its processes write."""

import asyncio
from pathlib import Path

from stack.follow import follow


async def test_lines_carry_the_name_of_their_process(tmp_path: Path) -> None:
    """Each whole line appears once under its process's name; a line still being written waits for its end."""
    logs = {"relay": tmp_path / "relay", "worker": tmp_path / "worker"}
    logs["relay"].write_bytes(b"one\ntw")
    logs["worker"].write_bytes(b"caf\xff\n")
    written: list[str] = []
    following = asyncio.create_task(follow(logs, written.append))
    await asyncio.sleep(0.05)
    with logs["relay"].open("ab") as log:
        log.write(b"o\n")
    async with asyncio.timeout(5):
        while len(written) < 3:  # noqa: ASYNC110 - a file sets no asyncio.Event
            await asyncio.sleep(0.02)
    following.cancel()
    await asyncio.wait([following])
    assert written == ["relay  | one", "worker | caf\N{REPLACEMENT CHARACTER}", "relay  | two"]
