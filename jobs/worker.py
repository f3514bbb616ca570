"""Does what the bell wakes it for (`python -m jobs.worker fast`, `python -m jobs.worker default bulk`).

Lane `fast` runs in this process, side by side; every other lane gets a forked process per task: everything is imported before
the fork, nothing is opened. RQ listens and forks; it is told nothing else by Redis: no commands, no suspension, no flags.
A lost Redis is waited for. On SIGTERM unfinished tasks are handed back.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from tempfile import TemporaryFile
from types import FrameType
from typing import IO

import uvloop
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import Job
from rq.worker import Worker, WorkerStatus

from connector import log, metrics, start, tracing
from connector.db.outbox import Task
from connector.runtime import open_runtime
from connector.settings import Settings, SettingsError
from jobs import beginning, bell
from jobs.bell import Perform, WakeUp
from jobs.crew import Crew
from jobs.run import DATABASE_GONE, run_task
from jobs.tasks import PLANS, Lane, Plan, load

_WORKER_TTL_SECONDS = 20  # RQ derives from it how long it waits for the bell: 5 s at a time
_SOCKET_SECONDS = 15.0
_RETRY_SECONDS = 0.5
_DIALECT = "sqlalchemy.dialects.postgresql.psycopg"


class Listener(Worker):
    """RQ's forking worker, deaf to everything but wake-ups."""

    job_class = WakeUp
    stopping = False

    def __init__(self, lanes: Sequence[Lane], connection: Redis, perform: Perform) -> None:
        super().__init__(
            [lane.value for lane in lanes],
            connection=connection,
            serializer="json",
            worker_ttl=_WORKER_TTL_SECONDS,
            log_job_description=False,
            job_monitoring_interval=5,
        )
        self.perform = perform

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Fork, and lend the child the one function it may run; add what it counted to our metrics."""
        if isinstance(job, WakeUp):
            with TemporaryFile() as growth:
                job.perform_task = partial(self._perform_and_count, growth)
                super().execute_job(job, queue)
                growth.seek(0)
                if counted := growth.read():  # nothing from a child that was killed
                    metrics.take_over(counted)

    def _perform_and_count(self, growth: IO[bytes], task_id: int, attempt: int) -> None:
        before = metrics.counted()
        try:
            self.perform(task_id, attempt)
        finally:
            growth.write(metrics.grew(before))
            growth.flush()

    def request_stop(self, _signum: int, _frame: FrameType | None) -> None:
        """Stop: at once when idle, otherwise as soon as the child has handed its task back."""
        self.stopping = self._stop_requested = True
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)
        elif self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def subscribe(self) -> None:
        """Take no commands from Redis."""

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 – RQ's signature
        """Let no flag in Redis stop the work."""

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Tell RQ that there is nothing to maintain: what it keeps is worthless to us and expires."""
        return False


class Foreman(Listener):
    """Hands wake-ups to a crew in this process instead of forking."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Forget the wake-up and start its task; the outbox knows the rest."""
        if not isinstance(job, WakeUp):
            return
        with self.connection.pipeline(transaction=False) as pipe:
            pipe.delete(job.key)
            pipe.lrem(queue.intermediate_queue_key, 1, job.id)
            pipe.execute()
        self.perform(*job.task)


def perform(settings: Settings, plans: Mapping[Task, Plan], task_id: int, attempt: int) -> None:
    """Run one task in a process that exists for it alone."""
    tracing.configure("facebook-connector-jobs")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_perform(settings, plans, task_id, attempt))
        except asyncio.CancelledError:
            log.canonical("worker.interrupted")
        except DATABASE_GONE as error:
            log.warn("task.database_gone", error=type(error).__name__, task_id=task_id)
    tracing.flush()


async def _perform(settings: Settings, plans: Mapping[Task, Plan], task_id: int, attempt: int) -> None:
    running = asyncio.current_task()
    if running:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    async with open_runtime(settings, pool_size=2) as runtime:
        await run_task(runtime, task_id, attempt, plans=plans)


def listen(open_listener: Callable[[], Listener]) -> None:
    """Listen until a signal says stop; a listener that Redis failed is replaced."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)  # a listener at work has its own
    with suppress(StopRequested):
        while _listen(open_listener):
            time.sleep(_RETRY_SECONDS)


def _listen(open_listener: Callable[[], Listener]) -> bool:
    """Listen as long as it goes; tell whether to listen again."""
    try:
        listener = open_listener()
        listener.work(logging_level="WARNING")
    except RedisError as error:
        log.warn("worker.waiting", server="Redis", error=type(error).__name__)
        return True
    return not listener.stopping


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise StopRequested


def work(lanes: Sequence[Lane], settings: Settings, *, plans: Mapping[Task, Plan] = PLANS) -> None:
    """Work in these lanes until SIGTERM or SIGINT."""
    metrics.serve(settings.metrics_address)
    load(plans)
    import_module(_DIALECT)
    uvloop.run(beginning.require_servers(settings))
    redis = bell.connect(settings.redis_url.reveal(), socket_seconds=_SOCKET_SECONDS)
    log.canonical("worker.ready", lanes=[lane.value for lane in lanes])
    if Lane.FAST in lanes:
        tracing.configure("facebook-connector-jobs")
        with Crew(settings, plans) as crew:
            listen(partial(Foreman, lanes, redis, crew.submit))
    else:
        listen(partial(Listener, lanes, redis, partial(perform, settings, plans)))
    log.canonical("worker.stopped")


def main(arguments: Sequence[str], *, plans: Mapping[Task, Plan] = PLANS) -> int:
    """Run; anything that keeps us from it is one message and exit code 1."""
    return start.run(lambda settings: work(_read_lanes(arguments), settings, plans=plans))


def _read_lanes(arguments: Sequence[str]) -> list[Lane]:
    if not arguments or not set(arguments) <= set(Lane):
        raise SettingsError(f"usage: python -m jobs.worker LANE…, lanes: {', '.join(Lane)}")
    return [Lane(name) for name in arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
