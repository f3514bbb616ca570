"""Reads what was done to orders and tells each thing once; looks after returns.

Its files: `reading` (the task of an order), `returning` (lists of returns, and whether one can be answered).
"""

from connector.order_changes.actions.reading import read_changes
from connector.order_changes.actions.returning import list_returns, require_answerable

__all__ = ["list_returns", "read_changes", "require_answerable"]
