"""All that an action may touch: the database and its bell, Meta, the vault, pseudonyms, the clock, new ids, and the apps we are.

Built once per process (or per job) by `open_runtime`; always the first argument. Nothing is opened at import.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from connector.budgets.actions import Ear
from connector.budgets.model import WINDOWS
from connector.db.bell import Bell, open_bell
from connector.db.schema import open_engine
from connector.drift.actions import DriftEar
from connector.errors import FailedPrecondition
from connector.gather import Gather
from connector.graph.client import GraphClient, Heard, open_graph
from connector.pseudonyms import Pseudonyms
from connector.settings import AppProfile, MailServer, Paces, Ring, Settings
from connector.taxonomy import Kind, Taxonomy
from connector.values import Environment, NewId, new_id
from connector.vault import Kept, Key, LocalKey, Vault

Now = Callable[[], datetime]

_LAST_WAIT = timedelta(seconds=2)


_MOST_WHOLES = 4
"""Our own figure: 25 MB each, and once more as the body of a call."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an action may touch."""

    db: AsyncEngine
    bell: Bell
    gather: Gather
    graph: GraphClient
    vault: Vault
    pseudonyms: Pseudonyms
    apps: Mapping[Environment, AppProfile]
    public_url: str
    dialog_url: str
    batch_time: timedelta
    taxonomies: Mapping[Kind, Taxonomy]
    private_pushes: bool
    push_patience: timedelta
    now: Now
    new_id: NewId
    mail: MailServer | None = None
    backfill_time: timedelta = timedelta(days=30)
    backfill_conversations: int = 500
    paces: Paces = field(default_factory=Paces)
    wholes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_WHOLES))
    """Held while a file is whole in memory, on its way to Meta; who comes later waits."""

    def app(self, environment: Environment) -> AppProfile:
        """Tell which Meta app we are in an environment.

        Raises:
            FailedPrecondition: ENVIRONMENT_NOT_CONFIGURED.

        """
        if environment not in self.apps:
            message = f"This connector has no Meta app for {environment}: operators set META_{environment}_APP_ID and its companions"
            raise FailedPrecondition("ENVIRONMENT_NOT_CONFIGURED", message)
        return self.apps[environment]

    def dialog(self, environment: Environment) -> str:
        """Tell where an app's login dialog lives, in the version the app speaks."""
        return f"{self.dialog_url}/{self.app(environment).graph_version}"


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def open_vault(ring: Ring, *, now: Now) -> Vault:
    """Make the vault's keys ready to use; what a key service unwraps is remembered for a while."""
    keys: dict[int, Key] = {number: LocalKey(key) for number, key in ring.keys.items()}
    for number, place in ring.places.items():
        keys[number] = Kept(place.open(ring.transit_token), now=now)
    return Vault(keys, sealing_key_id=ring.sealing_key_id)


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    *,
    now: Now = utc_now,
    ids: NewId = new_id,
    pool_size: int = 10,
    engine: AsyncEngine | None = None,
) -> AsyncIterator[Runtime]:
    """Open everything, and close it in reverse order.

    An `engine` of the caller's keeps the statements it compiled when runtimes follow each other; its connections are closed, too.
    """
    engine, gather = engine or open_engine(settings.database_url.reveal(), pool_size=pool_size), Gather()
    ears = Ear(engine, now, WINDOWS | {"catalog_batch": settings.batch_window}), DriftEar(engine, now)
    versions = {app.app_id: app.graph_version for app in settings.apps.values()}
    vault = open_vault(settings.vault, now=now)

    async def listen(heard: Heard) -> None:
        for ear in ears:
            await ear(heard)

    try:
        async with (
            open_bell(settings.database_url.reveal()) as bell,
            open_graph(settings.graph_url, settings.graph_version, now=now, listen=listen, versions=versions) as graph,
        ):
            yield Runtime(
                db=engine,
                bell=bell,
                gather=gather,
                graph=graph,
                vault=vault,
                pseudonyms=Pseudonyms(engine, vault),
                apps=settings.apps,
                public_url=settings.public_url,
                dialog_url=settings.dialog_url,
                batch_time=settings.batch_time,
                taxonomies=settings.taxonomies,
                private_pushes=settings.private_pushes,
                push_patience=settings.push_patience,
                now=now,
                new_id=ids,
                mail=settings.mail,
                backfill_time=settings.backfill_time,
                backfill_conversations=settings.backfill_conversations,
                paces=settings.paces,
            )
    finally:
        await gather.close()
        await _close(engine)


async def _close(engine: AsyncEngine) -> None:
    """Close the pool when all its connections are back: who was cut off still puts in order what it began."""
    pool: Any = engine.pool
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WAIT.total_seconds()):
            while pool.checkedout():  # noqa: ASYNC110 – the pool tells nobody
                await asyncio.sleep(0.005)
    await engine.dispose()
