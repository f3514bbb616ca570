"""The reckoning: what the script says, beside what the tables hold and what the listeners were told."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from client.call import Caller
from stormcom.facebook.v1.event_service_pb2 import ListConsumersRequest
from tests.e2e.ledger import Balance, Value, compare, remaining
from tests.e2e.storm.listeners import Listener
from tests.e2e.storm.script import Script

_MESSAGES = """
    SELECT mid, conversations.psid, text, state, origin, reactions FROM messages JOIN conversations ON conversations.id = conversation_id
    WHERE messages.store_id = ANY (%s)
"""
_CONVERSATIONS = """
    SELECT psid, unread_count, (extract(epoch FROM last_message_time) * 1000)::bigint,
        (SELECT count(*) FROM messages WHERE conversation_id = conversations.id)
    FROM conversations WHERE store_id = ANY (%s)
"""
_LEFT = """
    SELECT 'delivery ' || id FROM deliveries WHERE state = 'WAITING'
    UNION ALL SELECT 'parked ' || id FROM parked WHERE page_id = ANY (%(pages)s)
    UNION ALL SELECT 'signal ' || id || ' ' || reason FROM signals WHERE page_id = ANY (%(pages)s) AND state = 'QUARANTINED'
    UNION ALL SELECT 'task ' || name || coalesce(' ' || tasks.reason, '') FROM tasks LEFT JOIN connections ON connections.id = connection_id
        WHERE (name = 'PROCESS_DELIVERY' OR store_id = ANY (%(stores)s)) AND (due_time IS NULL OR leased OR due_time <= now())
    UNION ALL SELECT 'handout ' || consumer || ' ' || position FROM handouts WHERE store_id = ANY (%(stores)s) AND state <> 'SETTLED'
"""


@dataclass(frozen=True, slots=True)
class Books:
    """What is compared: the script of some stores' Pages, the database, and who listened."""

    script: Script
    database_url: str
    callers: Sequence[Caller]
    listeners: Sequence[Listener]

    def balance(self) -> Balance:
        """Compare everything."""
        stores = [caller.store_id for caller in self.callers]
        with psycopg.connect(self.database_url) as database:
            found = self._kept(database, stores) + self._shown(database, stores)
            pages = sorted({page for page, _ in self.script.talks})
            left = database.execute(_LEFT, {"pages": pages, "stores": stores}).fetchall()
        found += remaining("left", Counter(row[0] for row in left))
        for listener in self.listeners:
            found += self._told(listener)
        return found + self._behind()

    def _kept(self, database: psycopg.Connection, stores: Sequence[str]) -> Balance:
        must_be: dict[str, Value] = {
            one.mid: (talk.psid, one.text, talk.state(one), "ELSEWHERE" if one.of_page else "PERSON", one.emoji)
            for talk in self.script.talks.values()
            for one in talk.said
        }
        rows = database.execute(_MESSAGES, (stores,)).fetchall()
        return compare("messages", must_be, ((row[0], (*row[1:5], _signs(row[5]))) for row in rows))

    def _shown(self, database: psycopg.Connection, stores: Sequence[str]) -> Balance:
        must_be: dict[str, Value] = {
            talk.psid: (talk.unread, max(one.time_ms for one in talk.said), len(talk.said))
            for talk in self.script.talks.values()
            if talk.said
        }
        rows = database.execute(_CONVERSATIONS, (stores,)).fetchall()
        return compare("conversations", must_be, ((row[0], row[1:]) for row in rows))

    def _told(self, listener: Listener) -> Balance:
        """Compare what one consumer knows, who may still be listening: each message's arrival once, and the message as the last event shows it."""
        page = self._page_of(listener.caller.store_id)
        said = [one for talk in self.script.talks.values() if talk.page_id == page for one in talk.said]
        name = f"told {listener.consumer} of {listener.caller.store_id}"
        arrived = [(mid, ()) for mid, ids in [*listener.received.items()] for _ in [*ids]]
        shown = [
            (mid, (message.text, message.reactions[0].emoji if message.reactions else ""))
            for mid, (_, message) in [*listener.shown.items()]
        ]
        broken = Balance(
            doubled=tuple(f"{name}: event {one}" for one in listener.again),
            stuck=tuple(f"{name}: {failure!r}" for failure in listener.failures),
        )
        must_show: dict[str, Value] = {one.mid: (one.text, one.emoji) for one in said}
        return (
            compare(name, dict.fromkeys(must_show, ()), arrived)
            + compare(f"{name}, at last", must_show, shown)
            + broken
        )

    def _page_of(self, store_id: str) -> str:
        pages = sorted({page for page, _ in self.script.talks})
        return pages[[caller.store_id for caller in self.callers].index(store_id)]

    def _behind(self) -> Balance:
        """Count what consumers have not worked off, as their lists say."""
        counts: dict[str, int] = {}
        for caller in self.callers:
            for one in caller.list_all(caller.events.ListConsumers, ListConsumersRequest(), field="consumers"):
                name = f"{caller.store_id} {one.consumer}"
                counts |= {f"{name} lags": one.lag_count, f"{name} dead letters": one.dead_letter_count}
        return remaining("consumers", counts)


def _signs(reactions: Iterable[dict[str, Any]]) -> str:
    return "".join(str(one["emoji"]) for one in reactions)
