"""Links the chosen Page and catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy.exc

from connector.connections import db, graph
from connector.connections.actions.news import tell
from connector.connections.actions.standing import plan_check, plan_examination, weigh_anew
from connector.connections.actions.tokens import binding, open_token, require_open
from connector.connections.actions.unlinking import begin_anew
from connector.connections.model import EDITOR_TASKS, Catalog, Connection, Offer, Page, State, Waiting, missing_tasks
from connector.connections.model.verdicts import probes_due
from connector.db import outbox, walls
from connector.db.outbox import Task
from connector.db.schema import Tx
from connector.errors import AlreadyExists, FailedPrecondition, InvalidInput
from connector.graph.client import Access
from connector.runtime import Runtime
from connector.vault import same_token


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the merchant chose, and the offer it was chosen from."""

    offer: Offer
    page: Page
    catalog: Catalog | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stands before a choice: the login's connection, what may be chosen, who has the Page, and where it comes home to."""

    connection: Connection
    waiting: Waiting | None
    offer: Offer
    owner: Connection | None
    home: Connection


async def choose(
    runtime: Runtime, store_id: str, connection_id: str, *, page_id: str, catalog_id: str = ""
) -> Connection:
    """Link the Page (and catalog) that the merchant chose from what the login granted. Repeating it changes nothing.

    Without `catalog_id` a catalog attached before stays. A store that had this Page before gets that connection back,
    whatever id the login began with.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED without a login, LOGIN_CHOICE_EXPIRED, PAGE_NOT_GRANTED,
            CATALOG_NOT_GRANTED, SCOPE_WITHOUT_PAGE, SCOPE_WITHOUT_CATALOG, PAGE_ROLE_TOO_LOW, CATALOG_ATTACHED,
            ASSET_IN_OTHER_ENVIRONMENT.
        AlreadyExists: PAGE_TAKEN.

    """
    seen = await _see(runtime, store_id, connection_id, page_id)
    connection, waiting = seen.connection, seen.waiting
    if waiting is not None and waiting.expire_time <= runtime.now():
        await _end_choice(runtime, connection)
        raise _too_late()
    chosen = _chosen(connection, seen.offer, page_id, catalog_id, login_open=waiting is not None)
    if seen.owner is not None and seen.owner.store_id != store_id:
        raise _page_taken(page_id)
    if waiting is None:
        return await _attach(runtime, connection, chosen.catalog)
    tokens = await _derive(runtime, seen, waiting, page_id)
    linked, login_open = await _link_if_open(runtime, seen, waiting, chosen, tokens)
    if linked is not None:
        return linked
    if login_open:  # another login linked the Page meanwhile: on its connection, then
        return await choose(runtime, store_id, connection_id, page_id=page_id, catalog_id=catalog_id)
    raise _no_login()


async def _see(runtime: Runtime, store_id: str, connection_id: str, page_id: str) -> _Seen:
    with walls.beyond():  # whether somebody else has the Page
        async with runtime.db.begin() as tx:
            connection = await followed(tx, store_id, connection_id)
            waiting = await db.read_waiting(tx, connection.id)
            if waiting is not None:
                await require_open(runtime, tx, connection.environment)
            return _Seen(
                connection,
                waiting,
                waiting.offer if waiting else await db.read_offer(tx, connection.id),
                await db.owner_of_page(tx, connection.environment, page_id),
                await db.of_page(tx, store_id, connection.environment, page_id) or connection,
            )


async def _derive(runtime: Runtime, seen: _Seen, waiting: Waiting, page_id: str) -> dict[str, bytes]:
    """Derive the Page's token from the login's, and seal both for the connection they will stand in.

    Before the transaction, as Meta and a key service may be asked.
    """
    app, seal = runtime.app(seen.connection.environment), runtime.vault.seal
    user_token = await open_token(runtime, seen.connection, waiting.token, "login")
    issued = await runtime.graph.send(graph.page_token(page_id), Access(user_token, app.secrets[0], app.app_id))
    return {
        "user_token": await seal(user_token, binding(seen.home, "user")),
        "page_token": await seal(issued.token, binding(seen.home, "page")),
    }


async def _link_if_open(
    runtime: Runtime, seen: _Seen, waiting: Waiting, chosen: Chosen, tokens: Mapping[str, bytes]
) -> tuple[Connection | None, bool]:
    """Link if the login is still the one that waits; tells the connection as it is linked, and whether the login waits."""
    store_id, connection_id, page_id = seen.connection.store_id, str(seen.connection.id), chosen.page.id
    try:
        with walls.beyond():  # whether the other environment has the Page or catalog
            async with runtime.db.begin() as tx:
                current = await followed(tx, store_id, connection_id, lock=True)
                still = await db.read_waiting(tx, current.id)
                if still is not None and same_token(still.token, waiting.token):
                    linked = await _link(runtime, tx, current, chosen, home_id=seen.home.id, tokens=tokens)
                    return linked, True
    except sqlalchemy.exc.IntegrityError as clash:
        if "uq_connections_environment_page_id" in str(clash.orig):
            raise _page_taken(page_id) from clash
        raise
    # The same choice may have been made twice at once.
    return (current if current.live and current.page_id == page_id else None), False


async def look(runtime: Runtime, store_id: str, connection_id: str) -> tuple[Connection, Waiting | None]:
    """Tell where a connection stands, and what an open login lets the merchant choose from."""
    async with runtime.db.begin() as tx:
        connection = await followed(tx, store_id, connection_id)
        waiting = await db.read_waiting(tx, connection.id)
    if waiting is not None and waiting.expire_time <= runtime.now():
        return await _end_choice(runtime, connection), None
    return connection, waiting


async def _end_choice(runtime: Runtime, connection: Connection) -> Connection:
    """Wipe the token of a choice that was not made in time; tells the connection as it is then."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        for ended in await db.end_choices(tx, db.connections.c.id == connection.id, at=now):
            await tell(tx, ended, at=now)
        return await db.require(tx, connection.store_id, connection.id)


def _chosen(connection: Connection, offer: Offer, page_id: str, catalog_id: str, *, login_open: bool) -> Chosen:
    """Find what was chosen in what was granted."""
    if connection.page_id and connection.page_id != page_id:
        message = "this connection stands for another Page; begin without connection_id to link a further one"
        raise InvalidInput.of("choose.page_id", "FIELD_INVALID", message)
    if not login_open and not connection.live:
        raise _no_login()
    return pick(offer, page_id, catalog_id)


def pick(offer: Offer, page_id: str, catalog_id: str) -> Chosen:
    """Find a Page (and catalog) in what was granted, and make sure that it was granted well enough.

    Raises:
        FailedPrecondition: PAGE_NOT_GRANTED, PAGE_ROLE_TOO_LOW, SCOPE_WITHOUT_PAGE, CATALOG_NOT_GRANTED,
            SCOPE_WITHOUT_CATALOG.

    """
    page = offer.page(page_id)
    if page is None:
        raise _too_little("PAGE_NOT_GRANTED", "The Page is not among those the merchant granted", page_id=page_id)
    if lacking := " ".join(missing_tasks(page.tasks, EDITOR_TASKS)):
        message = (
            f"Whoever logged in lacks {lacking} on the Page: someone with full control gives these tasks, or logs in"
        )
        raise FailedPrecondition("PAGE_ROLE_TOO_LOW", message, fix="Connect.begin", page_id=page_id, tasks=lacking)
    if short := " ".join(offer.reach.scopes_without_page(graph.SCOPES, page_id)):
        raise _too_little("SCOPE_WITHOUT_PAGE", f"{short} was granted for other Pages", page_id=page_id, scopes=short)
    return Chosen(offer, page, _pick_catalog(offer, catalog_id) if catalog_id else None)


def _pick_catalog(offer: Offer, catalog_id: str) -> Catalog:
    catalog = offer.catalog(catalog_id)
    if catalog is None:
        message = "The catalog is not among those the merchant granted"
        raise _too_little("CATALOG_NOT_GRANTED", message, catalog_id=catalog_id)
    if short := " ".join(offer.reach.scopes_without_catalog(catalog_id, catalog.business_id)):
        message = f"{short} was granted for other catalogs"
        raise _too_little("SCOPE_WITHOUT_CATALOG", message, catalog_id=catalog_id, scopes=short)
    return catalog


async def _link(
    runtime: Runtime, tx: Tx, connection: Connection, chosen: Chosen, *, home_id: UUID, tokens: Mapping[str, bytes]
) -> Connection | None:
    """Link the Page in one transaction: tokens, subscription task, failed work revived, StormCom told.

    None when the Page came home to another connection than the tokens are sealed for.
    """
    now = runtime.now()
    home = await db.of_page(tx, connection.store_id, connection.environment, chosen.page.id) or connection
    if home.id != home_id:
        return None
    wish = _attached(home, chosen.catalog, at=now)
    catalog_id = wish.get("catalog_id", home.catalog_id)
    await db.require_own_world(tx, home.environment, page_id=chosen.page.id, catalog_id=catalog_id)
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
        **_granted(chosen, at=now),
        **wish,
    )
    await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=now, connection_id=home.id, key=f"subscribe:{home.id}")
    read_back = {"reason": "CONNECTED", "begin_time": now.isoformat()}
    await outbox.add(tx, Task.BACKFILL, due=now, connection_id=home.id, key=f"backfill:{home.id}", arguments=read_back)
    await begin_anew(tx, home, at=now)
    await outbox.revive(tx, home.id, at=now)
    await plan_examination(tx, home, at=now)
    linked = await weigh_anew(runtime, tx, linked)
    if probes_due(linked, runtime.app(linked.environment), at=now):  # what Meta ends may still answer here
        await plan_check(runtime, tx, linked)
    await tell(tx, linked, at=now)
    return linked


async def _retire(tx: Tx, connection: Connection, home: Connection, *, at: datetime) -> None:
    """End the connection a login began with: the store has one of that Page already, which takes over."""
    await db.change(
        tx, connection.id, at=at, state=State.DISCONNECTED, reason="", successor_id=home.id, **db.NOTHING_WAITS
    )


def _granted(chosen: Chosen, *, at: datetime) -> dict[str, Any]:
    """Write the columns that tell what was granted."""
    page, offer = chosen.page, chosen.offer
    return {
        "page_id": page.id,
        "page_name": page.name,
        "page_tasks": list(page.tasks),
        "instagram_id": page.instagram.id if page.instagram else "",
        "instagram_username": page.instagram.username if page.instagram else "",
        "offer": offer.document(),
        "user_id": offer.user_id,
        "token_kind": offer.token_kind,
        "token_time": at,
        "granted_scopes": list(offer.scopes),
        "reach": offer.reach.document(),
        **db.NOTHING_WAITS,
        "token_expire_time": offer.token_expire_time,
        "data_access_expire_time": offer.data_access_expire_time,
    }


async def _attach(runtime: Runtime, connection: Connection, catalog: Catalog | None) -> Connection:
    """Attach a catalog to a connection that is linked already, if it is a new wish."""
    now = runtime.now()
    with walls.beyond():  # whether the other environment has the catalog
        async with runtime.db.begin() as tx:
            current = await db.require(tx, connection.store_id, connection.id, lock=True)
            wish = _attached(current, catalog, at=now)
            if not wish:
                return current
            await db.require_own_world(tx, current.environment, catalog_id=wish["catalog_id"])
            changed = await weigh_anew(runtime, tx, await db.change(tx, current.id, at=now, **wish))
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


async def followed(tx: Tx, store_id: str, connection_id: str, *, lock: bool = False) -> Connection:
    """Find a store's connection, going on to the one that took over its login."""
    connection = await db.require(tx, store_id, connection_id, lock=lock)
    if connection.successor_id is None:
        return connection
    return await db.require(tx, store_id, connection.successor_id, lock=lock)


def _no_login() -> FailedPrecondition:
    message = "No login is open for this connection: call Connect with begin, then choose"
    return FailedPrecondition("STORE_NOT_CONNECTED", message, fix="Connect.begin")


def _too_late() -> FailedPrecondition:
    message = "More than an hour went by since the login, so its token was wiped: begin again"
    return FailedPrecondition("LOGIN_CHOICE_EXPIRED", message, fix="Connect.begin")


def _too_little(reason: str, message: str, **metadata: str) -> FailedPrecondition:
    return FailedPrecondition(reason, f"{message}: begin again and tick it", fix="Connect.begin", **metadata)


def _page_taken(page_id: str) -> AlreadyExists:
    message = "The Page is linked to another store in this environment: the merchant disconnects it there first"
    return AlreadyExists("PAGE_TAKEN", message, page_id=page_id)
