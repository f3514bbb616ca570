"""What a fixture walked once is laid down again for the next test: rows of the database, Meta's memory, our ids, and the hour.

Only where nothing differs: the same settings, the same Meta before the walk, a database without a row or as the walk before
left it. Time goes on from the moment the walk ended, for us and for Meta, so that what is due in an hour is due in an hour.
A test that is about the walk itself asks for `connect`, not for `connected`.
"""

import copy
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.db.schema import load_tables, open_engine
from connector.settings import Settings
from simulator.clock import Clock
from simulator.world import World

TOUCHED = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace IN ('public'::regnamespace, 'days'::regnamespace) AND relkind = 'r' AND relname <> 'alembic_version'
        AND pg_relation_size(oid) > 0
"""
"""Tables, and parts of tables, that have pages, by names that are quoted where need be."""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
_ALIKE = re.compile(r"\b\d{10}\.\d+|\b0x[0-9a-f]+")  # times, and where objects lie

Result = TypeVar("Result")


class Numbers:
    """Numbers for ids, one after the other."""

    def __init__(self) -> None:
        self.last = 0

    def __next__(self) -> int:
        self.last += 1
        return self.last


@dataclass(slots=True)
class Keeper:
    """One connection for all that happens to a database between the tests: what a new one must read first is known to it."""

    database_url: str
    _open: psycopg.Connection[Any] | None = None

    def connection(self) -> psycopg.Connection[Any]:
        """Return it; a new one when a test cut it off."""
        if self._open is not None:
            try:
                self._open.execute("SELECT")
            except psycopg.OperationalError:
                self.close()
        if self._open is None:
            self._open = psycopg.connect(self.database_url, autocommit=True)
        return self._open

    def close(self) -> None:
        """Close it."""
        if self._open is not None:
            self._open.close()
            self._open = None


@cache
def keep_engine(database_url: str) -> AsyncEngine:
    """Open a pool, the same for all tests of a worker: statements are compiled once; each test closes its connections."""
    return open_engine(database_url, pool_size=5)


@dataclass(frozen=True, slots=True)
class Site:
    """What a walk changes, and what decides whether two walks are alike."""

    settings: Settings
    keeper: Keeper
    world: World
    numbers: Numbers
    now: Callable[[], datetime]
    jump: Callable[[timedelta], None]
    walked: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Keepsake(Generic[Result]):
    before: object
    result: Result
    rows: sql.Composed
    memory: dict[str, Any]
    last_number: int
    time: datetime
    meta_time: float


_KEPT: dict[str, list[_Keepsake[Any]]] = {}


async def once(name: str, site: Site, walk: Callable[[], Awaitable[Result]]) -> Result:
    """Do a walk, or lay down what an equal one left."""
    before, database = _state(site), site.keeper.connection()
    known = site.walked or not database.execute(TOUCHED).fetchone()
    for kept in _KEPT.get(name, []) if known else ():
        if kept.before == before:
            _lay_down(kept, site, database)
            result: Result = kept.result
            break
    else:
        result = await walk()
        if known:
            _KEPT.setdefault(name, []).append(_keep(before, result, site, database))
    site.walked.append(name)
    return result


def empty(database: psycopg.Connection[Any]) -> None:
    """Empty the tables that somebody touched: a table without pages costs as much to truncate as twenty with."""
    touched = [sql.SQL(name) for (name,) in database.execute(TOUCHED)]
    if touched:
        database.execute("ALTER TABLE audit_entries DISABLE TRIGGER keep_audit")  # it refuses to be emptied
        database.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.SQL(", ").join(touched)))
        database.execute("ALTER TABLE audit_entries ENABLE TRIGGER keep_audit")


def _state(site: Site) -> object:
    """Describe what a walk begins with."""
    meta = _ALIKE.sub("", repr(vars(site.world)) + repr(site.world.random.getstate()))
    return replace(site.settings, graph_url="", dialog_url=""), meta, site.numbers.last, tuple(site.walked)


def _keep(before: object, result: Result, site: Site, database: psycopg.Connection[Any]) -> _Keepsake[Result]:
    memory = _copy(vars(site.world), Clock())
    return _Keepsake(before, result, _write(database), memory, site.numbers.last, site.now(), site.world.clock.now())


def _lay_down(kept: _Keepsake[Any], site: Site, database: psycopg.Connection[Any]) -> None:
    if site.walked:
        empty(database)
    database.execute(kept.rows)
    world = site.world
    vars(world).update(_copy(kept.memory, world.clock))
    site.numbers.last = kept.last_number
    site.jump(kept.time - site.now())
    world.clock._offset_seconds += kept.meta_time - world.clock.now()


def _copy(memory: dict[str, Any], clock: Clock) -> dict[str, Any]:
    """Copy Meta's memory around another clock: the one that a test's server waits at stays."""
    return copy.deepcopy(memory, {id(memory["clock"]): clock})


def _write(database: psycopg.Connection[Any]) -> sql.Composed:
    """Write the statements that make the rows again, whatever triggers would do with them."""
    order = {
        table.name: place for place, table in enumerate(load_tables().sorted_tables)
    }  # who is pointed at comes first
    touched = sorted((name for (name,) in database.execute(TOUCHED)), key=lambda name: order.get(name, len(order)))
    written = []
    for name in map(sql.SQL, touched):
        columns = sql.SQL(", ").join(
            sql.Identifier(column) for (column,) in database.execute(_COLUMNS, [name.as_string()])
        )
        (rows,) = database.execute(sql.SQL("SELECT json_agg(t)::text FROM {} AS t").format(name)).fetchone() or ("",)
        if not rows:
            continue
        parts = {"table": name, "columns": columns, "rows": sql.Literal(rows)}
        written.append(sql.SQL(_MAKE).format(**parts))
    ends = [
        sql.SQL("SELECT setval({name}, greatest({last}, (SELECT last_value FROM {sequence})));").format(
            name=sql.Literal(name), last=sql.Literal(last), sequence=sql.Identifier(name)
        )
        for name, last in database.execute(_SEQUENCES)
    ]
    return sql.SQL("\n").join([*written, *ends])


_MAKE = """
    ALTER TABLE {table} DISABLE TRIGGER USER;
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
        SELECT {columns} FROM json_populate_recordset(NULL::{table}, {rows}::json);
    ALTER TABLE {table} ENABLE TRIGGER USER;
"""
