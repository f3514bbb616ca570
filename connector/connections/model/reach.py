"""What a token is and how far it reaches: its kind, the assets each permission was granted for, the tasks on a Page.

Meta grants a permission for everything, or for named assets only ("granular"): then a Page may be readable and yet not
be written to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connector.connections.model.needs import NEEDS


class TokenKind(StrEnum):
    """Whose token it is, of those we can link a Page and a catalog with."""

    USER = "USER"
    SYSTEM_USER = "SYSTEM_USER"


# Unverified: that Meta's role "editor" is these two tasks. https://developers.facebook.com/docs/pages-api/overview
EDITOR_TASKS = frozenset({"CREATE_CONTENT", "MODERATE"})
"""What an editor of a Page may do, and whoever links it must. What else a capability needs, `NEEDS` says."""

_NEEDED_TASKS = EDITOR_TASKS.union(*(need.tasks for need in NEEDS.values()))
_CATALOG_SCOPES = frozenset({"catalog_management"})


def missing_tasks(tasks: Iterable[str], needed: frozenset[str] = _NEEDED_TASKS) -> tuple[str, ...]:
    """Tell which tasks we need and do not have on a Page."""
    return tuple(sorted(needed.difference(tasks)))


def surplus_tasks(tasks: Iterable[str]) -> tuple[str, ...]:
    """Tell which tasks we have on a Page and do not need."""
    return tuple(sorted(set(tasks) - _NEEDED_TASKS))


@dataclass(frozen=True, slots=True)
class Reach:
    """The assets that single permissions were granted for, by permission; one that is not named reaches everything."""

    targets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, targets: Mapping[str, Iterable[str]]) -> "Reach":
        """Read targets as Meta or our own table tells them."""
        # Unverified: an empty list stands for everything, like none at all; who grants nothing does not grant the permission.
        told = {scope: tuple(ids) for scope, ids in sorted(targets.items())}
        return cls({scope: ids for scope, ids in told.items() if ids})

    def document(self) -> dict[str, list[str]]:
        """Write it the way it is stored."""
        return {scope: list(targets) for scope, targets in self.targets.items()}

    def scopes_without_page(self, scopes: Iterable[str], page_id: str) -> tuple[str, ...]:
        """Tell which of the Page permissions do not reach a Page."""
        return tuple(sorted(one for one in scopes if one.startswith("pages_") and not self._covers(one, {page_id})))

    def scopes_without_catalog(self, catalog_id: str, business_id: str) -> tuple[str, ...]:
        """Tell which of the catalog permissions reach neither a catalog nor, as a whole, its business."""
        return tuple(sorted(one for one in _CATALOG_SCOPES if not self._covers(one, {catalog_id, business_id})))

    def _covers(self, scope: str, assets: set[str]) -> bool:
        return scope not in self.targets or not assets.isdisjoint(self.targets[scope])
