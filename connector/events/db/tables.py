"""The tables of events, of who takes them, and of what a consumer has not worked off.

A consumer's `cursor` says how far the log was drawn for it: every event up to there is settled, or has a row in `handouts`. A row goes
when its event is acknowledged; above the cursor, where nothing was drawn yet, it stays and says so until the cursor has passed.

Rows of `handouts` come and go by the thousand, so that its statistics may say anything: a row is found by the primary key alone, and the
other indexes hold the rows of one kind each, which no query of another kind can take.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    event,
    func,
    text,
)

from connector.db.schema import Instant, Json, metadata

OPEN, SETTLED, DEAD = (text(f"state {which}") for which in ("IN ('WAITING', 'LENT')", "= 'SETTLED'", "= 'DEAD'"))
"""Which rows of `handouts` are of a kind, in the words of the indexes: by a parameter PostgreSQL could not tell which one to take."""

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("store_id", Text, nullable=False),
    Column("connection_id", Uuid),
    Column("ordering_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("position", BigInteger, comment="its place in the log; given at commit"),
    Column("create_time", Instant, nullable=False),
    Index("uq_events_store_id_position", "store_id", "position", unique=True),
    Index("ix_events_create_time", "create_time"),
)
consumers = Table(
    "consumers",
    metadata,
    Column("store_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("cursor", BigInteger, nullable=False, server_default="0", comment="how far the log was drawn"),
    Column("kind", Text, nullable=False, server_default="NEW", comment="how it took events last"),
    Column("most_deliveries", Integer, nullable=False, server_default="10"),
    Column("after_dead_letter", Text, nullable=False, server_default="HOLD_KEY", comment="what a dead letter holds up"),
    PrimaryKeyConstraint("store_id", "name"),
    CheckConstraint("kind IN ('NEW', 'PULL', 'STREAM', 'PUSH')", "kind"),
    CheckConstraint("most_deliveries BETWEEN 1 AND 100", "most_deliveries"),
    CheckConstraint("after_dead_letter IN ('HOLD_KEY', 'GO_ON')", "after_dead_letter"),
)
handouts = Table(
    "handouts",
    metadata,
    Column("store_id", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("ordering_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_time", Instant, nullable=False, comment="when it may be handed out: the end of a loan or of a pause"),
    Column("deliveries", Integer, nullable=False, server_default="0", comment="how often it was handed out"),
    Column("reason", Text, nullable=False, server_default="", comment="why it is a dead letter"),
    Column("message", Text, nullable=False, server_default="", comment="what was last said of it"),
    PrimaryKeyConstraint("store_id", "consumer", "position"),
    CheckConstraint("state IN ('WAITING', 'LENT', 'DEAD', 'SETTLED')", "state"),
    Index("ix_handouts_open", "store_id", "consumer", "due_time", postgresql_where=OPEN),
    Index("ix_handouts_settled", "store_id", "consumer", "position", postgresql_where=SETTLED),
    Index("ix_handouts_dead_letters", "store_id", "consumer", "ordering_key", postgresql_where=DEAD),
)

NUMBERING = (
    "CREATE SEQUENCE IF NOT EXISTS event_positions",
    """
    CREATE OR REPLACE FUNCTION number_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('events:' || NEW.store_id, 0));
        UPDATE events SET position = nextval('event_positions') WHERE id = NEW.id;
        PERFORM pg_notify('events', NEW.store_id);
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER number_event AFTER INSERT ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_event()
    """,
)
"""What gives positions; a migration that creates `events` runs these after it."""

for _statement in NUMBERING:
    event.listen(events, "after_create", DDL(_statement))  # type: ignore[no-untyped-call] # SQLAlchemy's is not typed
