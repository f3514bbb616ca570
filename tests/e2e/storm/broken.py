"""Builds that are broken on purpose: `python -m tests.e2e.storm.broken BUILD MODULE [ARGUMENT]…` replaces what BUILD names, then runs MODULE.

A checker that finds nothing wrong with them would be worth nothing. The product knows nothing of this.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable
from datetime import timedelta

from connector.db import outbox
from connector.db.schema import Tx
from connector.messaging import db as messaging
from connector.messaging.actions import outcomes
from connector.messaging.model import Message, State
from connector.runtime import Runtime
from connector.webhooks.model import Arrival
from webhook_ingress.inbox import Inbox

_writing: set[asyncio.Task[None]] = set()


def answer_early() -> None:
    """Answer Meta before the commit."""
    put = Inbox.put

    async def put_later(self: Inbox, arrival: Arrival) -> None:
        task = asyncio.create_task(put(self, arrival))
        _writing.add(task)
        task.add_done_callback(_forget)

    Inbox.put = put_later  # type: ignore[method-assign] # breaking it is the purpose


def _forget(task: asyncio.Task[None]) -> None:
    _writing.discard(task)
    task.exception()  # nobody is told


def forget_quickly() -> None:
    """Let leases run out after a second; that alone breaks nothing, it only saves the test's time."""
    outbox.LEASE, outbox.RENEWAL = timedelta(seconds=1), timedelta(seconds=0.3)


def ignore_claims() -> None:
    """Let nobody's claim count: neither a lease, nor the mark of a message that somebody is just sending."""
    forget_quickly()
    outbox._mine = lambda task: (outbox.tasks.c.id == task.id,)

    async def hold(tx: Tx, task: outbox.Taken) -> outbox.Taken:
        return task

    async def send_again(runtime: Runtime, tx: Tx, message: Message) -> None:
        await messaging.change(tx, message.id, state=State.PENDING, attempt_time=None)

    outbox.hold, outcomes.lose_sight = hold, send_again


BUILDS: dict[str, Callable[[], None]] = {
    "answer_early": answer_early,
    "forget_quickly": forget_quickly,
    "ignore_claims": ignore_claims,
}


if __name__ == "__main__":
    build, module, *arguments = sys.argv[1:]
    BUILDS[build]()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=False)
