"""FacebookFeeds: every RPC and the function that answers it."""

from typing import Any

from connector.feeds import rpc as feeds
from connector.runtime import Runtime
from stormcom.facebook.v1 import feed_service_pb2 as feed_pb
from stormcom.facebook.v1 import feed_service_pb2_grpc as feed_grpc


class Feeds(feed_grpc.FacebookFeedsServicer):
    """FacebookFeeds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SetFeed(self, request: feed_pb.SetFeedRequest, _: Any) -> feed_pb.SetFeedResponse:
        return await feeds.set_feed(self._runtime, request)

    async def ListFeeds(self, request: feed_pb.ListFeedsRequest, _: Any) -> feed_pb.ListFeedsResponse:
        return await feeds.list_feeds(self._runtime, request)

    async def UploadFeed(self, request: feed_pb.UploadFeedRequest, _: Any) -> feed_pb.UploadFeedResponse:
        return await feeds.upload_feed(self._runtime, request)

    async def ListFeedUploads(self, request: feed_pb.ListFeedUploadsRequest, _: Any) -> feed_pb.ListFeedUploadsResponse:
        return await feeds.list_feed_uploads(self._runtime, request)

    async def PutReviews(self, request: feed_pb.PutReviewsRequest, _: Any) -> feed_pb.PutReviewsResponse:
        return await feeds.put_reviews(self._runtime, request)

    async def DeleteReviews(self, request: feed_pb.DeleteReviewsRequest, _: Any) -> feed_pb.DeleteReviewsResponse:
        return await feeds.delete_reviews(self._runtime, request)

    async def PutPromotions(self, request: feed_pb.PutPromotionsRequest, _: Any) -> feed_pb.PutPromotionsResponse:
        return await feeds.put_promotions(self._runtime, request)

    async def PutNavigation(self, request: feed_pb.PutNavigationRequest, _: Any) -> feed_pb.PutNavigationResponse:
        return await feeds.put_navigation(self._runtime, request)
