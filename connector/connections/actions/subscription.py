"""The Page's webhook subscription: asked for, read back, given up."""

from connector.budgets.model import Urgency
from connector.connections import db, graph
from connector.connections.actions.news import problem_of
from connector.connections.actions.tokens import access, open_token, require_room
from connector.connections.model import Connection
from connector.db import outbox
from connector.db.outbox import Taken, Task
from connector.db.schema import Tx
from connector.errors import MetaRefused, Unavailable
from connector.graph.client import Access
from connector.runtime import Runtime


async def subscribe_page(runtime: Runtime, task: Taken) -> None:
    """Subscribe our app to the Page, and believe only what Meta then reads back."""
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await _of_task(tx, task)
        await require_room(runtime, tx, connection, graph.page_bucket(connection.page_id), urgency=Urgency.URGENT)
    page_access = await access(runtime, db.require_connected(connection))
    app = runtime.app(connection.environment)
    await runtime.graph.send(graph.subscribe(connection.page_id), page_access)
    fields = await runtime.graph.send(graph.read_subscription(connection.page_id, app.app_id), page_access)
    missing = sorted(set(graph.SUBSCRIBED_FIELDS) - set(fields))
    now = runtime.now()
    unread = Unavailable(
        "META_UNAVAILABLE", f"Meta does not show the Page's subscription to {' '.join(missing)} yet; it is asked again"
    )
    async with runtime.db.begin() as tx:
        await db.change(tx, connection.id, at=now, subscribed_fields=list(fields), subscription_check_time=now)
        await outbox.hold(tx, task)  # after the connection, as everybody who asks for a task does
        if missing:
            await db.note_problem(tx, connection.id, problem_of(unread, at=now))
        else:
            await outbox.done(tx, task, at=now)
    if missing:
        raise unread


async def unsubscribe_page(runtime: Runtime, task: Taken) -> None:
    """Unsubscribe a disconnected Page, then wipe its token. A refusal wipes it too: the token is of no use any more.

    A Page that somebody connected meanwhile stays subscribed: the subscription is our app's, whichever store it serves.
    """
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await _of_task(tx, task)
        owner = await db.owner_of_page(tx, connection.environment, connection.page_id)
        await require_room(runtime, tx, connection, graph.page_bucket(connection.page_id))
    if owner is None and connection.page_token is not None:
        app = runtime.app(connection.environment)
        token = await open_token(runtime, connection, connection.page_token, "page")
        page_access = Access(token, app.secrets[0], app.app_id)
        try:
            await runtime.graph.send(graph.unsubscribe(connection.page_id), page_access)
        except MetaRefused as refusal:
            async with runtime.db.begin() as tx:
                await db.note_problem(tx, connection.id, problem_of(refusal, at=runtime.now()))
    now = runtime.now()
    async with runtime.db.begin() as tx:
        still = await db.by_id(tx, connection.id, lock=True)
        await outbox.hold(tx, task)
        if owner := await db.owner_of_page(tx, connection.environment, connection.page_id):
            # Connected again meanwhile: what we may just have undone is asked for anew.
            key = f"subscribe:{owner.id}"
            await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=now, connection_id=owner.id, key=key)
        if still is not None and not still.live:
            await db.change(tx, still.id, at=now, page_token=None, subscribed_fields=[])
        await outbox.done(tx, task, at=now)


async def _of_task(tx: Tx, task: Taken) -> Connection:
    connection = await db.by_id(tx, task.connection_id) if task.connection_id else None
    if connection is None:
        raise db.not_connected()
    return connection
