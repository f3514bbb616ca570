"""Notices when Meta answers an app with another Graph version than it speaks: ours has ended, and calls mean something else.

One line of the log, one count, one observation when it begins and when it ends. What is known is told again every hour: another
process may have told otherwise since.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncEngine

from connector import log, metrics
from connector.db import observations
from connector.graph.client import Heard

_TOLD_EVERY = timedelta(hours=1)


def observation(app_id: str) -> str:
    """Name what is known of an app: the version Meta answers with, empty when it is the app's own."""
    return f"graph_version_drift:{app_id}"


class DriftEar:
    """What a process hears of versions; give it to its GraphClient."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._told: dict[str, tuple[str, datetime]] = {}

    async def __call__(self, heard: Heard) -> None:
        """Take note of the version of one answer; it never fails the call."""
        if not heard.served or not heard.app_id:
            return
        now, drift = self._now(), "" if heard.served == heard.asked else heard.served
        told, told_time = self._told.get(heard.app_id, (None, now))
        if told == drift and now - told_time < _TOLD_EVERY:
            return
        self._told[heard.app_id] = drift, now
        try:
            async with self._engine.begin() as tx:
                known = await observations.read(tx, observation(heard.app_id))
                if known != drift:  # two processes that hear it at once: one of them says so
                    known = await observations.replace(tx, observation(heard.app_id), drift, at=now)
        except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
            log.warn("graph_version.not_noted", error=type(error).__name__)
            del self._told[heard.app_id]
            return
        if known != drift:
            self._say(heard, drift)

    def _say(self, heard: Heard, drift: str) -> None:
        metrics.version_drifts.labels("began" if drift else "ended").inc()
        event = "graph_version.drifted" if drift else "graph_version.healed"
        log.warn(event, app_id=heard.app_id, asked=heard.asked, served=heard.served)
