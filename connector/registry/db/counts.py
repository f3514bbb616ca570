"""How many of a connection's items stand where: kept by the database with every change, told without looking at an item.

A count is the sum of its parts. A transaction adds to a part that nobody holds, or begins one, so that none ever waits for
another; there are as many parts as there were transactions at once.
"""

from collections import Counter
from uuid import UUID

from sqlalchemy import DDL, BigInteger, Column, Index, Table, Text, Uuid, event, func, select

from connector.db.schema import Tx, metadata
from connector.registry.db.catalogue import items
from connector.registry.model import State

item_counts = Table(
    "item_counts",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column(
        "part", BigInteger, nullable=False, comment="items of this state; the parts add up, one alone may be below zero"
    ),
    Index("ix_item_counts_connection_id_state", "connection_id", "state"),
)
_COUNT = """
CREATE OR REPLACE FUNCTION count_items_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved record;
    free tid;
BEGIN
    FOR moved IN SELECT connection_id, state, sum(one) AS count FROM ({changes}) AS changes
        GROUP BY connection_id, state HAVING sum(one) <> 0
    LOOP
        SELECT ctid INTO free FROM item_counts WHERE connection_id = moved.connection_id AND state = moved.state
            LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE item_counts SET part = part + moved.count WHERE ctid = free;
        ELSE
            INSERT INTO item_counts (connection_id, state, part) VALUES (moved.connection_id, moved.state, moved.count);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""
_TRIGGER = """
CREATE TRIGGER count_{name} AFTER {name} ON items REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION count_items_{name}()
"""
_NEW = "NEW TABLE AS arrived", "SELECT connection_id, state, 1 AS one FROM arrived"
_OLD = "OLD TABLE AS gone", "SELECT connection_id, state, -1 AS one FROM gone"
_CHANGES = {
    "insert": (_NEW[0], _NEW[1]),
    "delete": (_OLD[0], _OLD[1]),
    "update": (f"{_OLD[0]} {_NEW[0]}", f"{_NEW[1]} UNION ALL {_OLD[1]}"),
}
COUNTING = tuple(
    statement.format(name=name, tables=tables, changes=changes)
    for name, (tables, changes) in _CHANGES.items()
    for statement in (_COUNT, _TRIGGER)
)
_AT_STAKE = State.PENDING, State.SENT, State.CONFIRMED, State.REJECTED
for _statement in COUNTING:
    event.listen(items, "after_create", DDL(_statement))  # type: ignore[no-untyped-call] # SQLAlchemy leaves DDL untyped


async def count(tx: Tx, connection_id: UUID) -> Counter[str]:
    """Tell how many items of a connection stand in each state."""
    summed = func.sum(item_counts.c.part)
    mine = select(item_counts.c.state, summed).where(item_counts.c.connection_id == connection_id)
    rows = await tx.execute(mine.group_by(item_counts.c.state).having(summed != 0))
    return Counter({state: int(number) for state, number in rows})


async def at_stake(tx: Tx, connection_id: UUID) -> int:
    """Tell how many items stand at Meta or are on their way there, those that leave left aside."""
    found = await count(tx, connection_id)
    return sum(found[state] for state in _AT_STAKE)
