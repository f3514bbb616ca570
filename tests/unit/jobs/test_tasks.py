"""The table of tasks is complete and leads to real actions."""

import inspect
from datetime import timedelta

import pytest

from connector.db.outbox import LEASE, Task
from jobs.bell import HARD_LIMIT_SECONDS
from jobs.tasks import PLANS


def test_every_task_has_a_plan() -> None:
    """No task can be asked for that nobody does."""
    assert set(Task) == set(PLANS)


@pytest.mark.parametrize("name", Task)
def test_every_plan_leads_to_an_action(name: Task) -> None:
    """An action is a coroutine function of the runtime and the task, and nothing else."""
    action = PLANS[name].resolve()
    assert inspect.iscoroutinefunction(action)
    assert list(inspect.signature(action).parameters) == ["runtime", "task"]


@pytest.mark.parametrize("name", Task)
def test_limits_are_in_order(name: Task) -> None:
    """A turn may outlast a lease, since leases are renewed, but ends well before RQ kills its process."""
    assert LEASE < PLANS[name].limit <= timedelta(seconds=HARD_LIMIT_SECONDS - 60)
