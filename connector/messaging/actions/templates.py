"""Templates: handed to Meta, listed as Meta last told them, looked at again every few hours."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from connector.connections import actions as connection_actions
from connector.connections import db as connections
from connector.connections.model import CapabilityKind, Connection
from connector.db import outbox
from connector.db.outbox import Taken
from connector.errors import MetaRefused, NotFound
from connector.graph.call import Call
from connector.graph.faults import REASONS, Kind
from connector.messaging import db, graph
from connector.messaging.actions import outcomes
from connector.messaging.model import Template
from connector.runtime import Runtime

T = TypeVar("T")
_EVERY = timedelta(hours=6)
_MOST_PAGES = 20
"""Our own bound: 2,000 templates."""


async def list_templates(
    runtime: Runtime, store_id: str, connection_id: str, *, limit: int, after: tuple[str, str] | None
) -> list[Template]:
    """List a Page's templates as Meta last told them."""
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        return await db.list_templates(tx, connection.id, limit=limit, after=after)


async def create_template(
    runtime: Runtime, store_id: str, connection_id: str, template: Template, examples: Sequence[str]
) -> Template:
    """Hand a template to Meta, and keep it as Meta took it. One that Meta has already, word for word, is that one.

    Raises:
        FailedPrecondition: the connection cannot send, or Meta refuses the template.
        Throttled, Unavailable: Meta did not take it now.

    """
    connection = await _open(runtime, store_id, connection_id)
    call = graph.create_template(connection.page_id, template, examples)
    try:
        template_id, status = await _ask(runtime, connection, call)
    except MetaRefused as refusal:  # the name may be taken, by a call whose answer was lost
        same = await _find_same(runtime, connection, template) if refusal.reason == REASONS[Kind.REFUSED] else None
        if same is None:
            raise
        template_id, status = same.id, same.status
    kept = replace(template, id=template_id, status=status, update_time=runtime.now())
    async with runtime.db.begin() as tx:
        await db.keep_templates(tx, connection, [kept], at=runtime.now())
    return kept


async def _find_same(runtime: Runtime, connection: Connection, template: Template) -> Template | None:
    """Find a template with the same name, language and words at Meta."""
    listed = await _ask(runtime, connection, graph.list_templates(connection.page_id, name=template.name))
    wanted = template.name, template.language, template.body
    return next((one for one in listed.entries if (one.name, one.language, one.body) == wanted), None)


async def delete_template(runtime: Runtime, store_id: str, connection_id: str, name: str) -> None:
    """Delete a template at Meta, in every language.

    Raises:
        NotFound: TEMPLATE_NOT_FOUND.
        FailedPrecondition, Throttled, Unavailable: Meta did not do it.

    """
    connection = await _open(runtime, store_id, connection_id)
    async with runtime.db.begin() as tx:
        if await db.find_template(tx, connection.id, name) is None:
            words = "The Page has no such template: ListMessageTemplates names those it has"
            raise NotFound("TEMPLATE_NOT_FOUND", words, template_name=name)
    await _ask(runtime, connection, graph.delete_template(connection.page_id, name))
    async with runtime.db.begin() as tx:
        await db.forget_templates(tx, connection.id, name=name)


async def sync_templates(runtime: Runtime, task: Taken) -> None:
    """Read all templates of a Page, and forget those that Meta no longer has."""
    begin = runtime.now()
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        connection = await connections.by_id(tx, task.connection_id) if task.connection_id else None
        if connection is None or CapabilityKind.MESSAGING in connection.blocks or not connection.page_id:
            await outbox.again(tx, task, begin + _EVERY)
            return
        await connection_actions.require_room(runtime, tx, connection, graph.bucket(connection.page_id))
    access = await connection_actions.access(runtime, connection, kind="page")
    told: list[Template] = []
    after = ""
    for _ in range(_MOST_PAGES):
        page = await runtime.graph.send(graph.list_templates(connection.page_id, after=after), access)
        told += page.entries
        after = page.after
        if not after:
            break
    async with runtime.db.begin() as tx:
        await outbox.hold(tx, task)
        await db.keep_templates(tx, connection, told, at=runtime.now())
        await db.forget_templates(tx, connection.id, before=begin)
        await outcomes.watch_unsettled(runtime, tx, connection.store_id, connection.id)
        await outbox.again(tx, task, runtime.now() + _EVERY)


async def _open(runtime: Runtime, store_id: str, connection_id: str) -> Connection:
    async with runtime.db.begin() as tx:
        connection = await connections.require_live(tx, store_id, connection_id)
        connection_actions.require_capability(connection, CapabilityKind.MESSAGING)
        await connection_actions.require_open(runtime, tx, connection.environment)
    return connection


async def _ask(runtime: Runtime, connection: Connection, call: Call[T]) -> T:
    return await runtime.graph.send(call, await connection_actions.access(runtime, connection, kind="page"))
