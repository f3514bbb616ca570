"""The schema's history (Alembic), and whether a database is up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.vault import Secret

_FOLDER = Path(__file__).parent


def upgrade(database_url: Secret) -> None:
    """Bring a database to the newest schema. Safe to run from several places at once: they take turns."""
    engine = create_engine(make_url(database_url.reveal()).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('facebook-connector migrations'))"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
