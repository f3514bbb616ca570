"""Values of the tests of changes."""

from datetime import UTC, datetime
from uuid import UUID

from connector.order_changes.model.changes import Part
from connector.order_changes.model.returns import Return, State

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def of_state(state: State) -> Return:
    """A return of two pieces in some state."""
    return Return(UUID(int=1), "9", state, "", (Part("1", 2),), "", "", NOW, NOW)
