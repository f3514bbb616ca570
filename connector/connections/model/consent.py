"""What a consent takes away: at Meta, what a person grants last replaces what the same person granted our app before.

So a merchant who connects a second store and ticks its Page only has just disconnected the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from connector.connections.model.assets import Offer
from connector.connections.model.connection import Connection


@dataclass(frozen=True, slots=True)
class Loss:
    """A live connection that a later consent of the same person took something from."""

    connection: Connection
    page_lost: bool
    catalog_lost: bool


def losses(offer: Offer, connections: Iterable[Connection]) -> tuple[Loss, ...]:
    """Tell which connections lose their Page or catalog by what was granted last; they are all of the same person."""
    pages, catalogs = {page.id for page in offer.pages}, {catalog.id for catalog in offer.catalogs}
    found = (
        Loss(one, one.page_id not in pages, bool(one.catalog_id) and one.catalog_id not in catalogs)
        for one in connections
    )
    return tuple(loss for loss in found if loss.page_lost or loss.catalog_lost)
