"""The rules of a connection's catalog: read, changed, and what follows from a change planned at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.catalog.actions.schedule import TURNS, next_time
from connector.catalog.actions.syncs import wake_schedule
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.registry.db import rules as db
from connector.registry.model import Rules
from connector.runtime import Runtime

_OF_STOCK = "safety_stock", "last_units"


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules, and when the catalog next syncs by itself."""

    rules: Rules
    next_full_sync_time: datetime | None
    next_delta_sync_time: datetime | None


async def settings(runtime: Runtime, store_id: str, connection_id: str) -> Settings:
    """Tell the rules of a connection."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await _settings(tx, connection, await db.read(tx, connection.id), at=runtime.now())


async def change_settings(runtime: Runtime, store_id: str, connection_id: str, changes: Mapping[str, Any]) -> Settings:
    """Change some rules of a connection; other stock rules offer every counted item anew, other periods plan anew."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id, lock=True)
        before = await db.read(tx, connection.id)
        rules = replace(before, **changes)
        if rules != before:
            await db.write(tx, connection.id, rules, at=at)
            if connection.catalog_go_time:
                await wake_schedule(tx, connection, at=at)
        if any(getattr(rules, name) != getattr(before, name) for name in _OF_STOCK):
            key = f"{Task.OFFER_AGAIN}:{connection.id}"
            await outbox.add(tx, Task.OFFER_AGAIN, due=at, connection_id=connection.id, key=key)
        return await _settings(tx, connection, rules, at=at)


async def _settings(tx: Tx, connection: Connection, rules: Rules, *, at: datetime) -> Settings:
    turns = [await next_time(tx, connection, rules, name, at=at) for name in TURNS]
    return Settings(rules, *turns)
