"""Deliveries are kept before anything is parsed, and only then answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import psycopg

from connector.db.schema import at_once
from connector.errors import Unavailable
from connector.graph.signatures import verify_webhook
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import Environment
from connector.webhooks import db
from connector.webhooks.actions.trouble import PASSING
from connector.webhooks.graph import without_tokens
from connector.webhooks.model import Arrival

KEEP_LIMIT = timedelta(seconds=4)
"""How long an answer to Meta may wait for the database: Meta itself waits 5 s (Unverified: recalled; 20 s in its FAQ)."""


def sign_of(apps: Mapping[Environment, AppProfile], body: bytes, header: str) -> Environment | None:
    """Tell whose signature a webhook bears, by any active secret of any of our apps; None for a forged one.

    One of the older scheme counts for those apps that are set to allow it.
    """
    old = header.startswith("sha1=")
    genuine = [
        app.environment
        for app in apps.values()
        if (app.sha1_allowed or not old)
        and verify_webhook(body, header, app.secrets, scheme="sha1" if old else "sha256")
    ]
    return genuine[0] if genuine else None


Keep = Callable[[Sequence[Arrival]], Awaitable[None]]


@asynccontextmanager
async def keeping(runtime: Runtime) -> AsyncIterator[Keep]:
    """Hold a connection and hand out what keeps deliveries on it: one statement, one commit, nothing parsed.

    Access tokens that Meta sends along are masked: whoever reads what is kept learns none. Signatures were checked on arrival.

    Raises:
        Unavailable: DATABASE_UNAVAILABLE, here and in what is handed out, when the database did not answer in time.

    """
    async with AsyncExitStack() as stack:
        with _answering():
            async with asyncio.timeout(KEEP_LIMIT.total_seconds()):
                connection = await stack.enter_async_context(at_once(runtime.db))
                driver = cast("psycopg.AsyncConnection[Any]", (await connection.get_raw_connection()).driver_connection)

        async def keep(arrivals: Sequence[Arrival]) -> None:
            with _answering():
                async with asyncio.timeout(KEEP_LIMIT.total_seconds()):
                    await db.keep(driver, [_masked(one) for one in arrivals], at=runtime.now())

        yield keep


def _masked(arrival: Arrival) -> Arrival:
    body = without_tokens(arrival.body)
    return arrival if body is arrival.body else replace(arrival, body=body)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (*PASSING, psycopg.OperationalError, psycopg.InterfaceError) as error:  # OSError: also TimeoutError
        raise Unavailable("DATABASE_UNAVAILABLE", "The connector's database cannot be reached; send again") from error
