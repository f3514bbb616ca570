"""Takes a person out of every table that may know them: a step per table, each done in pieces until it finds nothing more.

`STEPS` is in the order of the work: first what still comes in, so that nothing is made anew behind our back. The name of a step
is its table's, perhaps with a column behind it.
"""
# ruff: noqa: S608 – every statement is made of words of ours

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from connector.db import forgotten
from connector.db.schema import Tx
from connector.privacy.model.deletions import Subject, SubjectKind
from connector.pseudonyms import Pseudonyms
from connector.webhooks import db as webhooks
from connector.webhooks.graph import without
from connector.webhooks.model import Signal, digest

PIECE, WINDOW = 500, 5_000


@dataclass(frozen=True, slots=True)
class Search:
    """Whom a deletion looks for, how people are named once they are forgotten, and when."""

    subject: Subject
    pseudonyms: Pseudonyms
    time: datetime


After = int | str


class Done(NamedTuple):
    """What a piece of a step did: how many rows it touched, where it goes on, if at all, and how many it has to leave to the next round."""

    touched: int
    after: After | None
    left: int = 0


Step = Callable[[Tx, Search, Any], Awaitable[Done]]


def _patterns(subject: Subject) -> list[str]:
    """How a person's word stands in a text, as a whole word."""
    escaped = [trace.replace("\\", "\\\\") for trace in subject.traces]  # as bytea is written
    return [rf"(?<![0-9a-z]){re.escape(trace)}(?![0-9a-z])" for trace in dict.fromkeys((*subject.traces, *escaped))]


def _given(subject: Subject) -> dict[str, Any]:
    return {
        "patterns": _patterns(subject),
        "word": subject.word,
        "psid": subject.word if subject.kind is SubjectKind.PSID else "",
        "email": subject.kind is SubjectKind.EMAIL,
        "user": subject.word if subject.kind is SubjectKind.META_USER else "",
        "stores": list(subject.stores),
        "connections": list(subject.connection_ids),
        "environments": [environment for environment, _ in subject.pages],
        "pages": [page_id for _, page_id in subject.pages],
        "piece": PIECE,
    }


def _mentions(expression: str) -> str:
    return f"lower({expression}) ~ ANY (CAST(:patterns AS text[]))"


def _raw(column: str) -> str:
    return _mentions(f"encode({column}, 'escape')")


_TALKS = "SELECT id FROM conversations WHERE psid = :psid AND connection_id = ANY (CAST(:connections AS uuid[]))"
_TALK_WORDS = f"SELECT id::text FROM ({_TALKS}) AS talk"
_STORES = "store_id = ANY (CAST(:stores AS text[]))"
_CONNECTIONS = "connection_id = ANY (CAST(:connections AS uuid[]))"
_PAGES = """((environment, page_id) IN (SELECT * FROM unnest(CAST(:environments AS text[]), CAST(:pages AS text[])))
    OR (:user <> '' OR page_id = '') AND environment = ANY (CAST(:environments AS text[])))"""


_BOUGHT = (
    f"SELECT id FROM orders WHERE :email AND {_STORES} AND lower(buyer->>'relay_email') = lower(CAST(:word AS text))"
)
_OTHERS = """(SELECT coalesce(jsonb_agg(address), '[]') FROM jsonb_array_elements_text(addresses) AS one (address)
    WHERE lower(address) <> lower(CAST(:word AS text)))"""
_REVIEW = "concat_ws(' ', reviewer_id, reviewer_name, title, content)"
_MESSAGE = "text || attachments::text || ' ' || payload"


def _until_none(*statements: str) -> Step:
    """Make a step of statements that each touch at most a piece, and are repeated until they find nothing."""
    prepared = [(text(statement), set(re.findall(r"(?<!:):(\w+)", statement))) for statement in statements]

    async def step(tx: Tx, search: Search, _after: After) -> Done:
        given, touched = _given(search.subject), 0
        for statement, names in prepared:
            touched += (await tx.execute(statement, {name: given[name] for name in names})).rowcount
        return Done(touched, 0 if touched else None)

    return step


def _in_windows(table: str, change: str, condition: str, *, only: Collection[SubjectKind] = tuple(SubjectKind)) -> Step:
    """Make a step that goes through a whole table by its ids: what is found by its words may stand anywhere."""
    ahead = text(
        f"SELECT id::text FROM {table} WHERE id > CAST(:after AS uuid) ORDER BY id OFFSET {WINDOW - 1} LIMIT 1"
    )
    window = "id > CAST(:after AS uuid) AND id <= CAST(:upto AS uuid)"
    statement = text(f"UPDATE {table} SET {change} WHERE {window} AND {condition}")
    names = set(re.findall(r"(?<!:):(\w+)", condition))

    async def step(tx: Tx, search: Search, after: After) -> Done:
        if search.subject.kind not in only:
            return Done(0, None)
        begin, given = after or str(UUID(int=0)), _given(search.subject)
        end: str | None = await tx.scalar(ahead, {"after": begin})
        bounds = {"after": begin, "upto": end or str(UUID(int=2**128 - 1))}
        touched = await tx.execute(statement, bounds | {name: given[name] for name in names})
        return Done(touched.rowcount, end)

    return step


async def _people(tx: Tx, search: Search, _after: int) -> Done:
    """Write the person down as a hash, before anything else: from now on nothing about them is taken in."""
    subject = search.subject
    if subject.kind is SubjectKind.PSID:
        named = [search.pseudonyms.of_person(*page, subject.word) for page in subject.pages]
        await forgotten.forget(tx, named, at=search.time)
    return Done(0, None)


async def _deliveries(tx: Tx, search: Search, after: int) -> Done:
    """Write deliveries without the person, a window of ids at once; one at work is left to the task that works it off.

    Waits for a batch that is being worked off: what it makes of the person is found by the steps that follow.
    """
    begin: int | None = await tx.scalar(text("SELECT min(id) FROM deliveries WHERE id > :after"), {"after": after})
    if begin is None:
        return Done(0, None)
    found = await tx.execute(_WINDOW, _given(search.subject) | {"begin": begin, "end": begin + PIECE})
    touched = 0
    for row in found.all():
        kept, dropped = without(bytes(row.body), partial(_concerns, search.subject))
        if dropped:
            touched += 1
            named = [search.pseudonyms.of_bytes(digest(signal.raw)) for signal in dropped]
            await forgotten.forget(tx, named, at=row.receive_time)
            await webhooks.rewrite(tx, row.id, kept)
    return Done(touched, begin + PIECE)


def _concerns(subject: Subject, signal: Signal) -> bool:
    """Tell whether a signal of one of the subject's Pages (or, of a merchant, of any) mentions them."""
    ours = subject.kind is SubjectKind.META_USER or signal.page_id in {"", *(page_id for _, page_id in subject.pages)}
    said = signal.raw.decode(errors="replace").lower()
    return ours and any(re.search(pattern, said) for pattern in _patterns(subject))


def _removed(table: str, raw: str) -> Step:
    """Make a step that removes signals that lie by themselves, a window of ids at once, and remembers their hashes."""
    first = text(f"SELECT min(id) FROM {table} WHERE id > :after")
    removal = text(f"""
        DELETE FROM {table} WHERE id BETWEEN :begin AND :end AND {_PAGES} AND {_raw(raw)} RETURNING digest, receive_time
    """)

    async def step(tx: Tx, search: Search, after: int) -> Done:
        begin: int | None = await tx.scalar(first, {"after": after})
        if begin is None:
            return Done(0, None)
        end = begin + WINDOW
        gone = (await tx.execute(removal, _given(search.subject) | {"begin": begin, "end": end})).all()
        for row in gone:
            await forgotten.forget(tx, [search.pseudonyms.of_bytes(bytes(row.digest))], at=row.receive_time)
        return Done(len(gone), end)

    return step


_WINDOW = text(f"""
    SELECT id, body, receive_time FROM deliveries WHERE id BETWEEN :begin AND :end
    AND environment = ANY (CAST(:environments AS text[])) AND {_raw("body")}
    AND (state <> 'WAITING' OR (position = 0 AND tries = 0)) ORDER BY id FOR UPDATE
""")


async def _conversations(tx: Tx, search: Search, _after: int) -> Done:
    """Delete conversations on which nothing hangs any more, last of all: by them the rest is known to be the person's.

    Waits for whoever is about to hang something on one. What that is the next round finds: while there is a conversation, there is one.
    """
    given = _given(search.subject)
    there = len((await tx.execute(_THERE, given)).all())
    bare = (await tx.execute(_BARE, given)).rowcount
    return Done(bare, None, left=there - bare)


_THERE = text(f"{_TALKS} ORDER BY id FOR UPDATE")
_BARE = text(f"""
    DELETE FROM conversations WHERE id IN ({_TALKS})
        AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = conversations.id)
        AND NOT EXISTS (SELECT FROM draft_orders WHERE conversation_id = conversations.id)
        AND NOT EXISTS (SELECT FROM attributed_orders WHERE conversation_id = conversations.id)
""")

_MERCHANT = "user_id = '', page_tasks = '[]', granted_scopes = '[]', reach = '{}'"

STEPS: Mapping[str, Step] = {
    "people": _people,
    "deliveries": _deliveries,
    "parked": _removed("parked", "body"),
    "signals": _removed("signals", "raw"),
    "tasks": _until_none(
        f"DELETE FROM tasks WHERE arguments ->> 'conversation_id' IN ({_TALK_WORDS})",
        f"UPDATE tasks SET message = NULL WHERE {_CONNECTIONS} AND {_mentions('message')}",
    ),
    "message_changes": _until_none(
        f"""DELETE FROM message_changes WHERE (connection_id, mid, subject) IN (SELECT connection_id, mid, subject
            FROM message_changes WHERE conversation_id IN ({_TALKS}) LIMIT :piece)""",
    ),
    "message_changes.body": _until_none(
        f"DELETE FROM message_changes WHERE :email AND {_CONNECTIONS} AND {_mentions('body::text')}"
    ),
    "messages": _until_none(
        f"DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id IN ({_TALKS}) LIMIT :piece)",
    ),
    "messages.text": _in_windows(
        "messages",
        "text = '', attachments = '[]', payload = ''",
        f"{_STORES} AND {_mentions(_MESSAGE)}",
        only={SubjectKind.EMAIL},
    ),
    # A repeated call must not do it again: its request_id stays used, its answer is gone.
    "requests": _until_none(
        f"""UPDATE requests SET response = '', digest = '' WHERE ({_STORES}) AND length(response) > 0 AND (
            {_raw("response")} OR EXISTS (SELECT FROM ({_TALK_WORDS}) AS talk (word)
            WHERE position(convert_to(talk.word, 'UTF8') IN response) > 0))"""
    ),
    # An event keeps its place and its id; what it told is gone.
    "events": _in_windows(
        "events",
        "body = '{}'",
        f"""{_STORES} AND body <> '{{}}' AND (ordering_key IN (SELECT 'conversation:' || id FROM ({_TALKS}) AS talk)
            OR kind <> 'items_settled' AND {_mentions("body::text")})""",
    ),
    # What a consumer said of an event; it is asked to say nothing of a person, and may have.
    "handouts": _until_none(
        f"""UPDATE handouts SET message = '' WHERE {_STORES} AND message <> '' AND (
            ordering_key IN (SELECT 'conversation:' || id FROM ({_TALKS}) AS talk) OR {_mentions("message")})"""
    ),
    # What was bought stays with the merchant; that it was this person does not.
    "attributed_orders": _until_none(
        f"""UPDATE attributed_orders SET conversation_id = NULL, draft_order_id = NULL, receipt_message_id = NULL,
            opt_in = 'UNSPECIFIED', opt_in_time = NULL
            WHERE conversation_id IN ({_TALKS})"""
    ),
    "draft_orders": _until_none(
        f"DELETE FROM draft_orders WHERE conversation_id IN ({_TALKS})",
        f"UPDATE draft_orders SET note = '' WHERE :email AND {_STORES} AND note <> '' AND {_mentions('note')}",
    ),
    "conversations": _conversations,
    "conversations.snippet": _until_none(
        f"UPDATE conversations SET snippet = '' WHERE :email AND {_STORES} AND {_mentions('snippet')}"
    ),
    # Whom a file shows cannot be told: all that a Page has here go; what was sent is Meta's.
    "uploads": _until_none(f"DELETE FROM uploads WHERE {_CONNECTIONS}"),
    # Whoever is to be told of messages: the rest of the list stays, and nothing is forwarded to nobody.
    "mail_forwardings": _until_none(
        f"""UPDATE mail_forwardings SET addresses = {_OTHERS}, enabled = enabled AND {_OTHERS} <> '[]'
            WHERE {_STORES} AND :email AND {_OTHERS} <> addresses"""
    ),
    "problems": _until_none(f"DELETE FROM problems WHERE {_CONNECTIONS} AND {_mentions('message')}"),
    "reviews": _until_none(f"DELETE FROM reviews WHERE {_CONNECTIONS} AND {_mentions(_REVIEW)}"),
    # What was bought and paid stays; who bought it, and what they had written on it, does not.
    "order_lines": _until_none(
        f"""UPDATE order_lines SET customization = '' WHERE customization <> '' AND order_id IN ({_BOUGHT})"""
    ),
    # What waits for Meta goes its way: its words go as soon as Meta has them.
    "order_commands": _until_none(
        f"""UPDATE order_commands SET body = '{{}}' WHERE body <> '{{}}' AND end_time IS NOT NULL AND order_id IN ({_BOUGHT})"""
    ),
    "order_cancellations": _until_none(
        f"UPDATE order_cancellations SET description = '' WHERE description <> '' AND order_id IN ({_BOUGHT})"
    ),
    "order_returns": _until_none(
        f"UPDATE order_returns SET message = '', reason = '' WHERE message || reason <> '' AND order_id IN ({_BOUGHT})"
    ),
    # What was paid stays, and for taxes the region; the postal code would lead to the person.
    "payout_transactions": _until_none(
        f"""UPDATE payout_transactions SET postal_code = '' WHERE postal_code <> '' AND (store_id, external_order_id) IN (
            SELECT store_id, external_order_id FROM orders WHERE id IN ({_BOUGHT}))"""
    ),
    "orders": _until_none(
        f"UPDATE orders SET buyer = NULL, address = NULL, ascii_address = NULL WHERE id IN ({_BOUGHT})"
    ),
    # Of people only hashes are kept, and those only until Meta has them.
    "conversions": _until_none(
        f"""DELETE FROM conversions WHERE {_STORES} AND body IS NOT NULL AND ({_mentions("body::text")} OR position(
            encode(sha256(convert_to(:word, 'UTF8')), 'hex') IN body::text) > 0)"""
    ),
    "holds": _in_windows("holds", "reference = ''", f"{_STORES} AND reference <> '' AND {_mentions('reference')}"),
    "token_inspections": _until_none(
        f"DELETE FROM token_inspections WHERE {_CONNECTIONS} AND user_id = :user AND :user <> ''"
    ),
    # Tokens went at once, when the deletion was asked for.
    "connections": _until_none(
        f"""UPDATE connections SET {_MERCHANT} WHERE id = ANY (CAST(:connections AS uuid[])) AND user_id = :user
            AND :user <> '' AND state <> 'CONNECTED'"""
    ),
}
"""Every step, in the order of the work."""
