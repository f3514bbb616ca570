"""Wipes every token of a connection at once: Meta, or the merchant, took the consent back. Nothing of ours can use them from then on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from connector.connections import actions as connecting
from connector.connections import db as connections
from connector.connections.model import Connection, State
from connector.db.schema import Tx
from connector.privacy.db import logins
from connector.privacy.model.classes import DataClass
from connector.privacy.model.data_map import columns_of


async def wipe(tx: Tx, connection_id: UUID, reason: str, *, at: datetime) -> Connection | None:
    """Wipe a connection's tokens, end what waits for a choice, and tell StormCom. A linked one keeps its Page and needs a login."""
    found = await connections.by_id(tx, connection_id, lock=True)
    if found is None:
        return None
    if found.state is State.DISCONNECTING:  # it was on its way out
        found = await connecting.unlink(tx, found, at=at)
    tokens = dict.fromkeys((*columns_of("connections", DataClass.SEALED), "login_offer", "login_expire_time", "offer"))
    values: dict[str, Any] = {**tokens, "token_time": at}
    if found.live:
        values |= {"state": State.NEEDS_LOGIN, "reason": reason}
    elif found.state in {State.AWAITING_LOGIN, State.AWAITING_CHOICE}:
        values |= {"state": State.DISCONNECTED, "reason": reason}
    await connections.withdraw_logins(tx, found.id, at=at)
    await logins.forget_retired(tx, found.id)
    changed = await connections.change(tx, found.id, at=at, **values)
    if (changed.state, changed.reason) != (found.state, found.reason):
        await connecting.tell(tx, changed, at=at)
    return changed
