"""Tells stores whose consumers do not keep up: events that nobody acknowledges, dead letters, pushes that are disabled.

Alerts follow what is so: each look, every five minutes, opens, updates or closes them. They stand on one of the store's connections;
a store without any has nobody to tell, and is told once it has one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connector import log
from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Standing
from connector.pieces import Cursor, go_through
from connector.pushes import db
from connector.pushes.actions.alarming import DISABLED, of_disabled, place_of
from connector.pushes.model import Push
from connector.runtime import Runtime

STUCK_AFTER = timedelta(hours=1)
"""An event may wait so long before somebody is told."""
STUCK, DEAD = "EVENTS_STUCK", "DEAD_LETTERS_WAITING"
_REASONS = (DISABLED, STUCK, DEAD)
_STORES_AT_ONCE, _MOST_NAMED = 200, 3


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a look found of one store."""

    standings: Sequence[Standing]
    disabled: Sequence[Push]
    at: datetime

    def alerts(self) -> Mapping[str, Alert | None]:
        """Tell which alerts are to be open."""
        return {
            DISABLED: of_disabled(self.disabled) if self.disabled else None,
            STUCK: self._stuck(),
            DEAD: self._dead(),
        }

    def _stuck(self) -> Alert | None:
        known = {push.consumer for push in self.disabled}
        late = [
            (one.oldest_time, one.name)
            for one in self.standings
            if one.name not in known and one.oldest_time and self.at - one.oldest_time >= STUCK_AFTER
        ]
        if not late:
            return None
        since, _ = min(late)
        body = (
            f"Events since {since:%Y-%m-%d %H:%M} UTC are not acknowledged by {_names([name for _, name in late])}. None is lost for 90 days. "
            "Look why they are not taken; DeleteConsumer forgets a consumer that nobody uses any more."
        )
        return Alert(STUCK, "Events are not taken", body, fix_rpc="ListConsumers", item_count=len(late))

    def _dead(self) -> Alert | None:
        dead = [one for one in self.standings if one.dead_letters]
        if not dead:
            return None
        held = sum(one.held_keys for one in dead)
        waits = f" {held} ordering keys wait behind them." if held else ""
        body = (
            f"{_names([one.name for one in dead])} could not work off some events.{waits} ListDeadLetters says why: "
            "mend that, then RedriveDeadLetters; or AckEvents gives them up."
        )
        count = sum(one.dead_letters for one in dead)
        return Alert(DEAD, "Events could not be worked off", body, fix_rpc="RedriveDeadLetters", item_count=count)


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{'the consumer' if len(names) == 1 else 'the consumers'} {', '.join(names[:_MOST_NAMED])}{more}"


async def watch_consumers(runtime: Runtime, task: Taken) -> None:
    """Look at every store that takes events, some at a time."""
    await go_through(runtime, task, _watch)


async def _watch(tx: Tx, cursor: Cursor, at: datetime) -> Cursor | None:
    stores = await db.next_watched(tx, cursor.get("after", ""), _REASONS, limit=_STORES_AT_ONCE)
    if not stores:
        return None
    standings, disabled = defaultdict[str, list[Standing]](list), defaultdict[str, list[Push]](list)
    for one in await events.standings(tx, stores):
        standings[one.store_id].append(one)
    for push in await db.disabled(tx, stores):
        disabled[push.store_id].append(push)
    opened = await db.opened(tx, stores, _REASONS)
    for store_id in stores:
        scene = _Scene(standings[store_id], disabled[store_id], at)
        for reason, alert in scene.alerts().items():
            await _tell(tx, store_id, reason, alert, opened.get((store_id, reason), ()), at=at)
    return {"after": stores[-1]}


async def _tell(
    tx: Tx, store_id: str, reason: str, alert: Alert | None, opened: Sequence[UUID], *, at: datetime
) -> None:
    """Open, update or close an alert; one that is open stays where it is."""
    if alert is None:
        for connection_id in opened:
            await alerts.close_alert(tx, store_id, connection_id, reason, at=at)
        return
    place = opened[0] if opened else await place_of(tx, store_id)
    if place and await alerts.open_alert(tx, store_id, place, alert, at=at):
        log.warn("events.not_taken", store_id=store_id, reason=reason, count=alert.item_count)
