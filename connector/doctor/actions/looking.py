"""Looks, judges, remembers, tells.

    examine (a task, every hour) ─┐
    run (somebody presses) ───────┴▶ ask ─▶ judge ─▶ keep ─▶ alert, once it is certain; closed when it heals
                                                      └────▶ a lost Page subscription is asked for anew

A question serves every check that needs its answer; a task asks one after the other, a person has all asked side by side. What Meta
does not answer leaves the connection, and the alerts, as they were; so does what was seen with tokens that were replaced meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.actions.standing import plan_inspection
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.doctor import db
from connector.doctor.actions import journeys
from connector.doctor.actions.asking import AppRefused, Asker, ListTooLong, ask
from connector.doctor.actions.journeys import Pending
from connector.doctor.model.checks import (
    CHECKS,
    FRESH_FOR,
    HOURLY,
    OK_FOR,
    WITH_TOKENS,
    Question,
    following,
    unseen,
    worst,
)
from connector.doctor.model.judging import trouble
from connector.doctor.model.values import Finding, Kind, Report, Subject, beginning
from connector.errors import ConnectorError, MetaRefused
from connector.runtime import Runtime

_INSPECTED = {"TOKEN_DEAD", "TOKEN_FOREIGN", "DATA_ACCESS_ENDED", "SCOPES_LACKING"}
"""What is left to the inspection of tokens, which draws the consequences."""


async def list_checks(runtime: Runtime, store_id: str, connection_id: str) -> tuple[Connection, list[Report]]:
    """Tell how every check stood when it was last looked at.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`.

    """
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        known = await db.read(tx, connection)
    if connection.state not in WITH_TOKENS:  # what was seen before says nothing of it any more
        return connection, [replace(unseen(kind), cause="NOT_CONNECTED") for kind in Kind]
    return connection, [known.get(kind) or unseen(kind) for kind in Kind]


async def run(
    runtime: Runtime, store_id: str, connection_id: str, *, kinds: Collection[Kind]
) -> AsyncGenerator[tuple[Connection, Report], None]:
    """Look at what is named and tell each as soon as it is known; what somebody looked at a moment ago is told from memory.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`.

    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, store_id, connection_id)
        known = await db.read(tx, connection)
        before, calm_before = now - FRESH_FOR, now - OK_FOR
        claimed = await db.claim(tx, connection, kinds, at=now, before=before, calm_before=calm_before)
        subject = await _subject(runtime, tx, connection, claimed)
    for kind in (one for one in Kind if one in kinds and one not in claimed):
        yield connection, _remembered(known, kind)
    async with aclosing(_look_at_all(Asker(runtime, subject, urgent=True), claimed)) as looks:
        async for findings in looks:
            async with runtime.db.begin() as tx:
                reports = await _keep(runtime, tx, subject, findings)
                due = min(report.due_time for report in reports if report.due_time)
                await outbox.hasten(tx, f"every:{Task.EXAMINE_CONNECTION}:{connection.id}", due=due)
            for report in reports:
                yield connection, report


async def _look_at_all(asker: Asker, kinds: Collection[Kind]) -> AsyncGenerator[dict[Kind, Finding], None]:
    """Ask side by side, as a person waits: nobody's silence holds up the others."""
    looks = [asyncio.create_task(_look(asker, question, asked)) for question, asked in _by_question(kinds)]
    try:
        for look in asyncio.as_completed(looks):
            findings = await look
            if not isinstance(findings, Pending):  # never, where a person waits
                yield findings
    finally:
        for unfinished in looks:
            unfinished.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


def _remembered(known: dict[Kind, Report], kind: Kind) -> Report:
    found = known.get(kind) or unseen(kind)
    return found if found.check_time else replace(found, cause="UNDER_WAY")


async def examine(runtime: Runtime, task: Taken) -> None:
    """Look at whatever is due on a connection, question by question; comes back when the next is.

    Two transactions around each question. Repeating a turn changes nothing.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections_db.by_id(tx, task.connection_id) if task.connection_id else None
        if connection is None or connection.state not in WITH_TOKENS:
            await outbox.done(tx, task, at=runtime.now())
            return
        known, now = await db.read(tx, connection), runtime.now()
        due = [kind for kind in Kind if (one := known.get(kind)) is None or one.due_time is None or one.due_time <= now]
        subject = await _subject(runtime, tx, connection, due)
    for question, kinds in _by_question(due):
        findings = await _look(Asker(runtime, subject, urgent=False), question, kinds)
        async with runtime.db.begin() as tx:
            # First the connection, then its task, as whoever disconnects: the other way round both would wait for ever.
            await connections_db.by_id(tx, connection.id, lock=True)
            await outbox.hold(tx, task)
            if isinstance(findings, Pending):
                await db.postpone(tx, connection, kinds, until=findings.until, at=runtime.now())
            else:
                await _keep(runtime, tx, subject, findings)
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        times = [one.due_time for one in (await db.read(tx, connection)).values() if one.due_time]
        same = _same(await connections_db.by_id(tx, connection.id), connection)
        await outbox.again(tx, task, min(times, default=now + HOURLY) if same else now)


def _same(current: Connection | None, connection: Connection) -> bool:
    return current is not None and beginning(current) <= beginning(connection)


async def _subject(runtime: Runtime, tx: Tx, connection: Connection, kinds: Collection[Kind]) -> Subject:
    """Gather what our memory must know to look at these checks; the rest stays unread."""
    return Subject(
        connection,
        app_id=runtime.app(connection.environment).app_id,
        callback_url=connections.callback_url(runtime),
        hosts=await db.hosts(tx, connection.id) if Kind.DOMAIN in kinds else (),
        psid=await db.last_person(tx, connection.id) if Kind.THREAD_OWNER in kinds else "",
    )


def _by_question(kinds: Collection[Kind]) -> list[tuple[Question, list[Kind]]]:
    """Group checks by the question they need; the self-test comes last, as it takes longest."""
    wanted: dict[Question, list[Kind]] = {}
    for kind in (one for one in Kind if one in kinds):
        wanted.setdefault(CHECKS[kind].question, []).append(kind)
    return sorted(wanted.items(), key=lambda entry: entry[0] is Question.SELF_TEST)


async def _look(asker: Asker, question: Question, kinds: Sequence[Kind]) -> dict[Kind, Finding] | Pending:
    """Ask a question and judge the answer for each check; Pending while a self-test is under way and nobody waits."""
    runtime, subject = asker.runtime, asker.subject
    findings = {kind: found for kind in kinds if (found := CHECKS[kind].hindrance(subject))}
    open_kinds = [kind for kind in kinds if kind not in findings]
    if not open_kinds:
        return findings
    answer = await _answer(asker, question)
    if isinstance(answer, Pending):
        return answer
    for kind in open_kinds:
        judge, at = CHECKS[kind].judge, runtime.now()
        findings[kind] = answer if isinstance(answer, Finding) else judge(subject, answer, at)
    return findings


async def _answer(asker: Asker, question: Question) -> Any:
    """Ask; a finding says why there is no answer."""
    runtime, connection = asker.runtime, asker.subject.connection
    try:
        if question is Question.SELF_TEST:
            turn = journeys.wait if asker.urgent else journeys.arrive
            return await turn(runtime, connection.environment)
        return await ask(asker, question)
    except AppRefused:
        return Finding("APP_REFUSED")
    except ListTooLong:
        return Finding("LIST_TOO_LONG")
    except ConnectorError as error:
        if isinstance(error, MetaRefused) and error.reason == "META_TOKEN_INVALID":
            await connections.note_refusal(runtime, connection, error)
        return trouble(error)


async def _keep(runtime: Runtime, tx: Tx, subject: Subject, findings: dict[Kind, Finding]) -> list[Report]:
    """Keep how checks stand, and let follow what follows from it. One at a time: alerts weigh several checks together."""
    connection, now = subject.connection, runtime.now()
    current = await connections_db.by_id(tx, connection.id, lock=True)
    known = await db.read(tx, connection)
    reports = [following(known.get(kind) or unseen(kind), found, at=now) for kind, found in findings.items()]
    if current is None or not _same(current, connection):
        return reports  # it came to work again meanwhile, and is looked at anew
    await db.keep(tx, connection.id, reports, at=now)
    if current.state not in WITH_TOKENS:
        return reports  # disconnected meanwhile: nobody is told of what was seen before
    if any(report.cause in _INSPECTED and report.failures == 1 for report in reports):
        await plan_inspection(tx, current, at=now)
    both = known | {report.kind: report for report in reports}
    for reason in dict.fromkeys(CHECKS[report.kind].reason for report in reports):
        sharing = [both.get(kind) or unseen(kind) for kind in Kind if CHECKS[kind].reason == reason]
        await _alert(tx, subject, reason, sharing, at=now)
    return reports


async def _alert(tx: Tx, subject: Subject, reason: str, reports: Sequence[Report], *, at: datetime) -> None:
    """Open, bring up to date or close the alert of a reason."""
    connection, cause = subject.connection, worst(reports, at=at)
    if cause is not None:
        link = cause.link(connection, app_id=subject.app_id)
        alert = Alert(reason, cause.title, cause.remedy, cause.fix_rpc, link)
        await alerts.open_alert(tx, connection.store_id, connection.id, alert, at=at)
    elif all(one.check_time and one.fail_time is None for one in reports):
        await alerts.close_alert(tx, connection.store_id, connection.id, reason, at=at)
