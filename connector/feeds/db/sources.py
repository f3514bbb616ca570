"""What StormCom hands in for the other feeds: reviews, a row each, and the menus of the shop."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    delete,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from connector.db import sets
from connector.db.schema import Instant, Json, Tx, metadata
from connector.feeds.model.navigation import Entry, Menu
from connector.feeds.model.reviews import Review, Reviewed

reviews = Table(
    "reviews",
    metadata,
    Column("connection_id", Uuid, nullable=False),
    Column("review_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("variant_id", Text, nullable=False, comment="empty: any of the product"),
    Column("rating", SmallInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("reviewer_name", Text, nullable=False, comment="empty: anonymous"),
    Column("reviewer_id", Text, nullable=False),
    Column("verified_purchase", Boolean, nullable=False),
    Column("incentivized", Boolean, nullable=False),
    Column("create_time", Instant, nullable=False, comment="when the buyer wrote it"),
    PrimaryKeyConstraint("connection_id", "review_id"),
    CheckConstraint("rating BETWEEN 1 AND 5", "rating"),
)
navigations = Table(
    "navigations",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("menus", Json, nullable=False),
    Column("update_time", Instant, nullable=False),
)


async def put_reviews(tx: Tx, connection_id: UUID, wanted: Sequence[Review]) -> None:
    """Store reviews in place of those of the same ids."""
    rows = [{"connection_id": connection_id, **asdict(review)} for review in wanted]
    wish = sets.insertion(reviews, tuple(rows[0]))
    values = {column.name: wish.excluded[column.name] for column in reviews.c if not column.primary_key}
    known = ["connection_id", "review_id"]
    await tx.execute(wish.on_conflict_do_update(index_elements=known, set_=values), sets.sent(rows))


async def delete_reviews(tx: Tx, connection_id: UUID, review_ids: Sequence[str]) -> None:
    """Forget reviews."""
    mine = reviews.c.connection_id == connection_id, reviews.c.review_id == text("ANY(:ids)")
    await tx.execute(delete(reviews).where(*mine), {"ids": list(review_ids)})


async def count_reviews(tx: Tx, connection_id: UUID) -> int:
    """Count the reviews of a connection."""
    mine = select(func.count()).select_from(reviews).where(reviews.c.connection_id == connection_id)
    return int(await tx.scalar(mine) or 0)


async def has_reviews(tx: Tx, connection_id: UUID) -> bool:
    """Tell whether a connection has any review."""
    return bool(await tx.scalar(select(exists().where(reviews.c.connection_id == connection_id))))


_REVIEWED = text(
    """
    WITH given AS (
        SELECT * FROM reviews WHERE connection_id = :connection AND review_id > :after ORDER BY review_id LIMIT :limit
    )
    SELECT given.*, item.retailer_id, item.title AS product_name, item.link
    FROM given LEFT JOIN LATERAL (
        SELECT i.retailer_id, i.title, i.content::jsonb ->> 'link' AS link FROM items i
        WHERE i.connection_id = given.connection_id AND i.product_id = given.product_id AND i.wanted AND i.content IS NOT NULL
          AND given.variant_id IN ('', i.variant_id)
        ORDER BY i.retailer_id LIMIT 1
    ) item ON TRUE
    ORDER BY given.review_id
    """
)


async def reviewed(tx: Tx, connection_id: UUID, *, after: str, limit: int) -> tuple[str | None, list[Reviewed]]:
    """List the next reviews with their products, and the last id looked at, None at the end; those of unknown products are left out."""
    rows = (await tx.execute(_REVIEWED, {"connection": connection_id, "after": after, "limit": limit})).all()
    known = [
        Reviewed(
            Review(**{name: getattr(row, name) for name in Review.__slots__}),
            row.retailer_id,
            row.product_name,
            row.link or "",
        )
        for row in rows
        if row.retailer_id is not None
    ]
    return (rows[-1].review_id if rows else None), known


async def put_navigation(tx: Tx, connection_id: UUID, menus: Sequence[Menu], *, at: datetime) -> None:
    """Store the menus of the shop in place of those before."""
    wish = insert(navigations).values(
        connection_id=connection_id, menus=[asdict(menu) for menu in menus], update_time=at
    )
    values = {"menus": wish.excluded.menus, "update_time": at}
    await tx.execute(wish.on_conflict_do_update(index_elements=["connection_id"], set_=values))


async def read_navigation(tx: Tx, connection_id: UUID) -> list[Menu]:
    """Read the menus of the shop; none when there are none."""
    stored = await tx.scalar(select(navigations.c.menus).where(navigations.c.connection_id == connection_id))
    return [Menu(one["handle"], one["title"], _entries(one["entries"])) for one in stored or ()]


def _entries(documents: Sequence[dict[str, object]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(str(one["title"]), str(one["set_retailer_id"]), _entries(one["entries"]))  # type: ignore[arg-type] # our own
        for one in documents
    )
