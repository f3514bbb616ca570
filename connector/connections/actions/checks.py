"""Tries single capabilities at Meta, and watches what Meta ends.

A try is one cheap read. It heals what a refusal blocked, and finds out whether what Meta has switched off, or is about to, answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from connector import log
from connector.connections import db, graph
from connector.connections.actions.news import problem_of, tell
from connector.connections.actions.standing import heal, plan_check, reweigh, take_away, weigh_anew
from connector.connections.actions.tokens import access, require_room
from connector.connections.model import CapabilityKind, Connection, Probe, State
from connector.connections.model.verdicts import PROBE_RETIRED_EVERY, probes_due, refused, weigh
from connector.db import observations, outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.errors import MetaRefused, Throttled, Unavailable
from connector.graph import lifecycle
from connector.graph.faults import REASONS, Kind
from connector.runtime import Runtime
from connector.vault import same_token

_PIECE = 500


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a try of one capability brought: Meta's refusal, or None when it answered."""

    kind: CapabilityKind
    refusal: MetaRefused | None


async def check_capabilities(runtime: Runtime, task: Taken) -> None:
    """Try the capabilities that the task names, and those that are due."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await db.of_task(tx, task)
    due = probes_due(connection, runtime.app(connection.environment), at=runtime.now())
    wanted = {*due, *map(CapabilityKind, task.arguments.get("kinds", ()))}
    tried, hindrance = await _try_all(runtime, task, connection, wanted)
    async with runtime.db.begin() as tx:
        current = await db.by_id(tx, connection.id, lock=True)
        await outbox.hold(tx, task)
        same = current is not None and same_token(current.page_token, connection.page_token)
        if current is not None and current.state is State.CONNECTED and same:
            await _learn_all(runtime, tx, current, tried)
        if hindrance is None:
            await outbox.done(tx, task, at=runtime.now())
    if hindrance is not None:
        raise hindrance


async def _try_all(
    runtime: Runtime, task: Taken, connection: Connection, wanted: Iterable[CapabilityKind]
) -> tuple[list[_Tried], Throttled | Unavailable | None]:
    """Try each capability for itself; tells also what kept some from being tried now."""
    tried: list[_Tried] = []
    hindrance: Throttled | Unavailable | None = None
    for kind in sorted(wanted):
        try:
            one = await _try(runtime, task, connection, kind)
        except (Throttled, Unavailable) as passing:
            hindrance = passing
        else:
            tried += [one] if one else []
    return tried, hindrance


async def _try(runtime: Runtime, task: Taken, connection: Connection, kind: CapabilityKind) -> _Tried | None:
    """Try one capability. A dead token, throttling and Meta's own failures rise: they say nothing about it."""
    probe = graph.probe(kind, page_id=connection.page_id, catalog_id=connection.catalog_id)
    if probe is None:
        return None
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await require_room(runtime, tx, connection, probe.call.bucket)
    try:
        await runtime.graph.send(probe.call, await access(runtime, connection, kind=probe.token))
    except MetaRefused as refusal:
        if refusal.reason == REASONS[Kind.TOKEN]:
            raise
        return _Tried(kind, refusal)
    return _Tried(kind, None)


async def _learn_all(runtime: Runtime, tx: Tx, connection: Connection, tried: list[_Tried]) -> None:
    changed = connection
    for one in tried:
        changed = await _learn(runtime, tx, changed, one)
    changed = await weigh_anew(runtime, tx, changed)
    if changed.capabilities() != connection.capabilities():
        await tell(tx, changed, at=runtime.now())


async def _learn(runtime: Runtime, tx: Tx, connection: Connection, tried: _Tried) -> Connection:
    """Keep what a try told. Past its end a capability lives only if Meta answers; a refusal blocks as it would anywhere."""
    now, kind, refusal = runtime.now(), tried.kind, tried.refusal
    version = runtime.app(connection.environment).graph_version
    dead = refusal is not None and (
        graph.tells_gone(refusal, kind) or lifecycle.retired(kind, version, at=now) is not None
    )
    probes = {**connection.probes, kind: Probe(not dead, now)}
    kept = await db.stand(tx, connection.id, connection.blocks, probes=probes, at=now)
    if refusal is None:
        return await heal(runtime, tx, kept, kind) if refused(kept, kind) else kept
    await db.note_problem(tx, kept.id, problem_of(refusal, at=now))
    return kept if dead else await take_away(runtime, tx, kept, refusal, kind)


async def watch_meta(runtime: Runtime, task: Taken) -> None:
    """Weigh all working connections anew, as dates pass and settings change; have tried what is due; warn of what ends."""
    after = None
    while True:
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            piece = await db.connected(tx, after=after, limit=_PIECE)
        for connection in piece:
            await _look(runtime, connection)
        if len(piece) < _PIECE:
            break
        after = piece[-1].id
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await _warn(runtime, tx)
        await outbox.done(tx, task, at=runtime.now())


async def _look(runtime: Runtime, connection: Connection) -> None:
    """Do what time has made due on one connection; most cost no query."""
    if connection.environment not in runtime.apps:
        return
    app, now = runtime.app(connection.environment), runtime.now()
    stale, due = weigh(connection, app, at=now) != connection.blocks, probes_due(connection, app, at=now)
    if not stale and not due:
        return
    async with runtime.db.begin() as tx:
        current = await db.by_id(tx, connection.id, lock=True)
        if current is None or current.state is not State.CONNECTED:
            return
        await reweigh(runtime, tx, current)
        if due:
            await plan_check(runtime, tx, connection)


async def _warn(runtime: Runtime, tx: Tx) -> None:
    """Warn operators, once a week, of each end that is near."""
    now = runtime.now()
    for version in sorted({app.graph_version for app in runtime.apps.values()}):
        for sunset in lifecycle.nearing(version, at=now):
            name = f"sunset_told:{sunset.what}"
            told = await observations.time_of(tx, name)
            if told is None or now - told >= PROBE_RETIRED_EVERY:
                await observations.note(tx, name, sunset.date.isoformat(), at=now)
                log.warn("meta.sunset_near", what=sunset.what, date=sunset.date.isoformat(), means=sunset.explanation)
