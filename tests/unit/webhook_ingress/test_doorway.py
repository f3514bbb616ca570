"""The clock of a connection's doorway."""

import asyncio

from webhook_ingress.callers import Callers
from webhook_ingress.doorway import Doorway, Limits


class Room(asyncio.Protocol):
    """What stands behind a doorway: tells when something came."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def data_received(self, _data: bytes) -> None:
        self.came.set()


async def test_a_requests_clock_runs_from_its_first_byte() -> None:
    """Neither more bytes nor the begin of the work give a request more time; only the next request has a new clock."""
    room = Room()
    doorway = Doorway(lambda: room, Limits(Callers()))
    server = await asyncio.get_running_loop().create_server(lambda: doorway, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    told = []
    for byte in (b"G", b"E"):
        writer.write(byte)
        await room.came.wait()
        room.came.clear()
        told.append(doorway.cut_time)
    doorway.begin()
    assert [told[0]] * 3 == [*told, doorway.cut_time]
    doorway.end()
    assert doorway.cut_time is None
    doorway.begin()
    assert (doorway.cut_time or 0) > (told[0] or 0)
    writer.close()
    server.close()
    doorway.end()
