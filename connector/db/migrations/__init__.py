"""Whether a database has the schema of this code. Every process asks at its start, so it loads nothing of Alembic: see `history`."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_VERSIONS = Path(__file__).parent / "versions"


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
    if version != newest():
        raise WrongSchemaError(WrongSchemaError.__doc__)


def newest() -> str:
    """Name the newest schema: the number that its migration's file begins with."""
    return max(place.name.partition("_")[0] for place in _VERSIONS.glob("[0-9]*_*.py"))
