"""The second wall: a call's transactions see the rows of its own store, whatever their queries say.

Whoever acts for a store says so (`only`); from then on each transaction begins as a role that PostgreSQL's row-level security applies
to, in the same message as BEGIN. Workers, the ingress and the tables' owner stand behind the wall. It guards against a forgotten
condition, not against SQL of a stranger's: that cannot come in, as statements take parameters only.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.sql import quote
from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from connector import deadline

ROLE = "connector_store"
"""Who a call's transactions are. Cannot log in, owns nothing."""

_GRACE = timedelta(milliseconds=100)
"""So long after its call's deadline PostgreSQL itself ends a statement. A call that ends sooner has it cancelled; a process may stall."""

COMMITTING = "each_statement_commits"
"""An engine's execution option: its statements commit by themselves, there is no BEGIN."""

_STANDING = "stores_of_session"
_UNKNOWN = object()
_LOWER = "RESET ROLE; RESET connector.stores"

_stores: ContextVar[frozenset[str] | None] = ContextVar("stores", default=None)

_STORES = "(SELECT string_to_array(current_setting('connector.stores', true), ','))::text[]"
_BY_STORE = f"store_id = ANY ({_STORES})"
# What `connections` shows is behind the wall already. Asked once per statement, not per row.
_BY_CONNECTION = "connection_id = ANY (ARRAY(SELECT id FROM connections))"

_OTHERWISE = {
    "tasks": f"connection_id IS NULL OR {_BY_CONNECTION}",
    "hold_lines": "EXISTS (SELECT FROM holds WHERE holds.id = hold_id)",
    "order_lines": "EXISTS (SELECT FROM orders WHERE orders.id = order_id)",
    "feed_pieces": "upload_id = ANY (ARRAY(SELECT id FROM feed_uploads))",
    "snapshot_products": "snapshot_id = ANY (ARRAY(SELECT id FROM snapshots))",
}
"""Tables whose rows belong to a store by another way than a column `store_id` or `connection_id`."""

SHARED = {
    "budgets": "how much of Meta's allowances is used, by bucket; counted for everybody who shares one",
    "places": "who waits for a bucket's allowance, in which order: one line for all",
    "narrowings": "how many items Meta takes at once, by catalog",
    "observations": "what a process saw of the whole service, for operators",
    "self_tests": "deliveries of our own to our own public address: numbers and times, no store's",
}
"""Tables without a store, open to calls: each with its reason."""

CLOSED = {
    "forgotten": "hashes of what must not come in again; only workers and the ingress ask for them",
    "peppers": "the sealed secret that makes those hashes; opened once per process",
    "deliveries": "what Meta posted, before it is known whose it is; only workers read it",
    "parked": "what Meta told of Pages that nobody connected; only workers read it",
}
"""Tables without a store, in which calls find nothing: each with its reason. A table that nobody thought of is closed too."""


class NoWallError(Exception):
    """The database's row-level security cannot be used as it is; the message names the remedy."""


@contextmanager
def only(*store_ids: str) -> Iterator[None]:
    """Show what runs inside these stores' rows only."""
    token = _stores.set(frozenset(store_ids))
    try:
        yield
    finally:
        _stores.reset(token)


@contextmanager
def together(*store_ids: str) -> Iterator[None]:
    """Show these stores' rows, where the wall is up: for work on behalf of several calls, each of which asked for one of them."""
    with nullcontext() if _stores.get() is None else only(*store_ids):
        yield


@contextmanager
def beyond() -> Iterator[None]:
    """Begin the transactions inside without the wall: for the few questions that are about all stores, as whether a Page is taken."""
    token = _stores.set(None)
    try:
        yield
    finally:
        _stores.reset(token)


def begin(connection: Connection) -> None:
    """Begin a transaction, and raise the wall in the same message. A listener: the engine itself leaves BEGIN to it.

    For statements that commit by themselves (COMMITTING) the wall is the session's, until somebody needs another.
    """
    wanted, standing = _stores.get(), connection.connection.info.get(_STANDING)
    if connection.get_execution_options().get(COMMITTING):
        if wanted != standing:
            _stand(connection, wanted)
        return
    if wanted is None and standing is not None:
        _stand(connection, None)  # not in one message with BEGIN: a rollback would take it back
    _say(connection, opening())


def _stand(connection: Connection, stores: frozenset[str] | None) -> None:
    """Let the session stand for these stores until further notice. If that is interrupted, nobody knows whether it does."""
    info = connection.connection.info
    info[_STANDING] = _UNKNOWN
    _say(connection, _LOWER if stores is None else _raise(stores))
    info[_STANDING] = stores


def _say(connection: Connection, message: str) -> None:
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.run_async(lambda connected: connected.execute(message, prepare=False))
    except psycopg.Error as error:
        broken = driver.driver_connection.broken
        if broken:
            connection.invalidate(error)
        raise DBAPIError.instance(message, None, error, psycopg.Error, connection_invalidated=broken) from error


def _raise(stores: frozenset[str]) -> str:
    return f"SELECT set_config('role', '{ROLE}', false), set_config('connector.stores', {_listed(stores)}, false)"


def opening() -> str:
    """Write what a transaction begins with: the role, its stores, and how long a statement may take."""
    settings: dict[str, str] = {}
    if (stores := _stores.get()) is not None:
        settings |= {"role": quote(ROLE), "connector.stores": _listed(stores)}
    if (left := deadline.left(margin=-_GRACE)) is not None:
        settings["statement_timeout"] = f"'{max(1, round(left.total_seconds() * 1000))}'"
    if not settings:
        return "BEGIN"
    return "BEGIN; SELECT " + ", ".join(f"set_config('{name}', {value}, true)" for name, value in settings.items())


def _listed(stores: frozenset[str]) -> str:
    return quote(",".join(sorted(stores)))


def policies(metadata: MetaData) -> list[str]:
    """Write the wall of every table."""
    return [statement for table in metadata.sorted_tables for statement in _policy(table)]


def _policy(table: Table) -> list[str]:
    if table.name in SHARED:
        return []
    enable, condition = f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY", condition_of(table)
    return [enable, f"CREATE POLICY own_store ON {table.name} USING ({condition})"] if condition else [enable]


def condition_of(table: Table) -> str:
    """Tell which rows of a table are a store's; empty when none are."""
    if table.name in _OTHERWISE:
        return _OTHERWISE[table.name]
    if "store_id" in table.columns:
        return _BY_STORE
    return _BY_CONNECTION if "connection_id" in table.columns else ""


def admit(connection: Connection, metadata: MetaData) -> str:
    """Make the role, and let it use the tables; tells what is to be done by somebody who may, empty when it is done."""
    grants = [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(table.name for table in metadata.sorted_tables)} TO {ROLE}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
    ]
    try:
        with connection.begin_nested():
            for statement in (_MAKE_ROLE, *grants):
                connection.execute(text(statement))
    except DBAPIError as refusal:
        if getattr(refusal.orig, "sqlstate", "") != "42501":
            raise
        return f"CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO {connection.scalar(text('SELECT current_user'))}"
    return ""


# Roles belong to a cluster: another database's migration may make it at the same moment.
_MAKE_ROLE = f"""
DO $$ BEGIN
    IF to_regrole('{ROLE}') IS NULL THEN
        BEGIN CREATE ROLE {ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
    END IF;
    IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
        GRANT {ROLE} TO CURRENT_USER;
    END IF;
END $$
"""


# https://www.postgresql.org/docs/current/errcodes-appendix.html: insufficient privilege, invalid value for a setting.
_NO_ROLE = frozenset({"42501", "22023"})


async def require(engine: AsyncEngine) -> None:
    """Refuse to serve without the wall.

    Raises:
        NoWallError: with what mends it.

    """
    try:
        with only():
            async with engine.connect() as tx:
                await tx.execute(text("SELECT FROM connections LIMIT 0"))
    except DBAPIError as refusal:
        if getattr(refusal.orig, "sqlstate", "") not in _NO_ROLE:
            raise
        raise NoWallError(
            f"The database's user may not act as the role {ROLE}: have an administrator run `CREATE ROLE {ROLE} NOLOGIN; "
            f"GRANT {ROLE} TO <user>`, then `python -m connector migrate`; or set DATABASE_ROW_SECURITY=off"
        ) from None
