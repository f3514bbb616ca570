"""News that concern a Page as a whole: told to StormCom once, however often and in whatever order Meta tells them.

What Meta enforces on a Page stops messaging there, until Meta says that it is over or a call works again.
"""

from collections.abc import Mapping
from typing import Any

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.connections.actions.news import tell
from connector.connections.actions.standing import heal
from connector.connections.model import Block, CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import PERIODIC
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Draft
from connector.messaging.db.tables import storable
from connector.runtime import Runtime
from connector.webhooks import db
from connector.webhooks.db import told
from connector.webhooks.model import Delivery, PageNews, PolicyNews, Signal, SignalState

BLOCKED, WARNED = "META_POLICY_BLOCKED", "PAGE_POLICY_WARNING"
_QUALITY = "https://www.facebook.com/{page_id}/settings/?tab=page_quality"  # Unverified: the page's address

_Told = tuple[Delivery, Signal]


async def receive_page_news(runtime: Runtime, tx: Tx, connection: Connection, signal: _Told) -> str:
    """Tell StormCom what happened on a Page."""
    content: Any = signal[1].content
    return await _tell_activity(runtime, tx, connection, signal[1], content.document())


async def receive_template_news(runtime: Runtime, tx: Tx, connection: Connection, signal: _Told) -> str:
    """Tell StormCom what Meta decided about a message template, and have the templates read anew: Meta's own list counts."""
    news: Any = signal[1].content
    await outbox.hasten(tx, f"{PERIODIC}SYNC_TEMPLATES:{connection.id}", due=runtime.now())
    document = PageNews("message_template_status_update", news.name, news.status, text=news.reason).document()
    return await _tell_activity(runtime, tx, connection, signal[1], document)


async def receive_policy_news(runtime: Runtime, tx: Tx, connection: Connection, signal: _Told) -> str:
    """Stop messaging on a Page that Meta blocks, or let it go on; tell what needs a person."""
    news: Any = signal[1].content
    subject = "warning" if news.action == "warning" else "block"
    if not await told.is_latest(tx, connection.id, f"policy:{subject}", news.time):
        return "known"
    now, store_id = runtime.now(), connection.store_id
    match news.action:
        case "block":
            await _block(runtime, tx, connection, news)
            await alerts.open_alert(tx, store_id, connection.id, _alert(connection, news), at=now)
        case "unblock":
            await _unblock(runtime, tx, connection)
            for reason in (BLOCKED, WARNED):
                await alerts.close_alert(tx, store_id, connection.id, reason, at=now)
        case "warning":
            await alerts.open_alert(tx, store_id, connection.id, _alert(connection, news), at=now)
        case _:
            aside = db.SetAside(SignalState.KEPT, "page.policy_enforcement", "")
            await db.set_aside(tx, *signal, aside, owner=connection)
            return "kept"
    return "acted"


async def _block(runtime: Runtime, tx: Tx, connection: Connection, news: PolicyNews) -> None:
    current = await connections.by_id(tx, connection.id, lock=True)
    if current is not None and CapabilityKind.MESSAGING not in current.blocks:
        blocks = {**current.blocks, CapabilityKind.MESSAGING: Block(BLOCKED, news.time)}
        await tell(tx, await connections.stand(tx, connection.id, blocks, at=runtime.now()), at=runtime.now())


async def _unblock(runtime: Runtime, tx: Tx, connection: Connection) -> None:
    current = await connections.by_id(tx, connection.id, lock=True)
    block = current.blocks.get(CapabilityKind.MESSAGING) if current else None
    if current is not None and block is not None and block.reason == BLOCKED:
        await tell(tx, await heal(runtime, tx, current, CapabilityKind.MESSAGING), at=runtime.now())


def _alert(connection: Connection, news: PolicyNews) -> Alert:
    said = f"Meta says: {news.reason}. " if news.reason else ""
    link = _QUALITY.format(page_id=connection.page_id)
    if news.action == "block":
        words = "The Page cannot write to people until Meta lifts this. Look into the Page's quality, and appeal there if it is wrong."
        return Alert(BLOCKED, "Meta has stopped the Page from writing messages", said + words, link=link)
    words = "Mend what Meta names: the next step is that the Page cannot write any more."
    return Alert(WARNED, "Meta warns the Page because of its messages", said + words, link=link)


async def _tell_activity(
    runtime: Runtime, tx: Tx, connection: Connection, signal: Signal, document: Mapping[str, Any]
) -> str:
    if not await told.is_first(tx, connection.id, signal.raw, at=runtime.now()):
        return "known"
    body, key = storable(document), f"page:{connection.id}"
    await events.append(tx, Draft(connection.store_id, connection.id, key, "page_activity", body), at=runtime.now())
    return "acted"
