"""Every check: which question it needs answered, what must be there before it is asked, how often, and how it is judged.

The cheap and the vital are looked at every hour, the rest once a day: in a usual hour a connection costs Meta two calls.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.connections.model import State as ConnectionState
from connector.doctor.model import judging
from connector.doctor.model.causes import CAUSES, Cause
from connector.doctor.model.values import Finding, Kind, Report, State, Subject


class Question(StrEnum):
    """What is asked; one answer may serve several checks."""

    TOKEN = "TOKEN"  # noqa: S105 – a word, not a secret
    PAGE_TASKS = "PAGE_TASKS"
    PAGE_SUBSCRIPTION = "PAGE_SUBSCRIPTION"
    APP_SUBSCRIPTION = "APP_SUBSCRIPTION"
    SELF_TEST = "SELF_TEST"
    THREAD_OWNER = "THREAD_OWNER"
    VERIFICATION = "VERIFICATION"
    DOMAINS = "DOMAINS"
    COMMERCE = "COMMERCE"
    CATALOG = "CATALOG"
    EVENT_SOURCES = "EVENT_SOURCES"
    ORDER_APPS = "ORDER_APPS"


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `needs` maps what our memory must know of a subject to the cause that stands without it.

    `scopes` are the permissions of which the merchant must have granted one.
    """

    question: Question
    every: timedelta
    judge: Callable[[Subject, Any, datetime], Finding]
    reason: str
    """Under which reason StormCom is alerted."""
    needs: Mapping[str, str]
    scopes: frozenset[str]

    def hindrance(self, subject: Subject) -> Finding | None:
        """Tell why it cannot be asked about this subject; None when it can."""
        if subject.connection.state not in WITH_TOKENS:
            return Finding("NOT_CONNECTED")
        lacking = next((cause for need, cause in self.needs.items() if not _known(subject, need)), None)
        if lacking:
            return Finding(lacking)
        if self.scopes and not self.scopes & set(subject.connection.granted_scopes):
            return Finding("NOT_GRANTED", {"scopes": " ".join(sorted(self.scopes))})
        return None


def _known(subject: Subject, need: str) -> object:
    return getattr(subject, need) if hasattr(subject, need) else getattr(subject.connection, need)


WITH_TOKENS = frozenset({ConnectionState.CONNECTED, ConnectionState.NEEDS_LOGIN})
HOURLY, DAILY = timedelta(hours=1), timedelta(days=1)
CATALOG = {"catalog_id": "NO_CATALOG"}
BUSINESS = CATALOG | {"business_id": "NO_BUSINESS"}
# https://developers.facebook.com/docs/commerce-platform/setup/api-setup (read 2026-11-21): one of these reads a shop's account.
COMMERCE = frozenset({"commerce_account_read_settings", "commerce_manage_accounts"})


def _check(
    question: Question,
    every: timedelta,
    judge: Callable[[Subject, Any, datetime], Finding],
    reason: str,
    *,
    needs: Mapping[str, str] | None = None,
    scopes: Collection[str] = (),
) -> Check:
    return Check(question, every, judge, reason, needs or {}, frozenset(scopes))


CHECKS: Mapping[Kind, Check] = {
    Kind.TOKEN: _check(Question.TOKEN, HOURLY, judging.token, "CONNECTION_ACCESS_BROKEN"),
    Kind.SCOPES: _check(Question.TOKEN, HOURLY, judging.scopes, "CONNECTION_ACCESS_BROKEN"),
    Kind.PAGE_TASKS: _check(Question.PAGE_TASKS, DAILY, judging.page_tasks, "CONNECTION_ACCESS_BROKEN"),
    Kind.PAGE_SUBSCRIPTION: _check(
        Question.PAGE_SUBSCRIPTION, HOURLY, judging.page_subscription, "PAGE_SUBSCRIPTION_LOST"
    ),
    Kind.APP_SUBSCRIPTION: _check(
        Question.APP_SUBSCRIPTION, HOURLY, judging.app_subscription, "APP_SUBSCRIPTION_BROKEN"
    ),
    Kind.WEBHOOK: _check(Question.SELF_TEST, HOURLY, judging.webhook, "WEBHOOKS_NOT_ARRIVING"),
    Kind.THREAD_OWNER: _check(
        Question.THREAD_OWNER, DAILY, judging.thread_owner, "THREADS_OWNED_ELSEWHERE", needs={"psid": "NO_CONVERSATION"}
    ),
    Kind.BUSINESS_VERIFICATION: _check(
        Question.VERIFICATION, DAILY, judging.verification, "BUSINESS_REFUSED_BY_META", needs=BUSINESS
    ),
    Kind.DOMAIN: _check(
        Question.DOMAINS, DAILY, judging.domain, "DOMAIN_UNVERIFIED", needs=BUSINESS | {"hosts": "NO_PRODUCTS"}
    ),
    Kind.COMMERCE: _check(Question.COMMERCE, DAILY, judging.commerce, "SHOP_CLOSED_BY_META", scopes=COMMERCE),
    Kind.CATALOG: _check(Question.CATALOG, DAILY, judging.catalog, "CATALOG_OUT_OF_REACH", needs=CATALOG),
    Kind.PIXEL: _check(Question.EVENT_SOURCES, DAILY, judging.pixel, "CATALOG_OUT_OF_REACH", needs=CATALOG),
    Kind.ORDER_APP: _check(Question.ORDER_APPS, DAILY, judging.order_app, "ORDERS_MANAGED_ELSEWHERE", scopes=COMMERCE),
}

OK_FOR = timedelta(minutes=10)
FRESH_FOR = timedelta(minutes=1)
"""How long a result is told from memory instead of asking Meta again; longer when nothing was wrong."""
CONFIRMED_AFTER = timedelta(minutes=5)
"""When what failed is looked at again: nobody is alerted before."""
_RETRIED_AFTER = timedelta(minutes=15)


def next_look(report: Report, *, until: datetime | None, at: datetime) -> datetime:
    """Tell when a check is looked at next, by itself: soon after a first failure, later when Meta does not answer now."""
    state = CAUSES[report.cause].state
    if state is State.UNKNOWN and report.cause != "TOKEN_NEEDED":  # once that is there, all is looked at anew
        return max(at + _RETRIED_AFTER, until or at)
    if state is State.FAILED:
        return at + (CONFIRMED_AFTER if report.failures == 1 else HOURLY)
    return at + CHECKS[report.kind].every


def confirmed(report: Report, *, at: datetime) -> bool:
    """Tell whether a failure is one to alert of: seen twice, some minutes apart, or shown by Meta itself."""
    if report.fail_time is None:
        return False
    certain = CAUSES[report.cause].at_once
    return certain or (report.failures > 1 and at - report.fail_time >= CONFIRMED_AFTER)


def unseen(kind: Kind) -> Report:
    """Say that a check was never looked at."""
    return Report(kind, "NOT_LOOKED_AT", {}, None, None, None, 0, None)


def following(before: Report, finding: Finding, *, at: datetime) -> Report:
    """Tell how a check stands after a look. Not being told says nothing of whether it still fails."""
    cause = CAUSES[finding.cause]
    failed, told = cause.state is State.FAILED, cause.state is not State.UNKNOWN
    report = Report(
        before.kind,
        finding.cause,
        finding.evidence,
        check_time=at,
        since_time=before.since_time if before.since_time and CAUSES[before.cause].state is cause.state else at,
        fail_time=(before.fail_time or at) if failed else None if told else before.fail_time,
        failures=before.failures + 1 if failed else 0 if told else before.failures,
        due_time=None,
    )
    return replace(report, due_time=next_look(report, until=finding.until, at=at))


def worst(reports: Iterable[Report], *, at: datetime) -> Cause | None:
    """Tell the first cause to alert of among reports that share a reason; None when none is."""
    return next((CAUSES[one.cause] for one in reports if confirmed(one, at=at)), None)
