"""Where feeds and uploads are kept (`uploads`), files in pieces (`pieces`), and what StormCom hands in for them (`sources`)."""

from connector.feeds.db import pieces, sources, uploads

__all__ = ["pieces", "sources", "uploads"]
