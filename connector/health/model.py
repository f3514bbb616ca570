"""The truth about one connection at one moment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.connections.model import Connection, Problem
from connector.graph.lifecycle import nearing, version_end

PROBLEM_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work not done yet."""

    task_count: int
    failed_task_count: int
    oldest_due_time: datetime | None


@dataclass(frozen=True, slots=True)
class Throttle:
    """A bucket that nobody calls for until a time: Meta asked for it, or fails."""

    bucket: str
    until_time: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """What stands where."""

    connection: Connection
    items: Mapping[str, int]
    backlog: Backlog
    waiting_signal_count: int
    quarantined_signal_count: int
    last_receive_time: datetime | None
    last_confirm_time: datetime | None
    last_problem: Problem | None
    problem_count: int
    throttles: tuple[Throttle, ...]
    graph_version_drift: str
    alerts: tuple[Mapping[str, Any], ...] = ()

    def document(self, *, graph_version: str, at: datetime) -> dict[str, Any]:
        """Write it with the contract's field names."""
        connection, problem = self.connection, self.last_problem
        return {
            "connection": connection.document(),
            "items": dict(self.items),
            "backlog": {
                "task_count": self.backlog.task_count,
                "failed_task_count": self.backlog.failed_task_count,
                "oldest_due_time": self.backlog.oldest_due_time,
            },
            "webhooks": {
                "subscribed_fields": list(connection.subscribed_fields),
                "subscription_check_time": connection.subscription_check_time,
                "last_receive_time": self.last_receive_time,
                "waiting_signal_count": self.waiting_signal_count,
                "quarantined_signal_count": self.quarantined_signal_count,
            },
            "last_confirm_time": self.last_confirm_time,
            "last_problem": problem and _problem_document(problem),
            "problem_count": self.problem_count,
            "throttles": [asdict(throttle) for throttle in self.throttles],
            "graph_version": graph_version,
            "graph_version_drift": self.graph_version_drift if self.graph_version_drift != graph_version else "",
            "token_days_left": days_left(connection.token_expire_time, at=at),
            "alerts": list(self.alerts),
            "graph_version_end_time": version_end(graph_version),
            "sunsets": [
                {"what": one.what, "end_time": one.time, "explanation": one.explanation}
                for one in nearing(graph_version, at=at)
            ],
        }


def _problem_document(problem: Problem) -> dict[str, Any]:
    return {
        "reason": problem.reason,
        "message": problem.message,
        "time": problem.time,
        "meta_code": problem.code,
        "meta_subcode": problem.subcode,
    }


def days_left(expire_time: datetime | None, *, at: datetime) -> int | None:
    """Tell the whole days until a token dies, rounded down, never below 0; None when it has no end."""
    return None if expire_time is None else max(0, (expire_time - at).days)
