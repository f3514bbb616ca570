"""How Meta says an installation: wording and reading."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.business_extension import graph
from connector.business_extension.model import Assets, CallToAction, Channel, Shop
from connector.values import CapabilityKind
from connector.vault import Secret

SHOP = Shop("Mina's Shop", "Asia/Dhaka", "BDT", "https://shop.example")


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_the_dialog_carries_the_extras() -> None:
    """The extras travel as JSON, whatever is in them; redirect URI and state byte for byte."""
    extras = graph.write_extras(
        Shop('"Mina" & Sons', "Etc/GMT-6", "BDT", "https://s.example", Channel.COMMERCE), "stormcom-1"
    )
    back, scopes = "https://a.example/b?c=d&e=f", graph.wanted_scopes([])
    url = graph.dialog("https://www.facebook.com/v26.0", "61", back, "s-_", scopes=scopes, extras=extras)
    query = query_of(url)
    assert "https://www.facebook.com/v26.0/dialog/oauth" == url.partition("?")[0]
    assert ("61", "https://a.example/b?c=d&e=f", "s-_") == (query["client_id"], query["redirect_uri"], query["state"])
    read = json.loads(query["extras"])
    assert ('"Mina" & Sons', "COMMERCE") == (read["business_config"]["business"]["name"], read["setup"]["channel"])


def test_an_optional_capability_is_asked_for_here_too() -> None:
    """Where operators want a capability, whoever installs is asked for its permissions, beside those of an installation."""
    more = set(graph.wanted_scopes([CapabilityKind.INSIGHTS])) - set(graph.wanted_scopes([]))
    assert {"ads_read"} == more
    assert set(graph.EXTENSION_SCOPES) <= set(graph.wanted_scopes([]))


def test_only_what_is_given_is_configured() -> None:
    """Buttons and menus that nobody gave are left as they are at Meta; each has its own name there."""
    button = CallToAction("Shop Now", "https://shop.example")
    shop = Shop("S", "Asia/Dhaka", "BDT", "https://s.example", instagram_button=button, messenger_menu=button)
    config = graph.write_extras(shop, "stormcom-1")["business_config"]
    assert {"business", "ig_cta", "messenger_menu"} == set(config)
    assert {"enabled": True, "cta_button_text": "Shop Now", "cta_button_url": "https://shop.example"} == config[
        "ig_cta"
    ]


def test_the_page_for_an_iframe() -> None:
    """It is told the client token, the shop, whether it is installed, and what is known of the platform."""
    query = query_of(graph.splash("61", Secret("public"), SHOP, "stormcom-1", installed=True))
    assert ("61|public", "61", "1", "stormcom-1") == (
        query["access_client_token"],
        query["app_id"],
        query["installed"],
        query["external_business_id"],
    )
    assert {
        "shop_domain": "https://shop.example",
        "client_version": "stormcom-1",
        "commerce_partner_seller_platform_type": "SELF_SERVE_PLATFORM",
        "platform_store_id": "stormcom-1",
    } == json.loads(query["external_client_metadata"])


def test_an_installation_is_read_whole() -> None:
    """Everything Meta names comes out, ids as texts, the pixel of the feature before the other one."""
    entry = {
        "business_manager_id": 20,
        "commerce_merchant_settings_id": "60",
        "commerce_partner_integration_id": "61",
        "onsite_eligible": True,
        "pixel_id": "old",
        "profiles": ["30"],
        "ad_account_id": "70",
        "catalog_id": 50,
        "pages": ["30", 31],
        "instagram_profiles": [{"id": "178"}],
        "ig_shop": {"status": "ignored"},
        "installed_features": [
            {"feature_type": "pixel", "connected_assets": {"pixel_id": "new"}},
            {"feature_type": "fb_shop", "additional_info": {"shop_status": "active"}},
            {"feature_type": "catalog"},
        ],
    }
    assert Assets(
        business_id="20",
        page_ids=("30", "31"),
        catalog_id="50",
        pixel_id="new",
        instagram_profile_ids=("178",),
        ad_account_id="70",
        commerce_account_id="60",
        integration_id="61",
        onsite_eligible=True,
        shop_status="active",
        features=("catalog", "fb_shop", "pixel"),
    ) == graph.read_installs("stormcom-1").read({"data": [entry]})


@pytest.mark.parametrize(
    ("entry", "assets"),
    [
        ({}, Assets()),
        ({"pages": None, "installed_features": None, "ig_shop": None}, Assets()),
        (
            {"pixel_id": "1", "installed_features": [{"feature_type": "pixel"}]},
            Assets(pixel_id="1", features=("pixel",)),
        ),
        ({"onsite_eligible": "true", "ig_shop": {"status": "inactive_other"}}, Assets(shop_status="inactive_other")),
        ({"pages": [True, None, {"name": "no id"}]}, Assets()),
    ],
)
def test_what_is_absent_is_none(entry: dict[str, Any], assets: Assets) -> None:
    """A sparse answer of Meta's is read for what is in it."""
    assert assets == graph.read_installs("stormcom-1").read({"data": [entry]})


def test_nothing_installed() -> None:
    """An empty list is no installation; an answer without a list is not one of Meta's."""
    call = graph.read_installs("stormcom-1")
    assert call.read({"data": []}) is None
    with pytest.raises(KeyError):
        call.read({})


def test_the_system_users_token_is_asked_for_in_the_business() -> None:
    """The call names app, shop and permissions; the token never shows."""
    call = graph.system_token("20", "61", "stormcom-1", scopes=graph.wanted_scopes([]))
    assert ("POST", "20/access_token", "61", "stormcom-1") == (
        call.method,
        call.path,
        (call.body or {})["app_id"],
        (call.body or {})["fbe_external_business_id"],
    )
    assert set(graph.EXTENSION_SCOPES) <= set((call.body or {})["scope"])
    assert "***" == str(call.read({"access_token": "EAAS"}))


def test_success_must_be_said() -> None:
    """Only `success: true` counts as done."""
    for call in (
        graph.delete_installs("stormcom-1"),
        graph.repair("stormcom-1", domain="https://s.example", admin_url=""),
    ):
        assert call.read({"success": True, "id": "1"}) is True
        with pytest.raises(ValueError, match="did not say"):
            call.read({"success": "true"})
