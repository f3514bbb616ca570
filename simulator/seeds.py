"""Builds the world that tests and demos start from, out of one JSON document; repeating it changes nothing.

    {"user": {"id", "name"}, "businesses": [{"id", "name", "domains"}], "pages": [{"id", "name", "people": [{"psid", "name"}],
     "instagram": {"id", "username"}, "tasks", "templates", "orders"}], "catalogs": [{"id", "name", "business_id", "shared_with": [business ids], "integration_id"}], "scopes": [...]}

Empty `tasks` take the user's role on a Page away; `orders` ("kept" or "ended") outlive or precede their end. It refuses unknown members and wrong types, naming the place.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.feed_state import CommercePartnerIntegration
from simulator.pages import ALL_TASKS, page_token, person
from simulator.standing_control import claim_domains
from simulator.state import Application, Business, IGUser, Page, ProductCatalog, Token, User
from simulator.world import World

SCOPES = (
    "public_profile", "pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement",
    "catalog_management", "business_management", "instagram_basic", "instagram_manage_messages",
)  # fmt: skip
DEFAULT: Mapping[str, Any] = {
    "user": {"id": "10000000000000001", "name": "Mina Merchant"},
    "businesses": [{"id": "20000000000000001", "name": "Mina's Shop", "domains": [{"name": "shop.example"}]}],
    "pages": [
        {
            "id": "30000000000000001",
            "name": "Mina's Shop",
            "people": [
                {"psid": "70000000000000001", "name": "Béatrice Buyer"},
                {"psid": "70000000000000002", "name": "Omar Onlooker"},
            ],
            "instagram": {"id": "17800000000000001", "username": "minas.shop"},
        }
    ],
    "catalogs": [{"id": "50000000000000001", "name": "Mina's catalog"}],
}
MEMBERS = {
    "": {"user", "businesses", "pages", "catalogs", "scopes", "app_id"},
    "user": {"id", "name"},
    "businesses": {"id", "name", "domains"},
    "pages": {"id", "name", "business_id", "people", "instagram", "tasks", "templates", "orders"},
    "catalogs": {"id", "name", "business_id", "vertical", "shared_with", "integration_id"},
    "people": {"psid", "name", "reachable"},
    "instagram": {"id", "username", "name"},
}


def seed(world: World, document: Mapping[str, Any]) -> dict[str, Any]:
    """Create what is missing and return the ids and tokens of all that was named."""
    document = document or DEFAULT
    _check(document, "")
    app = _app(world, document)
    user = _user(world, document.get("user") or {})
    businesses = [_business(world, user, one) for one in _list(document, "businesses") or [{}]]
    pages = [_page(world, user, businesses[0], one) for one in _list(document, "pages")]
    catalogs = [_catalog(world, businesses[0], one) for one in _list(document, "catalogs")]
    scopes = tuple(_texts(document, "scopes", SCOPES))
    user.grants.setdefault(app.id, {}).update(dict.fromkeys(scopes, "granted"))
    token = user_token(world, app, user, scopes)
    return {
        "app": {"id": app.id, "secret": app.secrets[0], "token": f"{app.id}|{app.secrets[0]}"},
        "user": {"id": user.id, "name": user.name, "token": token.value},
        "businesses": [{"id": one.id, "name": one.name} for one in businesses],
        "pages": [
            {
                "id": page.id,
                "name": page.name,
                "token": page_token(world, page, token),
                "business_id": page.business_id,
                "instagram_id": page.instagram_id,
                "people": [{"psid": one.id, "name": one.name} for one in page.profiles.values()],
            }
            for page in pages
        ],
        "catalogs": [{"id": one.id, "name": one.name, "business_id": one.business_id} for one in catalogs],
    }


def user_token(world: World, app: Application, user: User, scopes: tuple[str, ...]) -> Token:
    """Return a long-lived token of the user: the living one with these scopes, or a new one."""
    now = world.clock.now()
    for token in world.tokens.values():
        fits = (token.kind, token.app_id, token.user_id, token.scopes) == ("USER", app.id, user.id, scopes)
        if fits and token.death is None and (token.expire_time or 0) > now:
            return token
    expire_time = now + world.switches.long_token_seconds
    return world.issue_token("USER", app.id, user_id=user.id, scopes=scopes, expire_time=expire_time, long_lived=True)


def _check(document: Any, place: str) -> None:
    if not isinstance(document, Mapping):
        raise ValueError(f"{place or 'body'}: expected an object")
    if unknown := document.keys() - MEMBERS[place]:
        raise ValueError(f"{place or 'body'}: unknown members {sorted(unknown)}; known are {sorted(MEMBERS[place])}")


def _list(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise ValueError(f"{name}: expected a list")
    for one in value:
        _check(one, name)
    return value


def _texts(document: Mapping[str, Any], name: str, default: Iterable[str]) -> list[str]:
    value = document.get(name, list(default))
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name}: expected a list of strings")
    return value


def _choice(document: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = document.get(name, default)
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {allowed}, got {value!r}")
    return str(value)


def _id(world: World, document: Mapping[str, Any], name: str = "id") -> str:
    value = document.get(name) or world.new_id()
    if not isinstance(value, str) or not value.isdecimal():
        raise ValueError(f"{name}: expected a string of digits, got {value!r}")
    return value


def _app(world: World, document: Mapping[str, Any]) -> Application:
    app_id = document.get("app_id") or next(iter(world.apps), None)
    if not isinstance(app_id, str) or app_id not in world.apps:
        raise ValueError(f"app_id: there is no app {app_id!r}; POST /_simulator/apps first")
    return world.apps[app_id]


def _user(world: World, document: Mapping[str, Any]) -> User:
    _check(document, "user")
    user_id = _id(world, document)
    return world.find(User, user_id) or world.add(User(user_id, str(document.get("name", "Test User"))))


def _business(world: World, user: User, document: Mapping[str, Any]) -> Business:
    business_id = _id(world, document)
    business = world.find(Business, business_id) or world.add(
        Business(business_id, str(document.get("name", "Test Business")))
    )
    if business.id not in user.businesses:
        user.businesses.append(business.id)
    claim_domains(world, business, document.get("domains"))
    return business


def _page(world: World, user: User, business: Business, document: Mapping[str, Any]) -> Page:
    page_id = _id(world, document)
    owner = world.require(Business, str(document.get("business_id", business.id)), name="pages.business_id")
    page = world.find(Page, page_id)
    if page is None:
        page = world.add(Page(page_id, str(document.get("name", "Test Page")), owner.id))
        owner.pages.append(page.id)
    tasks = _texts(document, "tasks", ALL_TASKS)
    if tasks:
        user.page_tasks[page.id] = tasks
    else:
        user.page_tasks.pop(page.id, None)
    page.templates = _texts(document, "templates", page.templates)
    page.orders = _choice(document, "orders", ("", "kept", "ended"), page.orders)
    for one in _list(document, "people"):
        person(page, _id(world, one, "psid"), str(one.get("name", "Test Person"))).reachable = bool(
            one.get("reachable", True)
        )
    if instagram := document.get("instagram"):
        _check(instagram, "instagram")
        page.instagram_id = _instagram(world, instagram).id
    return page


def _instagram(world: World, document: Mapping[str, Any]) -> IGUser:
    account_id, username = _id(world, document), str(document.get("username", "test"))
    account = IGUser(account_id, username, str(document.get("name", username)))
    return world.find(IGUser, account_id) or world.add(account)


def _catalog(world: World, business: Business, document: Mapping[str, Any]) -> ProductCatalog:
    catalog_id = _id(world, document)
    owner = world.require(Business, str(document.get("business_id", business.id)), name="catalogs.business_id")
    catalog = world.find(ProductCatalog, catalog_id)
    if catalog is None:
        name, vertical = str(document.get("name", "Test Catalog")), str(document.get("vertical", "commerce"))
        catalog = world.add(ProductCatalog(catalog_id, name, owner.id, vertical=vertical))
        owner.catalogs.append(catalog.id)
    if "integration_id" in document:
        integration_id = _id(world, document, "integration_id")
        if world.find(CommercePartnerIntegration, integration_id) is None:
            world.add(CommercePartnerIntegration(integration_id, catalog.id))
    for business_id in _texts(document, "shared_with", ()):
        client = world.require(Business, business_id, name="catalogs.shared_with")
        if catalog.id not in client.client_catalogs:
            client.client_catalogs.append(catalog.id)
    return catalog
