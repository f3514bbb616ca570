"""Deliveries are worked off in the order in which they came, by one worker at a time.

A whole batch goes in one transaction while all goes well. When a signal fails, the batch is done again with a savepoint around
each: the one that fails is tried again later, alone, and set aside after five tries; its neighbours go on. When a turn was cut off, the next goes signal by signal, each in a
transaction of its own and counted before it begins. A signal whose Page nobody connected waits, parked, and goes on when
somebody has.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from connector import log, metrics
from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.runtime import Runtime
from connector.webhooks import db
from connector.webhooks.actions.acting import Owners, act_on_all, act_on_one, kind_of
from connector.webhooks.actions.forgetting import gone, strip
from connector.webhooks.actions.kinds import shown_kind
from connector.webhooks.actions.quarantine import quarantine, set_back
from connector.webhooks.actions.trouble import PASSING
from connector.webhooks.graph import read_signals
from connector.webhooks.model import Delivery, Signal

BATCH = 100
BATCHES_PER_TURN = 200
TRIES = 5
"""How often a signal is tried: once with its batch, then alone; after that it is set aside."""
PARKED_AGAIN = timedelta(seconds=30)
_Act = Callable[[Runtime, Tx, Sequence[tuple[Delivery, Signal]]], Awaitable[list[str]]]


async def process(runtime: Runtime, task: Taken) -> None:
    """Work off what waits, oldest first; comes back by itself while signals are parked.

    Raises:
        Unavailable: VAULT_UNAVAILABLE, the pepper cannot be opened by a process that just began.

    """
    await runtime.pseudonyms.ready()
    careful = task.tries > 1  # the turn before came to grief over what comes next
    await _release_parked(runtime)
    for _ in range(1 if careful else BATCHES_PER_TURN):
        going = await (_one_by_one(runtime, task) if careful else _together(runtime))
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
        for environment, page_id in await db.parked_pages(tx):
            owner = await connections.owner_of_page(tx, environment, page_id)
            if owner or await connections.owner_of_instagram(tx, environment, page_id):
                await db.release(tx, environment, page_id)


async def _together(runtime: Runtime) -> bool:
    """Work off a batch in one transaction; tells whether there was one."""
    try:
        return await _work_off(runtime, act_on_all)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 – whatever one signal trips over must not stop its neighbours
        log.failed("batch.failed", error)
        return await _work_off(runtime, _act_on_each)


async def _work_off(runtime: Runtime, act: _Act) -> bool:
    async with runtime.db.begin() as tx:
        batch = await db.next_waiting(tx, limit=BATCH)
        read = [(delivery, read_signals(delivery.body)[delivery.position :]) for delivery in batch]
        told = [(delivery, signal) for delivery, listed in read for signal in listed]
        unwelcome = await gone(runtime, tx, told)
        signals = [(delivery, signal) for place, (delivery, signal) in enumerate(told) if place not in unwelcome]
        outcomes = await act(runtime, tx, signals)
        await _note_receipts(tx, signals)
        await db.note_pages(tx, [(delivery, signal.page_id, shown_kind(signal)) for delivery, signal in signals])
        await db.finish(tx, [delivery.id for delivery in batch])
        for delivery in {told[place][0].id: told[place][0] for place in unwelcome}.values():
            await strip(runtime, tx, delivery)
    _count([(kind_of(signal), outcome) for (_, signal), outcome in zip(signals, outcomes, strict=True)])
    _count([(kind_of(told[place][1]), "forgotten") for place in unwelcome])
    for delivery in batch:
        _line(runtime, delivery)
    return bool(batch)


async def _note_receipts(tx: Tx, signals: Sequence[tuple[Delivery, Signal]]) -> None:
    """Note for the status when Meta last told something about each Page."""
    pages = ((delivery, signal.page_id) for delivery, signal in signals if signal.object == "page")
    heard = {(delivery.environment, page_id): delivery.receive_time for delivery, page_id in pages}
    for (environment, page_id), time in heard.items():
        await connections.note_receipt(tx, environment, page_id, time)


async def _act_on_each(runtime: Runtime, tx: Tx, signals: Sequence[tuple[Delivery, Signal]]) -> list[str]:
    """Act on signals one by one; those that fail are set aside."""
    owners: Owners = {}
    return [await _act_or_set_aside(runtime, tx, delivery, signal, owners=owners) for delivery, signal in signals]


async def _act_or_set_aside(runtime: Runtime, tx: Tx, delivery: Delivery, signal: Signal, *, owners: Owners) -> str:
    """Act on a signal behind a savepoint; one that fails is set aside."""
    try:
        async with tx.begin_nested():
            return await act_on_one(runtime, tx, delivery, signal, owners=owners)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 – the top of one signal's work: whatever it trips over is set aside with it
        log.failed("signal.failed", error, delivery_id=delivery.id)
        reason = type(error).__name__
        return await set_back(tx, delivery, signal, kind=shown_kind(signal), reason=reason, at=runtime.now())


async def _one_by_one(runtime: Runtime, task: Taken) -> bool:
    """Work off a batch signal by signal; tells whether there was one."""
    async with runtime.db.begin() as tx:
        batch = await db.next_waiting(tx, limit=BATCH)
    for delivery in batch:
        for position, signal in enumerate(read_signals(delivery.body)):
            if position >= delivery.position:
                await _alone(runtime, task, delivery, signal, position)
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            told = read_signals(delivery.body)
            await db.note_pages(tx, [(delivery, signal.page_id, shown_kind(signal)) for signal in told])
            await db.finish(tx, [delivery.id])
            if await gone(runtime, tx, [(delivery, signal) for signal in told]):
                await strip(runtime, tx, delivery)
        _line(runtime, delivery)
    return bool(batch)


async def _alone(runtime: Runtime, task: Taken, delivery: Delivery, signal: Signal, position: int) -> None:
    """Work off one signal; the beginning counts before the work, so that one which kills its worker is found out."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        tries = await db.begin(tx, delivery, position)
        await outbox.counted_elsewhere(tx, task)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        if await gone(runtime, tx, [(delivery, signal)]):
            outcome = "forgotten"
        elif tries < TRIES:
            outcome = await _act_or_set_aside(runtime, tx, delivery, signal, owners={})
        else:
            outcome, reason = "quarantined", "every try was cut off"
            await quarantine(
                tx, delivery, signal, kind=shown_kind(signal), reason=reason, tries=tries, at=runtime.now()
            )
        await _note_receipts(tx, [(delivery, signal)])
        await db.move_on(tx, delivery, position + 1)
    _count([(kind_of(signal), outcome)])


def _count(outcomes: Sequence[tuple[str, str]]) -> None:
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
