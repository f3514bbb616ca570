"""Who calls, and what may they touch: access tokens, appsecret_proof, scopes and reach.

It refuses dead tokens with the subcode that says why, and unreachable objects as if they did not exist.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from simulator.errors import GraphError, invalid_parameter, permission_missing, token_dead
from simulator.feed_state import (
    CommercePartnerIntegration,
    ProductFeed,
    ProductFeedUpload,
    ProductFeedUploadError,
    ProductFeedUploadErrorSample,
)
from simulator.orders.state import CommerceOrder, OrderReturn
from simulator.pixels import AdsPixel
from simulator.signatures import appsecret_proof
from simulator.standing import CommerceMerchantSettings
from simulator.state import (
    Application,
    Business,
    IGUser,
    Message,
    MessageTemplate,
    Page,
    ProductCatalog,
    ProductGroup,
    ProductItem,
    ProductSet,
    Profile,
    Token,
    UnifiedThread,
    User,
)
from simulator.token_care import data_access_ended
from simulator.world import World

PROOF_AGE_SECONDS = 300.0
FEED_KINDS = (ProductFeed, ProductFeedUpload, ProductFeedUploadError, ProductFeedUploadErrorSample)
CATALOG_KINDS = (ProductCatalog, ProductItem, ProductSet, ProductGroup, *FEED_KINDS, CommercePartnerIntegration)
PAGE_KINDS = (UnifiedThread, Message, MessageTemplate, Profile)


def authenticate(world: World, params: Mapping[str, Any], bearer: str) -> tuple[Token, Application]:
    """Return the living token of a call and its app."""
    value = params.get("access_token") or bearer
    if not value or not isinstance(value, str):
        raise GraphError("An access token is required to request this resource.", code=104, status=400)
    token = find_token(world, value)
    death = death_of(world, token)
    if death is not None:
        raise token_dead(death or None)
    app = world.apps[token.app_id]
    _check_proof(world, app, token, params)
    return token, app


def find_token(world: World, value: str) -> Token:
    """Return the token of that text, living or dead; `{app id}|{secret}` is an app token."""
    if token := world.tokens.get(value):
        return token
    app_id, bar, secret = value.partition("|")
    app = world.apps.get(app_id)
    if bar and app and any(hmac.compare_digest(secret.encode(), known.encode()) for known in app.secrets):
        return Token(value, "APP", app_id, world.clock.now())
    raise token_dead(None)


def death_of(world: World, token: Token) -> int | None:
    """Return the 190 subcode of a dead token (0: dead without one), or None while it lives."""
    if token.death is not None:
        return token.death
    if token.app_id not in world.apps or data_access_ended(world, token):
        return 0
    if token.expire_time is not None and token.expire_time <= world.clock.now():
        return 463
    if token.kind in {"USER", "PAGE", "SYSTEM_USER"}:
        return _death_of_grant(token, world.find(User, token.user_id))
    return None


def _death_of_grant(token: Token, user: User | None) -> int | None:
    """Return how a token died because somebody took back what it stands on."""
    if user is None or token.app_id not in user.grants:
        return 458
    if token.kind == "PAGE" and token.page_id not in user.page_tasks:
        return 492
    # Unverified: which subcode, if any, a Page's token has that a later consent left out.
    return 0 if token.kind == "PAGE" and not grants(token, user, token.page_id) else None


def _check_proof(world: World, app: Application, token: Token, params: Mapping[str, Any]) -> None:
    proof, time = params.get("appsecret_proof"), str(params.get("appsecret_time", ""))
    if not proof:
        if app.require_proof and token.kind != "APP":
            raise _proof_error("API calls from the server require an appsecret_proof argument")
        return
    stale = time and (not time.isdecimal() or abs(world.clock.now() - int(time)) > PROOF_AGE_SECONDS)
    expected = [appsecret_proof(secret, token.value, time).encode() for secret in app.secrets]
    if stale or not any(hmac.compare_digest(str(proof).encode(), good) for good in expected):
        raise _proof_error("Invalid appsecret_proof provided in the API argument")


def _proof_error(message: str) -> GraphError:
    # Unverified: code and type are recalled.
    return GraphError(message, code=100, type="GraphMethodException")


def granted_scopes(world: World, token: Token) -> set[str]:
    """Return the scopes that count now: what the token was given and nobody has revoked since."""
    user = world.find(User, token.user_id)
    if user is None:
        return set(token.scopes)
    grants = user.grants.get(token.app_id, {})
    return {scope for scope in token.scopes if grants.get(scope) == "granted"}


def require_scopes(world: World, token: Token, scopes: tuple[str, ...]) -> None:
    """Raise unless the token has one of the scopes; app tokens are beyond scopes."""
    if not scopes or token.kind == "APP" or granted_scopes(world, token).intersection(scopes):
        return
    raise permission_missing(scopes[0])


def reaches(world: World, token: Token, node: Any) -> bool:  # noqa: PLR0911 - one line per kind of node
    """Return whether the token may see the object at all."""
    user = world.find(User, token.user_id)
    match node:
        case Application():
            return node.id == token.app_id
        case User():
            return node.id == token.user_id or (token.kind == "APP" and token.app_id in node.grants)
        case Business():
            return user is not None and token.kind != "PAGE" and node.id in user.businesses
        case Page():
            return token.page_id == node.id or (
                token.kind != "PAGE"
                and user is not None
                and node.id in user.page_tasks
                and grants(token, user, node.id)
            )
        case AdsPixel():
            return reaches(world, token, world.require(Business, node.business_id, name="business_id"))
        case CommerceMerchantSettings() | CommerceOrder() | OrderReturn():
            return reaches(world, token, world.require(Page, node.page_id, name="page_id"))
        case IGUser():
            return any(page.instagram_id == node.id and reaches(world, token, page) for page in world.all(Page))
    if isinstance(node, ProductFeed) and node.readable_time > world.clock.now():
        return False
    if isinstance(node, CATALOG_KINDS):
        allowed = token.kind != "PAGE" or world.switches.page_token_manages_catalogs
        if user is None or not allowed:
            return False
        catalog_id = catalog_of(world, node).id
        return catalog_id in catalogs_of(world, user) and grants(token, user, catalog_id)
    if isinstance(node, PAGE_KINDS):
        return token.kind == "PAGE" and token.page_id == page_of(world, node).id
    return False


def grants(token: Token, user: User, asset_id: str) -> bool:
    """Return whether the user's last consent to the token's app did not leave this Page or catalog out."""
    return asset_id not in user.withheld.get(token.app_id, ())


def catalogs_of(world: World, user: User) -> list[str]:
    """Return the catalogs of the user's businesses, owned and shared."""
    businesses = [world.require(Business, business_id, name="businesses") for business_id in user.businesses]
    return [catalog for business in businesses for catalog in (*business.catalogs, *business.client_catalogs)]


def catalog_of(world: World, node: Any) -> ProductCatalog:
    """Return the catalog that an object of the catalog family belongs to."""
    return (
        node if isinstance(node, ProductCatalog) else world.require(ProductCatalog, node.catalog_id, name="catalog_id")
    )


def page_of(world: World, node: Any) -> Page:
    """Return the Page that an object of the messaging family belongs to."""
    if isinstance(node, Page):
        return node
    if isinstance(node, Message):
        node = world.require(UnifiedThread, node.conversation_id, name="conversation_id")
    return world.require(Page, node.page_id, name="page_id")


def require_page_token(token: Token | None, page: Page) -> None:
    """Raise unless the token is one of this very Page."""
    if token is None or token.kind != "PAGE" or token.page_id != page.id:
        # Unverified: 190 with subcode 2069032 is also reported; 210 is the documented "page token required".
        raise GraphError("(#210) A page access token is required to request this resource.", code=210, status=403)


def check_secret(world: World, app_id: str, secret: str) -> Application:
    """Return the app that knows this secret, for the OAuth endpoints."""
    app = world.apps.get(app_id)
    # Unverified: codes 101 and 1 are recalled.
    if app is None:
        raise GraphError("Error validating application. Cannot get application info due to a system error.", code=101)
    if not any(hmac.compare_digest(secret.encode(), known.encode()) for known in app.secrets):
        raise GraphError("Error validating client secret.", code=1)
    return app


def require_app(call_app: Application | None) -> Application:
    """Return the app of an authenticated call."""
    if call_app is None:
        raise invalid_parameter("An app is required")
    return call_app
