"""Switches feeds on, writes their files, has Meta fetch them, and brings its findings back to the items.

    UploadFeed, a committed snapshot ──▶ write: pieces ──▶ upload: asked, looked at ──▶ settle: verdicts, clean up

An upload is three tasks one after the other; each can be interrupted anywhere. Its files: `settings`, `sources`, `writing`,
`uploading`, `settling`, `serving`, `sweeping`.
"""

from connector.feeds.actions.serving import find_file, note_fetched, read_piece
from connector.feeds.actions.settings import list_feeds, list_uploads, set_feed
from connector.feeds.actions.settling import settle
from connector.feeds.actions.sources import delete_reviews, put_navigation, put_promotions, put_reviews
from connector.feeds.actions.sweeping import sweep
from connector.feeds.actions.uploading import upload
from connector.feeds.actions.writing import begin_by_snapshot, upload_feed, write

__all__ = [
    "begin_by_snapshot",
    "delete_reviews",
    "find_file",
    "list_feeds",
    "list_uploads",
    "note_fetched",
    "put_navigation",
    "put_promotions",
    "put_reviews",
    "read_piece",
    "set_feed",
    "settle",
    "sweep",
    "upload",
    "upload_feed",
    "write",
]
