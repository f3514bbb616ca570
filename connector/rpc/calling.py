"""Who makes the call that is being answered: known to everything that runs for it. Nobody, with no store, outside of a call."""

from contextvars import ContextVar

_caller: ContextVar[str] = ContextVar("caller", default="")
_stores: ContextVar[frozenset[str]] = ContextVar("stores_of_caller", default=frozenset())
_role: ContextVar[str] = ContextVar("role_of_caller", default="")
_actor: ContextVar[str] = ContextVar("actor", default="")


def enter(subject: str, stores: frozenset[str], *, role: str, actor: str) -> None:
    """Note who calls, whom they act for, and for which stores they may (`*`: for every one); ends with the call, which has a context of its own."""
    _caller.set(subject)
    _stores.set(stores)
    _role.set(role)
    _actor.set(actor)


def caller() -> str:
    """Tell who calls."""
    return _caller.get()


def role() -> str:
    """Tell what who calls may do."""
    return _role.get()


def actor() -> str:
    """Tell whom who calls acts for, by their own id; empty when they do not say."""
    return _actor.get()


def may(store_id: str) -> bool:
    """Tell whether who calls may act for a store."""
    return not _stores.get().isdisjoint({store_id, "*"})
