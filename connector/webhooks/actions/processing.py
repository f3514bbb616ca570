"""Deliveries are worked off in the order in which they came, by one worker at a time.

A batch goes in one transaction. When it fails there, its halves are tried, and theirs, until the signal is found that fails: it
is tried again later, alone, and set aside after five tries; its neighbours go on. When a turn was cut off, the next goes piece by
piece, each in a transaction of its own and counted before it begins; pieces shrink until the signal that cuts work off stands
alone. A signal whose Page nobody connected waits, parked, and goes on when somebody has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector import log, metrics
from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.runtime import Runtime
from connector.webhooks import db
from connector.webhooks.actions.acting import Owners, Told, act_on_all, kind_of, owner_of, owners_of
from connector.webhooks.actions.forgetting import gone, strip
from connector.webhooks.actions.kinds import shown_kind
from connector.webhooks.actions.quarantine import ATTEMPTS, quarantine, set_back
from connector.webhooks.actions.trouble import PASSING
from connector.webhooks.graph import read_signals
from connector.webhooks.model import Delivery

BATCH = 100
BATCHES_PER_TURN = 200
PARKED_AGAIN = timedelta(seconds=30)
_PIECES = (100, 10)
"""How many signals are begun together after a batch was cut off, and after a piece was; then one alone."""


Outcome = tuple[str, str]
"""The kind of a signal, and what became of it."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """What signals are about to meet: whose they are, and which are taken in."""

    owners: Owners
    welcome: Sequence[Told]
    unwelcome: Sequence[Told]


async def process(runtime: Runtime, task: Taken) -> None:
    """Work off what waits, oldest first; comes back by itself while signals are parked.

    Raises:
        Unavailable: VAULT_UNAVAILABLE, the pepper cannot be opened by a process that just began.

    """
    await runtime.pseudonyms.ready()
    careful = task.tries > 1  # the turn before came to grief over what comes next
    await _release_parked(runtime)
    for _ in range(1 if careful else BATCHES_PER_TURN):
        going = await (_piece_by_piece(runtime, task) if careful else _together(runtime))
        if not going:
            break
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        if going or await db.next_waiting(tx, limit=1):  # came just now, or a turn that was thought dead held it
            await outbox.again(tx, task, runtime.now())
        elif await db.anything_parked(tx):
            await outbox.again(tx, task, runtime.now() + PARKED_AGAIN)
        else:
            await outbox.done(tx, task, at=runtime.now())


async def _release_parked(runtime: Runtime) -> None:
    async with runtime.db.begin() as tx:
        await db.release_rested(tx, at=runtime.now())
        owned = await connections.owners(tx, await db.parked_assets(tx))
        await db.release(tx, owned)


async def _together(runtime: Runtime) -> bool:
    """Work off a batch in one transaction; tells whether there was one."""
    async with runtime.db.begin() as tx:
        batch = await db.next_waiting(tx, limit=BATCH)
        told = [(delivery, one) for delivery in batch for one in read_signals(delivery.body)[delivery.position :]]
        sight = await _look(runtime, tx, told)
        outcomes = await _settle(runtime, tx, sight)
        await _finish(runtime, tx, batch, sight)
    _count(outcomes)
    for delivery in batch:
        _line(runtime, delivery)
    return bool(batch)


async def _piece_by_piece(runtime: Runtime, task: Taken) -> bool:
    """Work off deliveries in pieces, until the signal that cuts work off is found out; tells whether there were any."""
    async with runtime.db.begin() as tx:
        batch = await db.next_waiting(tx, limit=BATCH)
    for delivery in batch:
        told = [(delivery, signal) for signal in read_signals(delivery.body)]
        position, found = delivery.position, False
        while position < len(told):
            position, cut_off = await _piece(runtime, task, told, position)
            found = found or cut_off
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            await _finish(runtime, tx, [delivery], await _look(runtime, tx, told))
        _line(runtime, delivery)
        if found:
            break
    return bool(batch)


async def _piece(runtime: Runtime, task: Taken, told: Sequence[Told], position: int) -> tuple[int, bool]:
    """Work off a piece of a delivery; tells where the next begins, and whether this was one signal, set aside untried.

    The beginning counts before the work: a piece that was cut off before is made smaller, and a signal alone is given up at last.
    """
    delivery, _ = told[position]
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        tries = await db.begin(tx, delivery, position)
        await outbox.counted_elsewhere(tx, task)
    size = _PIECES[tries - 1] if tries <= len(_PIECES) else 1
    end = min(len(told), (position // size + 1) * size)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        sight = await _look(runtime, tx, told[position:end])
        if cut_off := tries >= ATTEMPTS:
            outcomes = [await _give_up(runtime, tx, one, owners=sight.owners) for one in sight.welcome]
        else:
            outcomes = await _settle(runtime, tx, sight)
        await db.move_on(tx, delivery, end, tries=sum(1 for whole in _PIECES if end % whole))
    _count(outcomes)
    return end, cut_off


async def _look(runtime: Runtime, tx: Tx, told: Sequence[Told]) -> _Sight:
    owners = await owners_of(tx, told)
    unwelcome = await gone(runtime, tx, told, owners=owners)
    welcome = [one for place, one in enumerate(told) if place not in unwelcome]
    return _Sight(owners, welcome, [told[place] for place in sorted(unwelcome)])


async def _settle(runtime: Runtime, tx: Tx, sight: _Sight) -> list[Outcome]:
    """Act on signals, but for those that are not taken in; tells what became of each kind."""
    outcomes = await _act(runtime, tx, sight.welcome, owners=sight.owners)
    heard = {owner.id: one[0].receive_time for one in sight.welcome if (owner := owner_of(*one, sight.owners))}
    await connections.note_receipts(tx, heard)
    settled = [(kind_of(one), outcome) for (_, one), outcome in zip(sight.welcome, outcomes, strict=True)]
    return settled + [(kind_of(one), "forgotten") for _, one in sight.unwelcome]


async def _act(runtime: Runtime, tx: Tx, signals: Sequence[Told], *, owners: Owners) -> list[str]:
    """Act on signals together; when they fail, on each half of them, until the one that fails stands alone: it is set back."""
    try:
        async with tx.begin_nested():
            return await act_on_all(runtime, tx, signals, owners=owners)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 – the top of one signal's work: whatever it trips over is set aside with it
        if len(signals) > 1:
            log.warn("signals.parted", signal_count=len(signals), reason=type(error).__name__)
            middle = len(signals) // 2
            halves = signals[:middle], signals[middle:]
            return [outcome for half in halves for outcome in await _act(runtime, tx, half, owners=owners)]
        ((delivery, signal),) = signals
        log.failed("signal.failed", error, delivery_id=delivery.id)
        owner, reason = owner_of(delivery, signal, owners), type(error).__name__
        return [await set_back(tx, delivery, signal, owner=owner, reason=reason, at=runtime.now())]


async def _give_up(runtime: Runtime, tx: Tx, told: Told, *, owners: Owners) -> Outcome:
    """Set a signal aside that cut its worker off again and again."""
    owner = owner_of(*told, owners)
    await quarantine(tx, *told, owner=owner, reason="every try was cut off", at=runtime.now())
    return kind_of(told[1]), "quarantined"


async def _finish(runtime: Runtime, tx: Tx, batch: Sequence[Delivery], sight: _Sight) -> None:
    """Note that deliveries are settled and whose they were; of what is not taken in nothing is kept."""
    owned = [
        (delivery, owner, signal.page_id, shown_kind(signal))
        for delivery, signal in sight.welcome
        if (owner := owner_of(delivery, signal, sight.owners))
    ]
    await db.note_pages(tx, owned)
    await db.finish(tx, [delivery.id for delivery in batch])
    for delivery in {one.id: one for one, _ in sight.unwelcome}.values():
        await strip(runtime, tx, delivery, owners=sight.owners)


def _count(outcomes: Sequence[Outcome]) -> None:
    for kind, outcome in outcomes:
        metrics.signals.labels(kind, outcome).inc()


def _line(runtime: Runtime, delivery: Delivery) -> None:
    lag = runtime.now() - delivery.receive_time
    log.canonical(
        "delivery.processed",
        delivery_id=delivery.id,
        environment=str(delivery.environment),
        lag_ms=round(lag / timedelta(milliseconds=1), 1),
    )
