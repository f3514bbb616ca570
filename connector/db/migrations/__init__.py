"""The schema's history (Alembic), and whether a database is up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.db import walls
from connector.db.schema import load_tables
from connector.vault import Secret

_FOLDER = Path(__file__).parent


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
        number = len(list((_FOLDER / "versions").glob("[0-9]*.py"))) + 1
        command.revision(config, words, autogenerate=True, rev_id=f"{number:04}")


class WrongSchemaError(Exception):
    """The database has another schema than this version needs: run `python -m connector migrate`."""


async def require_current(engine: AsyncEngine) -> None:
    """Refuse to work on a database with another schema than this code needs.

    Raises:
        WrongSchemaError: with the command that mends it.

    """
    async with engine.connect() as connection:
        known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
        version = await connection.scalar(text("SELECT version_num FROM alembic_version")) if known else None
    if version != ScriptDirectory.from_config(_config()).get_current_head():
        raise WrongSchemaError(WrongSchemaError.__doc__)


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
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
