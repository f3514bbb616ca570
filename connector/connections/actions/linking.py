"""Links the chosen Page and catalog, and unlinks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy.exc

from connector.alerts import db as alerts
from connector.connections import db, graph
from connector.connections.actions.news import tell
from connector.connections.actions.tokens import binding, open_token, require_open
from connector.connections.model import Catalog, Connection, Offer, Page, State
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import AlreadyExists, FailedPrecondition, InvalidInput
from connector.graph.client import Access
from connector.operations import db as operations
from connector.runtime import Runtime
from connector.vault import Secret


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the merchant chose, and the offer it was chosen from."""

    offer: Offer
    page: Page
    catalog: Catalog | None


async def choose(
    runtime: Runtime, store_id: str, connection_id: str, *, page_id: str, catalog_id: str = ""
) -> Connection:
    """Link the Page (and catalog) that the merchant chose from what the login granted. Repeating it changes nothing.

    Without `catalog_id` a catalog attached before stays. A store that had this Page before gets that connection back,
    whatever id the login began with.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED without a login, PAGE_NOT_GRANTED, CATALOG_NOT_GRANTED,
            CATALOG_ATTACHED.
        AlreadyExists: PAGE_TAKEN.

    """
    async with runtime.db.begin() as tx:
        connection = await followed(tx, store_id, connection_id)
        offer, sealed = await db.read_offer(tx, connection.id), await db.read_login_token(tx, connection.id)
        owner = await db.owner_of_page(tx, connection.environment, page_id)
        home = await db.of_page(tx, store_id, connection.environment, page_id) or connection
        if sealed is not None:
            await require_open(runtime, tx, connection.environment)
    chosen = _chosen(connection, offer, page_id, catalog_id, login_open=sealed is not None)
    if owner is not None and owner.store_id != store_id:
        raise _page_taken(page_id)
    if sealed is None:
        return await _attach(runtime, connection, chosen.catalog)
    app = runtime.app(connection.environment)
    user_token = await open_token(runtime, connection, sealed, "login")
    issued = await runtime.graph.send(graph.page_token(page_id), Access(user_token, app.secrets[0], app.app_id))
    tokens = await _seal(runtime, home, user_token=user_token, page_token=issued.token)
    try:
        async with runtime.db.begin() as tx:
            current = await followed(tx, store_id, connection_id, lock=True)
            login_open = await db.read_login_token(tx, current.id) == sealed
            if login_open and (linked := await _link(runtime, tx, current, chosen, home_id=home.id, tokens=tokens)):
                return linked
    except sqlalchemy.exc.IntegrityError as clash:
        if "uq_connections_environment_page_id" in str(clash.orig):
            raise _page_taken(page_id) from clash
        raise
    if current.live and current.page_id == page_id:  # the same choice, made twice at once
        return current
    if login_open:  # another login linked the Page meanwhile: on its connection, then
        return await choose(runtime, store_id, connection_id, page_id=page_id, catalog_id=catalog_id)
    raise _no_login()


async def look(runtime: Runtime, store_id: str, connection_id: str) -> tuple[Connection, Offer]:
    """Tell where a connection stands, and what an open login lets the merchant choose from."""
    async with runtime.db.begin() as tx:
        connection = await followed(tx, store_id, connection_id)
        login_open = await db.read_login_token(tx, connection.id) is not None
        return connection, await db.read_offer(tx, connection.id) if login_open else Offer()


def _chosen(connection: Connection, offer: Offer, page_id: str, catalog_id: str, *, login_open: bool) -> _Chosen:
    """Find what was chosen in what was granted."""
    if connection.page_id and connection.page_id != page_id:
        message = "this connection stands for another Page; begin without connection_id to link a further one"
        raise InvalidInput.of("choose.page_id", "FIELD_INVALID", message)
    if not login_open and not connection.live:
        raise _no_login()
    page, catalog = offer.page(page_id), offer.catalog(catalog_id) if catalog_id else None
    if page is None:
        message = "The Page is not among those the merchant granted: begin again and tick it"
        raise FailedPrecondition("PAGE_NOT_GRANTED", message, fix="Connect.begin", page_id=page_id)
    if catalog_id and catalog is None:
        message = (
            "The catalog is not among those the merchant granted: choose another, or begin again and grant its business"
        )
        raise FailedPrecondition("CATALOG_NOT_GRANTED", message, fix="Connect.begin", catalog_id=catalog_id)
    return _Chosen(offer, page, catalog)


async def _seal(runtime: Runtime, home: Connection, *, user_token: Secret, page_token: Secret) -> dict[str, bytes]:
    """Seal both tokens for the connection they will stand in; before the transaction, as a key service may be asked."""
    seal = runtime.vault.seal
    return {
        "user_token": await seal(user_token, binding(home, "user")),
        "page_token": await seal(page_token, binding(home, "page")),
    }


async def _link(
    runtime: Runtime, tx: Tx, connection: Connection, chosen: _Chosen, *, home_id: UUID, tokens: Mapping[str, bytes]
) -> Connection | None:
    """Link the Page in one transaction: tokens, subscription task, failed work revived, StormCom told.

    None when the Page came home to another connection than the tokens are sealed for.
    """
    now = runtime.now()
    home = await db.of_page(tx, connection.store_id, connection.environment, chosen.page.id) or connection
    if home.id != home_id:
        return None
    if home.id != connection.id:
        await _retire(tx, connection, home, at=now)
    linked = await db.change(
        tx,
        home.id,
        at=now,
        state=State.CONNECTED,
        reason="",
        blocks={},
        **tokens,
        **_granted(chosen),
        **_attached(home, chosen.catalog, at=now),
    )
    await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=now, connection_id=home.id, key=f"subscribe:{home.id}")
    await outbox.revive(tx, home.id, at=now)
    await tell(tx, linked, at=now)
    return linked


async def _retire(tx: Tx, connection: Connection, home: Connection, *, at: datetime) -> None:
    """End the connection a login began with: the store has one of that Page already, which takes over."""
    emptied = {"login_token": None, "offer": None}
    await db.change(tx, connection.id, at=at, state=State.DISCONNECTED, reason="", successor_id=home.id, **emptied)


def _granted(chosen: _Chosen) -> dict[str, Any]:
    """Write the columns that tell what was granted."""
    page, offer = chosen.page, chosen.offer
    return {
        "page_id": page.id,
        "page_name": page.name,
        "page_tasks": list(page.tasks),
        "login_token": None,
        "offer": offer.document(),
        "user_id": offer.user_id,
        "granted_scopes": list(offer.scopes),
        "token_expire_time": offer.token_expire_time,
        "data_access_expire_time": offer.data_access_expire_time,
    }


async def _attach(runtime: Runtime, connection: Connection, catalog: Catalog | None) -> Connection:
    """Attach a catalog to a connection that is linked already, if it is a new wish."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        current = await db.require(tx, connection.store_id, connection.id, lock=True)
        wish = _attached(current, catalog, at=now)
        if not wish:
            return current
        changed = await db.change(tx, current.id, at=now, **wish)
        await tell(tx, changed, at=now)
        return changed


def _attached(home: Connection, catalog: Catalog | None, *, at: datetime) -> dict[str, Any]:
    """Write the columns that attach a catalog; one that is attached already stays as it is."""
    if catalog is None or catalog.id == home.catalog_id:
        return {}
    if home.catalog_id:
        message = "The connection has another catalog: its items would be left behind"
        raise FailedPrecondition("CATALOG_ATTACHED", message, catalog_id=home.catalog_id)
    return {
        "catalog_id": catalog.id,
        "catalog_name": catalog.name,
        "catalog_product_count": catalog.product_count,
        "business_id": catalog.business_id,
        "catalog_attach_time": at,
    }


async def disconnect(runtime: Runtime, store_id: str, connection_id: str) -> Connection:
    """Unlink a connection. Repeating it changes nothing.

    The person's token is wiped at once. The Page's stays sealed, out of reach of all other work, until the Page is
    unsubscribed with it, at most an hour. Operations end FAILED, alerts close; products, ids and conversations stay.
    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await db.require(tx, store_id, connection_id, lock=True)
        if connection.state is State.DISCONNECTED:
            return connection
        wiped: dict[str, Any] = {"user_token": None, "login_token": None, "offer": None, "blocks": {}}
        linked = connection.live
        connection = await db.change(tx, connection.id, at=now, state=State.DISCONNECTED, reason="", **wiped)
        for operation in await operations.running(tx, connection.id):
            await operations.fail(tx, operation.id, "STORE_NOT_CONNECTED", at=now)
        await outbox.forget_periodic(
            tx, connection.id
        )  # before the alerts: no turn under way opens one behind our back
        await alerts.close_all(tx, connection.store_id, connection.id, at=now)
        if linked:
            key = f"unsubscribe:{connection.id}"
            await outbox.add(tx, Task.UNSUBSCRIBE_PAGE, due=now, connection_id=connection.id, key=key)
            await tell(tx, connection, at=now)
        return connection


async def followed(tx: Tx, store_id: str, connection_id: str, *, lock: bool = False) -> Connection:
    """Find a store's connection, going on to the one that took over its login."""
    connection = await db.require(tx, store_id, connection_id, lock=lock)
    if connection.successor_id is None:
        return connection
    return await db.require(tx, store_id, connection.successor_id, lock=lock)


def _no_login() -> FailedPrecondition:
    message = "No login is open for this connection: call Connect with begin, then choose"
    return FailedPrecondition("STORE_NOT_CONNECTED", message, fix="Connect.begin")


def _page_taken(page_id: str) -> AlreadyExists:
    message = "The Page is linked to another store in this environment: the merchant disconnects it there first"
    return AlreadyExists("PAGE_TAKEN", message, page_id=page_id)
