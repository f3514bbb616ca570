"""The table of tasks is complete and leads to real actions."""

import inspect
from datetime import timedelta

import pytest

from connector.db.outbox import LEASE, Task
from connector.pieces import TURN
from connector.registry.graph import items_batch
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


@pytest.mark.parametrize("name", [Task.SEND_ITEMS, Task.SEND_STOCK])
def test_a_turn_outlasts_its_last_call(name: Task) -> None:
    """A batch that Meta never answers ends by its own deadline, which knows what a lost answer means, and not with the turn."""
    call = items_batch("1", [], allow_upsert=True)
    assert TURN + call.timeout + LEASE < PLANS[name].limit
