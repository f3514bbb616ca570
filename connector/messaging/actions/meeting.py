"""The conversations that signals belong to, begun where there are none; locked, always in the same order."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import PERIODIC, Task
from connector.db.schema import Tx, plain
from connector.messaging import db
from connector.messaging.model import Channel, Conversation, PersonSignal
from connector.runtime import Runtime

_LOOK_UP_AFTER = timedelta(seconds=5)
"""So that people who come at once are looked up together."""

Place = tuple[UUID, Channel, str]
Met = Mapping[Place, Conversation]


def place(connection: Connection, signal: PersonSignal) -> Place:
    """Tell where a signal belongs: to which connection, channel and person."""
    return connection.id, signal.channel, plain(signal.psid)


async def meet(runtime: Runtime, tx: Tx, arrived: Iterable[tuple[Connection, PersonSignal]]) -> Met:
    """Find the conversations that signals belong to, begun where there are none; lock them."""
    places = {place(connection, signal): connection for connection, signal in arrived}
    met: dict[Place, Conversation] = {}
    for channel in Channel:
        wanted = sorted(one for one in places if one[1] is channel)
        if wanted:
            people = [(runtime.new_id(), places[one], one[2]) for one in wanted]
            found = await db.meet(tx, people, channel=channel)
            met |= {(connection_id, channel, psid): one for (connection_id, psid), one in found.items()}
    if unknown := sorted({one.connection_id for one in met.values() if one.profile_due_time is None}):
        keys = [f"{PERIODIC}{Task.LOOK_UP_PEOPLE}:{connection_id}" for connection_id in unknown]
        await outbox.hasten(tx, *keys, due=runtime.now() + _LOOK_UP_AFTER)
    return met
