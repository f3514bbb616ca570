"""The bell: how a due task's id and attempt travel through Redis to a worker of its lane, by RQ.

Nothing else travels, and nothing else is believed: whoever can write to Redis can at most wake a worker for a task that is
not to be had. What RQ calls a job is rebuilt from its id; functions, arguments, callbacks, dependencies and webhooks that
its hash may name are never read. A wake-up expires when its task is due to be sent again.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import rq
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.exceptions import NoSuchJobError

from connector.db.outbox import WAY
from jobs.tasks import Lane

FUNCTION = "jobs.worker.perform"  # what RQ's tools show; never imported by name
HARD_LIMIT_SECONDS = 360  # beyond every task's own limit: for a process that no longer answers
_SOCKET_SECONDS = 2.0
_FAILURE_SECONDS = 60
_ID = re.compile(r"(\d{1,18})-(\d{1,9})", re.ASCII)
_LANES = {lane.value.encode() for lane in Lane}

Perform = Callable[[int, int], None]


class WakeUp(rq.job.Job):
    """A task's id and attempt, in RQ's clothes."""

    perform_task: Perform | None = None
    """Lent by the worker: the one thing that can be run."""

    @property
    def task(self) -> tuple[int, int]:
        """Tell the task's id and attempt."""
        return _read(self.id)

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> rq.job.Job:
        """Fetch a wake-up; whatever is none counts as missing, which RQ skips."""
        _read(id)
        try:
            return super().fetch(id, connection=connection, serializer=serializer)
        except (ValueError, RedisError) as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            raise NoSuchJobError(id) from error

    def restore(self, raw_data: dict[bytes, bytes]) -> Any:
        """Rebuild from the id and the lane; the rest of the hash is not read."""
        lane = raw_data.get(b"origin", b"")
        if lane not in _LANES:
            raise NoSuchJobError(self.id)
        data = self.serializer.dumps([FUNCTION, None, self.task, {}])
        super().restore({b"data": data, b"origin": lane, b"status": b"queued"} | _LIMITS)

    def perform(self) -> None:
        """Run the task with what the worker lent."""
        if self.perform_task is None:
            raise NoSuchJobError(self.id)
        self.perform_task(*self.task)


_LIMITS = {
    b"timeout": str(HARD_LIMIT_SECONDS).encode(),
    b"result_ttl": b"0",
    b"failure_ttl": str(_FAILURE_SECONDS).encode(),
}


def connect(url: str, *, socket_seconds: float = _SOCKET_SECONDS) -> Redis:
    """Describe a connection to Redis; opened on first use, given up quickly."""
    return Redis.from_url(
        url, socket_timeout=socket_seconds, socket_connect_timeout=_SOCKET_SECONDS, retry=Retry(NoBackoff(), 1)
    )


def waiting(redis: Redis) -> dict[Lane, int]:
    """Count what waits in each lane for a worker."""
    with redis.pipeline(transaction=False) as pipe:
        for lane in Lane:
            pipe.llen(_queue(redis, lane).key)
        return dict(zip(Lane, pipe.execute(), strict=True))


def ring(redis: Redis, lane: Lane, tasks: Iterable[tuple[int, int]]) -> None:
    """Wake a worker of the lane for each (task id, attempt), in one round trip."""
    queue = _queue(redis, lane)
    with redis.pipeline(transaction=False) as pipe:
        for task_id, attempt in tasks:
            job = queue.create_job(
                FUNCTION,
                args=(task_id, attempt),
                job_id=f"{task_id}-{attempt}",
                ttl=int(WAY.total_seconds()),
                result_ttl=0,
                failure_ttl=_FAILURE_SECONDS,
                timeout=HARD_LIMIT_SECONDS,
            )
            job.description = ""
            queue.enqueue_job(job, pipeline=pipe)
        pipe.execute()


def _queue(redis: Redis, lane: Lane) -> rq.Queue:
    return rq.Queue(lane.value, connection=redis, job_class=WakeUp, serializer="json")


def _read(name: str) -> tuple[int, int]:
    match = _ID.fullmatch(name)
    if match is None:
        raise NoSuchJobError(name)
    return int(match[1]), int(match[2])
