"""Who did what, when, and how it ended: a log per store that is only ever added to. Shared: everything writes here.

Entries are numbered and chained at the very end of a transaction, under the lock that numbers events, so a store's chain has neither
gaps nor forks. Each hash covers the one before. PostgreSQL refuses to change or remove an entry; the oldest leave by a `seal`,
which keeps the hash the chain goes on from and is an entry itself. What a call is about to do is noted before it begins
(`intend`): when its process dies, the sweep finds the note and makes it an entry (`settle`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    DDL,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    delete,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from connector.db.schema import Instant, Tx, metadata

KEPT = timedelta(days=400)
SEALED_EVERY = timedelta(days=7)
"""Entries leave together, so that a store's seals, which are entries too, stay few."""

OK, UNKNOWN = "OK", "OUTCOME_UNKNOWN"
SUMMARY = "SUMMARY"
"""The result of an entry that counts the calls of an hour, however each of them ended."""

META, OURSELVES = ("meta", "META"), ("connector", "BACKGROUND")
"""Caller and role of what no caller of ours did: somebody at Meta, or our own work."""

LOST = timedelta(minutes=10)
"""So long after it began nobody answers a call any more."""

_LATE = timedelta(minutes=5)
_PIECE = 2_000
_ID = re.compile(r"[A-Za-z0-9._:@=-]{1,128}")


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does: never what is said, never a secret, only ids."""

    store_id: str
    action: str
    caller: str
    role: str
    actor: str = ""
    connection_id: str = ""
    objects: tuple[str, ...] = ()
    request_id: str = ""


_DEED = tuple(Deed.__slots__)


def _who() -> list[Column[Any]]:
    return [
        Column("store_id", Text, nullable=False),
        Column("action", Text, nullable=False, comment="an RPC's name, or our own word for it"),
        Column("caller", Text, nullable=False, comment="the token's subject, or background, operator, Meta user"),
        Column("role", Text, nullable=False),
        Column("actor", Text, nullable=False, comment="whom the caller acts for, by the caller's own id"),
        Column("connection_id", Text, nullable=False),
        Column("objects", ARRAY(Text), nullable=False),
        Column("request_id", Text, nullable=False),
    ]


entries = Table(
    "audit_entries",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    *_who(),
    Column("result", Text, nullable=False, comment="OK, or why not"),
    Column("call_count", Integer, nullable=False, server_default="1"),
    Column("create_time", Instant, nullable=False),
    Column("position", BigInteger, comment="its place in the chain; given at commit"),
    Column("hash", LargeBinary, comment="SHA-256 of the hash before and of this entry; given at commit"),
    Index("uq_audit_entries_store_id_position", "store_id", "position", unique=True),
)
chains = Table(
    "audit_chains",
    metadata,
    Column("store_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False, comment="of the newest entry"),
    Column("hash", LargeBinary, nullable=False, comment="of the newest entry"),
    Column("sealed_position", BigInteger, nullable=False, server_default="0", comment="up to here entries have left"),
    Column("sealed_hash", LargeBinary, nullable=False, server_default=""),
)
intents = Table(
    "audit_intents",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    *_who(),
    Column("create_time", Instant, nullable=False, index=True),
)
tallies = Table(
    "audit_tallies",
    metadata,
    *(column for column in _who() if column.name in {"store_id", "action", "caller", "role", "actor"}),
    Column("hour", Instant, nullable=False, index=True),
    Column("call_count", Integer, nullable=False),
    PrimaryKeyConstraint("store_id", "action", "caller", "role", "actor", "hour"),
)

CHAINING = (
    """
    CREATE OR REPLACE FUNCTION audit_hash(previous bytea, e audit_entries, number bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
        SELECT sha256(previous || convert_to(jsonb_build_array(
            number, to_char(e.create_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.store_id, e.action, e.caller, e.role,
            e.actor, e.connection_id, e.objects, e.request_id, e.result, e.call_count)::text, 'UTF8'))
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION chain_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE link audit_chains;
    BEGIN
        -- The events' lock: whoever writes both, in whatever order, waits for nobody who waits for them.
        PERFORM pg_advisory_xact_lock(hashtextextended('events:' || NEW.store_id, 0));
        INSERT INTO audit_chains (store_id, position, hash) VALUES (NEW.store_id, 0, '') ON CONFLICT DO NOTHING;
        SELECT * INTO link FROM audit_chains WHERE store_id = NEW.store_id;
        UPDATE audit_entries SET position = link.position + 1, hash = audit_hash(link.hash, NEW, link.position + 1)
        WHERE id = NEW.id RETURNING position, hash INTO link.position, link.hash;
        UPDATE audit_chains SET position = link.position, hash = link.hash WHERE store_id = NEW.store_id;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER chain_audit_entry AFTER INSERT ON audit_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_audit_entry()
    """,
    """
    CREATE OR REPLACE FUNCTION keep_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.position IS NULL THEN RETURN NEW; END IF;
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT FROM audit_chains WHERE store_id = OLD.store_id AND sealed_position >= OLD.position
        ) THEN RETURN OLD; END IF;
        RAISE EXCEPTION 'The audit is append-only: entries leave by a seal when they are old' USING ERRCODE = '42501';
    END
    $$
    """,
    """
    CREATE TRIGGER keep_audit_entry BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION keep_audit_entry()
    """,
    """
    CREATE OR REPLACE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'The audit is append-only' USING ERRCODE = '42501'; END
    $$
    """,
    "CREATE TRIGGER keep_audit BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION keep_audit()",
)
"""What chains entries and keeps them; a migration that creates `audit_entries` and `audit_chains` runs these after both."""


@event.listens_for(metadata, "after_create")
def _chain(_metadata: Any, connection: Any, *, tables: Sequence[Table], **_options: Any) -> None:
    if entries in tables:
        for statement in CHAINING:
            connection.execute(DDL(statement))  # type: ignore[no-untyped-call] # SQLAlchemy's is not typed


def named(**ids: object) -> tuple[str, ...]:
    """Write which objects a deed is about; whatever does not look like an id is left out."""
    written = (f"{name}={value}" for name, value in ids.items() if value)
    return tuple(one for one in written if _ID.fullmatch(one))


def plain_id(value: str) -> str:
    """Keep what looks like an id; anything else may be a text of somebody's, and is left out."""
    return value if _ID.fullmatch(value) else ""


async def append(tx: Tx, deed: Deed, *, result: str = OK, at: datetime, call_count: int = 1) -> None:
    """Add an entry when the transaction commits."""
    await _add(tx, [_row(deed, result=result, create_time=at, call_count=call_count)])


async def intend(tx: Tx, deed: Deed, *, at: datetime) -> int:
    """Note what is about to be done; tells the note's id."""
    values = _row(deed, create_time=at)
    return int((await tx.execute(insert(intents).values(values).returning(intents.c.id))).scalar_one())


async def conclude(tx: Tx, intent: int, deed: Deed, *, result: str, at: datetime) -> None:
    """Turn a note into an entry; one that was taken for lost has an entry already, and gets a second."""
    await tx.execute(delete(intents).where(intents.c.id == intent))
    await append(tx, deed, result=result, at=at)


async def count(tx: Tx, deeds: Iterable[Deed], *, at: datetime) -> None:
    """Count calls by who makes them, for an entry an hour."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    counted: dict[Deed, int] = {}
    for deed in deeds:
        plain = replace(deed, connection_id="", objects=(), request_id="")
        counted[plain] = counted.get(plain, 0) + 1
    names = ("store_id", "action", "caller", "role", "actor")
    # In one order, so that two processes never wait for each other.
    rows = sorted((*(getattr(deed, name) for name in names), number) for deed, number in counted.items())
    wish = insert(tallies).values(
        [{**dict(zip((*names, "call_count"), row, strict=True)), "hour": hour} for row in rows]
    )
    added = {"call_count": tallies.c.call_count + wish.excluded.call_count}
    await tx.execute(wish.on_conflict_do_update(index_elements=[*names, "hour"], set_=added))


async def settle(tx: Tx, *, at: datetime) -> bool:
    """Make entries of notes that were lost with their process, and of whole hours that were counted; tells whether there may be more."""
    lost = select(intents.c.id).where(intents.c.create_time < at - LOST).order_by(intents.c.id).limit(_PIECE)
    noted = [
        _row(_deed(row), result=UNKNOWN, create_time=row.create_time)
        for row in await tx.execute(delete(intents).where(intents.c.id.in_(lost)).returning(intents))
    ]
    over = tallies.c.hour < at - timedelta(hours=1) - _LATE
    some = select(tallies.c.store_id).where(over).limit(1).scalar_subquery()
    counted = [
        _row(_deed(row), result=SUMMARY, create_time=at, call_count=row.call_count)
        | {"objects": list(named(hour=row.hour.strftime("%Y-%m-%dT%H")))}
        for row in await tx.execute(delete(tallies).where(over, tallies.c.store_id == some).returning(tallies))
    ]
    await _add(tx, noted + counted)
    return bool(noted or counted)


async def seal(tx: Tx, *, before: datetime, at: datetime) -> bool:
    """Let a store's entries of before a moment go, once a week of them is there, and say so in its chain; tells whether there may be more."""
    oldest = select(entries.c.id).where(
        entries.c.store_id == chains.c.store_id, entries.c.position == chains.c.sealed_position + 1
    )
    store_id = await tx.scalar(
        select(chains.c.store_id).where(oldest.where(entries.c.create_time < before - SEALED_EVERY).exists()).limit(1)
    )
    if store_id is None:
        return False
    await tx.execute(_LOCK, {"store": store_id})
    last = (await tx.execute(_LAST, {"store": store_id, "before": before, "most": _PIECE})).one_or_none()
    if last is None:
        return False
    values = {"sealed_position": last.position, "sealed_hash": last.hash}
    await tx.execute(chains.update().where(chains.c.store_id == store_id).values(values))
    await tx.execute(delete(entries).where(entries.c.store_id == store_id, entries.c.position <= last.position))
    said = named(position=last.position, hash=last.hash.hex())
    await append(tx, Deed(store_id, "SealAudit", *OURSELVES, objects=said), at=at)
    return True


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('events:' || :store, 0))")
# The last of the oldest entries that are all old enough, a piece of them at the most.
_LAST = text("""
    SELECT position, hash FROM (
        SELECT position, hash, bool_and(create_time < :before) OVER (ORDER BY position) AS old FROM (
            SELECT position, hash, create_time FROM audit_entries
            WHERE store_id = :store AND position IS NOT NULL ORDER BY position LIMIT :most
        ) AS oldest
    ) AS told WHERE old ORDER BY position DESC LIMIT 1
""")


def _deed(row: Any) -> Deed:
    known = {name: getattr(row, name) for name in _DEED if hasattr(row, name)}
    return Deed(**known | {"objects": tuple(getattr(row, "objects", ()))})


def _row(deed: Deed, **more: Any) -> dict[str, Any]:
    return {name: getattr(deed, name) for name in _DEED} | {"objects": list(deed.objects)} | more


async def _add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await tx.execute(insert(entries), [{"call_count": 1, **row} for row in rows])
