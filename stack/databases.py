"""Databases of a PostgreSQL server, embedded or not: create, clone, drop. Each call opens a connection of its own."""

from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from stack.problems import StackError

CONNECT_TIMEOUT_SECONDS = 5


def require_answer(url: str) -> None:
    """Raise `StackError`, naming the variable, unless a PostgreSQL answers at `url`."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS):
            pass
    except (psycopg.OperationalError, psycopg.ProgrammingError) as failure:
        reason = str(failure).strip().splitlines()[0]
        raise StackError(
            f"DATABASE_URL does not lead to a PostgreSQL ({reason}): correct it, or unset it to use the embedded one."
        ) from None


def sibling(url: str, name: str) -> str:
    """Return the address of database `name` on the server of `url`."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))


def names(url: str, pattern: str) -> list[str]:
    """Return the databases of the server of `url` whose names are like `pattern` (SQL's LIKE; `_` is itself)."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY datname", (pattern.replace("_", r"\_"),)
        )
        return [row[0] for row in rows]


def create(url: str, name: str, *, template: str = "template0") -> None:
    """Create `name` as a copy of `template`, which nobody may be connected to."""
    _run(url, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def rename(url: str, name: str, *, to: str) -> None:
    """Rename a database that nobody is connected to."""
    _run(url, sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(to)))


def drop(url: str, name: str) -> None:
    """Drop `name` and its connections; nothing happens when it does not exist."""
    _run(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
