"""Where the tree (`tree`) and its product sets (`sets`) are kept."""

from connector.categories.db import sets, tree
from connector.categories.db.tree import resolved

__all__ = ["resolved", "sets", "tree"]
