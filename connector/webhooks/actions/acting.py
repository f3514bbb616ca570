"""Which feature a signal concerns, and what becomes of it.

A batch is acted on in waves: each wave holds signals of one kind, so that many cost little more than one, and what concerns one
conversation keeps its order from wave to wave.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from connector.attribution import actions as attribution
from connector.business_extension import actions as business_extension
from connector.business_extension.model import InstallNews
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import self_tests
from connector.db.schema import Tx
from connector.messaging import actions as messaging
from connector.messaging.model import (
    Deleted,
    Delivered,
    Echo,
    Edited,
    Noted,
    PersonMessage,
    PersonSignal,
    Reacted,
    Read,
)
from connector.runtime import Runtime
from connector.tokens import actions as tokens
from connector.values import Environment
from connector.webhooks import db
from connector.webhooks.actions import news
from connector.webhooks.actions.kinds import shown_kind
from connector.webhooks.model import (
    Delivery,
    Kept,
    OrderHint,
    PageNews,
    PermissionNews,
    PolicyNews,
    SelfTest,
    Signal,
    SignalState,
    TemplateNews,
)

Owners = dict[tuple[Environment, str, str], Connection | None]
Told = tuple[Delivery, Signal]
_Arrived = Sequence[tuple[Connection, Any]]


async def _receive_messages(runtime: Runtime, tx: Tx, arrived: _Arrived) -> None:
    """Keep what people wrote; a cart among it is also the wish for an order."""
    await messaging.receive_messages(runtime, tx, arrived)
    await attribution.receive_carts(runtime, tx, arrived)


_RECEIVERS: Mapping[type, Callable[[Runtime, Tx, _Arrived], Awaitable[object]]] = {
    PersonMessage: _receive_messages,
    Echo: messaging.receive_echoes,
    Delivered: messaging.receive_progress,
    Read: messaging.receive_progress,
    Edited: messaging.receive_changes,
    Deleted: messaging.receive_changes,
    Reacted: messaging.receive_changes,
    Noted: messaging.receive_notes,
}
"""What is done about signals of people: many at once, in their order."""
_OF_PAGES: Mapping[type, Callable[[Runtime, Tx, Connection, Told], Awaitable[str]]] = {
    PageNews: news.receive_page_news,
    PolicyNews: news.receive_policy_news,
    TemplateNews: news.receive_template_news,
}
"""What is done about signals that concern a Page as a whole."""


async def act_on_all(runtime: Runtime, tx: Tx, signals: Sequence[Told]) -> list[str]:
    """Act on signals; what concerns one conversation, or one Page, in its order. Tells what became of each."""
    owners: Owners = {}
    found = [await owner_of(tx, *told, owners) for told in signals]
    outcomes = [""] * len(signals)
    for receive, places in _waves(signals, found):
        if receive is None:
            for place in places:
                outcomes[place] = await act_on_one(runtime, tx, *signals[place], owners=owners)
            continue
        arrived = [(owner, signals[place][1].content) for place in places if (owner := found[place])]
        await receive(runtime, tx, arrived)
        for place in places:
            outcomes[place] = "acted"
    return outcomes


def _waves(signals: Sequence[Told], owners: Sequence[Connection | None]) -> list[tuple[Any, list[int]]]:
    """Part signals into waves of one receiver each: a signal comes into the first one that no earlier signal of its subject is behind."""
    waves: list[tuple[Any, list[int]]] = []
    last: dict[tuple[str, str], int] = {}
    for place, ((_, signal), owner) in enumerate(zip(signals, owners, strict=True)):
        receive = _RECEIVERS.get(type(signal.content)) if owner else None
        person = signal.content.psid if receive and isinstance(signal.content, PersonSignal) else ""
        begin = last.get((signal.page_id, person), 0)
        wave = next((n for n in range(begin, len(waves)) if waves[n][0] is receive), len(waves))
        if wave == len(waves):
            waves.append((receive, []))
        waves[wave][1].append(place)
        last[signal.page_id, person] = wave
    return waves


_OWNERS: Mapping[str, Callable[[Tx, Environment, str], Awaitable[Connection | None]]] = {
    "page": connections.owner_of_page,
    "instagram": connections.owner_of_instagram,
}
"""How the connection is found that an asset belongs to, by Meta's name of the object."""


async def owner_of(tx: Tx, delivery: Delivery, signal: Signal, owners: Owners) -> Connection | None:
    """Find whose Page, or account, a signal concerns; asked once per batch."""
    asset = delivery.environment, signal.object, signal.page_id
    if asset not in owners:
        find = _OWNERS.get(signal.object)
        owners[asset] = await find(tx, delivery.environment, signal.page_id) if find else None
    return owners[asset]


async def act_on_one(runtime: Runtime, tx: Tx, delivery: Delivery, signal: Signal, *, owners: Owners) -> str:
    """Let the feature that a signal concerns act on it; tells what became of it."""
    content = signal.content
    if isinstance(content, SelfTest | PermissionNews | InstallNews):
        return "acted" if await _hear(runtime, tx, delivery, signal) else "unknown"
    if isinstance(content, Kept | OrderHint) or signal.object not in _OWNERS:
        reason = content.reason if isinstance(content, Kept) else ""
        await db.set_aside(tx, delivery, signal, SignalState.KEPT, kind=shown_kind(signal), reason=reason)
        return "kept"
    connection = await owner_of(tx, delivery, signal, owners)
    if connection is None:
        await db.park(tx, delivery, signal)
        return "parked"
    if receive := _OF_PAGES.get(type(content)):
        return await receive(runtime, tx, connection, (delivery, signal))
    await _RECEIVERS[type(content)](runtime, tx, [(connection, content)])
    return "acted"


async def _hear(runtime: Runtime, tx: Tx, delivery: Delivery, signal: Signal) -> bool:
    """Hear what concerns people who connect, installations and ourselves; tells whether we knew of them."""
    match signal.content:
        case SelfTest(nonce):
            return bool(await self_tests.hear(tx, delivery.environment, nonce, at=runtime.now()))
        case InstallNews() as told:
            return bool(await business_extension.note_news(runtime, tx, delivery.environment, told))
        case _:
            return bool(await tokens.notice(tx, delivery.environment, signal.page_id, at=runtime.now()))


def kind_of(signal: Signal) -> str:
    """Name what a signal is, for counting."""
    return type(signal.content).__name__
