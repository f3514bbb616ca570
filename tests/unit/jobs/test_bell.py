"""What Redis says is not believed: a wake-up is rebuilt from its id alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from rq.exceptions import NoSuchJobError

from jobs.bell import FUNCTION, HARD_LIMIT_SECONDS, WakeUp

REDIS = Redis(host="127.0.0.1", port=1)  # never contacted

FIELDS = [
    "data", "origin", "status", "timeout", "result_ttl", "failure_ttl", "ttl", "meta", "description", "created_at",
    "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name", "result", "exc_info", "success_callback_name",
    "success_callback_timeout", "failure_callback_name", "failure_callback_timeout", "stopped_callback_name",
    "stopped_callback_timeout", "webhooks", "dependency_ids", "dependency_id", "allow_dependency_failures",
    "enqueue_at_front", "number_of_retries", "retries_left", "retry_intervals", "repeats_left", "repeat_intervals",
    "group_id", "rate_limit_key", "rate_limit_concurrency", "anything",
]  # fmt: skip
VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"os.system",
            b"builtins.eval",
            b"99999",
            b"-1",
            b"NaN",
            b"[]",
            b'[{"url": "http://169.254.169.254/"}]',
            b'["5-1"]',
        ]
    ),
)


def _wake_up(name: str, **fields: bytes) -> WakeUp:
    job = WakeUp(name, connection=REDIS, serializer="json")
    job.restore({key.encode(): value for key, value in fields.items()})
    return job


@given(fields=st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_nothing_but_the_id_is_read(fields: dict[str, bytes]) -> None:
    """Whatever a hash says, it is one task's id and attempt, without callbacks, webhooks, dependencies, retries or meta."""
    job = _wake_up("17-3", **{**fields, "origin": b"fast"})
    seen: list[tuple[int, int]] = []
    job.perform_task = lambda task_id, attempt: seen.append((task_id, attempt))
    assert job.perform() is None  # type: ignore[func-returns-value] # that it returns nothing is the point
    assert [(17, 3)] == seen
    assert (FUNCTION, HARD_LIMIT_SECONDS, 0) == (job.func_name, job.timeout, job.result_ttl)
    assert [None, None, None] == [job.success_callback, job.failure_callback, job.stopped_callback]
    assert ([], [], {}, None, None, None) == (
        job.webhooks, job._dependency_ids, job.meta, job.retries_left, job.repeats_left, job.group_id,
    )  # fmt: skip
    assert not job.has_rate_limit


@pytest.mark.parametrize("origin", [b"", b"slow", b"fast ", b"\xff", b"rq:queue:fast"])
def test_an_unknown_lane_is_no_wake_up(origin: bytes) -> None:
    """A hash that belongs to none of our lanes counts as missing."""
    with pytest.raises(NoSuchJobError):
        _wake_up("17-3", origin=origin, data=json.dumps(["os.system", None, ["true"], {}]).encode())


@pytest.mark.parametrize(
    "name", ["17", "17-", "-3", "a-b", "17-3-1", "17-3:x", "\u0661-\u0662", "", "1" * 30 + "-1", "17-3\n"]
)
def test_a_wrong_id_is_no_wake_up(name: str) -> None:
    """An id that is not a task's id and attempt counts as missing, without a question to Redis."""
    with pytest.raises(NoSuchJobError):
        WakeUp.fetch(name, connection=REDIS, serializer="json")


def test_a_wake_up_runs_nothing_by_itself() -> None:
    """Without a worker that lends the one function, there is nothing to run."""
    with pytest.raises(NoSuchJobError):
        _wake_up("17-3", origin=b"fast").perform()


def test_functions_cannot_be_smuggled_in() -> None:
    """A function named by data, instance or arguments is neither imported nor called."""
    data: Any = ["os.system", "os", ["touch /tmp/never"], {"x": 1}]
    job = _wake_up("17-3", origin=b"bulk", data=json.dumps(data).encode())
    assert (FUNCTION, None, [17, 3], {}) == (job.func_name, job.instance, job.args, job.kwargs)
