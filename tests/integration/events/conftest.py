"""Events of operations: the smallest payload there is."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from connector.events import db
from connector.events.model import Draft
from connector.runtime import Runtime


def draft(key: str, *, store_id: str = "store_1", number: int = 0) -> Draft:
    """Make an event that can be told from others by its operation's id."""
    return Draft(store_id, UUID(int=1), key, "operation_changed", {"operation": {"operation_id": str(number)}})


Tell = Callable[..., Awaitable[None]]


@pytest.fixture
def tell(runtime: Runtime) -> Tell:
    """Append events in one transaction: `await tell("a", "b")` makes two, numbered by their place."""

    async def tell(*keys: str, store_id: str = "store_1") -> None:
        async with runtime.db.begin() as tx:
            drafts = [draft(key, store_id=store_id, number=place) for place, key in enumerate(keys)]
            await db.append(tx, *drafts, at=runtime.now())

    return tell
