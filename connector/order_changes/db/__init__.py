"""Where cancellations, refunds, payments (`changes`) and returns (`returns`) of orders are kept."""

from connector.order_changes.db import changes, returns, tables

__all__ = ["changes", "returns", "tables"]
