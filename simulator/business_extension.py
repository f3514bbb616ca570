"""Meta Business Extension: installs by the login dialog's `extras`, the read-back, the system user's token, repair, the end.

The merchant is quick: Allow installs the first Page and catalog of the first business (switches). Every install, change and end is
told by the webhook `fbe_install`. It refuses extras that Meta would refuse, naming the member.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

import orjson

from simulator.call import SUCCESS, Call, Json, Route
from simulator.errors import GraphError, invalid_parameter, permission_missing
from simulator.feed_state import CommercePartnerIntegration
from simulator.state import Application, Business, Page, Token, User
from simulator.tokens import granted_scopes
from simulator.world import World

NODES: dict[str, Any] = {}
SCOPE = "manage_business_extension"
# https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21), and what facebook-for-woocommerce sends.
CHANNELS = {"DEFAULT", "COMMERCE", "COMMERCE_OFFSITE", "ECOMMERCE"}
DOCUMENTED_SCOPES = {"ads_management", "catalog_management", SCOPE}
CONFIG_MEMBERS = {
    "business", "catalog_feed_scheduled", "page_cta", "ig_cta", "messenger_menu", "ig_shopping", "messenger_chat",
    "external_client",
}  # fmt: skip
# facebook-for-woocommerce, Connection.php (read 2026-11-21): no minutes.
_ETC = re.compile(r"Etc/GMT[+-]\d{1,2}")


@dataclass(slots=True)
class FbeInstall:
    """One installation: a shop of an app, by the shop's own name for itself."""

    id: str
    app_id: str
    external_business_id: str
    business_id: str
    user_id: str  # who installed
    system_user_id: str
    install_time: float
    pages: list[str] = field(default_factory=list)
    catalog_id: str = ""
    pixel_id: str = ""
    ad_account_id: str = ""
    instagram_profiles: list[str] = field(default_factory=list)
    commerce_merchant_settings_id: str = ""
    commerce_partner_integration_id: str = ""
    onsite_eligible: bool = False
    shop_status: str = "inactive_offsite"
    config: dict[str, Json] = field(default_factory=dict)


# --- the merchant ----------------------------------------------------------------------------------------------------


def read_extras(text: str) -> dict[str, Json]:
    """Read the dialog's `extras`.

    Raises:
        ValueError: naming what is wrong with them.

    """
    try:
        extras = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("extras: not valid JSON") from None
    setup = extras.get("setup") if isinstance(extras, dict) else None
    if not isinstance(setup, dict) or not isinstance(extras.get("business_config", {}), dict):
        raise ValueError("extras: expected an object with the objects setup and business_config")
    for name in ("external_business_id", "timezone", "currency", "business_vertical", "channel"):
        if not isinstance(setup.get(name), str) or not setup[name]:
            raise ValueError(f"extras.setup.{name}: expected a text")
    zone = setup["timezone"]
    if not (_ETC.fullmatch(zone) or zone in available_timezones()):
        raise ValueError(f"extras.setup.timezone: {zone!r} is neither an IANA name nor Etc/GMT with whole hours")
    if setup["channel"] not in CHANNELS:
        raise ValueError(f"extras.setup.channel: expected one of {sorted(CHANNELS)}")
    if unknown := extras.get("business_config", {}).keys() - CONFIG_MEMBERS:
        raise ValueError(f"extras.business_config: unknown members {sorted(unknown)}")
    return dict(extras)


def install(world: World, app: Application, user: User, extras: Mapping[str, Any], *, granted: bool) -> None:
    """Install for the merchant who allowed it in the dialog, or change what is installed; without the permission, nothing."""
    business = world.find(Business, user.businesses[0]) if user.businesses else None
    if business is None or not granted or not world.switches.dialog_installs:
        return
    name = extras["setup"]["external_business_id"]
    found = find(world, app.id, name)
    if found is None:
        system_user = _make_system_user(world, app, business)
        found = FbeInstall(
            world.new_id(),
            app.id,
            name,
            business.id,
            user.id,
            system_user.id,
            world.clock.now(),
            ad_account_id=world.new_id(),
        )
        world.add(found)
    _take_assets(world, found, business, user, extras)
    found.config |= extras.get("business_config", {})
    tell(world, found)


def _make_system_user(world: World, app: Application, business: Business) -> User:
    system_user = User(world.new_id(), f"{app.name} System User (FBE)", [business.id], role="EMPLOYEE")
    return world.add(system_user)


def _take_assets(world: World, install: FbeInstall, business: Business, user: User, extras: Mapping[str, Any]) -> None:
    """Give the installation what the merchant ticks: the first Pages and catalogs, as the switches say."""
    pages = [page for page in business.pages if page in user.page_tasks]
    install.pages = pages[: world.switches.install_pages]
    catalogs = business.catalogs[: world.switches.install_catalogs]
    install.catalog_id = catalogs[0] if catalogs else ""
    install.pixel_id = extras["setup"].get("pixel_id") or install.pixel_id or world.new_id()
    accounts = (world.require(Page, page, name="pages").instagram_id for page in install.pages)
    install.instagram_profiles = [account for account in accounts if account]
    if extras["setup"]["channel"].startswith("COMMERCE"):
        install.commerce_merchant_settings_id = install.commerce_merchant_settings_id or world.new_id()
    _assign(world, install, user)


def _assign(world: World, install: FbeInstall, user: User) -> None:
    """Give the system user its roles on the Pages."""
    system_user = world.require(User, install.system_user_id, name="system_user_id")
    system_user.page_tasks = {page: list(user.page_tasks.get(page, [])) for page in install.pages}


def find(world: World, app_id: str, external_business_id: str) -> FbeInstall | None:
    """Find an app's installation by the shop's name for itself."""
    same = (
        one for one in world.all(FbeInstall) if (one.app_id, one.external_business_id) == (app_id, external_business_id)
    )
    return next(same, None)


def change(world: World, install: FbeInstall, changes: Mapping[str, Any]) -> None:
    """Change what is installed, as the merchant does in the business settings, and tell the app."""
    for name, value in changes.items():
        setattr(install, name, value)
    _assign(world, install, world.require(User, install.user_id, name="user_id"))
    tell(world, install)


def uninstall(world: World, install: FbeInstall) -> None:
    """End an installation: it is forgotten, its system user's tokens die, the app is told."""
    tell(world, install, ended=True)
    world.forget(install)
    for token in world.tokens.values():
        of_system_user = (token.app_id, token.user_id) == (install.app_id, install.system_user_id)
        # Unverified: whether they die, and with which subcode.
        if of_system_user and token.death is None and world.switches.uninstall_kills_tokens:
            token.death = world.switches.uninstall_subcode


def tell(world: World, install: FbeInstall, *, ended: bool = False) -> None:
    """Tell the app by the webhook of object `user`, if it wants it."""
    app = world.apps.get(install.app_id)
    subscription = app.subscriptions.get("user") if app else None
    if app is None or subscription is None or "fbe_install" not in subscription.fields:
        return
    # facebook-for-woocommerce, Connection.php (read 2026-11-21): the members; an end has no token, or an empty one.
    value: dict[str, Json] = {
        "business_id": install.external_business_id,
        "business_manager_id": install.business_id,
        "access_token": "" if ended else _issue(world, app, install, DOCUMENTED_SCOPES).value,
        "install_time": int(install.install_time),
        **_assets(install),
    }
    if ended and world.switches.uninstall_webhook == "absent":
        del value["access_token"]
    payload = {"field": "fbe_install", "value": value}
    world.outbox.tell(app, "user", install.system_user_id, "changes", payload)


# --- Graph -----------------------------------------------------------------------------------------------------------


def _assets(install: FbeInstall) -> dict[str, Json]:
    listed = {
        "pixel_id": install.pixel_id,
        "catalog_id": install.catalog_id,
        "ad_account_id": install.ad_account_id,
        "pages": install.pages,
        "profiles": install.pages,
        "instagram_profiles": install.instagram_profiles,
        "commerce_merchant_settings_id": install.commerce_merchant_settings_id,
    }
    return {name: value for name, value in listed.items() if value} | {"onsite_eligible": install.onsite_eligible}


def list_installs(call: Call) -> Json:
    """Serve `GET /fbe_business/fbe_installs`: the shop's installation, or none."""
    install = _reached(call)
    if install is None:
        return {"data": []}
    # facebook-for-woocommerce and meta-for-magento2 (read 2026-11-21); which feature tells shop_status is Unverified.
    document = {"business_manager_id": install.business_id, **_assets(install)}
    if install.commerce_partner_integration_id:
        document["commerce_partner_integration_id"] = install.commerce_partner_integration_id
    pixel = {"feature_type": "pixel", "connected_assets": {"pixel_id": install.pixel_id}, "additional_info": {}}
    shop = {"feature_type": "fb_shop", "connected_assets": {}, "additional_info": {"shop_status": install.shop_status}}
    features = [
        feature
        for feature, wanted in ((pixel, install.pixel_id), (shop, install.commerce_merchant_settings_id))
        if wanted
    ]
    return {"data": [document | {"ig_shop": {"status": install.shop_status}, "installed_features": features}]}


def delete_installs(call: Call) -> Json:
    """Serve `DELETE /fbe_business/fbe_installs`."""
    uninstall(call.world, _require(call))
    return SUCCESS


def read_config(call: Call) -> Json:
    """Serve `GET /fbe_business`: the configuration, or where the merchant manages it."""
    install = _require(call)
    # facebook-for-woocommerce, MetaExtension.php (read 2026-11-21); the address's path is Unverified.
    if [one.name for one in call.fields] == ["commerce_extension"]:
        return {
            "commerce_extension": {
                "uri": f"https://www.commercepartnerhub.com/commerce_extension/management/{install.id}"
            }
        }
    return dict(install.config)


def write_config(call: Call) -> Json:
    """Serve `POST /fbe_business`."""
    install, config = _require(call), call.structure("business_config", dict)
    if unknown := config.keys() - CONFIG_MEMBERS:
        raise invalid_parameter(f"Param business_config has unknown members: {sorted(unknown)}")
    install.config |= config
    tell(call.world, install)
    return SUCCESS


def repair(call: Call) -> Json:
    """Serve `POST /commerce_partner_integrations_repair`: the shop has an integration afterwards."""
    install, world = _require(call), call.world
    for name in ("shop_domain", "admin_url", "extension_version", "commerce_partner_seller_platform_type"):
        call.text(name)
    if not install.commerce_partner_integration_id:
        install.commerce_partner_integration_id = world.new_id()
        world.add(CommercePartnerIntegration(install.commerce_partner_integration_id, install.catalog_id))
    return {"success": True, "id": install.commerce_partner_integration_id}


def issue_system_token(call: Call) -> Json:
    """Serve `POST /{business}/access_token`: the token of the installation's system user."""
    app, world = call.app, call.world
    # https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21): mandatory here, whatever the app's setting.
    # Unverified: code and type of the refusal.
    if not call.params.get("appsecret_proof"):
        message = "API calls from the server require an appsecret_proof argument"
        raise GraphError(message, code=100, type="GraphMethodException")
    install = _require(call)
    if app is None or call.text("app_id") != app.id or install.business_id != call.node.id:
        raise invalid_parameter(
            "Param app_id or fbe_external_business_id: nothing is installed for that in this business"
        )
    token = _issue(world, app, install, set(call.names("scope")))
    return {"access_token": token.value}


def _issue(world: World, app: Application, install: FbeInstall, wanted: set[str]) -> Token:
    """Issue the system user's token, with as much of what is wanted as the person who installed granted."""
    person = world.require(User, install.user_id, name="user_id").grants.get(app.id, {})
    granted = {scope for scope in wanted if person.get(scope) == "granted"}
    if not world.switches.system_user_speaks_for_pages:  # Unverified: only the three permissions are documented
        granted &= DOCUMENTED_SCOPES
    system_user = world.require(User, install.system_user_id, name="system_user_id")
    system_user.grants.setdefault(app.id, {}).update(dict.fromkeys(sorted(granted), "granted"))
    # Unverified: that it never expires.
    return world.issue_token("SYSTEM_USER", app.id, user_id=system_user.id, scopes=tuple(sorted(granted)))


def _reached(call: Call) -> FbeInstall | None:
    """Find the installation a call is about, if its token is of somebody whom it concerns."""
    token, app = call.token, call.app
    if token is None or app is None or SCOPE not in granted_scopes(call.world, token):
        raise permission_missing(SCOPE)
    install = find(call.world, app.id, call.text("fbe_external_business_id"))
    return install if install and token.user_id in {install.user_id, install.system_user_id} else None


def _require(call: Call) -> FbeInstall:
    install = _reached(call)
    if install is None:
        # Unverified: how Meta words it.
        raise invalid_parameter("Param fbe_external_business_id: nothing is installed for that")
    return install


ROUTES = {
    # facebook-for-woocommerce (read 2026-11-21)
    ("", "GET", "fbe_business/fbe_installs"): Route(list_installs),
    ("", "DELETE", "fbe_business/fbe_installs"): Route(delete_installs),
    ("", "GET", "fbe_business"): Route(read_config),
    ("", "POST", "fbe_business"): Route(write_config),
    ("", "POST", "commerce_partner_integrations_repair"): Route(repair),
    ("Business", "POST", "access_token"): Route(issue_system_token),
}
