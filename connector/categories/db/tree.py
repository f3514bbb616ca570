"""The category tree of a connection, and which of its categories changed since the products were last written.

Whoever changes the tree, or writes what it makes of products, holds the lock of the connection's products.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connector.categories.model.tree import Category, Resolved, resolve
from connector.db import sets
from connector.db.schema import Instant, Json, Tx, metadata

categories = Table(
    "categories",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("category_id", Text, nullable=False),
    Column("source_version", BigInteger, nullable=False),
    Column("parent_id", Text, nullable=False, comment="empty at the top; may name a category that has not come yet"),
    Column("name", Text, nullable=False),
    Column("position", Integer),
    Column("google", Text, nullable=False, comment="Google's category; empty takes the parent's"),
    Column("facebook", Text, nullable=False, comment="Meta's category; empty takes the parent's"),
    Column("product_set", Boolean, nullable=False),
    Column("cover_image_link", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("update_time", Instant, nullable=False),
    PrimaryKeyConstraint("connection_id", "category_id"),
)
replacings = Table(
    "replacings",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("category_ids", Json, nullable=False, comment="changed, with all that lay below"),
    Column("after", Text, nullable=False, comment="the last product that was looked at"),
    Column("upto", Text, comment="the last product of this round; NULL: the last there is"),
    Column("rest", Text, comment="the last product of one more round, from the first; NULL: there is none"),
)
_NAMES = tuple(Category.__dataclass_fields__)
_COLUMNS = [categories.c[name] for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Replacing:
    """How far the products of changed categories are written anew."""

    category_ids: frozenset[str]
    after: str
    upto: str | None


_LINES = text(
    f"""
    WITH RECURSIVE line AS (
        SELECT {", ".join(_NAMES)} FROM categories WHERE connection_id = :connection AND category_id = ANY(:ids)
        UNION
        SELECT {", ".join(f"categories.{name}" for name in _NAMES)}
        FROM line JOIN categories ON categories.connection_id = :connection AND categories.category_id = line.parent_id
    )
    SELECT * FROM line
    """  # noqa: S608 – built of our own field names
)


async def resolved(tx: Tx, connection_id: UUID, category_ids: Collection[str]) -> dict[str, Resolved]:
    """Find what categories come to; those that are not known are left out."""
    if not category_ids:
        return {}
    rows = await tx.execute(_LINES, {"connection": connection_id, "ids": list(category_ids)})
    tree = {row.category_id: Category(*row) for row in rows}
    return {one: resolve(tree, one) for one in category_ids if one in tree}


async def read(tx: Tx, connection_id: UUID, category_ids: Sequence[str]) -> dict[str, Category]:
    """Read these categories."""
    mine = categories.c.connection_id == connection_id, categories.c.category_id == text("ANY(:ids)")
    rows = await tx.execute(select(*_COLUMNS).where(*mine), {"ids": list(category_ids)})
    return {row.category_id: Category(*row) for row in rows}


async def page(tx: Tx, connection_id: UUID, *, after: str, limit: int) -> list[tuple[Category, datetime]]:
    """Read the categories that follow an id, with when each last changed."""
    mine = categories.c.connection_id == connection_id, categories.c.category_id > after
    rows = await tx.execute(
        select(*_COLUMNS, categories.c.update_time).where(*mine).order_by(categories.c.category_id).limit(limit)
    )
    return [(Category(*row[:-1]), row.update_time) for row in rows]


async def parents(tx: Tx, connection_id: UUID) -> dict[str, str]:
    """Read the whole tree: the parent of every category."""
    mine = select(categories.c.category_id, categories.c.parent_id).where(categories.c.connection_id == connection_id)
    return {row.category_id: row.parent_id for row in await tx.execute(mine)}


async def write(tx: Tx, connection_id: UUID, wanted: Sequence[Category], *, at: datetime) -> None:
    """Store categories."""
    if not wanted:
        return
    rows = [
        {name: getattr(one, name) for name in _NAMES} | {"connection_id": connection_id, "update_time": at}
        for one in sorted(wanted, key=lambda one: one.category_id)
    ]
    wish = sets.insertion(categories, tuple(rows[0]))
    changed = {name: wish.excluded[name] for name in (*_NAMES, "update_time")}
    keys = [categories.c.connection_id, categories.c.category_id]
    await tx.execute(wish.on_conflict_do_update(index_elements=keys, set_=changed), sets.sent(rows))


async def forget(tx: Tx, connection_id: UUID, category_ids: Sequence[str]) -> set[str]:
    """Forget categories; tells which there were."""
    mine = categories.c.connection_id == connection_id, categories.c.category_id == text("ANY(:ids)")
    gone = delete(categories).where(*mine).returning(categories.c.category_id)
    return set(await tx.scalars(gone, {"ids": list(category_ids)}))


async def begin_replacing(tx: Tx, connection_id: UUID, category_ids: Iterable[str]) -> None:
    """Ask that the products of these categories be written anew, beside those asked for already.

    What is under way goes on to the end and then once more from the first product to where it stood: so no product waits for ever
    for a tree that keeps changing.
    """
    mine = select(replacings).where(replacings.c.connection_id == connection_id)
    under_way = (await tx.execute(mine)).one_or_none()
    waiting, after = (under_way.category_ids, under_way.after) if under_way else ([], "")
    values = {"category_ids": sorted({*waiting, *category_ids}), "after": after, "upto": None, "rest": after or None}
    wish = insert(replacings).values(connection_id=connection_id, **values)
    await tx.execute(wish.on_conflict_do_update(index_elements=[replacings.c.connection_id], set_=values))


async def replacing(tx: Tx, connection_id: UUID) -> Replacing | None:
    """Tell which products are to be written anew; None when there are none left."""
    row = (await tx.execute(select(replacings).where(replacings.c.connection_id == connection_id))).one_or_none()
    return None if row is None else Replacing(frozenset(row.category_ids), row.after, row.upto)


async def go_on_replacing(tx: Tx, connection_id: UUID, after: str | None) -> bool:
    """Note how far it has come, None: to the end of the round; tells whether there is more to do."""
    mine = replacings.c.connection_id == connection_id
    if after is not None:
        await tx.execute(update(replacings).where(mine).values(after=after))
        return True
    once_more = {"after": "", "upto": replacings.c.rest, "rest": None}
    again = update(replacings).where(mine, replacings.c.rest.is_not(None)).values(**once_more)
    if (await tx.execute(again.returning(replacings.c.connection_id))).one_or_none():
        return True
    await tx.execute(delete(replacings).where(mine))
    return False
