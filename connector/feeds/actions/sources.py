"""Keeps what StormCom hands in for reviews, navigation and promotions; Meta learns of it by the next upload."""

from collections.abc import Sequence

from connector.connections import db as connections_db
from connector.feeds.actions.settings import require_enabled
from connector.feeds.db import promotions as promotions_db
from connector.feeds.db import sources
from connector.feeds.model.navigation import Menu
from connector.feeds.model.promotions import Promotion
from connector.feeds.model.reviews import Review
from connector.feeds.model.values import FeedKind
from connector.runtime import Runtime


async def put_reviews(runtime: Runtime, store_id: str, connection_id: str, reviews: Sequence[Review]) -> int:
    """Store reviews, all together; tells how many there are now. Repeating it changes nothing.

    Raises:
        FailedPrecondition: FEED_NOT_ENABLED.

    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        await require_enabled(tx, connection, FeedKind.RATINGS_AND_REVIEWS)
        await sources.put_reviews(tx, connection.id, reviews)
        return await sources.count_reviews(tx, connection.id)


async def delete_reviews(runtime: Runtime, store_id: str, connection_id: str, review_ids: Sequence[str]) -> int:
    """Forget reviews, also while the feed is off; tells how many there are now. Repeating it changes nothing."""
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        await sources.delete_reviews(tx, connection.id, review_ids)
        return await sources.count_reviews(tx, connection.id)


async def put_navigation(runtime: Runtime, store_id: str, connection_id: str, menus: Sequence[Menu]) -> None:
    """Store the menus of the shop in place of those before. Repeating it changes nothing.

    Raises:
        FailedPrecondition: FEED_NOT_ENABLED.

    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        await require_enabled(tx, connection, FeedKind.NAVIGATION)
        await sources.put_navigation(tx, connection.id, menus, at=runtime.now())


async def put_promotions(runtime: Runtime, store_id: str, connection_id: str, promotions: Sequence[Promotion]) -> None:
    """Store the promotions of the store in place of those before. Repeating it changes nothing.

    Raises:
        FailedPrecondition: FEED_NOT_ENABLED.

    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        await require_enabled(tx, connection, FeedKind.PROMOTIONS)
        await promotions_db.put(tx, connection.id, promotions, at=runtime.now())
