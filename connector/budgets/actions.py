"""Listens to every answer of Meta and writes down what is news.

Hearing is cheap: most calls change nothing that anybody needs to know, and cost no query. What is told is told before the call's
result reaches whoever asked, so that their next call knows it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncEngine

from connector import log, metrics
from connector.budgets import db
from connector.budgets.db import News
from connector.budgets.model import ANSWERED, FAILED, LOOKED_AT, PROBE_LEASE, Breaker
from connector.graph.client import Heard

_NOTICEABLE_PERCENT = 1.0


@dataclass(slots=True)
class _Known:
    """What this process last told of a bucket, and what it has not told yet."""

    percent: float | None = None
    told_time: datetime | None = None
    troubled: bool = False
    calls: int = 0
    outcomes: str = ""
    pause_time: datetime | None = None

    def stale(self, at: datetime) -> bool:
        """Tell whether the bucket's breaker may have opened in another process since: then ours may be the call that tries."""
        return bool(self.outcomes) and (self.told_time is None or at - self.told_time >= PROBE_LEASE)

    def take_back(self, news: News) -> None:
        """Count what could not be written as not told yet."""
        self.percent = self.told_time = None
        self.calls += news.calls
        self.outcomes = (news.outcomes + self.outcomes)[-LOOKED_AT:]
        self.pause_time = news.pause_time


class Ear:
    """What a process hears; give it to its GraphClient. `windows` tells how long Meta's windows are, by family."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime], windows: Mapping[str, timedelta]) -> None:
        self._engine = engine
        self._windows = windows
        self._now = now
        self._known: dict[str, _Known] = {}

    async def __call__(self, heard: Heard) -> None:
        """Take note of what one call taught.

        It never fails the call, whose result is worth more: what cannot be written is told with the bucket's next answer.
        """
        for usage in heard.usages.values():
            metrics.budget_percent.labels(usage.family).observe(usage.percent)
        own = self._know(heard.bucket)
        own.calls += 1
        if not heard.bucket.startswith("app"):  # the app is everybody's: one store's trouble closes it for nobody
            own.outcomes = (own.outcomes + (FAILED if heard.failed else ANSWERED))[-LOOKED_AT:]
        if not (news := self._news(heard)):
            return
        try:
            async with self._engine.begin() as tx:
                for bucket in sorted(news):  # in the same order everywhere: two processes cannot wait for each other
                    self._count(bucket, *await db.note(tx, bucket, news[bucket], at=self._now()))
        except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
            log.warn("budget.not_noted", error=type(error).__name__)
            for bucket, untold in news.items():
                self._know(bucket).take_back(untold)

    def _know(self, bucket: str) -> _Known:
        return self._known.setdefault(bucket, _Known())

    def _news(self, heard: Heard) -> Mapping[str, News]:
        """Tell what is worth a write: a percent that moved, a pause, every call where calls have failed, and one a minute."""
        worth = {bucket for bucket, usage in heard.usages.items() if usage.regain or self._moved(bucket, usage.percent)}
        own = self._know(heard.bucket)
        if FAILED in own.outcomes or own.troubled or own.stale(self._now()):
            worth.add(heard.bucket)
        if heard.pause:
            worth.add(heard.pause[0])
        return {bucket: self._tell(bucket, heard) for bucket in worth}

    def _moved(self, bucket: str, percent: float) -> bool:
        known = self._know(bucket).percent
        return known is None or abs(percent - known) >= _NOTICEABLE_PERCENT

    def _tell(self, bucket: str, heard: Heard) -> News:
        """Write what is known of a bucket and not told yet; from now on it counts as told."""
        known, usage = self._know(bucket), heard.usages.get(bucket)
        pauses = [heard.pause[1]] if heard.pause and heard.pause[0] == bucket else []
        if known.pause_time:
            pauses.append(known.pause_time)
        if usage and usage.regain:  # Meta tells it when a bucket is shut, whichever call brings the news
            pauses.append(self._now() + usage.regain)
        percent, window = usage.percent if usage else None, self._windows.get(bucket.partition(":")[0])
        news = News(percent, known.calls, known.outcomes, max(pauses, default=None), window)
        known.percent, known.told_time = known.percent if percent is None else percent, self._now()
        known.calls, known.outcomes, known.pause_time = 0, "", None
        return news

    def _count(self, bucket: str, before: Breaker, after: Breaker) -> None:
        self._know(bucket).troubled = after.troubled
        family = bucket.partition(":")[0]
        if after.until and after.until != before.until:
            metrics.breakers.labels(family, "opened").inc()
        elif before.until and not after.until:
            metrics.breakers.labels(family, "closed").inc()
