"""Databases of a PostgreSQL server, embedded or not: create, clone, drop. Each call opens a connection of its own."""

from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql


def sibling(url: str, name: str) -> str:
    """Return the address of database `name` on the server of `url`."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))


def exists(url: str, name: str) -> bool:
    """Say whether the server of `url` has a database `name`."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def create(url: str, name: str, *, template: str = "template0") -> None:
    """Create `name` as a copy of `template`, which nobody may be connected to."""
    _run(url, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def drop(url: str, name: str) -> None:
    """Drop `name` and its connections; nothing happens when it does not exist."""
    _run(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
