"""How Meta says an installation: the dialog's extras, the page for an iframe, read-back, token, repair, end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from connector.business_extension.model import EXTENSION_VERSION, Assets, CallToAction, Shop
from connector.connections.model.needs import scopes_for
from connector.graph.call import Call, Effect, read_success
from connector.values import CapabilityKind
from connector.vault import Secret

# facebook-for-woocommerce a1e17a8, MetaExtension.php; meta-for-magento2 (read 2026-11-21)
_SPLASH = "https://www.commercepartnerhub.com/commerce_extension/splash/"
# https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21)
_VERTICAL = "ECOMMERCE"
# facebook-for-woocommerce and meta-for-magento2 each send a word of their own; this one both know (read 2026-11-21)
_PLATFORM = "SELF_SERVE_PLATFORM"

# https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21)
INSTALL_SCOPE = "manage_business_extension"
EXTENSION_SCOPES = ("ads_management", "catalog_management", INSTALL_SCOPE)
"""What Meta documents for the system user of an installation."""


def wanted_scopes(kinds: Iterable[CapabilityKind]) -> tuple[str, ...]:
    """List what the merchant is asked for: what an installation wants, and what every connection with these capabilities wants."""
    return tuple(sorted({*EXTENSION_SCOPES, *scopes_for(kinds)}))


def dialog(
    dialog_url: str,
    app_id: str,
    redirect_uri: str,
    state: str,
    *,
    scopes: Sequence[str],
    extras: Mapping[str, Any],
) -> str:
    """Write the URL of the login dialog that installs."""
    # https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21): the login dialog, with `extras`.
    query = {
        "client_id": app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "response_type": "code",
        "scope": ",".join(scopes),
        "extras": orjson.dumps(extras).decode(),
    }
    return f"{dialog_url}/dialog/oauth?{urlencode(query)}"


def write_extras(shop: Shop, external_business_id: str) -> dict[str, Any]:
    """Write what the dialog is told of the shop."""
    # https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21)
    setup = {
        "external_business_id": external_business_id,
        "timezone": shop.timezone,
        "currency": shop.currency,
        "business_vertical": _VERTICAL,
        "channel": str(shop.channel),
        "domain": shop.domain,
    }
    buttons = {
        "page_cta": shop.page_button,
        "ig_cta": shop.instagram_button,
        "messenger_menu": shop.messenger_menu,
    }
    config = {"business": {"name": shop.business_name}, **_write_buttons(buttons)}
    return {"setup": setup, "business_config": config, "repeat": False}


def _write_buttons(buttons: Mapping[str, CallToAction | None]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, button in buttons.items():
        if button is not None:
            written[name] = {"enabled": True, "cta_button_text": button.text, "cta_button_url": button.url}
            written[name] |= {"below_button_text": button.below_text} if button.below_text else {}
    return written


def splash(app_id: str, client_token: Secret, shop: Shop, external_business_id: str, *, installed: bool) -> str:
    """Write the URL of the page that installs inside an iframe."""
    metadata = {
        "shop_domain": shop.domain,
        "admin_url": shop.admin_url,
        "client_version": EXTENSION_VERSION,
        "commerce_partner_seller_platform_type": _PLATFORM,
        "country_code": shop.country_code,
        "platform_store_id": external_business_id,
    }
    query = {
        "access_client_token": f"{app_id}|{client_token.reveal()}",
        "app_id": app_id,
        "business_vertical": _VERTICAL,
        "channel": str(shop.channel),
        "business_name": shop.business_name,
        "currency": shop.currency,
        "timezone": shop.timezone,
        "external_business_id": external_business_id,
        "installed": "1" if installed else "0",
        "external_client_metadata": orjson.dumps({name: text for name, text in metadata.items() if text}).decode(),
    }
    return f"{_SPLASH}?{urlencode(query)}"


def read_installs(external_business_id: str) -> Call[Assets | None]:
    """Ask what is installed for a shop; None when nothing is."""
    # facebook-for-woocommerce, API/FBE/Installation/Read; meta-for-magento2, GraphAPIAdapter.php (read 2026-11-21)
    asked = {"fbe_external_business_id": external_business_id}
    return Call("GET", "fbe_business/fbe_installs", params=asked, read=_installed)


def delete_installs(external_business_id: str) -> Call[bool]:
    """Uninstall."""
    # facebook-for-woocommerce, API/FBE/Installation/Delete (read 2026-11-21)
    asked = {"fbe_external_business_id": external_business_id}
    return Call("DELETE", "fbe_business/fbe_installs", params=asked, read=read_success, effect=Effect.REPEATABLE)


def repair(external_business_id: str, *, domain: str, admin_url: str) -> Call[bool]:
    """Ask Meta to repair the commerce integration of an installation."""
    # facebook-for-woocommerce a1e17a8, API.php; meta-for-magento2, GraphAPIAdapter.php (read 2026-11-21)
    told = {
        "fbe_external_business_id": external_business_id,
        "shop_domain": domain,
        "admin_url": admin_url or domain,
        "extension_version": EXTENSION_VERSION,
        "commerce_partner_seller_platform_type": _PLATFORM,
    }
    return Call("POST", "commerce_partner_integrations_repair", body=told, read=read_success, effect=Effect.REPEATABLE)


def system_token(business_id: str, app_id: str, external_business_id: str, *, scopes: Sequence[str]) -> Call[Secret]:
    """Fetch the token of the system user that Meta made for the installation; to be sent with the installer's token."""
    # SDK 26.0.3, business.py, create_access_token; appsecret_proof is mandatory here:
    # https://developers.facebook.com/docs/marketing-api/fbe (read 2026-11-21). Unverified: that it gives more permissions than
    # the three it documents, and that a second call is answered like the first.
    asked = {
        "app_id": app_id,
        "scope": list(scopes),
        "fbe_external_business_id": external_business_id,
    }
    return Call("POST", f"{business_id}/access_token", body=asked, read=_token, effect=Effect.REPEATABLE)


def _installed(answer: Any) -> Assets | None:
    """Read the one installation of a shop. Ids may come as numbers; what is absent is none."""
    entry = next(iter(answer["data"]), None)
    if entry is None:
        return None
    features = [feature for feature in entry.get("installed_features") or () if isinstance(feature, dict)]
    return Assets(
        business_id=_id(entry.get("business_manager_id")),
        page_ids=_ids(entry.get("pages")),
        catalog_id=_id(entry.get("catalog_id")),
        # facebook-for-woocommerce, API/FBE/Installation/Read/Response.php (read 2026-11-21): the feature's pixel comes first.
        pixel_id=_id(_of_feature(features, "pixel", "connected_assets", "pixel_id")) or _id(entry.get("pixel_id")),
        instagram_profile_ids=_ids(entry.get("instagram_profiles")),
        ad_account_id=_id(entry.get("ad_account_id")),
        commerce_account_id=_id(entry.get("commerce_merchant_settings_id")),
        integration_id=_id(entry.get("commerce_partner_integration_id")),
        onsite_eligible=entry.get("onsite_eligible") is True,
        shop_status=_shop_status(entry, features),
        features=tuple(sorted({_id(feature.get("feature_type")) for feature in features} - {""})),
    )


def _shop_status(entry: Mapping[str, Any], features: Sequence[Mapping[str, Any]]) -> str:
    # Unverified: which feature tells it; Magento reads `ig_shop.status`.
    told = (_id((feature.get("additional_info") or {}).get("shop_status")) for feature in features)
    return next(filter(None, told), "") or _id((entry.get("ig_shop") or {}).get("status"))


def _of_feature(features: Sequence[Mapping[str, Any]], kind: str, part: str, name: str) -> Any:
    of_kind = (feature for feature in features if feature.get("feature_type") == kind)
    return next(((feature.get(part) or {}).get(name) for feature in of_kind), None)


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _ids(values: Any) -> tuple[str, ...]:
    """Read a list of ids; Unverified: each may be an object with an id instead."""
    return tuple(filter(None, (_id(one.get("id") if isinstance(one, dict) else one) for one in values or ())))


def _token(answer: Any) -> Secret:
    return Secret(str(answer["access_token"]))
