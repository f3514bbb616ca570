"""Keeps a push going: lends its consumer's events, posts them, key beside key, and notes what came of each.

    lend ──▶ one post after the other within a key, several keys at once ──▶ note: acknowledged, again after a pause, or as if not lent

Posting happens outside of any transaction, and every note is fenced by the task. Whoever is killed between a post and its note leaves the
loan; the next turn ends it, and the event is posted again under its id. Locks are taken in one order by everybody: consumer, push, task.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from connector import log, metrics
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.events import db as events
from connector.events.model import Kind, Lent
from connector.pushes import db
from connector.pushes.actions.alarming import raise_alert
from connector.pushes.actions.configuring import signing_secrets
from connector.pushes.actions.posting import Post, open_post
from connector.pushes.actions.wording import write_post
from connector.pushes.model import (
    FEWEST_FAILURES,
    Answer,
    Push,
    State,
    Verdict,
    headers,
    outage_after,
    pause_after,
)
from connector.runtime import Runtime

KEYS_AT_ONCE, _LENT_AT_ONCE = 16, 64
_LEASE = timedelta(minutes=15)
"""Longer than any turn: nobody else takes these events, and the next turn ends the loans of one that died."""
_TURN = timedelta(seconds=20)
_LOOK_AGAIN = timedelta(minutes=1)
"""How late an event is at the worst that nobody rang for."""


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of an event; without an answer it was not posted."""

    lent: Lent
    answer: Answer | None


@dataclass(slots=True)
class _Turn:
    """One turn of a push."""

    runtime: Runtime
    task: Taken
    push: Push
    secrets: Sequence[str]
    post: Post
    end: datetime
    stopped: bool = False
    running: set[asyncio.Task[list[_Result]]] = field(default_factory=set)

    async def run(self) -> None:
        """Post until there is nothing left, nothing gets through, or the time is up."""
        try:
            while await self._fill() or self.running:
                finished, self.running = await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
                await self._note([result for one in finished for result in one.result()])
        finally:
            for one in self.running:
                one.cancel()
            await asyncio.gather(*self.running, return_exceptions=True)

    async def _fill(self) -> bool:
        """Begin with as many keys as there is room for; tells whether there were any."""
        room = KEYS_AT_ONCE - len(self.running)
        if room <= 0 or self._over():
            return False
        async with self.runtime.db.begin() as tx:
            lent = await events.lend(
                tx,
                self.push.store_id,
                self.push.consumer,
                limit=min(room * 4, _LENT_AT_ONCE),
                lease=_LEASE,
                at=self.runtime.now(),
                kind=Kind.PUSH,
            )
            await outbox.hold(tx, self.task)
        by_key = sorted(lent, key=lambda one: (one.event.ordering_key, one.event.position))
        for _, those in groupby(by_key, key=lambda one: one.event.ordering_key):
            self.running.add(asyncio.create_task(self._key(list(those)), name="key of a push"))
        return bool(lent)

    async def _key(self, lent: Sequence[Lent]) -> list[_Result]:
        """Post the events of one key; whatever comes behind one that failed was not posted."""
        results: list[_Result] = []
        for one in lent:
            stuck = self._over() or bool(results and not _taken(results[-1]))
            results.append(_Result(one, None if stuck else await self._one(one)))
        return results

    async def _one(self, lent: Lent) -> Answer:
        event = lent.event
        if self.push.kinds and event.kind not in self.push.kinds:
            return _UNWANTED
        body = write_post(event)
        signed = headers(str(event.id), body, self.secrets, attempt=lent.deliveries, at=self.runtime.now())
        answer = await self.post(self.push.url, body, signed)
        metrics.pushes.labels(answer.verdict.value).inc()
        self.stopped |= answer.verdict in {Verdict.WAIT, Verdict.GONE}
        return answer

    def _over(self) -> bool:
        return self.stopped or self.runtime.now() >= self.end

    async def _note(self, results: Sequence[_Result]) -> None:
        at = self.runtime.now()
        async with self.runtime.db.begin() as tx:
            await _settle(tx, self.push, results, at=at)
            answers = (result.answer for result in results if result.answer not in (None, _UNWANTED))
            for answer in _telling(answers):
                self.stopped |= await _judge(self.runtime, tx, self.push.id, answer, at=at)
            await outbox.hold(tx, self.task)


_UNWANTED = Answer("", Verdict.TAKEN)


def _telling(answers: Iterable[Answer | None]) -> list[Answer]:
    """Leave out of answers in a row that all took an event all but the last: the others say nothing more of how the push stands."""
    runs = (list(run) for _, run in groupby(filter(None, answers), key=lambda one: one.verdict))
    return [one for run in runs for one in (run[-1:] if run[0].verdict is Verdict.TAKEN else run)]


def _taken(result: _Result) -> Answer | None:
    return result.answer if result.answer and result.answer.verdict is Verdict.TAKEN else None


async def push_events(runtime: Runtime, task: Taken) -> None:
    """Post what waits; come back when something was told, when a pause is over, and once a minute."""
    push_id = UUID(task.arguments["push_id"])
    async with runtime.db.begin() as tx:
        push = await db.by_id(tx, push_id)
        if push is None or push.state is State.DISABLED:
            await outbox.done(tx, task, at=runtime.now())
            return
    waits = push.resume_time is not None and push.resume_time > runtime.now()
    unfinished = not waits and await _turn(runtime, task, push)
    async with runtime.db.begin() as tx:
        await _come_back(runtime, tx, task, push_id, unfinished=unfinished)


async def _turn(runtime: Runtime, task: Taken, push: Push) -> bool:
    """Post for a while; tells whether it ended before everything was tried."""
    secrets = await signing_secrets(runtime, push)
    async with runtime.db.begin() as tx:
        await events.release(tx, push.store_id, push.consumer, at=runtime.now())
        await outbox.hold(tx, task)
    async with open_post(private=runtime.private_pushes, now=runtime.now) as post:
        turn = _Turn(runtime, task, push, secrets, post, runtime.now() + _TURN)
        await turn.run()
    return runtime.now() >= turn.end


async def _come_back(runtime: Runtime, tx: Tx, task: Taken, push_id: UUID, *, unfinished: bool) -> None:
    now, held = runtime.now(), await outbox.hold(tx, task)
    push = await db.by_id(tx, push_id)
    if push is None or push.state is State.DISABLED:
        await outbox.done(tx, task, at=now)
        return
    if push.resume_time and push.resume_time > now:
        due = push.resume_time
    elif unfinished or held.wishes != task.wishes:
        due = now
    else:
        pause_end = await events.next_due(tx, push.store_id, push.consumer, at=now)
        due = min(now + _LOOK_AGAIN, pause_end or now + _LOOK_AGAIN)
    await outbox.again(tx, task, due)


async def _settle(tx: Tx, push: Push, results: Sequence[_Result], *, at: datetime) -> None:
    """Acknowledge what was taken, let what failed rest, and end the loans of the others as if they had not been."""
    mine = push.store_id, push.consumer
    taken = [result.lent.event.id for result in results if _taken(result)]
    failed = [result for result in results if result.answer and result.answer.verdict is Verdict.AGAIN]
    others = [result.lent.event.id for result in results if not _taken(result) and result not in failed]
    if taken:
        await events.acknowledge(tx, *mine, taken, at=at)
    for result in failed:
        jitter = 1 + random.random() / 4  # noqa: S311 – spreads load, guards nothing
        due = at + pause_after(result.lent.deliveries) * jitter
        message = result.answer.word if result.answer else ""
        await events.give_back(tx, *mine, [result.lent.event.id], due=due, reject=False, message=message, at=at)
    if others:
        await events.release(tx, *mine, at=at, ids=others)


async def _judge(runtime: Runtime, tx: Tx, push_id: UUID, answer: Answer, *, at: datetime) -> bool:
    """Note how the push stands after an answer; disable it when nothing got through for too long, or nothing ever will. Tells whether it is disabled."""
    push = await db.by_id(tx, push_id, lock=True)
    if push is None:
        return True
    values: dict[str, Any] = {"last_answer": answer.word, "last_time": at}
    if answer.verdict is Verdict.TAKEN:
        await db.change(tx, push.id, **values, failing_since_time=None, failures=0, outages=0, resume_time=None)
        return False
    since, failures = push.failing_since_time or at, push.failures + 1
    values |= {"failing_since_time": since, "failures": failures}
    noted = push.resume_time is not None and push.resume_time > at  # by another key, a moment ago
    if answer.verdict is Verdict.WAIT and not noted:
        outages = push.outages + 1
        values |= {"outages": outages, "resume_time": at + (answer.wait or outage_after(outages))}
    too_long = failures >= FEWEST_FAILURES and at - since >= runtime.push_patience
    if answer.verdict is Verdict.GONE or too_long:
        values |= {
            "state": State.DISABLED,
            "reason": "PUSH_GONE" if answer.verdict is Verdict.GONE else "PUSH_DISABLED",
        }
    changed = await db.change(tx, push.id, **values)
    if changed.state is State.DISABLED and push.state is State.ENABLED:
        log.warn("push.disabled", store_id=push.store_id, consumer=push.consumer, reason=changed.reason)
        await raise_alert(runtime, tx, push.store_id)
    return changed.state is State.DISABLED
