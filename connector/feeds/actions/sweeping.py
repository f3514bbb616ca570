"""Forgets uploads that ended long ago, and ends those that got nowhere: their files go, their items travel in batches."""

from datetime import datetime, timedelta

from connector.db.schema import Tx
from connector.feeds.actions.writing import fail
from connector.feeds.db import uploads

_KEEP_UPLOADS = timedelta(days=90)
_STUCK_TIME = timedelta(days=3)
"""Longer than any upload takes that gets anywhere: two hours until Meta is asked, a day until it fetches, two hours until its end."""
_SWEPT = 500


async def sweep(tx: Tx, *, at: datetime) -> bool:
    """Do some of it; tells whether there was anything to forget."""
    for upload in await uploads.stuck(tx, before=at - _STUCK_TIME, limit=_SWEPT):
        reason = "META_OUTCOME_UNKNOWN" if upload.ask_time else "STORE_NOT_CONNECTED"
        await fail(tx, upload, reason, "Nothing could be done for three days; connect again and call UploadFeed", at=at)
    return await uploads.sweep(tx, before=at - _KEEP_UPLOADS, limit=_SWEPT)
