"""Conventions of every table: names of constraints, column types, the engine.

Tables stand in the features' `db.py` and register themselves in `metadata`. Every table of a store carries `store_id`.
"""

import time
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import psycopg
from sqlalchemy import Connection, DateTime, MetaData, event, exc, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from connector.db import walls

_committing: "WeakKeyDictionary[AsyncEngine, AsyncEngine]" = WeakKeyDictionary()

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
Tx = AsyncConnection
"""An open transaction: what every query takes first."""

Instant = DateTime(timezone=True)
"""A moment; Python sees an aware UTC datetime."""

Json = JSONB(none_as_null=True)
"""Structured values of ours. What Meta or a merchant sent is kept as text or bytes: jsonb refuses NUL."""

_RESTED_SECONDS = 1.0  # a shorter rest than any restart of PostgreSQL

SEALED = "sealed"
"""In a column's `info`: it holds tokens that the vault sealed; as which kind, or how a row tells its kind."""

_TABLES = (
    "connector.db.outbox",
    "connector.db.observations",
    "connector.db.audit",
    "connector.db.requests",
    "connector.db.forgotten",
    "connector.db.peppers",
    "connector.db.retentions",
    "connector.db.self_tests",
    "connector.budgets.db",
    "connector.operations.db",
    "connector.events.db",
    "connector.alerts.db",
    "connector.connections.db",
    "connector.business_extension.db",
    "connector.pushes.db",
    "connector.registry.db",
    "connector.categories.db",
    "connector.readback.db",
    "connector.diagnostics.db",
    "connector.tokens.db",
    "connector.catalog.db",
    "connector.feeds.db",
    "connector.inventory.db",
    "connector.checkout.db",
    "connector.conversions.db",
    "connector.attribution.db",
    "connector.orders.db",
    "connector.order_commands.db",
    "connector.order_changes.db",
    "connector.payouts.db",
    "connector.adoption.db",
    "connector.messaging.db",
    "connector.webhooks.db",
    "connector.forwarding.db",
    "connector.doctor.db",
    "connector.privacy.db",
)


def load_tables() -> MetaData:
    """Import every module with tables, for migrations and tests."""
    for module in _TABLES:
        import_module(module)
    return metadata


@event.listens_for(metadata, "after_create")
def _raise_walls(_metadata: MetaData, connection: Connection, **_options: Any) -> None:
    for statement in walls.policies(metadata):
        connection.execute(text(statement))


def open_engine(
    database_url: str, *, pool_size: int = 10, statement_timeout: timedelta = timedelta(seconds=30)
) -> AsyncEngine:
    """Open a pool to PostgreSQL; connects on first use.

    Sessions speak UTC, drop statements that run longer than `statement_timeout`, and transactions left idle for a minute.
    """
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    options = (
        f"-c timezone=UTC -c statement_timeout={int(statement_timeout.total_seconds() * 1000)} "
        "-c idle_in_transaction_session_timeout=60000 -c work_mem=16MB"  # what a batch changes is counted in memory
    )
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",  # BEGIN is said by `walls.begin`, together with what the transaction begins with
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        use_native_hstore=False,  # a new session is asked nothing: who is cut off then would leave it open
        hide_parameters=True,  # an error's words go into the log; what was to be stored does not
        connect_args={"options": options, "connect_timeout": 3},
    )
    event.listen(engine.sync_engine, "handle_error", _hide_row)
    event.listen(engine.sync_engine, "begin", walls.begin)
    _greet_the_rested(engine)
    return engine


def _greet_the_rested(engine: AsyncEngine) -> None:
    """Have the pool ping only what rested: before every use it would cost a short read a third of its round trips."""
    dialect, pool = engine.dialect, engine.sync_engine.pool

    def note(_connection: Any, record: Any) -> None:
        record.info["rest_begin"] = time.monotonic()

    def greet(connection: Any, record: Any, _proxy: Any) -> None:
        began = record.info.get("rest_begin")
        if began is None or time.monotonic() - began < _RESTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error:
            raise exc.InvalidatePoolError from None  # the pool opens a new one, and trusts none of the old

    event.listen(pool, "checkin", note)
    event.listen(pool, "checkout", greet)


def at_once(engine: AsyncEngine) -> AbstractAsyncContextManager[Tx]:
    """Open a connection whose every statement commits by itself: one round trip instead of three, for work of one statement."""
    return committing(engine).connect()


def committing(engine: AsyncEngine) -> AsyncEngine:
    """Tell an engine's other self, whose every statement commits by itself. It is made once: that takes as long as a short statement."""
    if (known := _committing.get(engine)) is None:
        known = _committing[engine] = engine.execution_options(**{walls.COMMITTING: True})
    return known


def _hide_row(context: ExceptionContext) -> None:
    """Leave PostgreSQL's message and take its DETAIL away: that one shows the row."""
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.diag.message_primary and wrapped is not None:
        whole, message = str(error), error.diag.message_primary
        error.args = (message,)
        wrapped.args = (str(wrapped.args[0]).replace(whole, message),)


def plain(text: str) -> str:
    """Make any text storable: PostgreSQL takes neither NUL nor lone surrogates, so both become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def first(row: Any) -> dict[str, Any] | None:
    """Turn a row, or its absence, into a plain mapping."""
    return None if row is None else dict(row._mapping)  # noqa: SLF001 – SQLAlchemy's documented way to a mapping
