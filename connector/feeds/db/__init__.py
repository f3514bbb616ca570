"""Where feeds and uploads are kept (`uploads`), files in pieces (`pieces`), and what StormCom hands in for them (`sources`, `promotions`)."""

from connector.feeds.db import pieces, promotions, sources, uploads

__all__ = ["pieces", "promotions", "sources", "uploads"]
