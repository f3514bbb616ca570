"""What the connector does about deliveries: keep them, then work off what they say.

One worker at a time works them off in the order in which they came: a whole batch in one transaction while all goes well. When
a signal fails, the batch is done again with a savepoint around each: the one that fails is set aside, its neighbours go on.
When a turn was cut off, the next goes signal by signal, each in a transaction of its own and counted before it begins.

A signal whose Page nobody connected waits, parked, and goes on when somebody has.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never, cast

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from connector import log, metrics
from connector.business_extension import actions as business_extension
from connector.business_extension.model import InstallNews
from connector.connections import db as connections
from connector.connections.model import Connection
from connector.db import forgotten, outbox, retentions, self_tests
from connector.db.outbox import LeaseLost, Taken
from connector.db.schema import Tx
from connector.errors import Unavailable
from connector.graph.signatures import verify_webhook
from connector.messaging import actions as messaging
from connector.messaging.model import Delivered, Echo, PersonMessage, Read
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.tokens import actions as tokens
from connector.values import Environment
from connector.webhooks import db
from connector.webhooks.graph import read_signals, without, without_tokens
from connector.webhooks.model import Arrival, Delivery, Kept, PermissionNews, SelfTest, Signal, SignalState, digest

KEEP_LIMIT = timedelta(seconds=4)
"""How long an answer to Meta may wait for the database: Meta itself waits 5 s (Unverified: recalled; 20 s in its FAQ)."""
BATCH = 100
BATCHES_PER_TURN = 200
TRIES = 4
"""At which beginning a signal is set aside instead: before its task would be given up (outbox.CRASH_LIMIT)."""
PARKED_AGAIN = timedelta(seconds=30)

_Owners = dict[tuple[Environment, str], Connection | None]
_Act = Callable[[Runtime, Tx, Sequence[tuple[Delivery, Signal]]], Awaitable[list[str]]]

# Passing troubles of the database and of the lease: the task's, not the signal's.
_PASSING = (OperationalError, InterfaceError, PoolTimeoutError, OSError, LeaseLost)


def sign_of(apps: Mapping[Environment, AppProfile], body: bytes, header: str) -> Environment | None:
    """Tell whose signature a webhook bears, by any active secret of any of our apps; None for a forged one."""
    genuine = [app.environment for app in apps.values() if verify_webhook(body, header, app.secrets)]
    return genuine[0] if genuine else None


Keep = Callable[[Sequence[Arrival]], Awaitable[None]]


@asynccontextmanager
async def keeping(runtime: Runtime) -> AsyncIterator[Keep]:
    """Hold a connection and hand out what keeps deliveries on it: one statement, one commit, nothing parsed.

    Access tokens that Meta sends along are masked: whoever reads what is kept learns none. Signatures were checked on arrival.

    Raises:
        Unavailable: DATABASE_UNAVAILABLE, here and in what is handed out, when the database did not answer in time.

    """
    committing = runtime.db.execution_options(isolation_level="AUTOCOMMIT")
    async with AsyncExitStack() as stack:
        with _answering():
            async with asyncio.timeout(KEEP_LIMIT.total_seconds()):
                connection = await stack.enter_async_context(committing.connect())
                driver = cast("psycopg.AsyncConnection[Any]", (await connection.get_raw_connection()).driver_connection)

        async def keep(arrivals: Sequence[Arrival]) -> None:
            with _answering():
                async with asyncio.timeout(KEEP_LIMIT.total_seconds()):
                    masked = [replace(one, body=without_tokens(one.body)) for one in arrivals]
                    await db.keep(driver, masked, at=runtime.now())

        yield keep


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (*_PASSING, psycopg.OperationalError, psycopg.InterfaceError) as error:  # OSError: also TimeoutError
        raise Unavailable("DATABASE_UNAVAILABLE", "The connector's database cannot be reached; send again") from error


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
        elif await db.parked_pages(tx):
            await outbox.again(tx, task, runtime.now() + PARKED_AGAIN)
        else:
            await outbox.done(tx, task, at=runtime.now())


async def _release_parked(runtime: Runtime) -> None:
    async with runtime.db.begin() as tx:
        for environment, page_id in await db.parked_pages(tx):
            if await connections.owner_of_page(tx, environment, page_id):
                await db.release(tx, environment, page_id)


async def _together(runtime: Runtime) -> bool:
    """Work off a batch in one transaction; tells whether there was one."""
    try:
        return await _work_off(runtime, _act_on_all)
    except _PASSING:
        raise
    except Exception as error:  # noqa: BLE001 – whatever one signal trips over must not stop its neighbours
        log.failed("batch.failed", error)
        return await _work_off(runtime, _act_on_each)


async def _work_off(runtime: Runtime, act: _Act) -> bool:
    async with runtime.db.begin() as tx:
        batch = await db.next_waiting(tx, limit=BATCH)
        read = [(delivery, read_signals(delivery.body)[delivery.position :]) for delivery in batch]
        told = [(delivery, signal) for delivery, listed in read for signal in listed]
        gone = await _gone(runtime, tx, told)
        signals = [(delivery, signal) for place, (delivery, signal) in enumerate(told) if place not in gone]
        outcomes = await act(runtime, tx, signals)
        await _note_receipts(tx, signals)
        await db.finish(tx, [delivery.id for delivery in batch])
        for delivery in {told[place][0].id: told[place][0] for place in gone}.values():
            await _strip(runtime, tx, delivery)
    _count([(_kind(signal), outcome) for (_, signal), outcome in zip(signals, outcomes, strict=True)])
    _count([(_kind(told[place][1]), "forgotten") for place in gone])
    for delivery in batch:
        _line(runtime, delivery)
    return bool(batch)


async def _gone(runtime: Runtime, tx: Tx, told: Sequence[tuple[Delivery, Signal]]) -> set[int]:
    """Tell which signals are not taken in: of a person whose data was deleted since, or older than their store keeps messages.

    Whoever captured a webhook may post it again years later; what it would bring back must stay away.
    """
    persons = {place: _person(runtime, delivery, signal) for place, (delivery, signal) in enumerate(told)}
    raws = {place: runtime.pseudonyms.of_bytes(digest(signal.raw)) for place, (_, signal) in enumerate(told)}
    until = await forgotten.times_of(tx, [*filter(None, persons.values()), *raws.values()])
    gone = {place for place, raw in raws.items() if raw in until}
    for place, person in persons.items():
        time = _time(told[place][1])
        if person in until and (time is None or time <= until[person]):
            gone.add(place)
    return gone | await _outlived(runtime, tx, told)


async def _outlived(runtime: Runtime, tx: Tx, told: Sequence[tuple[Delivery, Signal]]) -> set[int]:
    """Tell which signals are older than their store keeps messages; looks into old ones only, and there are hardly any."""
    ages = {place: runtime.now() - time for place, (_, signal) in enumerate(told) if (time := _time(signal))}
    owners: _Owners = {}
    old = {
        place: owner.store_id
        for place, age in ages.items()
        if age > retentions.SHORTEST and (owner := await _owner(tx, *told[place], owners))
    }
    kept = await retentions.of_stores(tx, set(old.values())) if old else {}
    return {place for place, store_id in old.items() if ages[place] > kept[store_id]}


def _person(runtime: Runtime, delivery: Delivery, signal: Signal) -> bytes | None:
    if isinstance(signal.content, Kept | SelfTest | PermissionNews | InstallNews):
        return None
    return runtime.pseudonyms.of_person(delivery.environment, signal.page_id, signal.content.psid)


def _time(signal: Signal) -> datetime | None:
    match signal.content:
        case PersonMessage() | Echo():
            return signal.content.send_time
        case Delivered() | Read():
            return signal.content.watermark
        case _:
            return None


async def _strip(runtime: Runtime, tx: Tx, delivery: Delivery) -> None:
    """Take what is not taken in out of a delivery's bytes as well."""
    listed = read_signals(delivery.body)
    gone = await _gone(runtime, tx, [(delivery, signal) for signal in listed])
    unwanted = [listed[place] for place in gone]
    kept, _ = without(delivery.body, lambda signal: signal in unwanted)
    await db.rewrite(tx, delivery.id, kept)


async def _note_receipts(tx: Tx, signals: Sequence[tuple[Delivery, Signal]]) -> None:
    """Note for the status when Meta last told something about each Page."""
    pages = ((delivery, signal.page_id) for delivery, signal in signals if signal.object == "page")
    heard = {(delivery.environment, page_id): delivery.receive_time for delivery, page_id in pages}
    for (environment, page_id), time in heard.items():
        await connections.note_receipt(tx, environment, page_id, time)


async def _act_on_all(runtime: Runtime, tx: Tx, signals: Sequence[tuple[Delivery, Signal]]) -> list[str]:
    """Act on signals in their order; what people wrote one after the other is kept at once."""
    owners: _Owners = {}
    outcomes: list[str] = []
    wrote: list[tuple[Connection, PersonMessage]] = []
    for delivery, signal in signals:
        owner = await _owner(tx, delivery, signal, owners)
        if owner is not None and isinstance(signal.content, PersonMessage):
            wrote.append((owner, signal.content))
            outcomes.append("acted")
            continue
        await _keep_written(runtime, tx, wrote)
        outcomes.append(await _act(runtime, tx, delivery, signal, owners=owners))
    await _keep_written(runtime, tx, wrote)
    return outcomes


async def _keep_written(runtime: Runtime, tx: Tx, wrote: list[tuple[Connection, PersonMessage]]) -> None:
    if wrote:
        await messaging.receive_messages(runtime, tx, wrote)
        wrote.clear()


async def _act_on_each(runtime: Runtime, tx: Tx, signals: Sequence[tuple[Delivery, Signal]]) -> list[str]:
    """Act on signals one by one; those that fail are set aside."""
    owners: _Owners = {}
    return [await _act_or_set_aside(runtime, tx, delivery, signal, owners=owners) for delivery, signal in signals]


async def _owner(tx: Tx, delivery: Delivery, signal: Signal, owners: _Owners) -> Connection | None:
    page = delivery.environment, signal.page_id
    if page not in owners:
        owners[page] = await connections.owner_of_page(tx, *page) if signal.object == "page" else None
    return owners[page]


async def _act_or_set_aside(runtime: Runtime, tx: Tx, delivery: Delivery, signal: Signal, *, owners: _Owners) -> str:
    """Act on a signal behind a savepoint; one that fails is set aside."""
    try:
        async with tx.begin_nested():
            return await _act(runtime, tx, delivery, signal, owners=owners)
    except _PASSING:
        raise
    except Exception as error:  # noqa: BLE001 – the top of one signal's work: whatever it trips over is set aside with it
        log.failed("signal.failed", error, delivery_id=delivery.id)
        reason = type(error).__name__
        await db.set_aside(tx, delivery, signal, SignalState.QUARANTINED, kind=_kind(signal), reason=reason)
        return "quarantined"


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
            await db.finish(tx, [delivery.id])
            if await _gone(runtime, tx, [(delivery, signal) for signal in read_signals(delivery.body)]):
                await _strip(runtime, tx, delivery)
        _line(runtime, delivery)
    return bool(batch)


async def _alone(runtime: Runtime, task: Taken, delivery: Delivery, signal: Signal, position: int) -> None:
    """Work off one signal; the beginning counts before the work, so that one which kills its worker is found out."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        tries = await db.begin(tx, delivery, position)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        if await _gone(runtime, tx, [(delivery, signal)]):
            outcome = "forgotten"
        elif tries < TRIES:
            outcome = await _act_or_set_aside(runtime, tx, delivery, signal, owners={})
        else:
            outcome, reason = "quarantined", "every try was cut off"
            await db.set_aside(tx, delivery, signal, SignalState.QUARANTINED, kind=_kind(signal), reason=reason)
        await _note_receipts(tx, [(delivery, signal)])
        await db.move_on(tx, delivery, position + 1)
    _count([(_kind(signal), outcome)])


async def _act(runtime: Runtime, tx: Tx, delivery: Delivery, signal: Signal, *, owners: _Owners) -> str:
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
    connection = await _owner(tx, delivery, signal, owners)
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


def _kind(signal: Signal) -> str:
    return type(signal.content).__name__


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
