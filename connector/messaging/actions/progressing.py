"""What the Page sent arrives and is read. In the caller's transaction; many at once cost little more than one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from connector.connections.model import Connection
from connector.db.schema import Tx
from connector.messaging.actions import outcomes
from connector.messaging.actions.meeting import meet, place
from connector.messaging.db import watermarks
from connector.messaging.model import Delivered, Origin, Read
from connector.runtime import Runtime

_Marks = dict[UUID, tuple[datetime | None, datetime | None]]


async def receive_progress(runtime: Runtime, tx: Tx, arrived: Sequence[tuple[Connection, Delivered | Read]]) -> None:
    """Note that messages of Pages arrived, or were read."""
    met = await meet(runtime, tx, arrived)
    marks: _Marks = {}
    named: list[tuple[UUID, str]] = []
    for connection, signal in arrived:
        conversation_id = met[place(connection, signal)].id
        delivered, read = marks.get(conversation_id, (None, None))
        if isinstance(signal, Read):
            read = _later(read, signal.watermark)
        else:
            delivered = _later(delivered, signal.watermark)
            named += [(connection.id, mid) for mid in signal.mids]
        marks[conversation_id] = delivered, read
    await watermarks.raise_all(tx, marks)
    moved = await watermarks.advance_all(tx, list(marks), delivered=named)
    await outcomes.tell_changed(runtime, tx, [message for message in moved if message.origin is Origin.STORMCOM])


def _later(known: datetime | None, time: datetime) -> datetime:
    return time if known is None else max(known, time)
