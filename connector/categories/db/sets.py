"""Product sets: one row per category that ever had one, with what is wanted, what Meta confirmed, and what it refused.

Where a set stands (`state`) is computed by the database, so no code can forget to change it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from connector.categories.model.sets import Due, ProductSet, Seen, State, Wish, digest
from connector.db.schema import Instant, Tx, metadata, plain
from connector.db.sets import insertion, octets, sent

_STATE = """
CASE WHEN NOT wanted AND NOT stands THEN 'REMOVED'
     WHEN refused THEN 'REJECTED'
     WHEN NOT wanted THEN 'REMOVAL_PENDING'
     WHEN set_id <> '' AND confirmed_hash = desired_hash THEN 'CONFIRMED'
     ELSE 'PENDING' END
"""
sets = Table(
    "product_sets",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("category_id", Text, nullable=False),
    Column("retailer_id", Text, nullable=False, comment="our name for it at Meta; written once"),
    Column("wanted", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("document", Text, nullable=False, comment="Meta's fields but the id: a JSON object"),
    Column("desired_hash", LargeBinary, nullable=False),
    Column("confirmed_hash", LargeBinary, comment="desired_hash as Meta last accepted it"),
    Column("set_id", Text, nullable=False, server_default="", comment="Meta's id; empty while not known"),
    Column("stands", Boolean, nullable=False, server_default="false", comment="something of ours may stand at Meta"),
    Column("allow_live", Boolean, nullable=False, server_default="false", comment="may be deleted while in the shop"),
    Column("refused", Boolean, nullable=False, server_default="false", comment="Meta refuses it as it is wanted now"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("product_count", BigInteger, nullable=False, server_default="0", comment="as Meta counted at check_time"),
    Column("confirm_time", Instant),
    Column("check_time", Instant),
    Column("state", Text, Computed(_STATE, persisted=True)),
    PrimaryKeyConstraint("connection_id", "category_id"),
    UniqueConstraint("connection_id", "retailer_id"),
    Index(
        "ix_product_sets_due",
        "connection_id",
        "category_id",
        postgresql_where=text("state IN ('PENDING', 'REMOVAL_PENDING')"),
    ),
)
_DUE = sets.c.state.in_((State.PENDING, State.REMOVAL_PENDING))
_CLEARED = {"refused": False, "reason": "", "message": ""}


async def want(tx: Tx, connection_id: UUID, wishes: Iterable[Wish]) -> None:
    """Store how sets should be; one that Meta refused gets another chance, changed or not: what it minded may be mended elsewhere."""
    rows = [
        {name: getattr(one, name) for name in ("category_id", "retailer_id", "name", "document")}
        | {"connection_id": connection_id, "wanted": True, "desired_hash": octets(digest(one.document))}
        for one in sorted(wishes, key=lambda one: one.category_id)
    ]
    if not rows:
        return
    wish = insertion(sets, tuple(rows[0]))
    new = {name: wish.excluded[name] for name in ("wanted", "name", "document", "desired_hash")}
    changes = or_(sets.c.desired_hash != wish.excluded.desired_hash, ~sets.c.wanted, sets.c.refused)
    keys = [sets.c.connection_id, sets.c.category_id]
    await tx.execute(wish.on_conflict_do_update(index_elements=keys, set_=new | _CLEARED, where=changes), sent(rows))


async def let_go(tx: Tx, connection_id: UUID, category_ids: Sequence[str], *, allow_live: bool) -> None:
    """Note that sets are no longer wanted; one that Meta refused to delete gets another chance."""
    mine = sets.c.connection_id == connection_id, sets.c.category_id == text("ANY(:ids)")
    values = {"wanted": False, "allow_live": allow_live} | _CLEARED
    still = or_(sets.c.wanted, sets.c.refused)
    await tx.execute(update(sets).where(*mine, still).values(**values), {"ids": list(category_ids)})


async def any_due(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether Meta lacks anything."""
    return bool(await tx.scalar(select(exists().where(sets.c.connection_id == connection_id, _DUE))))


async def any_standing(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether anything of ours may stand at Meta."""
    return bool(await tx.scalar(select(exists().where(sets.c.connection_id == connection_id, sets.c.stands))))


async def take(tx: Tx, connection_id: UUID) -> Due | None:
    """Read the next set to be sent as it stands now, and note that from now on something of it may stand at Meta."""
    columns = [sets.c[field.name] for field in fields(Due)]
    mine = select(*columns).where(sets.c.connection_id == connection_id, _DUE).order_by(sets.c.category_id).limit(1)
    if (row := (await tx.execute(mine.with_for_update())).one_or_none()) is None:
        return None
    due = Due(*row)
    await _change(tx, connection_id, due, stands=True)
    return due


async def confirm(tx: Tx, connection_id: UUID, due: Due, set_id: str, *, at: datetime) -> None:
    """Note that Meta has a set as it was sent."""
    times = {"confirm_time": at, "check_time": at}
    await _change(tx, connection_id, due, set_id=set_id, confirmed_hash=digest(due.document), **times)


async def gone(tx: Tx, connection_id: UUID, due: Due) -> None:
    """Note that Meta has a set no longer; one that is wanted again meanwhile is due anew."""
    await _change(tx, connection_id, due, set_id="", stands=False, confirmed_hash=None, product_count=0)


async def refuse(tx: Tx, connection_id: UUID, due: Due, set_id: str, *, reason: str, message: str) -> None:
    """Note that Meta refuses a set, unless it is wanted otherwise by now."""
    mine = sets.c.connection_id == connection_id, sets.c.category_id == due.category_id
    same = sets.c.wanted == due.wanted, sets.c.document == due.document, sets.c.allow_live == due.allow_live
    await _change(tx, connection_id, due, set_id=set_id, stands=bool(set_id))
    refusal = {"refused": True, "reason": reason, "message": plain(message)}
    await tx.execute(update(sets).where(*mine, *same).values(**refusal))


async def _change(tx: Tx, connection_id: UUID, due: Due, **values: Any) -> None:
    mine = sets.c.connection_id == connection_id, sets.c.category_id == due.category_id
    await tx.execute(update(sets).where(*mine).values(**values))


_SEEN = text(
    """
    UPDATE product_sets SET set_id = row.set_id, product_count = row.product_count, check_time = :at, stands = TRUE
    FROM json_to_recordset(:rows) AS row(set_id text, retailer_id text, product_count bigint)
    WHERE product_sets.connection_id = :connection AND product_sets.retailer_id = row.retailer_id
    """
)


async def note_seen(tx: Tx, connection_id: UUID, seen: Sequence[Seen], *, at: datetime) -> None:
    """Keep what Meta lists of our sets; others' are passed over."""
    rows = orjson.dumps([one for one in seen if one.retailer_id]).decode()
    await tx.execute(_SEEN, {"connection": connection_id, "rows": rows, "at": at})


async def note_missing(tx: Tx, connection_id: UUID, *, before: datetime) -> None:
    """Note that Meta lost the sets it did not list since; those still wanted are due again."""
    unseen = func.coalesce(sets.c.check_time, before) < before
    mine = sets.c.connection_id == connection_id, sets.c.set_id != "", unseen
    values = {"set_id": "", "confirmed_hash": None, "product_count": 0, "stands": sets.c.wanted} | _CLEARED
    await tx.execute(update(sets).where(*mine).values(**values))


async def page(tx: Tx, connection_id: UUID, *, after: str, limit: int) -> list[ProductSet]:
    """Read the sets that follow a category's id."""
    columns = [sets.c[field.name] for field in fields(ProductSet)]
    mine = sets.c.connection_id == connection_id, sets.c.category_id > after
    rows = await tx.execute(select(*columns).where(*mine).order_by(sets.c.category_id).limit(limit))
    return [replace(ProductSet(*row), state=State(row.state)) for row in rows]
