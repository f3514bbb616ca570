"""Keeps the tree (`trees`) and brings its product sets to Meta (`sets`)."""

from connector.categories.actions.sets import check_sets, list_sets, plan, sync_sets
from connector.categories.actions.trees import delete_categories, list_categories, set_categories

__all__ = [
    "check_sets",
    "delete_categories",
    "list_categories",
    "list_sets",
    "plan",
    "set_categories",
    "sync_sets",
]
