"""A store with feeds, as its caller and as Meta see it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from simulator.feed_state import ProductFeed, ProductFeedUpload
from stormcom.facebook.v1 import feed_service_pb2 as pb
from stormcom.facebook.v1.feed_pb2 import (
    FEED_KIND_NAVIGATION,
    FEED_KIND_PRODUCTS,
    FEED_KIND_PROMOTIONS,
    FEED_KIND_RATINGS_AND_REVIEWS,
    Feed,
    FeedKind,
    FeedUpload,
)
from stormcom.facebook.v1.feed_service_pb2_grpc import FacebookFeedsStub
from tests.integration.catalog.shop import Shop

if TYPE_CHECKING:  # the stubs' own name for what the constructor returns on an asynchronous channel
    from stormcom.facebook.v1.feed_service_pb2_grpc import FacebookFeedsAsyncStub

Turn = Callable[[], Awaitable[int]]
PRODUCTS, REVIEWS, NAVIGATION = FEED_KIND_PRODUCTS, FEED_KIND_RATINGS_AND_REVIEWS, FEED_KIND_NAVIGATION
PROMOTIONS = FEED_KIND_PROMOTIONS
Kind: TypeAlias = FeedKind.ValueType


@dataclass(slots=True)
class Fair(Shop):
    """A shop with feeds."""

    connection_id: str = ""

    @property
    def feeds(self) -> "FacebookFeedsAsyncStub":
        """The feeds service."""
        return FacebookFeedsStub(self.channel)

    async def switch(self, kind: Kind, *, enabled: bool = True, integration_id: str = "") -> Feed:
        """Switch a feed on or off."""
        wish = pb.SetFeedRequest(store_id=self.store_id, kind=kind, enabled=enabled, integration_id=integration_id)
        return (await self.feeds.SetFeed(wish)).feed

    async def upload(self, kind: Kind, **fields: Any) -> FeedUpload:
        """Ask for an upload."""
        wish = pb.UploadFeedRequest(store_id=self.store_id, kind=kind, **fields)
        return (await self.feeds.UploadFeed(wish)).upload

    async def uploads(self, **fields: Any) -> list[FeedUpload]:
        """List the uploads, newest first."""
        asked = pb.ListFeedUploadsRequest(store_id=self.store_id, **fields)
        return list((await self.feeds.ListFeedUploads(asked)).uploads)

    async def last(self) -> FeedUpload:
        """Tell the newest upload."""
        return (await self.uploads())[0]

    async def state(self) -> str:
        """Tell how far the newest upload is."""
        return FeedUpload.State.Name((await self.last()).state).removeprefix("STATE_")

    @property
    def meta_uploads(self) -> list[ProductFeedUpload]:
        """What Meta was asked to fetch."""
        return self.world.all(ProductFeedUpload)

    @property
    def meta_feeds(self) -> list[ProductFeed]:
        """The feeds at Meta."""
        return self.world.all(ProductFeed)

    async def names(self) -> dict[str, str]:
        """Tell the items' names at Meta by their products."""
        return {item.product_id: name for name, item in (await self.items()).items()}


class Killed(BaseException):
    """The worker is gone."""


def dying(clock: Callable[[], datetime], *, after: int) -> Callable[[], datetime]:
    """Tell the time a few times, then die."""
    told: list[datetime] = []

    def now() -> datetime:
        if len(told) == after:
            raise Killed
        told.append(clock())
        return told[-1]

    return now
