"""Which feature a signal concerns, and what becomes of it."""

from collections.abc import Sequence
from typing import assert_never

from connector.business_extension import actions as business_extension
from connector.business_extension.model import InstallNews
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import self_tests
from connector.db.schema import Tx
from connector.messaging import actions as messaging
from connector.messaging.model import Delivered, Echo, PersonMessage, Read
from connector.runtime import Runtime
from connector.tokens import actions as tokens
from connector.values import Environment
from connector.webhooks import db
from connector.webhooks.model import Delivery, Kept, PermissionNews, SelfTest, Signal, SignalState

Owners = dict[tuple[Environment, str], Connection | None]


async def act_on_all(runtime: Runtime, tx: Tx, signals: Sequence[tuple[Delivery, Signal]]) -> list[str]:
    """Act on signals in their order; what people wrote one after the other is kept at once."""
    owners: Owners = {}
    outcomes: list[str] = []
    wrote: list[tuple[Connection, PersonMessage]] = []
    for delivery, signal in signals:
        owner = await owner_of(tx, delivery, signal, owners)
        if owner is not None and isinstance(signal.content, PersonMessage):
            wrote.append((owner, signal.content))
            outcomes.append("acted")
            continue
        await _keep_written(runtime, tx, wrote)
        outcomes.append(await act_on_one(runtime, tx, delivery, signal, owners=owners))
    await _keep_written(runtime, tx, wrote)
    return outcomes


async def _keep_written(runtime: Runtime, tx: Tx, wrote: list[tuple[Connection, PersonMessage]]) -> None:
    if wrote:
        await messaging.receive_messages(runtime, tx, wrote)
        wrote.clear()


async def owner_of(tx: Tx, delivery: Delivery, signal: Signal, owners: Owners) -> Connection | None:
    """Find whose Page a signal concerns; asked once per batch."""
    page = delivery.environment, signal.page_id
    if page not in owners:
        owners[page] = await connections.owner_of_page(tx, *page) if signal.object == "page" else None
    return owners[page]


async def act_on_one(runtime: Runtime, tx: Tx, delivery: Delivery, signal: Signal, *, owners: Owners) -> str:
    """Let the feature that a signal concerns act on it; tells what became of it."""
    content = signal.content
    if isinstance(content, Kept):
        await db.set_aside(tx, delivery, signal, SignalState.KEPT, kind=content.kind, reason=content.reason)
        return "kept"
    if isinstance(content, SelfTest):
        heard = await self_tests.hear(tx, delivery.environment, content.nonce, at=runtime.now())
        return "heard" if heard else "unknown"
    if isinstance(content, PermissionNews):
        found = await tokens.notice(tx, delivery.environment, signal.page_id, at=runtime.now())
        return "acted" if found else "unknown"
    if isinstance(content, InstallNews):
        known = await business_extension.note_news(runtime, tx, delivery.environment, content)
        return "acted" if known else "unknown"
    connection = await owner_of(tx, delivery, signal, owners)
    if connection is None:
        await db.park(tx, delivery, signal)
        return "parked"
    match content:
        case PersonMessage():
            await messaging.receive_messages(runtime, tx, [(connection, content)])
        case Echo():
            await messaging.receive_echo(runtime, tx, connection, content)
        case Delivered():
            await messaging.receive_delivery(runtime, tx, connection, content)
        case Read():
            await messaging.receive_read(runtime, tx, connection, content)
        case _:
            assert_never(content)
    return "acted"


def kind_of(signal: Signal) -> str:
    """Name what a signal is, for counting."""
    return type(signal.content).__name__
