"""Work over very many rows, in pieces: a short transaction each, a cursor in the task's arguments.

So it can be interrupted anywhere, holds nobody up, and needs no more memory than a piece. A turn does as many pieces as
fit into `TURN`, and then lets others have the worker.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.runtime import Runtime

TURN = timedelta(seconds=3)

Cursor = dict[str, Any]
"""The task's arguments: what it is about, and how far it has come. JSON-able."""

Act = Callable[[Tx, Cursor, datetime], Awaitable[Cursor | None]]
"""Do the piece behind a cursor; tell the next cursor, or None when nothing is left."""


async def go_through(runtime: Runtime, task: Taken, act: Act) -> None:
    """Do the task's pieces from where its cursor stands, and finish the turn. Each piece's transaction holds the task first."""
    cursor: Cursor | None = dict(task.arguments)
    end = runtime.now() + TURN
    while cursor is not None:
        async with runtime.db.begin() as tx:
            await outbox.hold(tx, task)
            at = runtime.now()
            cursor = await act(tx, cursor, at)
            if cursor is None:
                await outbox.done(tx, task, at=at)
                return
            await outbox.keep(tx, task, cursor)
            if at >= end:
                await outbox.again(tx, task, at)
                return
