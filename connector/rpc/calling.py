"""Who makes the call that is being answered: known to everything that runs for it. Nobody, with no store, outside of a call."""

from contextvars import ContextVar

_caller: ContextVar[str] = ContextVar("caller", default="")
_stores: ContextVar[frozenset[str]] = ContextVar("stores_of_caller", default=frozenset())


def enter(subject: str, stores: frozenset[str]) -> None:
    """Note who calls, and for which stores they may (`*`: for every one); ends with the call, which has a context of its own."""
    _caller.set(subject)
    _stores.set(stores)


def caller() -> str:
    """Tell who calls."""
    return _caller.get()


def may(store_id: str) -> bool:
    """Tell whether who calls may act for a store."""
    return not _stores.get().isdisjoint({store_id, "*"})
