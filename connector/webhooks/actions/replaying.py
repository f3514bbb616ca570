"""Replays: deliveries and signals are worked off once more, on the same road as the first time.

Whatever they say was counted by Meta's own ids already, so a replay changes nothing but what went wrong. A delivery is replayed as a whole, also
what it says of other stores' Pages: of those nothing changes either.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from connector import log
from connector.db import outbox, walls
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import InvalidInput
from connector.runtime import Runtime
from connector.webhooks import db
from connector.webhooks.actions.quarantine import tell
from connector.webhooks.actions.showing import missing_delivery, missing_signal, require_own
from connector.webhooks.db import setting_aside, showing
from connector.webhooks.model import Aside, Brought

MOST_REPLAYED = 10_000
_PIECE = 500


async def replay_deliveries(
    runtime: Runtime, wanted: showing.Wanted, delivery_ids: Sequence[int] = (), *, reason: str, dry_run: bool
) -> int:
    """Have deliveries, named or chosen, worked off again; tells how many.

    Raises:
        NotFound: DELIVERY_NOT_FOUND, one that is named is not the store's, or its bytes are gone.
        InvalidInput: REPLAY_TOO_LARGE, more are chosen than one call replays.

    """
    async with runtime.db.begin() as tx:
        if delivery_ids:
            found = await showing.get(tx, wanted.store_id, delivery_ids)
        else:
            await require_own(tx, wanted.store_id, wanted.connection_id)
            found = await showing.list_page(tx, wanted, before=None, limit=MOST_REPLAYED + 1)
    for absent in sorted({*delivery_ids} - {one.id for one in found}):
        raise missing_delivery(str(absent))
    _require_few(len(found))
    if not dry_run:
        with walls.beyond():
            for begin, end in pairwise([*range(0, len(found), _PIECE), len(found)]):
                async with runtime.db.begin() as tx:
                    await _work_again(tx, found[begin:end], at=runtime.now())
        log.canonical("deliveries.replayed", store_id=wanted.store_id, delivery_count=len(found), why=reason)
    return len(found)


async def _work_again(tx: Tx, found: Sequence[Brought], *, at: datetime) -> None:
    times = [one.receive_time for one in found]
    await db.work_again(tx, [one.id for one in found], begin_time=min(times), end_time=max(times))
    await _ask(tx, at=at)


async def replay_signals(
    runtime: Runtime, wanted: setting_aside.Wanted, signal_ids: Sequence[int] = (), *, reason: str, dry_run: bool
) -> int:
    """Have signals that were set aside, named or chosen, worked off again; tells how many.

    Raises:
        NotFound: SIGNAL_NOT_FOUND.
        InvalidInput: REPLAY_TOO_LARGE.

    """
    found = await _choose(runtime, wanted, signal_ids)
    if found and not dry_run:
        with walls.beyond():
            async with runtime.db.begin() as tx:
                await setting_aside.replay(tx, wanted.store_id, [one.id for one in found], at=runtime.now())
                await _ask(tx, at=runtime.now())
                await _settle(tx, wanted.store_id, found, at=runtime.now())
        log.canonical("signals.replayed", store_id=wanted.store_id, signal_count=len(found), why=reason)
    return len(found)


async def dismiss_signals(runtime: Runtime, store_id: str, signal_ids: Sequence[int], *, reason: str) -> int:
    """Have signals that were set aside shown as a trouble no longer; tells how many.

    Raises:
        NotFound: SIGNAL_NOT_FOUND.

    """
    found = await _choose(runtime, setting_aside.Wanted(store_id), signal_ids)
    async with runtime.db.begin() as tx:
        await setting_aside.dismiss(tx, store_id, [one.id for one in found])
        await _settle(tx, store_id, found, at=runtime.now())
    log.canonical("signals.dismissed", store_id=store_id, signal_count=len(found), why=reason)
    return len(found)


async def _choose(runtime: Runtime, wanted: setting_aside.Wanted, signal_ids: Sequence[int]) -> list[Aside]:
    """Find what is meant. Named ones may have been replayed or dismissed before; chosen ones have not."""
    async with runtime.db.begin() as tx:
        if signal_ids:
            found = await setting_aside.get(tx, wanted.store_id, signal_ids)
        else:
            await require_own(tx, wanted.store_id, wanted.connection_id)
            found = await setting_aside.list_page(tx, wanted, before=None, limit=MOST_REPLAYED + 1)
    for absent in sorted({*signal_ids} - {one.id for one in found}):
        raise missing_signal(str(absent))
    _require_few(len(found))
    return found


async def _settle(tx: Tx, store_id: str, found: Sequence[Aside], *, at: datetime) -> None:
    for connection_id in sorted({one.connection_id for one in found}):
        await tell(tx, store_id, connection_id, at=at)


async def _ask(tx: Tx, *, at: datetime) -> None:
    await outbox.add(tx, Task.PROCESS_DELIVERY, due=at, key=db.KEY)


def _require_few(count: int) -> None:
    if count > MOST_REPLAYED:
        raise InvalidInput.of(
            "begin_time",
            "REPLAY_TOO_LARGE",
            f"chooses more than {MOST_REPLAYED}: narrow the time, the Page or the kind",
            limit=MOST_REPLAYED,
        )
