"""Feeds: switch them on, upload them now, see what Meta made of them, hand in reviews, navigation and promotions."""

import itertools
from pathlib import Path
from typing import Annotated

import typer

from client.catalogues.jsonlines import read_message, read_messages
from client.output import moment, word
from client.session import Session, session_of
from stormcom.facebook.v1.feed_pb2 import Feed, FeedKind, FeedUpload, Review
from stormcom.facebook.v1.feed_service_pb2 import (
    DeleteReviewsRequest,
    ListFeedsRequest,
    ListFeedUploadsRequest,
    PutNavigationRequest,
    PutPromotionsRequest,
    PutReviewsRequest,
    SetFeedRequest,
    UploadFeedRequest,
)

app = typer.Typer()
feeds = typer.Typer(no_args_is_help=True)
app.add_typer(feeds, name="feeds", help="Products, reviews, navigation and promotions as files that Meta fetches.")

Kind = Annotated[str, typer.Argument(help="products, ratings_and_reviews, navigation or promotions.")]
_CALL = 500


def read_kind(name: str) -> FeedKind.ValueType:
    """Read a kind of feed."""
    known = {one.removeprefix("FEED_KIND_"): one for one in FeedKind.keys()[1:]}
    wanted = name.upper().replace("-", "_")
    if wanted not in known:
        raise typer.BadParameter(f"there is no feed {name!r}; there is {', '.join(known)}")
    return FeedKind.Value(known[wanted])


@feeds.command("list")
def list_(context: typer.Context) -> None:
    """List the feeds with their last uploads."""
    session = session_of(context)
    request = ListFeedsRequest(connection_id=session.connection_id)
    session.output.list(
        session.caller.list_all(session.caller.feeds.ListFeeds, request, field="feeds"),
        {
            "feed": lambda feed: word(feed, "kind"),
            "on": lambda feed: "yes" if feed.enabled else "no",
            "integration": lambda feed: feed.integration_id,
            "last upload": lambda feed: word(feed.last_upload, "state") if feed.HasField("last_upload") else "-",
            "at": lambda feed: moment(feed.last_upload.create_time),
            "see": lambda feed: feed.manage_url,
        },
    )


@feeds.command("set")
def set_(
    context: typer.Context,
    kind: Kind,
    *,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it may be uploaded.")],
    integration: Annotated[str, typer.Option(help="The merchant's commerce integration at Meta.")] = "",
) -> None:
    """Switch a feed on or off."""
    session = session_of(context)
    request = SetFeedRequest(
        connection_id=session.connection_id, kind=read_kind(kind), enabled=on, integration_id=integration
    )
    feed: Feed = session.caller.call(session.caller.feeds.SetFeed, request).feed
    session.output.show(feed, f"The feed {word(feed, 'kind')} is {'on' if feed.enabled else 'off'}.")


@feeds.command()
def upload(context: typer.Context, kind: Kind) -> None:
    """Write a feed and have Meta fetch it, now."""
    session = session_of(context)
    request = UploadFeedRequest(connection_id=session.connection_id, kind=read_kind(kind))
    begun = session.caller.call(session.caller.feeds.UploadFeed, request).upload
    session.output.show(
        begun, f"Upload {begun.upload_id} is {word(begun, 'state')}; `fbconnector feeds uploads` tells more."
    )


@feeds.command()
def uploads(
    context: typer.Context,
    kind: Annotated[str, typer.Option(help="Only of this feed.")] = "",
) -> None:
    """List uploads, newest first, with what Meta found."""
    session = session_of(context)
    wanted = read_kind(kind) if kind else FeedKind.FEED_KIND_UNSPECIFIED
    request = ListFeedUploadsRequest(connection_id=session.connection_id, kind=wanted)
    session.output.list(
        session.caller.list_all(session.caller.feeds.ListFeedUploads, request, field="uploads"),
        {
            "upload": lambda one: one.upload_id,
            "feed": lambda one: word(one, "kind"),
            "state": lambda one: word(one, "state"),
            "begun": lambda one: moment(one.create_time),
            "rows": lambda one: one.row_count,
            "taken in": lambda one: one.persisted_count,
            "refused": lambda one: one.invalid_count,
            "said": _said,
        },
    )


def _said(upload: FeedUpload) -> str:
    errors = (f"{error.total_count} × {error.summary} ({', '.join(error.samples[:3])})" for error in upload.errors)
    return "; ".join(filter(None, (upload.message, *errors)))


@feeds.command()
def reviews(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines: review_id, product_id, rating, content, create_time, …")],
) -> None:
    """Hand in the reviews of a file."""
    session, total = session_of(context), 0
    read = read_messages(file, Review)
    while some := list(itertools.islice(read, _CALL)):
        request = PutReviewsRequest(connection_id=session.connection_id, reviews=some)
        total = session.caller.call(session.caller.feeds.PutReviews, request).review_count
    _tell_count(session, total)


@feeds.command("delete-reviews")
def delete_reviews(
    context: typer.Context, review_id: Annotated[list[str], typer.Argument(help="The reviews.")]
) -> None:
    """Forget reviews; they leave Meta with the next upload."""
    session = session_of(context)
    request = DeleteReviewsRequest(connection_id=session.connection_id, review_ids=review_id)
    _tell_count(session, session.caller.call(session.caller.feeds.DeleteReviews, request).review_count)


def _tell_count(session: Session, total: int) -> None:
    session.output.say(f"{total} reviews; `fbconnector feeds upload ratings_and_reviews` brings them to Meta.")


@feeds.command()
def navigation(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help='JSON: {"menus": [{"handle", "title", "entries": […]}]}')],
) -> None:
    """Hand in the menus of the shop, in place of those before."""
    session = session_of(context)
    request = read_message(file, PutNavigationRequest)
    request.connection_id = session.connection_id
    session.caller.call(session.caller.feeds.PutNavigation, request)
    session.output.say("Stored; `fbconnector feeds upload navigation` brings it to Meta.")


@feeds.command()
def promotions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help='JSON: {"promotions": [{"promotion_id", "title", "percent_off", …}]}')],
) -> None:
    """Hand in the promotions of the store, in place of those before."""
    session = session_of(context)
    request = read_message(file, PutPromotionsRequest)
    request.connection_id = session.connection_id
    session.caller.call(session.caller.feeds.PutPromotions, request)
    session.output.say("Stored; `fbconnector feeds upload promotions` brings them to Meta.")
