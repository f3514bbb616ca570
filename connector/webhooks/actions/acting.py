"""Which feature a signal concerns, and what becomes of it.

A batch is acted on in waves: each wave holds signals of one kind, so that many cost little more than one, and what concerns one
conversation keeps its order from wave to wave.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from connector.attribution import actions as attribution
from connector.business_extension import actions as business_extension
from connector.business_extension.model import InstallNews
from connector.connections import db as connections
from connector.connections.db import OWNED, Asset
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
from connector.orders import actions as orders
from connector.runtime import Runtime
from connector.tokens import actions as tokens
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

Owners = Mapping[Asset, Connection]
"""The live connections of the assets that signals are about."""
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


async def act_on_all(runtime: Runtime, tx: Tx, signals: Sequence[Told], *, owners: Owners) -> list[str]:
    """Act on signals; what concerns one conversation, or one Page, in its order. Tells what became of each."""
    found = [owner_of(*told, owners) for told in signals]
    outcomes = [""] * len(signals)
    for receive, places in _waves(signals, found):
        if receive is None:
            for place in places:
                outcomes[place] = await _act_on_one(runtime, tx, signals[place], owner=found[place])
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


async def owners_of(tx: Tx, signals: Iterable[Told]) -> Owners:
    """Find whose Pages, or accounts, signals concern."""
    return await connections.owners(tx, {_asset(*one) for one in signals})


def owner_of(delivery: Delivery, signal: Signal, owners: Owners) -> Connection | None:
    """Tell whose Page, or account, a signal concerns."""
    return owners.get(_asset(delivery, signal))


def _asset(delivery: Delivery, signal: Signal) -> Asset:
    return delivery.environment, signal.object, signal.page_id


async def _act_on_one(runtime: Runtime, tx: Tx, told: Told, *, owner: Connection | None) -> str:
    """Act on a signal that concerns no person in a conversation, or nobody's; tells what became of it."""
    delivery, signal = told
    content = signal.content
    if isinstance(content, SelfTest | PermissionNews | InstallNews):
        return "acted" if await _hear(runtime, tx, delivery, signal) else "unknown"
    if isinstance(content, OrderHint) and await orders.note_hint(
        runtime, tx, owner, content.account_id or signal.page_id
    ):
        return "acted"
    if isinstance(content, Kept | OrderHint) or signal.object not in OWNED:
        reason = content.reason if isinstance(content, Kept) else ""
        aside = db.SetAside(SignalState.KEPT, shown_kind(signal), reason)
        await db.set_aside(tx, delivery, signal, aside, owner=owner)
        return "kept"
    if owner is None:
        await db.park(tx, delivery, signal)
        return "parked"
    return await _OF_PAGES[type(content)](runtime, tx, owner, told)


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
