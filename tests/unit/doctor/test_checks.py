"""How a check is remembered, when it is looked at again, and when somebody is told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.connections.model import State as ConnectionState
from connector.doctor.model.checks import CHECKS, CONFIRMED_AFTER, DAILY, HOURLY, confirmed, following, unseen
from connector.doctor.model.values import Finding, Kind, Report
from tests.unit.doctor.subjects import NOW, SUBJECT


def seen(kind: Kind, *looks: tuple[int, str]) -> Report:
    """Look at a check at some minutes after NOW."""
    report = unseen(kind)
    for minutes, cause in looks:
        report = following(report, Finding(cause), at=at(minutes))
    return report


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("looks", "alerted"),
    [
        ([(0, "WEBHOOK_UNREACHABLE")], False),
        ([(0, "WEBHOOK_UNREACHABLE"), (1, "WEBHOOK_UNREACHABLE")], False),
        ([(0, "WEBHOOK_UNREACHABLE"), (5, "WEBHOOK_UNREACHABLE")], True),
        ([(0, "WEBHOOK_UNREACHABLE"), (5, "WEBHOOK_MISROUTED")], True),
        ([(0, "WEBHOOK_UNREACHABLE"), (5, "WEBHOOK_HEARD")], False),
        ([(0, "WEBHOOK_UNREACHABLE"), (5, "META_SILENT"), (20, "WEBHOOK_UNREACHABLE")], True),
        ([(0, "WEBHOOK_UNREACHABLE"), (5, "WEBHOOK_HEARD"), (65, "WEBHOOK_UNREACHABLE")], False),
    ],
)
def test_one_failure_alone_tells_nobody(looks: list[tuple[int, str]], alerted: bool) -> None:  # noqa: FBT001 – a table
    """An alert wants two looks some minutes apart; what heals in between begins anew, what is not told does not."""
    assert alerted is confirmed(seen(Kind.WEBHOOK, *looks), at=at(looks[-1][0]))


def test_a_lost_subscription_is_told_at_once() -> None:
    """What Meta itself shows needs no second look."""
    assert confirmed(seen(Kind.PAGE_SUBSCRIPTION, (0, "PAGE_UNSUBSCRIBED")), at=NOW)


def test_since_when_it_fails_outlives_silence() -> None:
    """A check that fails keeps the time when that began, also while Meta does not answer; healing ends it."""
    silent = seen(Kind.CATALOG, (0, "CATALOG_GONE"), (60, "META_SILENT"))
    assert (NOW, at(60), 1) == (silent.fail_time, silent.since_time, silent.failures)
    assert (NOW, 2) == _failing(following(silent, Finding("CATALOG_GONE"), at=at(75)))
    assert (None, 0) == _failing(following(silent, Finding("CATALOG_OURS"), at=at(75)))


def _failing(report: Report) -> tuple[datetime | None, int]:
    return report.fail_time, report.failures


def test_since_is_when_the_state_began() -> None:
    """Another cause of the same state does not begin it anew."""
    assert NOW == seen(Kind.WEBHOOK, (0, "WEBHOOK_UNREACHABLE"), (5, "WEBHOOK_MISROUTED")).since_time


@pytest.mark.parametrize(
    ("looks", "kind", "pause"),
    [
        ([(0, "TOKEN_ALIVE")], Kind.TOKEN, HOURLY),
        ([(0, "CATALOG_OURS")], Kind.CATALOG, DAILY),
        ([(0, "NO_CATALOG")], Kind.CATALOG, DAILY),
        ([(0, "CATALOG_GONE")], Kind.CATALOG, CONFIRMED_AFTER),
        ([(-5, "CATALOG_GONE"), (0, "CATALOG_GONE")], Kind.CATALOG, HOURLY),
        ([(0, "META_SILENT")], Kind.TOKEN, timedelta(minutes=15)),
        ([(0, "TOKEN_NEEDED")], Kind.PAGE_SUBSCRIPTION, HOURLY),
        ([(0, "TOKEN_NEEDED")], Kind.CATALOG, DAILY),
    ],
)
def test_what_may_have_changed_is_looked_at_sooner(looks: list[tuple[int, str]], kind: Kind, pause: timedelta) -> None:
    """The period counts for what is well; a failure is looked at again after minutes, then every hour until it heals."""
    assert NOW + pause == seen(kind, *looks).due_time


def test_a_pause_of_meta_is_respected() -> None:
    """Meta is not asked again before the time it named."""
    later = following(unseen(Kind.TOKEN), Finding("META_PAUSE", {}, at(90)), at=NOW)
    assert at(90) == later.due_time


@pytest.mark.parametrize(
    ("kind", "change", "cause"),
    [
        (Kind.THREAD_OWNER, {"psid": ""}, "NO_CONVERSATION"),
        (Kind.DOMAIN, {"hosts": ()}, "NO_PRODUCTS"),
        (Kind.COMMERCE, {}, "NOT_GRANTED"),
        (Kind.CATALOG, {"connection": replace(SUBJECT.connection, catalog_id="")}, "NO_CATALOG"),
        (Kind.DOMAIN, {"connection": replace(SUBJECT.connection, catalog_id="", business_id="")}, "NO_CATALOG"),
        (Kind.DOMAIN, {"connection": replace(SUBJECT.connection, business_id="")}, "NO_BUSINESS"),
        (Kind.TOKEN, {"connection": replace(SUBJECT.connection, state=ConnectionState.DISCONNECTED)}, "NOT_CONNECTED"),
    ],
)
def test_what_cannot_be_asked_is_not_asked(kind: Kind, change: dict[str, object], cause: str) -> None:
    """Without a thing to look at, or the permission to, a check is skipped before Meta is called."""
    found = CHECKS[kind].hindrance(replace(SUBJECT, **change))  # type: ignore[arg-type] # a table of changes
    assert found is not None
    assert cause == found.cause
    assert CHECKS[Kind.TOKEN].hindrance(SUBJECT) is None
