"""Installs: the way through Meta's dialog or iframe, and what the merchant's token is turned into.

The connection works with the token of the system user that Meta makes for the installation: it outlives passwords. Where Meta gives
none, or one that may not do all we need (Unverified), the long-lived token of the person who installed takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from connector import log
from connector.business_extension import db, graph
from connector.business_extension.actions.watching import require
from connector.business_extension.model import Assets, Installation, Shop, State
from connector.connections import actions as connections
from connector.connections import db as connections_db
from connector.connections.model import Connection, Landing, Login, Loss, Offer, TokenKind, Way
from connector.errors import FailedPrecondition
from connector.graph.client import Access
from connector.runtime import Runtime
from connector.settings import AppProfile
from connector.values import Environment
from connector.vault import Secret


@dataclass(frozen=True, slots=True)
class Started:
    """An install that waits for the merchant."""

    begun: connections.Begun
    installation: Installation


@dataclass(frozen=True, slots=True)
class Completed:
    """An install that was completed, and what it takes away from live connections of the same person."""

    connection: Connection
    installation: Installation
    losses: tuple[Loss, ...]


async def begin(
    runtime: Runtime,
    store_id: str,
    *,
    connection_id: str = "",
    environment: Environment,
    shop: Shop,
    embedded: bool = False,
    redirect_uri: str = "",
    return_url: str = "",
    actor: str = "",
) -> Started:
    """Begin to install for a new connection, or for the named one again: in Meta's dialog, or embedded in an iframe.

    Raises:
        NotFound: CONNECTION_NOT_FOUND.
        FailedPrecondition: ENVIRONMENT_NOT_CONFIGURED, EMBEDDED_INSTALL_NOT_CONFIGURED.
        InvalidInput: the named connection lives in the other environment.

    """
    app = runtime.app(environment)
    if embedded and not app.client_token:
        message = (
            f"The app has no client token: operators set META_{environment}_CLIENT_TOKEN, or install in the dialog"
        )
        raise FailedPrecondition("EMBEDDED_INSTALL_NOT_CONFIGURED", message)
    async with runtime.db.begin() as tx:
        name = f"stormcom-{runtime.new_id()}"
        told = {"domain": shop.domain, "admin_url": shop.admin_url}
        installation = await db.begin(tx, store_id, environment, name, **told)
    begun = await connections.begin(
        runtime,
        store_id,
        connection_id=connection_id,
        environment=environment,
        redirect_uri=redirect_uri,
        return_url=return_url,
        way=Way.BUSINESS_EXTENSION,
        write_dialog=_writer(runtime, app, shop, installation, embedded=embedded),
        actor=actor,
    )
    return Started(begun, installation)


def _writer(
    runtime: Runtime, app: AppProfile, shop: Shop, installation: Installation, *, embedded: bool
) -> connections.WriteDialog:
    """Choose what writes where the merchant installs. The iframe carries no state: the caller hands it in again."""
    name = installation.external_business_id
    if not embedded:
        extras, scopes = graph.write_extras(shop, name), graph.wanted_scopes(app.capabilities)
        return partial(graph.dialog, runtime.dialog(app.environment), scopes=scopes, extras=extras)
    installed = installation.state is State.INSTALLED
    return lambda app_id, _uri, _state: graph.splash(app_id, app.client_token, shop, name, installed=installed)


async def finish_login(runtime: Runtime, *, state: str, code: str = "", error: str = "") -> Landing:
    """Finish whatever came back to the connector's own callback: a login, or an install."""
    return await connections.complete_login(
        runtime, state=state, code=code, error=error, ways={**connections.OWN_WAYS, **WAYS}
    )


async def complete(
    runtime: Runtime,
    store_id: str,
    *,
    connection_id: str = "",
    state: str,
    code: str = "",
    error: str = "",
    token: Secret | None = None,
    actor: str | None = None,
) -> Completed:
    """Complete an install with a dialog's code or error, or the token that an iframe posted.

    Raises:
        FailedPrecondition: why it cannot be completed; the connection shows it.
        Throttled, Unavailable: Meta failed for the moment; the state may be handed in again.

    """
    ways: Mapping[Way, connections.Redeem] = WAYS if token is None else {Way.BUSINESS_EXTENSION: _redeem_posted}
    landing = await connections.complete_login(
        runtime,
        state=state,
        code=code if token is None else token.reveal(),
        error=error,
        store_id=store_id,
        connection_id=connection_id,
        actor=actor,
        ways=ways,
    )
    if landing.error is not None or landing.connection is None:
        raise landing.error or RuntimeError("an install without an error ended without a connection")
    async with runtime.db.begin() as tx:
        installation, _ = await require(tx, store_id, landing.connection.environment)
    return Completed(landing.connection, installation, landing.losses)


async def _redeem(runtime: Runtime, login: Login, code: str) -> connections.Grant:
    """Turn the dialog's code into what the installation grants."""
    token = await connections.exchange(runtime, login, code)
    return await _grant(runtime, login, token)


async def _redeem_posted(runtime: Runtime, login: Login, posted: str) -> connections.Grant:
    """Turn the token that an iframe posted into what the installation grants."""
    return await _grant(runtime, login, Secret(posted))


WAYS: Mapping[Way, connections.Redeem] = {Way.BUSINESS_EXTENSION: _redeem}


async def _grant(runtime: Runtime, login: Login, token: Secret) -> connections.Grant:
    """Check the installer's token, read what is installed, and work with the system user's token where it can do all we need."""
    person = await connections.examine(runtime, login.environment, token)
    if graph.INSTALL_SCOPE not in person.offer.scopes:
        message = f"The merchant did not grant {graph.INSTALL_SCOPE}: install again and leave every permission ticked"
        raise FailedPrecondition("SCOPES_MISSING", message, fix="BeginInstall", scopes=graph.INSTALL_SCOPE)
    async with runtime.db.begin() as tx:
        installation = await db.of_store(tx, login.store_id, login.environment)
        await connections.require_open(runtime, tx, login.environment)
    if installation is None:
        raise RuntimeError("an install was begun without an installation")
    app = runtime.app(login.environment)
    access = Access(person.token, app.secrets[0], app.app_id)
    assets = await runtime.graph.send(graph.read_installs(installation.external_business_id), access)
    if assets is None or not assets.business_id:
        raise _incomplete("Meta shows no installation of this shop: install again, and go on to the dialog's last page")
    system = await _system_grant(runtime, installation, assets, access)
    grants = [one for one in (system, person) if one is not None]
    chosen = next((one for one in grants if _installed(one.offer, assets).pages), None)
    if chosen is None:
        raise _incomplete("The installation names no Page that we may work with: install again and tick the Page")
    async with runtime.db.begin() as tx:
        by_system_user = chosen.offer.token_kind == TokenKind.SYSTEM_USER
        await db.install(tx, installation, login.connection_id, assets, by_system_user=by_system_user, at=runtime.now())
    installed = replace(chosen, offer=_installed(chosen.offer, assets), consent=person.offer)
    return await _without_choice(runtime, login, installed)


async def _system_grant(
    runtime: Runtime, installation: Installation, assets: Assets, access: Access
) -> connections.Grant | None:
    """Fetch the system user's token and what it grants; None when Meta refuses it, or it may not do what we need."""
    scopes = graph.wanted_scopes(runtime.app(installation.environment).capabilities)
    call = graph.system_token(assets.business_id, access.app_id, installation.external_business_id, scopes=scopes)
    try:
        token = await runtime.graph.send(call, access)
        return await connections.examine(runtime, installation.environment, token)
    except FailedPrecondition as refusal:  # MetaRefused is one; the installer's token was checked and takes its place
        log.warn("installation.without_system_user", reason=refusal.reason, message=refusal.message)
        return None


def _installed(offer: Offer, assets: Assets) -> Offer:
    """Keep of an offer what is installed."""
    return replace(
        offer,
        pages=tuple(page for page in offer.pages if page.id in assets.page_ids),
        catalogs=tuple(catalog for catalog in offer.catalogs if catalog.id == assets.catalog_id),
    )


async def _without_choice(runtime: Runtime, login: Login, grant: connections.Grant) -> connections.Grant:
    """Name what is linked at once: the one Page with the one catalog. A catalog that the Page's connection has already stays."""
    if len(grant.offer.pages) != 1 or not grant.offer.catalogs:
        return grant
    page, catalog = grant.offer.pages[0], grant.offer.catalogs[0]
    async with runtime.db.begin() as tx:
        before = await connections_db.of_page(tx, login.store_id, login.environment, page.id)
    attached = before is not None and bool(before.catalog_id)
    return replace(grant, page_id=page.id, catalog_id="" if attached else catalog.id)


def _incomplete(message: str) -> FailedPrecondition:
    return FailedPrecondition("INSTALLATION_INCOMPLETE", message, fix="BeginInstall")
