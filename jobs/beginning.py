"""What relay and workers look at before they begin: both servers answer, and the schema is ours.

A server that is lost later is waited for; one that is not there at the start is a wrong setting more often than not.
"""

import asyncio

from redis.exceptions import RedisError

from connector.db import migrations
from connector.db.schema import open_engine
from connector.settings import Settings, SettingsError
from jobs import bell


async def require_servers(settings: Settings) -> None:
    """Refuse to begin without our schema in PostgreSQL, or without Redis; leaves no connection open.

    Raises:
        WrongSchemaError: the database has another schema.
        SettingsError: Redis does not answer.

    """
    engine = open_engine(settings.database_url.reveal(), pool_size=1)
    try:
        await migrations.require_current(engine)
    finally:
        await engine.dispose()
    await asyncio.to_thread(_require_redis, settings.redis_url.reveal())


def _require_redis(url: str) -> None:
    try:
        with bell.connect(url) as redis:
            redis.ping()
    except RedisError as problem:
        raise SettingsError(f"The Redis at REDIS_URL cannot be reached: {problem}") from None
