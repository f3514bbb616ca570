"""Walks a database along the schema's history (Alembic): to the newest schema, or an older one; and writes what comes next."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

from connector.db import walls
from connector.db.migrations import newest
from connector.db.schema import load_tables
from connector.vault import Secret


def upgrade(database_url: Secret, *, revision: str = "head") -> str:
    """Bring a database to the newest schema, or an older one. Safe to run from several places at once: they take turns.

    Tells what an administrator must do before row-level security can be used; empty when nothing is left.
    """
    with _alone(database_url) as config:
        command.upgrade(config, revision)
        return "" if revision != "head" else walls.admit(config.attributes["connection"], load_tables())


def write(database_url: Secret, words: str) -> None:
    """Write a migration from an up-to-date database to the tables of the code."""
    with _alone(database_url) as config:
        command.revision(config, words, autogenerate=True, rev_id=f"{int(newest()) + 1:04}")


@contextmanager
def _alone(database_url: Secret) -> Iterator[Config]:
    engine = create_engine(make_url(database_url.reveal()).set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('facebook-connector migrations'))"))
            config = _config()
            config.attributes["connection"] = connection
            yield config
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
